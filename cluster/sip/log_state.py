"""What the records of a SIP Server log add up to: its role, of which process, since when. Pure.

Documented: ids 04560 to 04563 tell the role, 05060 the start of a process, 05063 its normal
end. A crash writes nothing. A role is of one process only: another ``Start time (UTC)`` or
05060 makes it unknown (assumed, and the safe side).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

from cluster.model import Problem, Reason, SipMode
from cluster.sip.log_lines import STARTED_ID, STOPPED_ID, Record, StartTime, Telling, dated

_ROLES = {
    "04560": (SipMode.BACKUP, "warm"),
    "04561": (SipMode.BACKUP, "hot"),
    "04562": (SipMode.PRIMARY, "warm"),
    "04563": (SipMode.PRIMARY, "hot"),
}
DAY = timedelta(days=1)
SLACK = timedelta(minutes=1)
"""By how much records may be out of order; milliseconds were seen (documented)."""


class Untold(StrEnum):
    """Why a log tells no role, in words.

    LOST: the process has logged more than there is to read. Never a guess from what is left.
    """

    NEW = "no line has told a role since the process started"
    STARTED = "the process has started and has not told its role yet"
    STOPPED = "the log says that the process ended"
    LOST = "no line that tells a role is left in the log of this process"


@dataclass(frozen=True, slots=True)
class LogState:
    """What is known of the process that writes the log.

    standby: ``hot`` or ``warm``. since: stamp of the line that told the role, as printed.
    line: that line, for people. start: the process's ``Start time (UTC)``. Each None where
    it is not known; untold is None exactly where the mode is known.
    """

    mode: SipMode = SipMode.UNKNOWN
    untold: Untold | None = Untold.NEW
    standby: str | None = None
    since: str | None = None
    line: str | None = None
    start: str | None = None

    def after(self, what: Telling) -> LogState:
        """Return the state once a log has told something more."""
        if isinstance(what, StartTime):
            return self if what.text == self.start else LogState(start=what.text)
        if what.id in _ROLES:
            mode, standby = _ROLES[what.id]
            return LogState(mode, None, standby, _text(what.stamp), what.line, self.start)
        if what.id in {STARTED_ID, STOPPED_ID}:
            untold = Untold.STARTED if what.id == STARTED_ID else Untold.STOPPED
            return LogState(untold=untold, line=what.line, start=self.start)
        return self

    def lost(self) -> LogState:
        """Return the state where lines are missing: the role may have changed in them."""
        return LogState(untold=Untold.LOST, start=self.start)

    def problem(self) -> Problem | None:
        """Return why there is no mode, None if there is one."""
        if self.untold is None:
            return None
        reasons = {Untold.STOPPED: Reason.NOT_RUNNING, Untold.LOST: Reason.ROLE_ROTATED_AWAY}
        return Problem(reasons.get(self.untold, Reason.ROLE_NOT_TOLD), str(self.untold))


def decides(what: Telling) -> bool:
    """Tell whether it alone settles the role, whatever stood before it in the same process."""
    return isinstance(what, Record) and (what.id in _ROLES or what.id in {STARTED_ID, STOPPED_ID})


def to_plain(state: LogState) -> dict[str, Any]:
    """Return a state as data for JSON."""
    return {
        "mode": str(state.mode),
        "untold": state.untold.name if state.untold else None,
        "standby": state.standby,
        "since": state.since,
        "line": state.line,
        "start": state.start,
    }


def from_plain(plain: Mapping[str, Any]) -> LogState:
    """Return the state that `to_plain` made data of.

    Raises KeyError, TypeError or ValueError for anything that it cannot have made.
    """
    untold = None if plain["untold"] is None else Untold[plain["untold"]]
    mode = SipMode(plain["mode"])
    if (mode is SipMode.UNKNOWN) is (untold is None):
        raise ValueError("a mode and why there is none exclude each other")
    texts = {name: plain[name] for name in ("standby", "since", "line", "start")}
    if not all(text is None or isinstance(text, str) for text in texts.values()):
        raise TypeError("a text is no text")
    return LogState(mode, untold, **texts)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Gives stamps without a date their date, for who reads *every* record in order.

    at: the last moment, in the log's zone; None before any date was seen.
    """

    at: datetime | None

    def then(self, record: Record) -> Calendar:
        """Return the calendar at a record.

        A time below the last one is of the next day, unless it is only out of order. Right as
        long as no two records are a day apart.
        """
        moment = dated(record)
        if moment is not None:
            return Calendar(moment)
        if self.at is None or not isinstance(record.stamp, time):
            return self
        moment = datetime.combine(self.at.date(), record.stamp)
        try:
            if self.at - moment > SLACK:
                moment += DAY
            elif moment - self.at > DAY - SLACK:
                moment -= DAY
        except OverflowError:
            return self
        return replace(self, at=moment)


def _text(stamp: datetime | time | None) -> str | None:
    return None if stamp is None else stamp.isoformat(timespec="milliseconds")
