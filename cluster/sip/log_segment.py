"""Names and headers of the files of a SIP Server log. Pure.

A log is one file, or segments ``BASE.YYYYMMDD_HHMMSS_mmm.log`` (documented: captured logs).
Mode messages stand in the main log, whose base has nothing behind it; ``BASE-001`` to
``-016``, ``-512`` are SIP threads and ``-1536`` is statistics (documented), so they are never
taken for it. Each segment begins with a header that names application and process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cluster.sip.log_coding import Coding, coding_of, narrow
from cluster.sip.log_lines import MAX_LINE, first_moment, record_of

_NAME = re.compile(
    r"\.(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)_(\d{3})\.log", re.IGNORECASE | re.ASCII
)
_FILE = re.compile(r"\((\d{1,9})\)")
_SUFFIX = ".log"
UNDATED = datetime.min  # noqa: DTZ901 - moments in a log are in the log's own zone
"""Where the name of a file has no date."""

HEAD_BYTES = 4096
"""Room for a header, and enough of a file to know it again."""
FOLD = timedelta(hours=1)
"""Names are in local time, which goes through one hour a year twice: so far they may mislead."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a segment says; None where it does not.

    start: of the process, as printed in UTC; it identifies the process (documented).
    utc, local: when this segment was begun. number: of the segment since the process started,
    from 1 (documented for 1, assumed above).
    """

    application: str | None = None
    start: str | None = None
    utc: datetime | None = None
    local: datetime | None = None
    number: int | None = None

    def is_whole(self) -> bool:
        """Tell whether its last line is there."""
        return self.number is not None

    def utc_of(self, stamp: datetime, first: datetime | None = None) -> datetime | None:
        """Return a stamp of the segment in UTC, naive; None if the header tells no zone.

        first: the segment's first dated stamp. Stamps are local (documented default of
        ``time-convert``) unless the first one is nearer to the header's UTC time.
        A change to summer time after the header makes it wrong by an hour.
        """
        if self.utc is None or self.local is None:
            return None
        if first is not None and abs(first - self.utc) < abs(first - self.local):
            return stamp
        try:
            return stamp - (self.local - self.utc)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a log. by_name: when it was begun by its name, `UNDATED` without one.

    head: its first bytes, by which it is known again. first: its first dated stamp, if seen.
    """

    name: str
    by_name: datetime
    head: bytes
    coding: Coding
    header: Header
    first: datetime | None

    def is_after(self, other: Segment) -> bool:
        """Tell whether it was begun after another: by the headers, else by the names.

        False where neither tells.
        """
        mine, theirs = self.header.utc, other.header.utc
        if mine is None or theirs is None:
            return UNDATED not in {self.by_name, other.by_name} and self.by_name > other.by_name
        return (mine, self.by_name) > (theirs, other.by_name)

    def has_higher_number(self, other: Segment) -> bool:
        """Tell whether it is a later segment of the same process, whatever the dates say."""
        if self.header.start is None or self.header.start != other.header.start:
            return False
        mine, theirs = self.header.number, other.header.number
        return mine is not None and theirs is not None and mine > theirs

    def follows_at_once(self, other: Segment) -> bool:
        """Tell whether it goes on, in the same process, where another ended."""
        if self.header.start is None or self.header.start != other.header.start:
            return False
        mine, theirs = self.header.number, other.header.number
        return mine is not None and theirs is not None and mine == theirs + 1


def segment_of(name: str, by_name: datetime, head: bytes, encoding: str) -> Segment | None:
    """Read the first bytes of a file; None as long as they show neither header nor record."""
    coding = coding_of(head, encoding)
    raw = head[coding.mark :]
    header = parse_header(raw.decode(coding.codec, errors="replace"))
    plain = narrow(raw, coding)
    is_log = any(
        record_of(line[:MAX_LINE].rstrip(b"\r"), coding.narrow_codec)
        for line in plain.replace(b"\0", b"\n").split(b"\n")
    )
    if not (header.is_whole() or is_log or len(head) >= HEAD_BYTES):
        return None
    first = first_moment(plain, coding.narrow_codec)
    return Segment(name, by_name, head, coding, header, first)


def base_of(name: str) -> str:
    """Return the base of a log's segments from the name that its option has."""
    return name[: -len(_SUFFIX)] if name.lower().endswith(_SUFFIX) else name


def segment_moment(file_name: str, base: str) -> datetime | None:
    """Return when a segment was begun, by its name in local time; None if it is none of `base`."""
    if file_name[: len(base)].casefold() != base.casefold():
        return None
    match = _NAME.fullmatch(file_name, len(base))
    return _moment(match.expand(r"\1-\2-\3T\4:\5:\6.\7")) if match else None


def parse_header(text: str) -> Header:
    """Read the header that a segment begins with; what is missing or unreadable is None."""
    lines = text.splitlines()
    says = dict(_named(lines))
    number = _FILE.match(says.get("File", ""))
    return Header(
        application=says.get("Application name") or None,
        start=says.get("Start time (UTC)") or None,
        utc=_moment(says.get("UTC time", "")),
        local=_moment(says.get("Local time", "")),
        number=int(number[1]) if number else None,
    )


def _named(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        if not line.strip("\ufeff \t"):
            return
        name, colon, value = line.lstrip("\ufeff").partition(":")
        if colon:
            yield name.strip(), value.strip()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=None) if 1970 <= moment.year <= 9998 else None
