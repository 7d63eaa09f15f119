"""The rows of the decision table and the reasons to hold: their ids and their words. Pure.

Ids never change once released: they stand in journals, metrics and people's notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Hold(StrEnum):
    """Why nothing is done. The label ``reason`` of ``sipnlb_remediator_holds_total``."""

    TWO_PRIMARIES = "two_primaries"
    NO_PRIMARY = "no_primary"
    PRIMARY_NOT_SEEN = "primary_not_seen"
    PORT_UNREADABLE = "port_unreadable"
    RULE_MISSING = "rule_missing"
    PRIMARY_NODE_NOT_SERVING = "primary_node_not_serving"
    PRIMARY_WITHOUT_SCS = "primary_without_scs"
    UNKNOWN_PEER_LEFT = "unknown_peer_left"
    FENCE_PENDING = "fence_pending"
    RULE_DIFFERS = "rule_differs"
    RULE_UNREAD = "rule_unread"
    SEVERAL_CLUSTERS = "several_clusters"
    VIEW_TOO_OLD = "view_too_old"
    UNSAFE = "unsafe"
    ACTION_FAILED = "action_failed"
    PEER_NOT_SEEN_SERVING = "peer_not_seen_serving"
    LEFT_TO_PEER = "left_to_peer"
    VIRTUAL_IP_UNANSWERED = "virtual_ip_unanswered"
    PAUSED = "paused"
    SILENCED = "silenced"
    DAMPED = "damped"
    TILT = "tilt"
    TOO_MANY_CLUSTERS = "too_many_clusters"
    APPROVAL_WANTED = "approval_wanted"
    LEASE_ELSEWHERE = "lease_elsewhere"
    LEASE_TOO_SHORT = "lease_too_short"
    JOURNAL_UNWRITABLE = "journal_unwritable"
    BUG = "bug"


HOLD_TEXT: dict[Hold, str] = {
    Hold.TWO_PRIMARIES: "more than one SIP Server is primary; the Management Layer must settle it",
    Hold.NO_PRIMARY: "no SIP Server is primary; the Management Layer must promote one",
    Hold.PRIMARY_NOT_SEEN: "no SIP Server is seen as primary and at least one cannot be read",
    Hold.PORT_UNREADABLE: "the state of a port cannot be read",
    Hold.RULE_MISSING: "a host has no rule for the port, so NLB's default host takes its traffic",
    Hold.PRIMARY_NODE_NOT_SERVING: "the primary's NLB node takes no traffic; sipnlb starts no node",
    Hold.PRIMARY_WITHOUT_SCS: "the primary does not report a connection to SCS, so "
    "a host of unknown mode is not closed",
    Hold.UNKNOWN_PEER_LEFT: "a host of unknown mode has its port open, and policy leaves it",
    Hold.FENCE_PENDING: "a host that should be closed can be neither read nor commanded",
    Hold.RULE_DIFFERS: "the host's port rule is not the configured one; a command might switch "
    "other traffic",
    Hold.RULE_UNREAD: "the host's port rules cannot be read",
    Hold.SEVERAL_CLUSTERS: "the host has several NLB clusters and the rule names no virtual IP; a "
    "command would switch all of them",
    Hold.VIEW_TOO_OLD: "readings are older than max_age by the time a command could be sent",
    Hold.UNSAFE: "the action contradicts the view it rests on; please report this",
    Hold.ACTION_FAILED: "the port did not follow the command",
    Hold.PEER_NOT_SEEN_SERVING: "the primary is a peer whose port does not open; the remediator on "
    "that host does not do its part",
    Hold.LEFT_TO_PEER: "the port of a peer stays open; the remediator on that host does not do its "
    "part",
    Hold.VIRTUAL_IP_UNANSWERED: "the ports are right, and no SIP service answers at the virtual IP",
    Hold.PAUSED: "a person has paused it",
    Hold.SILENCED: "a silence in Alertmanager matches the cluster's repair alerts",
    Hold.DAMPED: "the primary changed too often; the new one must be steady first",
    Hold.TILT: "this program stood still, the clock jumped or nothing could be read; two looks "
    "that agree are waited for",
    Hold.TOO_MANY_CLUSTERS: "more clusters call for actions at once than policy allows",
    Hold.APPROVAL_WANTED: "policy asks a person to approve it",
    Hold.LEASE_ELSEWHERE: "another remediator has the lease on the cluster",
    Hold.LEASE_TOO_SHORT: "less of the lease is left than a command may take",
    Hold.JOURNAL_UNWRITABLE: "the journal cannot be written, so nothing is done",
    Hold.BUG: "an unexpected error in sipnlb, please report it",
}


NOT_OF_THE_CLUSTER = frozenset(
    {
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
)
"""Holds that say nothing of the cluster: what was wrong with it before may still be."""

NEEDS_PERSON = frozenset(
    {
        Hold.RULE_MISSING,
        Hold.PRIMARY_NODE_NOT_SERVING,
        Hold.PRIMARY_WITHOUT_SCS,
        Hold.RULE_DIFFERS,
        Hold.RULE_UNREAD,
        Hold.SEVERAL_CLUSTERS,
        Hold.VIEW_TOO_OLD,
        Hold.UNSAFE,
        Hold.ACTION_FAILED,
        Hold.VIRTUAL_IP_UNANSWERED,
        Hold.PEER_NOT_SEEN_SERVING,
        Hold.LEFT_TO_PEER,
        Hold.BUG,
    }
)
"""Holds that only a person ends and that no other alert pages for by itself."""


class Patience(IntEnum):
    """How long a look watches before a row holds.

    Not at all, a re-reading, the settle time, or the time that a peer's remediator is given.
    """

    NONE = 0
    REREAD = 1
    SETTLE = 2
    PEER = 3


class Row(StrEnum):
    """Ids of the rows, most pressing first."""

    PRIMARY_CLOSED_OTHER_OPEN = "primary_closed_other_open"
    PRIMARY_CLOSED = "primary_closed"
    OTHER_OPEN = "other_open"
    UNKNOWN_OTHER_OPEN = "unknown_other_open"
    PEER_CLOSED = "peer_closed"
    PEER_OPEN = "peer_open"
    NO_PRIMARY = "no_primary"
    TWO_PRIMARIES = "two_primaries"
    PRIMARY_NOT_SEEN = "primary_not_seen"
    PRIMARY_RULE_MISSING = "primary_rule_missing"
    PRIMARY_NODE_NOT_SERVING = "primary_node_not_serving"
    PRIMARY_PORT_UNREADABLE = "primary_port_unreadable"
    PRIMARY_WITHOUT_SCS = "primary_without_scs"
    OTHER_UNREACHABLE = "other_unreachable"
    OTHER_PORT_UNREADABLE = "other_port_unreadable"
    OTHER_RULE_MISSING = "other_rule_missing"
    UNKNOWN_OTHER_LEFT = "unknown_other_left"
    OTHER_DRAINING = "other_draining"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class RowInfo:
    """What a row says. rank: 0 is the most pressing. hold: None where it acts or is content."""

    rank: int
    text: str
    hold: Hold | None = None
    patience: Patience = Patience.NONE


def _rows() -> dict[Row, RowInfo]:
    said: dict[Row, tuple[str, Hold | None, Patience]] = {
        Row.PRIMARY_CLOSED_OTHER_OPEN: (
            "the primary's port is closed and another host's is open: enable the primary's",
            None,
            Patience.NONE,
        ),
        Row.PRIMARY_CLOSED: (
            "the primary's port is closed and no other is seen open: enable it",
            None,
            Patience.NONE,
        ),
        Row.OTHER_OPEN: ("a backup's port is open: disable it", None, Patience.NONE),
        Row.UNKNOWN_OTHER_OPEN: (
            "the port of a host of unknown mode is open while the primary serves: disable it",
            None,
            Patience.NONE,
        ),
        Row.PEER_CLOSED: (
            "the primary's port is closed: the remediator on that host is to enable it",
            Hold.PEER_NOT_SEEN_SERVING,
            Patience.PEER,
        ),
        Row.PEER_OPEN: (
            "the port should be closed: the remediator on that host is to disable it",
            Hold.LEFT_TO_PEER,
            Patience.PEER,
        ),
        Row.NO_PRIMARY: ("every SIP Server is backup", Hold.NO_PRIMARY, Patience.SETTLE),
        Row.TWO_PRIMARIES: (
            "more than one SIP Server is primary",
            Hold.TWO_PRIMARIES,
            Patience.SETTLE,
        ),
        Row.PRIMARY_NOT_SEEN: (
            "no SIP Server is seen as primary, and not all can be read",
            Hold.PRIMARY_NOT_SEEN,
            Patience.SETTLE,
        ),
        Row.PRIMARY_RULE_MISSING: (
            "the primary has no rule for the port",
            Hold.RULE_MISSING,
            Patience.NONE,
        ),
        Row.PRIMARY_NODE_NOT_SERVING: (
            "the primary's NLB node is not in the cluster",
            Hold.PRIMARY_NODE_NOT_SERVING,
            Patience.REREAD,
        ),
        Row.PRIMARY_PORT_UNREADABLE: (
            "the primary's port cannot be read",
            Hold.PORT_UNREADABLE,
            Patience.REREAD,
        ),
        Row.PRIMARY_WITHOUT_SCS: (
            "a host of unknown mode is open, and the primary does not report a connection to SCS",
            Hold.PRIMARY_WITHOUT_SCS,
            Patience.NONE,
        ),
        Row.OTHER_UNREACHABLE: (
            "neither mode nor port can be read; it should be closed",
            Hold.FENCE_PENDING,
            Patience.NONE,
        ),
        Row.OTHER_PORT_UNREADABLE: (
            "a backup's port cannot be read",
            Hold.PORT_UNREADABLE,
            Patience.REREAD,
        ),
        Row.OTHER_RULE_MISSING: (
            "the host has no rule for the port",
            Hold.RULE_MISSING,
            Patience.NONE,
        ),
        Row.UNKNOWN_OTHER_LEFT: (
            "the port of a host of unknown mode is open, and policy leaves it",
            Hold.UNKNOWN_PEER_LEFT,
            Patience.NONE,
        ),
        Row.OTHER_DRAINING: ("the port drains and will close by itself", None, Patience.NONE),
        Row.RIGHT: ("the primary serves and no other port is open", None, Patience.NONE),
    }
    return {row: RowInfo(rank, *said[row]) for rank, row in enumerate(Row)}


ROWS: dict[Row, RowInfo] = _rows()
