"""Whatever stands in a log, and however it is written, rotated and read: never a wrong role."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.clock import Deadline, deadline_in
from cluster.model import Reason, SipMode
from cluster.sip.log_lines import MAX_LINE
from cluster.sip.log_place import PlaceFile
from cluster.sip.log_state import LogState, Untold
from cluster.sip.log_tail import LogTail, Told
from cluster.surroundings import Surroundings
from exporter.explanation_log import explain_log
from tests.unit import sip_log_samples as samples
from tests.unit.exporter_samples import FakeClock
from tests.unit.sip_log_samples import BACKUP, PRIMARY, STARTED, STOPPED, header, record
from tests.unit.test_cluster_sip_log import source_of

CHUNK = 3 * MAX_LINE
PIECES = [
    header(1).encode(),
    header(2, start="2031-01-01T00:00:00").encode(),
    header(3).encode("utf-16-le"),
    *(record(each, minutes).encode() for minutes, each in enumerate((PRIMARY, BACKUP, STARTED))),
    record(STOPPED).encode("utf-16-be"),
    b"09:35:06.789 Std 04563 x\r\n",
    b"Start time (UTC): 2031-02-03T04:05:06\r\n",
    b"UTC time: 1970-01-01T00:00:00\r\nLocal time: 9998-12-31T23:59:59\r\nFile: (1) x\r\n\r\n",
    b"9998-12-31T23:59:59 Std 04120 Check point 9999-12-31T23:59:59\r\n",
    b"\0" * 5000,
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"04563 " * 3000,
]
some_bytes = st.one_of(
    st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join)
)
encodings = st.sampled_from(["cp1252", "utf-8", "utf-16", "utf-16-be", "cp932"])


def read(tail: LogTail) -> Told:
    """Read without haste."""
    return tail.read(Deadline(10**9))


@given(
    st.lists(st.tuples(st.integers(0, 2), some_bytes), min_size=1, max_size=6),
    encodings,
    st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_any_bytes_give_a_mode_or_a_named_problem(
    writes: list[tuple[int, bytes]], encoding: str, is_kept: bool
) -> None:
    """In any files of a log, written bit by bit; also with what was kept of them before."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        given_ = Surroundings(
            FakeClock(), live=False, state_directory=folder / "s" if is_kept else None
        )
        source = source_of(folder, given_, encoding=encoding)
        for number, raw in writes:
            with (folder / samples.name(number)).open("ab") as file:
                file.write(raw)
            reading = source.read(deadline_in(given_.clock, 2.0))
            assert (reading.value.mode is SipMode.UNKNOWN) == (reading.problem is not None)
            assert reading.problem is None or reading.problem.reason is not Reason.BUG
        given_.shared.close()
        read(samples.tail_of(folder, kept_in=folder / "s", encoding=encoding, wants_moment=True))


@given(some_bytes, encodings)
@settings(deadline=None)
def test_any_capture_of_a_log_is_explained(raw: bytes, encoding: str) -> None:
    """As JSON, with a problem where there is no mode."""
    explanation = explain_log(raw, encoding)
    json.dumps(explanation)
    assert explanation["mode"] is not None or explanation["problems"]


