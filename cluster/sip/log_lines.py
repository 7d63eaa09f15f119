"""Bytes of a SIP Server log → the records that tell its role. Pure.

Knows a record by its number, never by its text: texts come from a file that a site may edit,
and levels may be reassigned (documented: Common Log Options). One record looks like one of

    2002-05-07T18:15:33.952 Std 05060 Application started
    @18:15:33.9520 Std 05060 Application started
    2002-05-07T18:11:38.196 Standard localhost cfg_dbserver GCTI-00-05060 Application started

(documented: the short and full form, and each shape of a stamp; assumed: that any shape goes
with any form). Between them stand lines without stamp, which say nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

MAX_LINE = 4096
"""Bytes of a line that are looked at; no record is longer."""

ROLE_IDS = frozenset({"04560", "04561", "04562", "04563"})
STARTED_ID, STOPPED_ID, CHECK_POINT_ID = "05060", "05063", "04120"
START_TIME = "Start time (UTC):"
"""What the header of a log says of its process; the same in all logs of one process."""

_MARKS = (b"0456", b"0506", b"04120", START_TIME.encode())
_TELLING = ROLE_IDS | {STARTED_ID, STOPPED_ID, CHECK_POINT_ID}

_CLOCK = rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FRACTION = rb"(?:\.(?P<fraction>\d{1,6}))?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_STAMPS = tuple(
    re.compile(rb"@?" + shape + rb"[ \t]+")
    for shape in (
        rb"(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)T)?" + _CLOCK + _FRACTION,
        rb"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{4}|\d\d) " + _CLOCK + _FRACTION,
        rb"[A-Za-z]{3} (?P<month>[A-Za-z]{3}) {1,2}(?P<day>\d{1,2}) "
        + _CLOCK
        + rb" (?P<year>\d{4})"
        + _FRACTION,
        rb"[A-Za-z]{3} (?P<day>\d{1,2}) (?P<month>[A-Za-z]{3}) (?P<year>\d{4}) "
        + _CLOCK
        + rb" (?P<half>[AP]M) [^\s.]{1,40}"
        + _FRACTION,
    )
)
_LEVELS = (
    rb"(?:std|standard|int|interaction|trc|trace|dbg|debug|alr|alarm|unk|unknown|non|none)[ \t]+"
)
_REST = re.compile(
    _LEVELS + rb"(?:\S{1,255}[ \t]+\S{1,255}[ \t]+GCTI-\d\d-)?(?P<id>\d{5})(?:[ \t]+(?P<text>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_PREFIX = re.compile(rb"gsip:CL2[^\]\r\n]{0,200}\] ")
_DATED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    id: five digits. stamp: as printed, so in the zone of the log; a time alone where the log
    prints no date, None where it is no moment of any day. line: the whole of it, for people.
    """

    id: str
    stamp: datetime | time | None
    text: str
    line: str


@dataclass(frozen=True, slots=True)
class StartTime:
    """The header's line that names the process by its start. text: as printed."""

    text: str


Telling = Record | StartTime
"""What a log tells of role and process."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something telling, and where its line begins, in bytes of what was searched."""

    at: int
    what: Telling


def tellings(narrow: bytes, at_line_start: bool, codec: str) -> Iterator[Found]:
    """Yield what is telling in a piece of a log, in order.

    narrow: one byte a character (`log_coding.narrow`). at_line_start: whether it begins with
    a line. codec: how its texts are read, for people only.
    """
    for begin in sorted(_candidates(narrow, at_line_start)):
        what = _telling(_line_at(narrow, begin), codec)
        if what is not None:
            yield Found(begin, what)


