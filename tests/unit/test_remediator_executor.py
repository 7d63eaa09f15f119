"""One look and what follows from it, on a pair of hosts in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cluster.model import NodeState, PortRule, PortState, PortStatus, SipMode
from remediator.executor import Executor
from remediator.journal_schema import Intent, Kind
from remediator.look_result import Ending
from remediator.looks import Trigger
from remediator.planner import Action, ActionVerb, plan
from remediator.record import LookRecord
from remediator.rows import Hold, Row
from remediator.switch_answer import Sent
from tests.unit.fake_pair import CLUSTER, RULE, Bench, FakeHost, bench

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
E, D = PortState.ENABLED, PortState.DISABLED


def test_a_right_pair_is_left_alone(tmp_path: Path) -> None:
    """A look at a pair that is right sends nothing and records that it was right."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(B, D))

    assert (made.look().ending, made.look().decision.row) == (Ending.RIGHT, Row.RIGHT)
    assert made.pair.commands == []
    assert [(row.kind, row.outcome, row.count) for row in made.journal.rows()] == [
        ("decision", "right", 2)
    ]


def test_after_a_switchover_the_new_primary_is_enabled_before_the_other_is_disabled(
    tmp_path: Path,
) -> None:
    """The gap is kept as small as possible: enable and verify first."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))

    assert Ending.REMEDIATED is made.look().ending
    assert made.pair.commands == ["enable 5060 on sip-west-2", "disable 5060 on sip-west-1"]
    assert made.actions() == [
        ("sip-west-2", "enable", "verified"),
        ("sip-west-1", "disable", "verified"),
    ]
    assert made.ports() == (D, E)


def test_disable_first_is_the_other_order(tmp_path: Path) -> None:
    """A site that asked for it has the others closed before the primary is opened."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D), policy={"order": "disable_first"})

    assert Ending.REMEDIATED is made.look().ending
    assert made.pair.commands == ["disable 5060 on sip-west-1", "enable 5060 on sip-west-2"]


def test_disable_first_waits_for_a_stubborn_host_only_so_long(tmp_path: Path) -> None:
    """A host that does not close keeps the primary closed for a bounded time only."""
    made = bench(
        tmp_path,
        FakeHost(B, E, obeys=False),
        FakeHost(P, D),
        policy={"order": "disable_first"},
        verify_timeout="4s",
    )

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.ACTION_FAILED)
    assert made.ports() == (E, E)
    assert "enable 5060 on sip-west-2" in made.pair.commands


def test_level_observe_records_what_it_would_do_and_touches_nothing(tmp_path: Path) -> None:
    """Until an operator says otherwise nothing is switched."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D), policy={"level": "observe"})

    assert Ending.OBSERVED is made.look().ending
    assert made.pair.commands == []
    row = made.journal.rows()[0]
    assert (
        row.outcome,
        row.level,
        row.detail["would"],
    ) == ("observed", "observe", ["enable 5060 on sip-west-2"])


def test_the_overlap_of_a_switchover_is_waited_out(tmp_path: Path) -> None:
    """Two primaries for a second are normal: it watches, then follows the one that stays."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(P, D))
    made.pair.events = [(1.1, lambda: setattr(made.one(), "mode", B))]

    assert Ending.REMEDIATED is made.look().ending
    assert made.ports() == (D, E)


@pytest.mark.parametrize(
    ("one", "two", "hold"),
    [
        pytest.param(P, P, Hold.TWO_PRIMARIES, id="two-primaries"),
        pytest.param(B, B, Hold.NO_PRIMARY, id="no-primary"),
        pytest.param(B, U, Hold.PRIMARY_NOT_SEEN, id="primary-not-seen"),
    ],
)
def test_without_one_primary_it_watches_the_settle_time_then_holds(
    tmp_path: Path, one: SipMode, two: SipMode, hold: Hold
) -> None:
    """Who is primary is the Management Layer's to decide; settle is the lag (3 s) + 2 s."""
    made = bench(tmp_path, FakeHost(one, E), FakeHost(two, E))

    result = made.look()

    assert (Ending.HELD, hold, []) == (result.ending, result.hold, made.pair.commands)
    assert 5.0 <= made.pair.clock.seconds < 5.6


def test_a_crashed_primary_is_closed_once_the_new_one_serves(tmp_path: Path) -> None:
    """A crash says no farewell: the host of unknown mode is closed after the enable."""
    made = bench(tmp_path, FakeHost(U, E), FakeHost(P, D))

    assert Ending.REMEDIATED is made.look().ending
    assert made.ports() == (D, E)


