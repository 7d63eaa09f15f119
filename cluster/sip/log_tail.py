"""Edge: follows one SIP Server log, so that every reading is up to its last whole line.

Reads on from where it was, over rotation, truncation and restarts of its own. Whenever lines
may be missing, the role is searched anew in what is left, and unknown if it is not there.
Memory is one chunk, time is the deadline; what is not read by then is read next time, and the
role is unknown meanwhile.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cluster.clock import Clock, Deadline, Instant, deadline_in
from cluster.model import Problem, Reason
from cluster.sip.log_coding import narrow
from cluster.sip.log_file import LogFile
from cluster.sip.log_folder import LogFolder, Names
from cluster.sip.log_lines import MAX_LINE, Record, dated, last_moment, tellings
from cluster.sip.log_place import Place, PlaceFile, digest
from cluster.sip.log_search import LogSearch
from cluster.sip.log_segment import Segment
from cluster.sip.log_state import LogState, decides

TRIES = 3
NOT_CLEAR = "a file that may be the newest of the log shows neither header nor record"
NOT_IN_ORDER = "{} is later than {} but dated before it: was the host's clock set back?"
LAST_BYTES = 64 * 1024
"""How much of the end of a log is searched for a dated line."""

CHUNK_BYTES = 1024 * 1024
SAVE_SECONDS = 60.0
FOLLOW_SECONDS = 5.0
"""How often a log is read by itself where readings are rare; else rotation outruns them."""

FOLLOW_READ_SECONDS = 0.25
"""How long that may take, since whoever has to know waits meanwhile."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a log tells.

    application: that its header names. file: read last. moment: newest that the log shows, in
    UTC, naive. problem: why there is no mode. Each None where it is not known.
    """

    state: LogState
    application: str | None
    file: Path
    moment: datetime | None
    problem: Problem | None


class LogTail:
    """The tail of one log, shared by all who read it."""

    def __init__(
        self,
        folder: LogFolder,
        clock: Clock,
        places: PlaceFile | None,
        *,
        wants_moment: bool,
        follows: bool,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        """Make a tail that has read nothing yet.

        places: where its place is kept over a restart, None for nowhere. wants_moment: whether
        the newest moment in the log is needed, which costs a little. follows: whether it is to
        read on by itself from its first reading until `close`. chunk_bytes: how much is read at
        once, even and more than twice `MAX_LINE`.
        """
        self._folder, self._clock, self._places = folder, clock, places
        self._wants_moment, self._chunk_bytes = wants_moment, chunk_bytes
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._follows = follows
        self._has_begun = False
        self._segment: Segment | None = None
        self._offset = 0
        self._at_line_start = True
        self._size = 0
        self._state = LogState()
        self._search: LogSearch | None = None
        self._moment: datetime | None = None
        self._read_at: Instant | None = None
        self._kept: Place | None = None
        self._kept_at = 0.0

    def read(self, deadline: Deadline) -> Told:
        """Read all that was written and tell what it adds up to; never raises for a log."""
        if not self._lock.acquire(timeout=deadline.remaining(self._clock.now())):
            busy = Problem(Reason.BUSY, "another reading of the log takes long")
            return self._told(LogState(), busy)
        try:
            self._start_to_follow()
            try:
                problem = self._catch_up(deadline, self._clock.now())
            except OSError as error:
                why = error.strerror or type(error).__name__
                problem = Problem(Reason.UNREACHABLE, f"{self._file()}: {why}")
            return self._told(self._state, problem or self._state.problem())
        finally:
            self._lock.release()

    def close(self) -> None:
        """Read no more by itself, and keep the place."""
        self._stop.set()
        if self._lock.acquire(timeout=0.2):  # a reading that hangs is left behind
            try:
                self._keep(0.0)
            finally:
                self._lock.release()

    # -- one reading

    def _catch_up(self, deadline: Deadline, now: Instant) -> Problem | None:
        """Read what is new; return why the reading cannot tell anything, None if it can."""
        names = self._folder.names()
        if not names:
            return Problem(Reason.UNREACHABLE, f"{self._folder.path}: no such log")
        for _ in range(TRIES):
            if self._segment is None and not self._begin(names):
                return Problem(Reason.ROLE_NOT_TOLD, NOT_CLEAR)
            is_read = self._read_on(names, deadline)
            if self._segment is not None:
                break
            names = self._folder.names()
        else:
            return Problem(Reason.UNREACHABLE, f"{self._folder.path}: replaced again and again")
        if not is_read:
            left = f"{self._file()} is being read: {self._offset} bytes so far"
            return Problem(Reason.TIMEOUT, left)
        name = self._folder.out_of_order(self._segment, names)
        if name is not None:
            return Problem(Reason.ROLE_NOT_TOLD, NOT_IN_ORDER.format(name, self._segment.name))
        if self._search is not None and not self._found(deadline):
            return Problem(Reason.TIMEOUT, f"the role is searched for: at {self._search.where}")
        self._read_at = now
        self._keep(SAVE_SECONDS)
        return None

    def _begin(self, names: Names) -> bool:
        """Begin where the kept place is, else at the end with a search; False: not possible yet."""
        if self._restore(names):
            return True
        newest = self._folder.newest(names)
        if newest is None:
            return False
        with self._folder.open(newest.name) as file:
            self._begin_at_end(newest, file)
        return True

    def _begin_at_end(self, newest: Segment, file: LogFile) -> None:
        width, low = newest.coding.width, newest.coding.mark
        size = max(low, file.size // width * width)
        first = max(low, size - LAST_BYTES)
        piece = narrow(file.read(first, size - first), newest.coding)
        whole = piece.rfind(b"\n", max(0, len(piece) - MAX_LINE)) + 1
        is_long = whole == 0 and len(piece) >= MAX_LINE
        self._segment = newest
        self._offset = size if is_long else first + whole * width
        self._at_line_start = not is_long
        self._state = LogState(start=newest.header.start)
        self._moment, self._read_at = newest.header.utc, None
        last = last_moment(piece[:whole], newest.coding.narrow_codec)
        self._note_moment(last)
        self._search = LogSearch(
            self._folder,
            newest,
            self._offset,
            wants_moment=self._wants_moment and last is None,
            chunk_bytes=self._chunk_bytes,
        )

    def _restore(self, names: Names) -> bool:
        """Take up the kept place, if the file is still the same."""
        place = self._places.load() if self._places and not self._has_begun else None
        self._has_begun = True
        if place is None or place.file not in names:
            return False
        segment = self._folder.segment(place.file, names[place.file])
        if segment is None:
            return False
        with self._folder.open(place.file) as file:
            if not place.is_in(file.head, file.size):
                return False
        self._segment, self._state, self._moment = segment, place.state, place.moment
        self._offset, self._at_line_start = place.offset, place.at_line_start
        self._kept, self._kept_at = place, self._clock.now().monotonic
        return True

    def _read_on(self, names: Names, deadline: Deadline) -> bool:
        """Read to the end of the newest segment; return whether it was reached in time.

        Where lines may be missing it returns with no segment: then it is to be begun anew.
        """
        for _ in names:  # not for ever, whatever the files say of their order
            segment = self._segment
            if segment is None:
                return False
            later = self._folder.after(segment, names)
            try:
                with self._folder.open(segment.name) as file:
                    if file.size < self._offset or not file.head.startswith(segment.head):
                        self._forget(segment)
                        return False
                    if not self._read_file(file, segment, deadline, is_last=later is None):
                        return False
            except FileNotFoundError:
                if later is None:
                    raise
                self._forget(segment)
                return False
            if later is None:
                return True
            self._enter(later, segment)
            if deadline.remaining(self._clock.now()) <= 0:
                return False
        if self._segment is not None:
            self._forget(self._segment)
        return False

    def _read_file(
        self, file: LogFile, segment: Segment, deadline: Deadline, *, is_last: bool
    ) -> bool:
        """Read the rest of a file; return whether its end was reached in time."""
        width = segment.coding.width
        if file.size > self._size and self._read_at is not None:
            self._note_utc(self._read_at.utc.replace(tzinfo=None))  # written since then
        self._size = file.size
        while True:
            data = file.read(self._offset, self._chunk_bytes)
            piece = narrow(data, segment.coding)
            whole = piece.rfind(b"\n") + 1
            if whole == 0 and (len(piece) > MAX_LINE or not is_last):
                whole = len(piece)  # a line beyond all bounds, or the last one of a closed file
            if whole == 0:
                return True
            self._take(segment, piece[:whole])
            self._offset += whole * width
            self._at_line_start = piece.endswith(b"\n", 0, whole)
            if len(data) == self._chunk_bytes and deadline.remaining(self._clock.now()) <= 0:
                return False

    def _take(self, segment: Segment, piece: bytes) -> None:
        """Let the state follow what stands in a piece of the log."""
        for found in tellings(piece, self._at_line_start, segment.coding.narrow_codec):
            what, before = found.what, self._state.start
            self._state = self._state.after(what)
            if decides(what) or self._state.start != before:
                self._search = None  # what stands before it has no say any more
            if isinstance(what, Record):
                self._note_moment(dated(what))
        if self._wants_moment:
            self._note_moment(last_moment(piece[-LAST_BYTES:], segment.coding.narrow_codec))

    def _enter(self, later: Segment, segment: Segment) -> None:
        """Go over to the segment that was begun next."""
        if later.header.start is None or later.header.start != self._state.start:
            self._search = None
            self._state = LogState(start=later.header.start)
            if later.header.start is None:
                self._state = self._state.lost()
        elif not later.follows_at_once(segment):
            self._forget(segment)
            return
        self._segment, self._offset = later, later.coding.mark
        self._at_line_start, self._size = True, 0
        if later.header.utc is not None:
            self._note_utc(later.header.utc)

    def _forget(self, segment: Segment) -> None:
        """Forget all that is known: lines may be missing."""
        self._folder.forget(segment.name)
        self._segment, self._search = None, None
        self._state = LogState().lost()

    def _found(self, deadline: Deadline) -> bool:
        """Go on with the search; return whether it is over."""
        search = self._search
        assert search is not None
        if not search.go_on(lambda: deadline.remaining(self._clock.now()) <= 0):
            return False
        self._state = search.state or self._state.lost()
        self._note_utc(search.moment)
        self._search = None
        return True

    # -- what is kept

    def _note_moment(self, stamp: datetime | None) -> None:
        """Keep a stamp of the log if it is the newest."""
        if stamp is not None and self._segment is not None:
            self._note_utc(self._segment.header.utc_of(stamp, self._segment.first))

    def _note_utc(self, moment: datetime | None) -> None:
        if moment is not None and (self._moment is None or moment > self._moment):
            self._moment = moment

    def _keep(self, after_seconds: float) -> None:
        """Keep the place where role or process have changed, or the last one is old."""
        if self._places is None or self._segment is None or self._search is not None:
            return
        kept, now = self._kept, self._clock.now().monotonic
        if kept is not None and kept.state == self._state:
            is_same = (kept.file, kept.offset) == (self._segment.name, self._offset)
            if is_same or now - self._kept_at < after_seconds:
                return
        self._kept = Place(
            self._segment.name,
            digest(self._segment.head),
            len(self._segment.head),
            self._offset,
            self._at_line_start,
            self._segment.header.number,
            self._moment,
            self._state,
        )
        self._kept_at = now
        self._places.save(self._kept)

    def _told(self, state: LogState, problem: Problem | None) -> Told:
        segment = self._segment
        application = segment.header.application if segment else None
        return Told(state, application, self._file(), self._moment, problem)

    def _file(self) -> Path:
        """Return the file that is read, the configured path before one was found."""
        return self._folder.file(self._segment.name) if self._segment else self._folder.path

    def _start_to_follow(self) -> None:
        if self._follows:
            self._follows = False
            name = f"log {self._folder.path}"
            threading.Thread(target=self._go_on, daemon=True, name=name).start()

    def _go_on(self) -> None:
        while not self._clock.wait(FOLLOW_SECONDS, self._stop):
            self.read(deadline_in(self._clock, FOLLOW_READ_SECONDS))
