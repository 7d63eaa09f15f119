"""Ids, words and ranks of rows and holds; the texts themselves are in the golden table."""

from __future__ import annotations

from remediator.planner import Finding
from remediator.rows import (
    HOLD_TEXT,
    NEEDS_PERSON,
    NOT_OF_THE_CLUSTER,
    ROWS,
    Hold,
    Patience,
    Row,
)

RELEASED_HOLDS = (
    "two_primaries no_primary primary_not_seen port_unreadable rule_missing "
    "primary_node_not_serving primary_without_scs unknown_peer_left fence_pending rule_differs "
    "rule_unread several_clusters view_too_old unsafe action_failed "
    "peer_not_seen_serving left_to_peer virtual_ip_unanswered paused silenced damped tilt "
    "too_many_clusters approval_wanted lease_elsewhere lease_too_short journal_unwritable bug"
)

WITHOUT_A_NOTE = {
    Hold.TWO_PRIMARIES,
    Hold.NO_PRIMARY,
    Hold.PRIMARY_NOT_SEEN,
    Hold.PORT_UNREADABLE,
    Hold.UNKNOWN_PEER_LEFT,
    Hold.FENCE_PENDING,
    Hold.PAUSED,
    Hold.SILENCED,
    Hold.DAMPED,
    Hold.TILT,
    Hold.TOO_MANY_CLUSTERS,
    Hold.APPROVAL_WANTED,
    Hold.LEASE_ELSEWHERE,
    Hold.LEASE_TOO_SHORT,
    Hold.JOURNAL_UNWRITABLE,
}


def test_the_ids_of_holds_stay() -> None:
    """Ids stand in journals and metrics: none may vanish, and a new one is added here."""
    assert " ".join(Hold) == RELEASED_HOLDS


def test_every_hold_has_words_of_its_own() -> None:
    """No reason is shown by its id only, and no two say the same."""
    assert set(HOLD_TEXT) == set(Hold)
    assert len(set(HOLD_TEXT.values())) == len(Hold)


def test_every_row_has_words_and_a_rank_of_its_own() -> None:
    """Rows are ranked as they are listed, from 0, and no two say the same."""
    assert [ROWS[row].rank for row in Row] == list(range(len(Row)))
    assert len({info.text for info in ROWS.values()}) == len(Row)


def test_rows_that_act_come_first() -> None:
    """What can be done is never hidden behind a row that holds, and being right comes last."""
    acting = [Row.PRIMARY_CLOSED_OTHER_OPEN, Row.PRIMARY_CLOSED, Row.OTHER_OPEN]
    assert list(Row)[:4] == [*acting, Row.UNKNOWN_OTHER_OPEN]
    assert list(Row)[-1] is Row.RIGHT


def test_only_holds_are_waited_for() -> None:
    """A row that acts or is content asks for no patience."""
    assert {row for row in Row if ROWS[row].patience and not ROWS[row].hold} == set()


def test_the_settle_time_is_for_switchovers() -> None:
    """Only rows that are normal for a moment of a switchover are watched for the settle time."""
    assert {row for row in Row if ROWS[row].patience is Patience.SETTLE} == {
        Row.NO_PRIMARY,
        Row.TWO_PRIMARIES,
        Row.PRIMARY_NOT_SEEN,
    }


def test_holds_call_a_person_unless_another_alert_does() -> None:
    """Without a note for a person are only those that pages of modes, ports, fences tell of.

    And interlocks that say nothing of the cluster; an unwritable journal can keep no note.
    """
    assert set(Hold) - NEEDS_PERSON == WITHOUT_A_NOTE


def test_what_says_nothing_of_the_cluster_calls_nobody() -> None:
    """Such a hold neither calls a person nor ends the call of another."""
    assert not NOT_OF_THE_CLUSTER & NEEDS_PERSON
    assert not {ROWS[row].hold for row in Row} & NOT_OF_THE_CLUSTER


def test_a_finding_knows_its_hold() -> None:
    """A row that holds says why; one that acts does not."""
    assert Finding(Row.OTHER_UNREACHABLE).hold is Hold.FENCE_PENDING
    assert Finding(Row.OTHER_OPEN).hold is None