def test_a_primary_without_scs_does_not_close_a_host_of_unknown_mode(tmp_path: Path) -> None:
    """It may be the one that is cut off: it opens its own port and calls a person."""
    made = bench(tmp_path, FakeHost(U, E), FakeHost(P, D, scs=False))

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.PRIMARY_WITHOUT_SCS)
    assert made.ports() == (E, E)
    assert [r.reason for r in made.journal.rows() if r.kind == "person"] == ["primary_without_scs"]


def test_a_host_that_cannot_be_commanded_is_kept_in_sight_until_it_is_closed(
    tmp_path: Path,
) -> None:
    """The fence note opens when the host is gone and ends when it is seen closed."""
    made = bench(tmp_path, FakeHost(P, E, reachable=False), FakeHost(P, D))

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.FENCE_PENDING)
    assert [(row.host, row.outcome) for row in made.journal.rows() if row.kind == "fence"] == [
        ("sip-west-1", None)
    ]

    made.one().reachable, made.one().mode = True, B
    assert Ending.REMEDIATED is made.look(Trigger.HOLD).ending
    assert [(row.host, row.outcome) for row in made.journal.rows() if row.kind == "fence"] == [
        ("sip-west-1", "closed")
    ]
    assert made.ports() == (D, E)


def test_when_the_world_changes_between_two_actions_it_plans_anew(tmp_path: Path) -> None:
    """The mode flips back right after the enable: the disable that was next is never sent."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))

    def flip_back(action: Action) -> None:
        made.one().mode, made.two().mode = P, B
        made.pair.after_command = lambda _: None

    made.pair.after_command = flip_back

    assert Ending.REMEDIATED is made.look().ending
    assert made.pair.commands == ["enable 5060 on sip-west-2", "disable 5060 on sip-west-2"]
    assert made.ports() == (E, D)
    assert made.actions()[0] == ("sip-west-2", "enable", "world_changed")


def test_a_command_that_hangs_but_took_effect_counts_as_done(tmp_path: Path) -> None:
    """Only the reading decides: no answer and an enabled port is a verified enable."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, sent=Sent.NO_ANSWER))

    assert Ending.REMEDIATED is made.look().ending
    assert made.actions() == [("sip-west-2", "enable", "verified")]


def test_a_port_that_never_follows_ends_in_a_hold_and_calls_a_person(tmp_path: Path) -> None:
    """Attempts are bounded; each has its row; then somebody is called."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, obeys=False), attempts=3)

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.ACTION_FAILED)
    assert made.actions() == [("sip-west-2", "enable", "not_followed")] * 3
    assert [(row.reason, row.outcome) for row in made.journal.rows() if row.kind == "person"] == [
        ("action_failed", None)
    ]


def test_who_is_called_is_told_what_the_host_said(tmp_path: Path) -> None:
    """The hold, the note and the action's row quote it: what is in the way is seen at once."""
    denied = "Access denied by\r\n some agent.\r\n"
    stubborn = FakeHost(P, D, obeys=False, output=denied, exit_status=5)
    made = bench(tmp_path, FakeHost(B, D), stubborn, attempts=2)

    text = made.look().text

    why = (
        'the port did not follow the command: the host said "Access denied by some agent.", '
        "exit status 5; the port still reads disabled"
    )
    assert text == f"enable 5060 on sip-west-2: {why}"
    rows = made.journal.rows()
    assert [row.detail["text"] for row in rows if row.kind == "person"] == [text]
    assert [row.detail["failed"] for row in rows if row.kind == "action"] == [why, why]


def test_an_unreadable_port_is_told_with_the_problem_of_its_reading(tmp_path: Path) -> None:
    """That it cannot be read alone sends nobody to the right place."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, E, port_readable=False))

    result = made.look()

    assert (result.hold, result.text) == (
        Hold.PORT_UNREADABLE,
        "port 5060 on sip-west-2: the primary's port cannot be read (fake: unknown_text: garbage)",
    )


def test_the_person_is_let_go_when_the_pair_is_right_again(tmp_path: Path) -> None:
    """The note ends by itself once a look finds the pair right."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, obeys=False), attempts=1)
    made.look()
    made.two().port = E

    made.look(Trigger.HOLD)

    assert [row.outcome for row in made.journal.rows() if row.kind == "person"] == ["right"]


