"""What users of other repair programs suffered, where it is a matter of logic: time is passed in.

Each docstring begins with the suffering. Those of processes are in
``tests/integration/test_sufferings.py``; RELIABILITY.md names the tests of each.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.model import NodeState, PortState, SipMode
from remediator.journal_schema import Kind
from remediator.look_result import Ending
from remediator.looks import Trigger
from remediator.planner import Action
from remediator.rows import Hold
from remediator.switch_answer import Sent
from tests.unit.fake_pair import Bench, FakeHost, bench
from tests.unit.test_remediator_executor import restarted

P, B = SipMode.PRIMARY, SipMode.BACKUP
E, D = PortState.ENABLED, PortState.DISABLED
CONVERGING = NodeState.CONVERGING


class Killed(BaseException):
    """Ends a look as SIGKILL does: nothing of ours runs after it."""


def _outcomes(made: Bench) -> list[str | None]:
    return [outcome for _, _, outcome in made.actions()]


def _blind(made: Bench, *, whole_host: bool) -> None:
    """Let nothing be read of the second host once a command has been sent to it."""

    def lose(_: Action) -> None:
        made.two().port_readable = False
        made.two().reachable = not whole_host

    made.pair.after_command = lose


@pytest.mark.parametrize("whole_host", [False, True], ids=["port", "host"])
@pytest.mark.parametrize("done", [False, True], ids=["not-done", "done"])
def test_missing_evidence_is_no_success(tmp_path: Path, done: bool, whole_host: bool) -> None:
    """A command that answered "done" was counted as a repair though nothing could be read after."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D, obeys=done), verify_timeout="4s")
    _blind(made, whole_host=whole_host)

    result = made.look()

    assert result.ending is Ending.HELD
    assert set(_outcomes(made)) == {"unreadable"}
    assert {row.outcome for row in made.journal.rows(kind=Kind.DECISION)} == {"incomplete", "held"}
    assert "disable 5060 on sip-west-1" not in made.pair.commands


def test_a_host_that_says_done_and_does_nothing_calls_a_person(tmp_path: Path) -> None:
    """The answer of a command was taken for its effect, and nobody was called."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D, obeys=False), verify_timeout="4s")

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.ACTION_FAILED)
    assert _outcomes(made) == ["not_followed"] * 3
    assert [row.reason for row in made.journal.open_rows(Kind.PERSON)] == ["action_failed"]


@pytest.mark.parametrize("inconclusive", [False, True], ids=["not-followed", "unreadable"])
def test_thirty_alerts_after_an_inconclusive_run_are_not_thirty_runs(
    tmp_path: Path, inconclusive: bool
) -> None:
    """An alert that fired on after a run without a clear end started the same run thirty times."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D, obeys=False), verify_timeout="4s")
    if inconclusive:

        def flicker(_: Action) -> None:
            made.two().port_readable = False
            made.pair.events = [(made.pair.clock.seconds + 6.0, see)]

        def see() -> None:
            made.two().port_readable = True

        made.pair.after_command = flicker
    begun = made.pair.clock.seconds
    for number in range(
        30
    ):  # every 30 s by Alertmanager's repeat_interval, for a quarter of an hour
        made.pair.pass_time(max(0.0, begun + 30.0 * number - made.pair.clock.seconds))
        assert made.look().ending is Ending.HELD
        made.pair.pass_time(15.0)
        assert made.look(Trigger.HOLD).ending is Ending.HELD

    tries = len(made.pair.commands)
    assert set(_outcomes(made)) == {"unreadable" if inconclusive else "not_followed"}
    assert 3 < tries <= 9, "three tries, then after 15, 30, 60, 120, 300 s"
    assert len(made.journal.rows(kind=Kind.PERSON)) == 1
    assert len(made.journal.rows(limit=500)) <= 3 * tries + 3