def record_of(line: bytes, codec: str) -> Record | None:
    """Return the record that a line is, None if it is none."""
    prefix = _PREFIX.match(line)
    body = line[prefix.end() :] if prefix else line
    for shape in _STAMPS:
        stamp = shape.match(body)
        rest = _REST.fullmatch(body, stamp.end()) if stamp else None
        if stamp is not None and rest is not None:
            return Record(
                rest["id"].decode("ascii"),
                _moment(stamp),
                (rest["text"] or b"").decode(codec, errors="replace"),
                line.decode(codec, errors="replace"),
            )
    return None


def dated(record: Record) -> datetime | None:
    """Return the moment of a record in the log's zone, None if it has no date.

    A check point tells its date in its text even where stamps are times alone (documented:
    a captured log, ``04120 Check point 2026-02-02T14:54:56``).
    """
    if isinstance(record.stamp, datetime):
        return record.stamp
    found = _DATED.search(record.text) if record.id == CHECK_POINT_ID else None
    try:
        return datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def last_moment(narrow: bytes, codec: str) -> datetime | None:
    """Return the moment of the last dated record in a piece of a log, None if there is none."""
    for line in reversed(narrow.split(b"\n")):
        record = record_of(line[:MAX_LINE].rstrip(b"\r"), codec)
        moment = dated(record) if record else None
        if moment is not None:
            return moment
    return None


def first_moment(narrow: bytes, codec: str) -> datetime | None:
    """Return the stamp of the first record in a piece of a log, None if none has a date."""
    for line in narrow.split(b"\n"):
        record = record_of(line[:MAX_LINE].rstrip(b"\r"), codec)
        if record is not None and isinstance(record.stamp, datetime):
            return record.stamp
    return None


def _candidates(narrow: bytes, at_line_start: bool) -> set[int]:
    """Return where lines begin that have a mark early enough to be a record."""
    found = set()
    for mark in _MARKS:
        at = narrow.find(mark)
        while at >= 0:
            begin = _line_begin(narrow, at, at_line_start)
            if begin is not None:
                found.add(begin)
            at = narrow.find(mark, at + 1)
    return found


def _line_begin(narrow: bytes, at: int, at_line_start: bool) -> int | None:
    """Return where the line around `at` begins; None if that is not to be seen from here.

    A NUL ends a line too: a file that was cut while its writer went on has them in front.
    """
    lowest = max(0, at - MAX_LINE)
    begin = 1 + max(narrow.rfind(b"\n", lowest, at), narrow.rfind(b"\0", lowest, at))
    if begin > 0:
        return begin
    return 0 if lowest == 0 and at_line_start else None


def _line_at(narrow: bytes, begin: int) -> bytes:
    end = narrow.find(b"\n", begin, begin + MAX_LINE)
    return narrow[begin : end if end >= 0 else begin + MAX_LINE].rstrip(b"\r")


def _telling(line: bytes, codec: str) -> Telling | None:
    if line.startswith(START_TIME.encode()):
        return StartTime(line[len(START_TIME) :].decode(codec, errors="replace").strip())
    record = record_of(line, codec)
    return record if record is not None and record.id in _TELLING else None


def _moment(stamp: re.Match[bytes]) -> datetime | time | None:
    """Return a stamp as date and time, or as time alone; None if no day has it."""
    groups = {name: (text or b"").decode("ascii") for name, text in stamp.groupdict().items()}
    hour = int(groups["hour"])
    if groups.get("half"):
        hour = hour % 12 + (12 if groups["half"] == "PM" else 0)
    fraction = int(groups["fraction"].ljust(6, "0")[:6])
    try:
        clock = time(hour, int(groups["minute"]), int(groups["second"]), fraction)
        return datetime.combine(_date(groups), clock) if groups["day"] else clock
    except ValueError:
        return None


def _date(groups: dict[str, str]) -> date:
    """Return the date of a stamp. Raises ValueError if there is no such day."""
    month, year = groups["month"].lower(), int(groups["year"])
    number = int(month) if month.isdigit() else _MONTHS.index(month) + 1
    return date(year + 2000 if year < 100 else year, number, int(groups["day"]))