def test_a_failed_action_is_not_repeated_at_every_look(tmp_path: Path) -> None:
    """Thirty looks after an inconclusive run are not thirty commands."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, obeys=False), attempts=2)
    made.look()
    sent = len(made.pair.commands)

    for _ in range(30):
        made.look(Trigger.HOLD)

    assert (sent, len(made.pair.commands)) == (2, 2)


def test_a_person_who_asks_gets_the_action_tried_at_once(tmp_path: Path) -> None:
    """Reconcile forgets earlier failures."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, obeys=False), attempts=2)
    made.look()
    made.two().obeys = True

    assert Ending.REMEDIATED is made.look(Trigger.RECONCILE).ending


def test_a_host_that_reads_differently_gets_the_action_tried_again(tmp_path: Path) -> None:
    """What failed while the port drained is tried again once it reads as closed."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, PortState.DRAINING, obeys=False), attempts=1)
    made.look()
    made.two().port, made.two().obeys = D, True

    assert Ending.REMEDIATED is made.look(Trigger.HOLD).ending


def test_a_wider_rule_on_the_host_is_never_switched(tmp_path: Path) -> None:
    """A command would switch foreign traffic: it holds and says which rule it saw."""
    wider = PortRule("all", 5000, 5999, "both")
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, rule=wider))

    result = made.look()

    assert (result.hold, made.pair.commands) == (Hold.RULE_DIFFERS, [])
    assert (
        result.text
        == "sip-west-2 reports all 5000-5999 both for port 5060, configured is all 5060-5061 both"
    )


def test_readings_that_are_too_old_are_taken_again_then_hold(tmp_path: Path) -> None:
    """A look so slow that its readings are stale sends nothing."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D))
    made.pair.look_seconds = 2.5

    result = made.look()

    assert (result.hold, made.pair.commands) == (Hold.VIEW_TOO_OLD, [])


def test_a_command_delayed_beyond_the_age_of_its_readings_is_not_sent(tmp_path: Path) -> None:
    """The last check stands right before the command: a stall in between sends nothing stale."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D))

    def stall(action: Action) -> None:
        made.pair.before_command = lambda _: None
        made.pair.clock.seconds += 5
        made.one().mode, made.two().mode = P, B

    made.pair.before_command = stall

    assert Ending.REMEDIATED is made.look().ending
    assert made.pair.commands == ["enable 5060 on sip-west-1"]


def test_an_enabled_port_on_a_node_that_left_is_no_success(tmp_path: Path) -> None:
    """The node stops while the port opens: the other host is not closed because of it."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))
    made.pair.after_command = lambda action: setattr(made.two(), "node", NodeState.STOPPED)

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.PRIMARY_NODE_NOT_SERVING)
    assert made.pair.commands == ["enable 5060 on sip-west-2"]
    assert made.actions()[0] == ("sip-west-2", "enable", "not_serving")


def test_a_stop_lets_the_running_action_end_and_begins_no_other(tmp_path: Path) -> None:
    """What has begun is finished and recorded; the rest is left for the next start."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))
    made.pair.after_command = lambda action: made.stop.set()

    assert Ending.STOPPED is made.look().ending
    assert made.actions() == [("sip-west-2", "enable", "verified")]
    assert made.ports() == (E, E)


@pytest.mark.parametrize(
    ("done", "outcome"),
    [pytest.param(True, "found_done", id="done"), pytest.param(False, "found_not_done", id="not")],
)
def test_after_a_crash_the_open_action_is_closed_from_a_reading(
    tmp_path: Path, done: bool, outcome: str
) -> None:
    """Killed between intent and outcome: the next run reads first, and repeats nothing blindly."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))

    class Killed(BaseException):
        pass

    def kill(action: Action) -> None:
        if done:
            made.two().port = E
        raise Killed

    made.pair.before_command = kill
    with pytest.raises(Killed):
        made.look()
    assert made.actions() == [("sip-west-2", "enable", None)]
    made.pair.before_command = lambda action: None

    assert Ending.REMEDIATED is restarted(made).look(Trigger.START).ending
    assert made.ports() == (D, E)
    assert ("sip-west-2", "enable", outcome) == made.actions()[0]
    assert [row.outcome for row in reversed(made.journal.rows()) if row.kind == "decision"] == [
        "interrupted",
        "remediated",
    ]


