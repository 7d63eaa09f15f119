"""When which cluster is looked at: one look running, one waiting, holds look again."""

from __future__ import annotations

import pytest

from remediator.looks import LookBoard, Trigger


def test_many_requests_are_one_look() -> None:
    """However many alerts come, one look waits, due as early as the earliest of them."""
    board = LookBoard()
    for due in (30.0, 20.0, 25.0):
        board.request("quito", Trigger.ALERT, due)
    assert board.due_of("quito") == 20.0
    assert board.take(19.9, 32) == []
    assert board.take(20.0, 32) == [("quito", Trigger.ALERT)]
    assert (board.take(99.0, 32), board.due_of("quito"), board.next_due(32)) == ([], None, None)


@pytest.mark.parametrize(
    "triggers", [(Trigger.ALERT, Trigger.START), (Trigger.START, Trigger.ALERT)]
)
def test_the_most_telling_trigger_is_kept(triggers: tuple[Trigger, Trigger]) -> None:
    """A look that serves an alert and a start says alert, whichever came first."""
    board = LookBoard()
    for trigger in triggers:
        board.request("quito", trigger, 5.0)
    assert board.take(5.0, 32) == [("quito", Trigger.ALERT)]


def test_a_request_during_a_look_waits_for_its_end() -> None:
    """What arrives while a cluster is looked at gets a look of its own, and only one."""
    board = LookBoard()
    board.request("quito", Trigger.START, 5.0)
    board.take(5.0, 32)
    board.request("quito", Trigger.ALERT, 6.0)
    board.request("quito", Trigger.RESYNC, 7.0)
    assert (board.take(8.0, 32), board.next_due(32), board.is_running("quito")) == ([], None, True)
    board.ended("quito", None)
    assert (board.next_due(32), board.is_running("quito")) == (6.0, False)
    assert board.take(8.0, 32) == [("quito", Trigger.ALERT)]


def test_clusters_do_not_wait_for_each_other() -> None:
    """A running look of one cluster holds up no other; alerts come before what is only asked."""
    board = LookBoard()
    board.request("quito", Trigger.ALERT, 1.0)
    board.take(1.0, 32)
    board.request("lima", Trigger.ALERT, 4.0)
    board.request("cusco", Trigger.RESYNC, 3.0)
    board.request("quito", Trigger.ALERT, 2.0)
    board.request("ibarra", Trigger.ALERT, 9.0)
    assert board.next_due(32) == 3.0
    assert board.take(5.0, 32) == [("lima", Trigger.ALERT), ("cusco", Trigger.RESYNC)]
    assert board.next_due(32) == 9.0


def test_a_hold_that_knows_its_end_is_looked_at_then() -> None:
    """Not up to 15 seconds later, and never later than other holds."""
    board = LookBoard()
    delays = [board.held("quito", "damped", 100.0, 2.5) for _ in range(4)]
    assert delays == [1.0, 2.0, 2.5, 2.5]
    assert board.held("lima", "damped", 100.0, 0.0) == 0.0
    assert (board.due_of("quito"), board.due_of("lima")) == (101.0, 100.0)


def test_a_hold_looks_again_ever_more_slowly() -> None:
    """After 1, 2, 4, 8, then every 15 seconds, while the reason stands."""
    board = LookBoard()
    delays = [board.held("quito", "no_primary", 100.0) for _ in range(7)]
    assert delays == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_a_hold_is_due_by_its_delay() -> None:
    """The look that a hold asks for waits for its delay and says that it is one."""
    board = LookBoard()
    board.request("quito", Trigger.ALERT, 100.0)
    board.take(100.0, 32)
    board.held("quito", "no_primary", 103.0)
    assert (board.due_of("quito"), board.is_running("quito")) == (104.0, False)
    assert board.take(104.0, 32) == [("quito", Trigger.HOLD)]


def test_an_alert_during_a_hold_is_looked_at_at_once() -> None:
    """The hold's delay keeps no alert waiting."""
    board = LookBoard()
    for _ in range(6):
        board.held("quito", "no_primary", 100.0)
    board.take(101.0, 32)
    board.held("quito", "no_primary", 200.0)
    board.request("quito", Trigger.ALERT, 201.5)
    assert board.take(201.5, 32) == [("quito", Trigger.ALERT)]


def test_another_reason_starts_the_delays_anew() -> None:
    """A hold for a new reason is looked at again soon."""
    board = LookBoard()
    for _ in range(3):
        board.held("quito", "no_primary", 100.0)
    assert board.held("quito", "two_primaries", 100.0) == 1.0
    assert board.held("quito", "no_primary", 100.0) == 1.0


def test_delays_are_counted_for_each_cluster() -> None:
    """One cluster's holds do not slow another's."""
    board = LookBoard()
    for _ in range(4):
        board.held("quito", "no_primary", 100.0)
    assert board.held("lima", "no_primary", 100.0) == 1.0


def test_a_look_that_holds_nothing_forgets_the_hold() -> None:
    """After a look without a hold the delays begin anew, and nothing waits by itself."""
    board = LookBoard()
    for _ in range(3):
        board.held("quito", "no_primary", 100.0)
    board.take(200.0, 32)
    board.ended("quito", None)
    assert board.next_due(32) is None
    assert board.held("quito", "no_primary", 300.0) == 1.0


def test_a_look_once_more_can_be_asked_for() -> None:
    """A look may end with the wish for another one at a given moment."""
    board = LookBoard()
    board.request("quito", Trigger.ALERT, 1.0)
    board.take(1.0, 32)
    board.ended("quito", 9.5)
    assert board.take(9.4, 32) == []
    assert board.take(9.5, 32) == [("quito", Trigger.RECHECK)]


def test_triggers_have_words() -> None:
    """In log and journal a trigger is one lower-case word."""
    assert [trigger.label for trigger in Trigger] == [
        "routine",
        "start",
        "recheck",
        "hold",
        "resync",
        "alert",
        "takeover",
        "reconcile",
    ]


def test_no_more_run_than_there_are_workers() -> None:
    """What is taken is really begun, so that an alert never queues behind second looks."""
    board = LookBoard()
    for name in ("quito", "lima", "cusco"):
        board.request(name, Trigger.HOLD, 1.0)
    assert board.take(1.0, 2) == [("cusco", Trigger.HOLD), ("lima", Trigger.HOLD)]
    board.request("ibarra", Trigger.ALERT, 2.0)
    assert (board.take(2.0, 2), board.next_due(2)) == ([], None)
    board.ended("lima", None)
    assert (board.next_due(2), board.take(2.0, 2)) == (1.0, [("ibarra", Trigger.ALERT)])
