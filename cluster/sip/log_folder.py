"""Edge: the files of one log in its folder, in the order in which they were begun.

Reads names and the first bytes of files, the latter once a file. Holds nothing open.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cluster.sip.log_file import LogFile, names_in
from cluster.sip.log_segment import FOLD, UNDATED, Segment, base_of, segment_moment, segment_of

Names = dict[str, datetime]
"""Files of a log, with when they were begun by their names, `UNDATED` where they have no date."""


class LogFolder:
    """The segments of one log, or its one file. Every method may raise OSError."""

    def __init__(self, path: Path, encoding: str) -> None:
        """Keep the log's path, as its option has it. Reads nothing."""
        self.path = path
        self._folder = path.parent
        self._base = base_of(path.name)
        self._encoding = encoding
        self._moments: dict[str, datetime | None] = {}
        self._segments: dict[str, Segment] = {}
        self._appeared: dict[str, int] = {}
        self._listings = 0

    def names(self) -> Names:
        """Return the files that are there now; forget what is gone."""
        present = names_in(self._folder)
        known = self._moments
        self._moments = {
            name: known[name] if name in known else self._moment(name) for name in present
        }
        found = {name: moment for name, moment in self._moments.items() if moment is not None}
        self._segments = {name: kept for name, kept in self._segments.items() if name in found}
        self._listings += 1
        self._appeared = {name: self._appeared.get(name, self._listings) for name in found}
        return found

    def open(self, name: str) -> LogFile:
        """Open one of the files."""
        return LogFile(self._folder / name)

    def file(self, name: str) -> Path:
        """Return the path of one of the files."""
        return self._folder / name

    def forget(self, name: str) -> None:
        """Read the first bytes of a file anew when they are needed: it is another one now."""
        self._segments.pop(name, None)

    def newest(self, names: Names) -> Segment | None:
        """Return the segment that was begun last, None while that is not to be told.

        It is not while a file that may be the newest shows neither header nor record, or has no
        date at all. An older file is never taken for it: its role may be an old one.
        """
        near = {name: self.segment(name, names[name]) for name in _last(names)}
        shown = [segment for segment in near.values() if segment is not None]
        if not shown:
            return None
        newest = _latest(shown)
        for name, segment in near.items():
            is_other = len(near) > 1 and names[name] == UNDATED
            if segment is None and (is_other or names[name] > newest.by_name):
                return None
            if segment is not None and is_other and segment.header.utc is None:
                return None
        return newest

    def after(self, segment: Segment, names: Names) -> Segment | None:
        """Return the segment that was begun next after one, None if there is none."""
        later = [
            other
            for name, moment in names.items()
            if name != segment.name
            and (moment == UNDATED or moment >= _shifted(segment.by_name, -1))
            and (other := self.segment(name, moment)) is not None
            and other.is_after(segment)
        ]
        return _first(later)

    def before(self, segment: Segment, names: Names) -> Segment | None:
        """Return the segment that was begun last before one, None if there is none."""
        limit = _shifted(segment.by_name, 1)
        left = {n: m for n, m in names.items() if n != segment.name and m <= limit}
        while left:
            near = _last(left)
            earlier = [
                other
                for name in near
                if (other := self.segment(name, left[name])) is not None
                and not other.is_after(segment)
            ]
            if earlier:
                return _latest(earlier)
            for name in near:
                del left[name]
        return None

    def out_of_order(self, newest: Segment, names: Names) -> str | None:
        """Return a file that must be later than the newest, though not by its date; None if none.

        It appeared later, or has a higher number in the same process. So the host's clock was
        set back, or somebody put an old file there: which one is written to is not to be told.
        """
        since = self._appeared.get(newest.name, 0)
        for name, moment in names.items():
            is_new = self._appeared[name] > since
            other = self.segment(name, moment) if is_new else self._segments.get(name)
            if other is None or other.is_after(newest):
                continue
            if is_new or other.has_higher_number(newest):
                return name
        return None

    def segment(self, name: str, by_name: datetime) -> Segment | None:
        """Return what a file is; None while it shows nothing, or if it is gone again.

        One without date in its name is looked at each time: it may be another one by now.
        """
        known = None if by_name == UNDATED else self._segments.get(name)
        if known is None:
            try:
                with self.open(name) as file:
                    known = segment_of(name, by_name, file.head, self._encoding)
            except FileNotFoundError:
                return None
            if known is not None:
                self._segments[name] = known
        return known

    def _moment(self, name: str) -> datetime | None:
        """Return when a file was begun by its name, None if it is none of the log."""
        if name in {self.path.name, f"{self._base}.log"}:
            return UNDATED if (self._folder / name).is_file() else None
        return segment_moment(name, self._base)


def _last(names: Names) -> list[str]:
    """Return the files of which one is the last: by name, those near to it, and the undated."""
    last = max(names.values())
    edge = _shifted(last, -1)
    return [name for name, moment in names.items() if moment >= edge or moment == UNDATED]


def _shifted(moment: datetime, hours: int) -> datetime:
    """Return a moment as far away as names may mislead; the earliest date stays."""
    return moment if moment == UNDATED else moment + hours * FOLD


def _latest(segments: list[Segment]) -> Segment:
    latest = segments[0]
    for segment in segments[1:]:
        latest = segment if segment.is_after(latest) else latest
    return latest


def _first(segments: list[Segment]) -> Segment | None:
    first = segments[0] if segments else None
    for segment in segments[1:]:
        first = segment if first is not None and first.is_after(segment) else first
    return first
