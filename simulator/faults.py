"""What can be wrong with a host's NLB utility, a SIP Server's page, and mlcmd. Pure.

The names are those of the control API's ``fault`` call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NlbFault(StrEnum):
    """What the NLB utility of a host does wrong.

    HANG: never answers and does nothing. HANG_AFTER: does it, but never answers.
    GARBAGE: bytes that mean nothing. EMPTY: no output, status 0. EXIT_1: good text, status 1.
    DENIED: the line for "not installed or no rights" alone. NO_EFFECT: says it is done,
    and changes nothing. FOREIGN: sound output in a language that nobody knows.
    """

    NONE = "none"
    HANG = "hang"
    HANG_AFTER = "hang_after"
    GARBAGE = "garbage"
    EMPTY = "empty"
    EXIT_1 = "exit_1"
    DENIED = "denied"
    NO_EFFECT = "no_effect"
    FOREIGN = "foreign"


class PageFault(StrEnum):
    """What the statistics page of a SIP Server does wrong.

    STALE: sound, and a minute older than the lag that it has otherwise.
    """

    NONE = "none"
    HANG = "hang"
    TRUNCATED = "truncated"
    ENTITY_BOMB = "entity_bomb"
    UNKNOWN_ROLE = "unknown_role"
    ABSENT_ROLE = "absent_role"
    REFUSED = "refused"
    HTTP_500 = "http_500"
    EMPTY = "empty"
    STALE = "stale"


class MlcmdFault(StrEnum):
    """What the Management Layer's utility does wrong.

    LOGIN_FAILED: Configuration Server refuses it. NOISE: other lines between those that count,
    as where standard error is merged in. TRUNCATED: breaks off in the middle.
    """

    NONE = "none"
    HANG = "hang"
    LOGIN_FAILED = "login_failed"
    NOISE = "noise"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class MlcmdFaults:
    """The faults of mlcmd, which is one for the whole site. Latency in seconds."""

    mlcmd: MlcmdFault = MlcmdFault.NONE
    mlcmd_latency_seconds: float = 0.0


class LogFault(StrEnum):
    """What happens to the log of a SIP Server, once, when it is switched on.

    ROLE_ROTATED_OUT: so many new segments that none with a role is left. TRUNCATED: its newest
    segment is emptied, and the SIP Server writes on.
    """

    NONE = "none"
    ROLE_ROTATED_OUT = "role_rotated_out"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class HostFaults:
    """The faults of one host. Latencies in seconds, on top of the usual."""

    nlb: NlbFault = NlbFault.NONE
    nlb_latency_seconds: float = 0.0
    page: PageFault = PageFault.NONE
    page_latency_seconds: float = 0.0
    log: LogFault = LogFault.NONE