def test_a_refire_shortly_after_a_good_repair_finds_it_right(tmp_path: Path) -> None:
    """An alert that took its time to end had the finished repair done over again."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))
    assert made.look().ending is Ending.REMEDIATED
    sent = list(made.pair.commands)

    for _ in range(10):
        made.pair.pass_time(3.0)
        assert made.look().ending is Ending.RIGHT

    assert made.pair.commands == sent
    assert [(row.outcome, row.count) for row in made.journal.rows(kind=Kind.DECISION)] == [
        ("right", 10),
        ("remediated", 1),
    ]


def test_runs_that_died_one_after_the_other_block_none_after_them(tmp_path: Path) -> None:
    """A run that died left its mark, and every later one waited for it to end."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))

    def die(_: Action) -> None:
        raise Killed

    for _ in range(5):
        made.pair.before_command = die
        with pytest.raises(Killed):
            restarted(made).look(Trigger.START)
    made.pair.before_command = lambda _: None

    assert restarted(made).look(Trigger.START).ending is Ending.REMEDIATED
    assert _outcomes(made) == ["found_not_done"] * 5 + ["verified"] * 2
    assert made.journal.open_rows(Kind.ACTION) == made.journal.open_rows(Kind.DECISION) == []
    assert made.ports() == (D, E)


def test_an_intent_of_a_dead_run_is_not_carried_out_when_the_mode_has_gone_back(
    tmp_path: Path,
) -> None:
    """A restart finished by rote what the dead run had begun, against the mode of the day."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))

    def die(_: Action) -> None:
        raise Killed

    made.pair.before_command = die
    with pytest.raises(Killed):
        made.look()
    made.one().mode, made.two().mode = P, B
    made.pair.before_command = lambda _: None

    assert restarted(made).look(Trigger.START).ending is Ending.RIGHT
    assert made.pair.commands == []
    assert _outcomes(made) == ["found_not_done"]


def test_a_command_that_hangs_ends_and_the_next_run_is_free(tmp_path: Path) -> None:
    """A command that never came back kept its cluster locked until somebody restarted the program."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D, obeys=False, sent=Sent.NO_ANSWER))

    assert made.look().hold is Hold.ACTION_FAILED
    made.two().obeys, made.two().sent = True, Sent.ANSWERED
    made.pair.pass_time(60.0)

    assert made.look().ending is Ending.REMEDIATED
    assert _outcomes(made) == ["no_answer"] * 3 + ["verified"] * 2


def test_a_host_that_comes_back_open_is_closed_without_an_alert(tmp_path: Path) -> None:
    """After a partition had healed, nobody told the host that came back that it was not in charge."""
    made = bench(tmp_path, FakeHost(P, E, reachable=False), FakeHost(P, D))
    assert made.look().hold is Hold.FENCE_PENDING
    assert made.look(Trigger.HOLD).hold is Hold.FENCE_PENDING
    made.one().reachable, made.one().mode = True, B

    assert made.look(Trigger.HOLD).ending is Ending.REMEDIATED
    assert made.ports() == (D, E)
    assert [(r.host, r.outcome) for r in made.journal.rows(kind=Kind.FENCE)] == [
        ("sip-west-1", "closed")
    ]

    made.one().port = E  # its driver was loaded anew, and opens every rule
    assert made.look(Trigger.ROUTINE).ending is Ending.REMEDIATED
    assert made.ports() == (D, E)


def test_a_node_that_reads_differently_again_and_again_earns_no_endless_tries(
    tmp_path: Path,
) -> None:
    """Something new about the host was taken for a reason to try again, each time it came back."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D, obeys=False))

    def flap() -> None:
        node = made.two().node
        made.two().node = NodeState.CONVERGED if node is CONVERGING else CONVERGING
        made.pair.events.append((made.pair.clock.seconds + 7.0, flap))

    flap()
    while made.pair.clock.seconds < 900.0:
        assert made.look(Trigger.HOLD).ending is Ending.HELD
        made.pair.pass_time(15.0)

    assert len(made.pair.commands) <= 12