def test_an_intent_that_another_left_open_meanwhile_is_closed_before_the_next(
    tmp_path: Path,
) -> None:
    """A look that was held up may go on after another replica had the cluster, and died."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))
    of_the_other: list[str | None] = []

    def other(action: Action) -> None:
        made.pair.before_command = lambda _: of_the_other.append(made.actions()[1][2])
        given = {"port": "5060", "verb": "disable", "row": "other_open"}
        made.journal.open_action("sip-west", parent=7, host="sip-west-1", detail={}, **given)

    made.pair.before_command = other
    assert made.look().ending is Ending.REMEDIATED
    assert of_the_other == ["found_not_done"]
    assert [row.outcome for row in made.journal.rows() if row.kind == "decision"] == ["remediated"]


def restarted(made: Bench) -> Bench:
    """Return the same world and journal with a new executor, as after a restart."""
    old = made.executor
    new = Executor(
        old._settings,
        made.pair.clock,
        made.pair.observe,
        old._actor,
        made.journal,
        old._metrics,
        Random(8),
    )
    return Bench(made.pair, made.journal, new, made.registry)


def test_a_foreign_script_that_undoes_the_action_does_not_make_it_loop(tmp_path: Path) -> None:
    """Two hands on one port: it tries a few times, then holds and calls a person."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D), attempts=3)
    made.pair.look_seconds = 0.1
    original = made.pair.observe

    def undone(cluster, hosts):
        view = original(cluster, hosts)
        if hosts is not None:
            made.two().port = D
        return view

    made.executor._observe = undone
    made.executor._actor = type(made.executor._actor)(
        made.executor._settings,
        made.pair.clock,
        undone,
        made.pair,
        made.journal,
        made.executor._metrics,
    )

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.ACTION_FAILED)
    assert len(made.pair.commands) <= 5


def test_an_action_names_host_and_rule() -> None:
    """In logs an action reads as the command it becomes."""
    assert str(Action(ActionVerb.DISABLE, "sip-west-1", RULE)) == "disable 5060 on sip-west-1"


def test_disable_first_opens_the_primary_when_the_other_may_not_be_closed(tmp_path: Path) -> None:
    """An interlock on the other host must not keep the primary shut."""
    wider = PortRule("all", 5000, 5999, "both")
    made = bench(
        tmp_path,
        FakeHost(B, E, rule=wider),
        FakeHost(P, D),
        policy={"order": "disable_first"},
    )

    result = made.look()

    assert (result.hold, made.pair.commands) == (
        Hold.RULE_DIFFERS,
        ["enable 5060 on sip-west-2"],
    )


def test_a_command_that_came_too_late_is_no_failure_of_the_host(tmp_path: Path) -> None:
    """Readings that expire while the journal is slow call for a new look, not for a person."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D), attempts=1)
    slow = [3.0, 3.0]

    def wait_for_journal(action: Action) -> None:
        if slow:
            made.pair.clock.seconds += slow.pop()

    made.pair.before_command = wait_for_journal

    assert made.look().ending is Ending.REMEDIATED
    assert made.actions() == [
        ("sip-west-2", "enable", "too_late"),
        ("sip-west-2", "enable", "too_late"),
        ("sip-west-2", "enable", "verified"),
    ]


def test_a_journal_that_is_always_too_slow_ends_in_a_hold(tmp_path: Path) -> None:
    """It says that its readings grow too old, and does not go on for ever."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D))

    def wait_for_journal(action: Action) -> None:
        made.pair.clock.seconds += 3.0

    made.pair.before_command = wait_for_journal

    assert (made.look().hold, made.pair.commands) == (Hold.VIEW_TOO_OLD, [])


def test_modes_that_change_without_end_end_the_look(tmp_path: Path) -> None:
    """A look does not follow a flapping mode for ever."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))

    def flip(action: Action) -> None:
        made.one().mode, made.two().mode = made.two().mode, made.one().mode

    made.pair.after_command = flip

    result = made.look()

    assert (result.hold, result.text) == (
        Hold.ACTION_FAILED,
        "20 actions in one look, and the modes still change",
    )


def test_a_person_is_let_go_when_something_else_holds(tmp_path: Path) -> None:
    """The page for a failed action does not stand as long as the other host is gone."""
    made = bench(tmp_path, FakeHost(U, E, reachable=False), FakeHost(P, D, obeys=False), attempts=1)
    made.look()
    made.two().obeys = True

    result = made.look(Trigger.RECONCILE)

    assert result.hold is Hold.FENCE_PENDING
    assert [row.outcome for row in made.journal.rows() if row.kind == "person"] == ["passed"]


@pytest.mark.parametrize(
    ("trigger", "at_once"),
    [
        (Trigger.HOLD, True),
        (Trigger.ALERT, True),
        (Trigger.RESYNC, True),
        (Trigger.RECONCILE, False),
    ],
)
def test_a_hold_is_not_settled_again_at_every_second_look(
    tmp_path: Path, trigger: Trigger, at_once: bool
) -> None:
    """A worker is kept busy by what has been watched already only where a person wants it."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(P, E))
    made.look()
    before = made.pair.clock.seconds

    made.look(trigger)

    assert (made.pair.clock.seconds - before < 0.2) is at_once


