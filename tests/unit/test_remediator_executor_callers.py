"""A remediation whose last word is a caller's: OPTIONS to the virtual IP once the ports are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.clock import Deadline
from cluster.config_service import ServiceProbe
from cluster.model import PortState, Problem, Reading, Reason, SipMode
from cluster.sip.options import SipAnswer
from remediator.look_result import Ending, LookResult
from remediator.looks import Trigger
from remediator.rows import Hold
from remediator.switch_answer import Sent
from tests.unit.fake_pair import CLUSTER, Bench, FakeClock, FakeHost, bench

P, B = SipMode.PRIMARY, SipMode.BACKUP
E, D = PortState.ENABLED, PortState.DISABLED
PROBE = ServiceProbe.model_validate({"timeout": "1500ms", "verify_remediations": True})
PROBED = CLUSTER.model_copy(update={"service_probe": PROBE})
COMMAND = "OPTIONS sip:10.9.0.100:5060"
SILENT = (
    "the ports are right, and no SIP service answers at the virtual IP: "
    f"{COMMAND}: timeout: no answer in time"
)


@dataclass
class FakeVirtualIp:
    """A virtual IP that answers when its test says so; a silent one takes the whole time."""

    serves: bool = True
    asked: list[float] = field(default_factory=list)
    clock: FakeClock | None = None
    on_ask: Callable[[], None] = lambda: None

    def ask(self, deadline: Deadline) -> Reading[SipAnswer]:
        """Answer at once, or let the time pass."""
        assert self.clock is not None
        asked = self.clock.now()
        self.asked.append(round(deadline.remaining(asked), 6))
        self.on_ask()
        self.clock.seconds += 0.125 if self.serves else 1.5
        answer = SipAnswer(200, "OK") if self.serves else SipAnswer()
        problem = None if self.serves else Problem(Reason.TIMEOUT, "no answer in time")
        return Reading(answer, "options", asked, self.clock.now(), problem=problem, command=COMMAND)


def made(tmp_path: Path, virtual_ip: FakeVirtualIp, one: FakeHost, two: FakeHost) -> Bench:
    """Return an executor that verifies by this virtual IP."""
    made = bench(tmp_path, one, two, verify_timeout="5s", callers={PROBED.name: virtual_ip})
    virtual_ip.clock = made.pair.clock
    return made


def look(given: Bench, trigger: Trigger = Trigger.ALERT) -> LookResult:
    """Look once at the cluster that has a probe."""
    return given.executor.look(PROBED, trigger, given.stop)


def decisions(given: Bench) -> list[tuple[str, str | None, Any]]:
    """Return reason, outcome and the virtual IP's answer of every decision, oldest first."""
    rows = [row for row in given.journal.rows() if row.kind == "decision"]
    return [(row.reason, row.outcome, row.detail.get("virtual_ip")) for row in reversed(rows)]


def persons(given: Bench) -> list[tuple[str, str | None]]:
    """Return reason and outcome of every call for a person, oldest first."""
    rows = [row for row in given.journal.rows() if row.kind == "person"]
    return [(row.reason, row.outcome) for row in reversed(rows)]


def test_the_answer_of_a_caller_stands_in_the_journal(tmp_path: Path) -> None:
    """After the ports were read as switched one OPTIONS is sent, and what it brought is kept."""
    virtual_ip = FakeVirtualIp()
    pair = made(tmp_path, virtual_ip, FakeHost(B, E), FakeHost(P, D))

    assert look(pair).ending is Ending.REMEDIATED
    assert decisions(pair) == [("", "remediated", f"{COMMAND}: 200 OK after 0.125 s")]
    assert virtual_ip.asked == [1.5]
    (row,) = (row for row in pair.journal.rows() if row.kind == "decision")
    assert set(row.detail) == {"why", "view", "virtual_ip"}