@given(st.binary(max_size=300), st.integers(0, 400))
@settings(deadline=None, max_examples=60)
def test_a_place_that_was_written_over_is_ignored(raw: bytes, at: int) -> None:
    """Any bytes in any place of it: it is taken over whole, or not at all."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        samples.write(folder, header(2) + record(PRIMARY))
        first = samples.tail_of(folder, kept_in=folder)
        read(first)
        first.close()
        (file,) = folder.glob("*.json")
        whole = file.read_bytes()
        file.write_bytes(whole[:at] + raw + whole[at + len(raw) :])
        PlaceFile(folder, folder / samples.BASE).load()
        told = read(samples.tail_of(folder, kept_in=folder))
        assert (told.state.mode is SipMode.UNKNOWN) == (told.problem is not None)


class WrittenLog:
    """A log that is written as SIP Server writes it, and what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.minute = 0.0
        self.number = 0
        self.processes = 0
        self.start = samples.START
        self.files: list[Path] = []
        self.said = LogState()
        self.said_in: Path | None = None
        self.rotate()

    def rotate(self) -> None:
        """Begin the next segment."""
        self.minute += 1
        self.number += 1
        text = header(self.number, start=self.start, minutes=self.minute)
        self.files.append(samples.write(self.folder, text, self.minute))

    def write(self, what: str) -> None:
        """Write a record, or a role's."""
        self.minute += 1
        text = record(what, self.minute)
        samples.append(self.files[-1], text)
        modes = {PRIMARY: SipMode.PRIMARY, BACKUP: SipMode.BACKUP}
        untold = {STARTED: Untold.STARTED, STOPPED: Untold.STOPPED}.get(what)
        self.said = LogState(modes.get(what, SipMode.UNKNOWN), untold)
        self.said_in = self.files[-1]

    def noise(self, size: int) -> None:
        """Write a line of that many characters, and one that only looks telling."""
        samples.append(self.files[-1], "x" * size + f"\r\n{size}: id=04563 05060\r\n")

    def new_process(self) -> None:
        """Let another process begin."""
        self.number, self.said, self.said_in = 0, LogState(), None
        self.processes += 1
        self.start = f"{samples.EPOCH.year + self.processes}-02-03T04:05:06"
        self.rotate()

    def set_back(self, minutes: float) -> None:
        """Set the clock of the host back."""
        self.minute -= minutes

    def expire(self) -> None:
        """Remove the oldest segment, if there is a newer one."""
        if len(self.files) > 1:
            self.files.pop(0).unlink()

    def is_left(self) -> bool:
        """Tell whether what it says is still to be read by whoever begins now."""
        if self.said_in is not None:
            return self.said_in.exists()
        return self.number == len([f for f in self.files if self.start in f.read_text("cp1252")])


operations = st.one_of(
    st.sampled_from([PRIMARY, BACKUP, STARTED, STOPPED]).map(lambda what: ("write", what)),
    st.sampled_from(["rotate", "new_process", "expire", "restart"]).map(lambda what: (what, None)),
    st.sampled_from([5, MAX_LINE - 3, MAX_LINE + 3, CHUNK, 2 * CHUNK + 1]).map(
        lambda size: ("noise", size)
    ),
)


@given(st.lists(operations, max_size=14))
@settings(deadline=None, max_examples=150)
def test_who_follows_knows_all_and_who_begins_knows_what_is_left(
    steps: list[tuple[str, object]],
) -> None:
    """After every step the tail is right, also over its restarts; a new one never guesses."""
    with tempfile.TemporaryDirectory() as directory:
        log, kept = WrittenLog(Path(directory)), Path(directory) / "state"
        tail = samples.tail_of(log.folder, kept_in=kept, chunk_bytes=CHUNK)
        for name, argument in [("noise", 5), *steps]:
            if name == "restart":
                tail.close()
                tail = samples.tail_of(log.folder, kept_in=kept, chunk_bytes=CHUNK)
            else:
                getattr(log, name)(*(() if argument is None else (argument,)))
            followed = read(tail).state
            assert (followed.mode, followed.untold) == (log.said.mode, log.said.untold)
            begun = read(samples.tail_of(log.folder, chunk_bytes=CHUNK)).state
            wanted = log.said if log.is_left() else LogState().lost()
            assert (begun.mode, begun.untold) == (wanted.mode, wanted.untold)


@given(st.lists(operations | st.sampled_from([3.1, 50.1, 500.1]).map(lambda by: ("set_back", by))))
@settings(deadline=None, max_examples=100)
def test_no_role_of_the_past_is_told_after_the_clock_was_set_back(
    steps: list[tuple[str, object]],
) -> None:
    """Who follows knows the present role, or none."""
    with tempfile.TemporaryDirectory() as directory:
        log = WrittenLog(Path(directory))
        tail = samples.tail_of(log.folder, chunk_bytes=CHUNK)
        for name, argument in steps:
            if name != "restart":
                getattr(log, name)(*(() if argument is None else (argument,)))
            told = read(tail)
            assert told.problem is not None or told.state.mode is log.said.mode


@given(st.lists(st.sampled_from([*PIECES[3:6], b"x" * 9000 + b"\r\n"]), max_size=6), st.data())
@settings(deadline=None, max_examples=100)
def test_it_does_not_matter_in_what_pieces_a_log_is_written(
    lines: list[bytes], data: st.DataObject
) -> None:
    """Half lines, half chunks: the end is the same as read at once."""
    whole = header(1).encode() + b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(len(header(1)), len(whole)), max_size=5)))
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        tail = samples.tail_of(folder, chunk_bytes=CHUNK)
        for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            with (folder / samples.name()).open("ab") as file:
                file.write(whole[begin:end])
            read(tail)
        assert read(tail).state == read(samples.tail_of(folder, chunk_bytes=CHUNK)).state