def test_one_slow_view_is_not_watching(tmp_path: Path) -> None:
    """Where a look takes longer than the settle time, what was seen once is seen again first."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(P, E), policy={"settle": "2s"}, max_age="9s")
    made.pair.look_seconds = 3.0
    made.pair.events = [(3.1, lambda: setattr(made.one(), "mode", B))]

    assert made.look().ending is Ending.REMEDIATED
    assert made.ports() == (D, E)


def test_the_age_counts_from_the_look_not_from_the_journal(tmp_path: Path) -> None:
    """A journal that takes its time uses up the readings' time: what is then too old is not sent."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D))
    quick = made.journal.open_action
    waits = [1.5]

    def slow(*arguments: Any, **named: Any) -> Intent:
        made.pair.clock.seconds += waits.pop() if waits else 0.0
        return quick(*arguments, **named)

    made.journal.open_action = slow  # type: ignore[method-assign]  # a slow disk
    delays = [0.6]
    made.pair.before_command = lambda action: made.pair.pass_time(delays.pop() if delays else 0.0)

    assert made.look().ending is Ending.REMEDIATED
    assert [outcome for _, _, outcome in made.actions()] == ["too_late", "verified"]


def test_each_overlap_is_waited_out_from_its_own_beginning(tmp_path: Path) -> None:
    """A second overlap in the same look has the whole settle time too."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(P, D), policy={"settle": "2s"})

    def second_overlap(action: Action) -> None:
        made.pair.after_command = lambda _: None
        made.one().mode = P
        made.pair.events.append(
            (made.pair.clock.seconds + 1.5, lambda: setattr(made.one(), "mode", B))
        )

    made.pair.events = [(1.0, lambda: setattr(made.one(), "mode", B))]
    made.pair.after_command = second_overlap

    assert made.look().ending is Ending.REMEDIATED
    assert made.ports() == (D, E)


def test_a_command_that_was_never_sent_is_not_waited_for(tmp_path: Path) -> None:
    """Nothing can follow from it: it is read once and tried again soon."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, sent=Sent.NOT_SENT), attempts=1)

    assert made.look().hold is Hold.ACTION_FAILED
    assert made.actions() == [("sip-west-2", "enable", "not_sent")]
    assert made.pair.clock.seconds < 1.0


def test_a_refused_command_is_a_failed_try_that_is_told_as_such(tmp_path: Path) -> None:
    """The host has seen a later one: nothing is waited for, and a person is called in the end."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, D, sent=Sent.REFUSED), attempts=2)

    assert made.look().hold is Hold.ACTION_FAILED
    assert made.actions() == [("sip-west-2", "enable", "refused")] * 2
    assert made.pair.clock.seconds < 5.0


def test_a_host_with_one_of_two_ports_open_is_not_closed(tmp_path: Path) -> None:
    """The note on a host stands until every rule of it is closed."""
    made = bench(tmp_path, FakeHost(B, D), FakeHost(P, E))
    made.journal.open_note(Kind.FENCE, "sip-west", "sip-west-1", "fence_pending", "gone")
    other = PortRule("all", 5090, 5091, "both")
    view = made.pair.observe(CLUSTER, None)
    first = view.host("sip-west-1")
    opened = replace(first.ports[0][1], value=PortStatus(E))
    both = replace(
        view,
        rules=(RULE, other),
        hosts=(replace(first, ports=(*first.ports, (other, opened))), view.hosts[1]),
    )
    record = LookRecord(made.journal, made.executor._metrics, "enforce")

    record.note_fences(both, plan(view))
    assert len(made.journal.open_rows(Kind.FENCE)) == 1
    record.note_fences(view, plan(view))
    assert made.journal.open_rows(Kind.FENCE) == []