def test_without_an_answer_a_person_is_called_and_nothing_is_undone(tmp_path: Path) -> None:
    """It is asked again for the time that verifying may take; the ports stay as they are."""
    virtual_ip = FakeVirtualIp(serves=False)
    pair = made(tmp_path, virtual_ip, FakeHost(B, E), FakeHost(P, D))

    result = look(pair)

    assert (result.ending, result.hold, result.text) == (
        Ending.HELD, Hold.VIRTUAL_IP_UNANSWERED, SILENT,
    )  # fmt: skip
    assert pair.pair.commands == ["enable 5060 on sip-west-2", "disable 5060 on sip-west-1"]
    assert pair.ports() == (D, E)
    assert len(virtual_ip.asked) == 3
    assert persons(pair) == [("virtual_ip_unanswered", None)]
    silent = f"{COMMAND}: timeout: no answer in time"
    assert decisions(pair) == [
        ("", "incomplete", silent),
        ("virtual_ip_unanswered", "held", None),
    ]


def test_looks_after_that_ask_until_somebody_answers(tmp_path: Path) -> None:
    """A look asks once; the person is no longer needed when the virtual IP answers."""
    virtual_ip = FakeVirtualIp(serves=False)
    pair = made(tmp_path, virtual_ip, FakeHost(B, E), FakeHost(P, D))
    look(pair)
    virtual_ip.asked.clear()

    assert look(pair, Trigger.HOLD).ending is Ending.HELD
    assert len(virtual_ip.asked) == 1
    virtual_ip.serves = True
    result = look(pair, Trigger.HOLD)
    assert (result.ending, result.virtual_ip) == (Ending.RIGHT, f"{COMMAND}: 200 OK after 0.125 s")
    assert persons(pair) == [("virtual_ip_unanswered", "right")]
    assert look(pair).ending is Ending.RIGHT
    assert len(virtual_ip.asked) == 2


def test_another_hold_in_between_does_not_end_the_question(tmp_path: Path) -> None:
    """What passed was the other hold: nobody has answered yet."""
    virtual_ip = FakeVirtualIp(serves=False)
    pair = made(tmp_path, virtual_ip, FakeHost(B, E), FakeHost(P, D))
    look(pair)
    pair.two().port_readable = False
    assert look(pair, Trigger.HOLD).hold is Hold.PORT_UNREADABLE
    pair.two().port_readable = True

    assert look(pair, Trigger.HOLD).hold is Hold.VIRTUAL_IP_UNANSWERED
    virtual_ip.serves = True
    assert look(pair, Trigger.HOLD).ending is Ending.RIGHT
    assert persons(pair) == [
        ("virtual_ip_unanswered", "passed"),
        ("virtual_ip_unanswered", "right"),
    ]


def test_a_mode_that_changes_meanwhile_is_not_kept_waiting(tmp_path: Path) -> None:
    """Between two questions the pair is read anew, and a new primary's port is opened."""
    virtual_ip = FakeVirtualIp(serves=False)
    pair = made(tmp_path, virtual_ip, FakeHost(B, E), FakeHost(P, D))

    def back() -> None:
        if len(virtual_ip.asked) == 1:
            pair.one().mode, pair.two().mode = P, B
        virtual_ip.serves = len(virtual_ip.asked) > 1

    virtual_ip.on_ask = back
    assert look(pair).ending is Ending.REMEDIATED
    assert pair.pair.commands[2:] == ["enable 5060 on sip-west-1", "disable 5060 on sip-west-2"]
    assert pair.ports() == (E, D)


def test_a_pair_that_is_right_is_not_called(tmp_path: Path) -> None:
    """Only a remediation is verified; looks by themselves send callers nothing."""
    virtual_ip = FakeVirtualIp()
    pair = made(tmp_path, virtual_ip, FakeHost(P, E), FakeHost(B, D))

    assert (look(pair).ending, virtual_ip.asked) == (Ending.RIGHT, [])


