"""Why a reading has no value, enumerated, with the words for it. Pure.

Part of `cluster.model`, which everybody takes it from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a reading has no value. The label ``reason`` of ``sipnlb_reading_problem``."""

    NEVER_READ = "never_read"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    STALE = "stale"
    NOT_INSTALLED = "not_installed"
    NOT_INSTALLED_OR_DENIED = "not_installed_or_denied"
    NO_OUTPUT = "no_output"
    TOO_LARGE = "too_large"
    HTTP_STATUS = "http_status"
    MALFORMED = "malformed"
    UNKNOWN_TEXT = "unknown_text"
    OTHER_CLUSTER = "other_cluster"
    OTHER_HOST = "other_host"
    OTHER_APPLICATION = "other_application"
    NOT_RUNNING = "not_running"
    NOT_ALIVE = "not_alive"
    ROLE_NOT_TOLD = "role_not_told"
    ROLE_ROTATED_AWAY = "role_rotated_away"
    REFUSED = "refused"
    BUG = "bug"


REASON_TEXT: dict[Reason, str] = {
    Reason.NEVER_READ: "not read yet",
    Reason.TIMEOUT: "no answer within the deadline",
    Reason.UNREACHABLE: "cannot be reached",
    Reason.BUSY: "the previous reading has not come back yet",
    Reason.STALE: "the last answer is too old",
    Reason.NOT_INSTALLED: "the program cannot be started",
    Reason.NOT_INSTALLED_OR_DENIED: "NLB is not installed on the host or the account lacks rights",
    Reason.NO_OUTPUT: "the answer is empty",
    Reason.TOO_LARGE: "the answer is larger than allowed",
    Reason.HTTP_STATUS: "the HTTP status is not 200",
    Reason.MALFORMED: "the answer is not of its format",
    Reason.UNKNOWN_TEXT: "the answer is in words or numbers that are not known",
    Reason.OTHER_CLUSTER: "the answer does not name the configured cluster",
    Reason.OTHER_HOST: "the answer is of another host than the configured one",
    Reason.OTHER_APPLICATION: "the answer is of another SIP Server than the configured one",
    Reason.NOT_RUNNING: "the SIP Server does not run, as far as the source knows",
    Reason.NOT_ALIVE: "nothing shows that the SIP Server still runs",
    Reason.ROLE_NOT_TOLD: "the SIP Server has not told its role since it started",
    Reason.ROLE_ROTATED_AWAY: "the line that told the role is in a log that is gone",
    Reason.REFUSED: "the host refused a change, having seen a later one",
    Reason.BUG: "an unexpected error in sipnlb, please report it",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a reading failed: the enumerated reason, and the particulars in words."""

    reason: Reason
    text: str

    def __str__(self) -> str:
        """Join reason and particulars."""
        return f"{self.reason}: {self.text}" if self.text else str(self.reason)
