"""Edge: finds the role of a running process by reading its log backwards, chunk by chunk.

Needed once, when nothing is known yet; after that the tail reads on. Memory is one chunk,
however long the log or its lines are. It can stop at any chunk and go on later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cluster.sip.log_coding import narrow
from cluster.sip.log_file import LogFile
from cluster.sip.log_folder import LogFolder
from cluster.sip.log_lines import MAX_LINE, Record, Telling, dated, tellings
from cluster.sip.log_segment import Segment
from cluster.sip.log_state import LogState, decides


class LogSearch:
    """A search from a place in a log back to the line that told the role.

    state: what was found, None while it is not over. moment: newest one seen, in UTC, naive.
    """

    def __init__(
        self,
        folder: LogFolder,
        segment: Segment,
        end: int,
        *,
        wants_moment: bool,
        chunk_bytes: int,
    ) -> None:
        """Begin at `end`, the beginning of a line in `segment`.

        wants_moment: it is not over before a date was seen too, at the latest a segment's begin.
        """
        self.state: LogState | None = None
        self.moment: datetime | None = None
        self._folder = folder
        self._segment = segment
        self._end = end
        self._start = segment.header.start
        self._wants_moment, self._chunk_bytes = wants_moment, chunk_bytes

    @property
    def where(self) -> str:
        """How far it has come, for people."""
        return f"{self._end} bytes of {self._segment.name}"

    def go_on(self, is_late: Callable[[], bool]) -> bool:
        """Search until it is over or late; return whether it is over. May raise OSError."""
        while not self._is_over():
            try:
                with self._folder.open(self._segment.name) as file:
                    while self._end > self._segment.coding.mark and not self._is_over():
                        if is_late():
                            return False
                        self._chunk(file)
            except FileNotFoundError:
                self._conclude(LogState(start=self._start).lost())
                return True
            if not self._is_over():
                self._go_back()
        return True

    def _is_over(self) -> bool:
        return self.state is not None and (self.moment is not None or not self._wants_moment)

    def _chunk(self, file: LogFile) -> None:
        """Search one chunk, with what stands around it so that lines at its ends are whole."""
        coding = self._segment.coding
        low, end = coding.mark, self._end
        begin = max(low, end - self._chunk_bytes)
        first = max(low, begin - coding.width)
        data = file.read(first, end - first + MAX_LINE * coding.width)
        found = [
            each.what
            for each in tellings(narrow(data, coding), first == low, coding.narrow_codec)
            if begin <= first + each.at * coding.width < end
        ]
        for what in reversed(found):
            self._note(what)
        self._end = begin

    def _note(self, what: Telling) -> None:
        if isinstance(what, Record):
            moment = dated(what)
            if self.moment is None and moment is not None:
                self.moment = self._segment.header.utc_of(moment, self._segment.first)
            if decides(what):
                self._conclude(LogState(start=self._start).after(what))
        elif what.text != self._start:
            self._conclude(LogState(start=self._start))

    def _conclude(self, state: LogState) -> None:
        """Keep what the last line says; what stands before it has no say."""
        self.state = self.state or state

    def _go_back(self) -> None:
        """Go on in the segment before, if it is there and of the same process."""
        self.moment = self.moment or self._segment.header.utc
        before = self._folder.before(self._segment, self._folder.names())
        if self._segment.header.number == 1:
            self._conclude(LogState(start=self._start))
        elif before is None or not self._segment.follows_at_once(before):
            self._conclude(LogState(start=self._start).lost())
        else:
            with self._folder.open(before.name) as file:
                self._end = file.size // before.coding.width * before.coding.width
            self._segment = before
        if self.state is not None:
            self._wants_moment = False