def test_without_a_configured_probe_nothing_is_asked(tmp_path: Path) -> None:
    """It is off by default."""
    pair = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))

    assert look(pair).virtual_ip is None
    assert decisions(pair) == [("", "remediated", None)]


def changes(given: Bench) -> list[tuple[str, str, str, str]]:
    """Return host, states and last sight of the old state of every change by other hands."""
    rows = [row for row in given.journal.rows() if row.kind == "port_change"]
    return [
        (row.host, row.detail["before"], row.detail["after"], row.detail["last_seen_before"])
        for row in reversed(rows)
    ]


def test_a_port_that_other_hands_changed_is_a_row_with_its_time(tmp_path: Path) -> None:
    """What was seen before, what is seen now, and the span in between."""
    pair = bench(tmp_path, FakeHost(P, E), FakeHost(B, D), policy={"level": "observe"})
    pair.look()
    pair.pair.pass_time(20)
    pair.two().port = E
    pair.look(Trigger.ROUTINE)

    (row,) = (row for row in pair.journal.rows() if row.kind == "port_change")
    assert (row.cluster, row.host, row.port, row.reason, row.outcome, row.trigger) == (
        "sip-west", "sip-west-2", "5060", "other_hands", "found", "routine",
    )  # fmt: skip
    assert row.detail == {
        "rule": "all 5060-5061 both",
        "before": "disabled",
        "after": "enabled",
        "last_seen_before": "2031-05-06T07:08:09.000Z",
        "first_seen_after": "2031-05-06T07:08:29.100Z",
    }


def test_what_we_switched_is_no_others_hand(tmp_path: Path) -> None:
    """A remediation leaves no such row, also where the port follows late; a mode change neither."""
    pair = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))
    pair.look()
    pair.one().mode, pair.two().mode = P, B
    pair.look()

    assert pair.ports() == (E, D)
    assert changes(pair) == []


def test_a_script_that_switches_back_is_seen_at_once(tmp_path: Path) -> None:
    """Within the same look: our command was followed, and then undone."""
    pair = bench(tmp_path, FakeHost(P, D), FakeHost(B, D))
    undone: list[int] = []

    def undo() -> None:
        if pair.one().port is E and not undone:
            undone.append(1)
            pair.pair.events.append((pair.pair.clock.seconds + 0.06, close))

    def close() -> None:
        pair.one().port = D

    pair.pair.after_command = lambda action: undo()
    pair.look()

    assert [change[:3] for change in changes(pair)] == [("sip-west-1", "enabled", "disabled")]


def test_a_command_that_was_not_sent_excuses_nothing(tmp_path: Path) -> None:
    """What it wanted was then somebody else's doing; one without an answer may still be ours."""
    pairs = []
    for sent in (Sent.NOT_SENT, Sent.REFUSED, Sent.NO_ANSWER):
        folder = tmp_path / sent
        folder.mkdir()
        pair = bench(folder, FakeHost(P, D, sent=sent, obeys=False), FakeHost(B, D))
        assert pair.look().ending is Ending.HELD
        pair.one().port = E
        pair.look()
        pairs.append(changes(pair))

    not_sent, refused, no_answer = pairs
    for unsent in (not_sent, refused):
        assert [change[:3] for change in unsent] == [("sip-west-1", "disabled", "enabled")]
    assert no_answer == []


def test_what_others_do_instead_of_an_unsent_command_is_theirs(tmp_path: Path) -> None:
    """The port is as wanted at the next reading, and nothing of ours reached the host."""
    pair = bench(tmp_path, FakeHost(P, D, sent=Sent.NOT_SENT), FakeHost(B, D))

    def by_hand() -> None:
        pair.one().port = E

    pair.pair.after_command = lambda action: by_hand()
    pair.look()

    assert pair.actions() == [("sip-west-1", "enable", "not_sent")]
    assert [change[:3] for change in changes(pair)] == [("sip-west-1", "disabled", "enabled")]
