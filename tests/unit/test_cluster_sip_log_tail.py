"""The tail of a log: the role at every moment of its life, on real files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.clock import Deadline, Instant, deadline_in
from cluster.model import Problem, Reason, SipMode
from cluster.sip.log_tail import LogTail, Told
from tests.unit import sip_log_samples as samples
from tests.unit.exporter_samples import FakeClock
from tests.unit.sip_log_samples import (
    BACKUP,
    PRIMARY,
    STARTED,
    STOPPED,
    append,
    header,
    record,
    write,
)

NOISE = "13:54:59.856: SIPCM: id=1 0456 \r\n" * 9000
"""Some chunks of lines that tell nothing."""

LOST = Problem(
    Reason.ROLE_ROTATED_AWAY, "no line that tells a role is left in the log of this process"
)
NEW = Problem(Reason.ROLE_NOT_TOLD, "no line has told a role since the process started")


def read(tail: LogTail) -> Told:
    """Read without haste; the clock of the tail stands still."""
    return tail.read(Deadline(10**9))


def mode(tail: LogTail) -> SipMode | Reason:
    """Return the mode, or why there is none."""
    told = read(tail)
    return told.problem.reason if told.problem else told.state.mode


def test_the_role_is_found_at_the_end_of_a_log(tmp_path: Path) -> None:
    """The last line that tells one counts; all that is told comes with it."""
    lines = record(STARTED) + record(BACKUP, 1) + record(PRIMARY, 2) + NOISE
    path = write(tmp_path, header(1) + lines)
    told = read(samples.tail_of(tmp_path))

    assert (told.state.mode, told.state.standby, told.problem) == (SipMode.PRIMARY, "hot", None)
    assert (told.state.since, told.state.start) == ("2031-02-03T09:37:06.789", samples.START)
    assert told.state.line == f"2031-02-03T09:37:06.789 Std {PRIMARY}"
    assert (told.application, told.file) == (samples.BASE, path)


def test_it_is_found_through_segments_of_the_same_process(tmp_path: Path) -> None:
    """Read backwards, segment by segment, however large they are."""
    write(tmp_path, header(7) + record(PRIMARY) + NOISE)
    for number in (1, 2, 3):
        write(tmp_path, header(7 + number, minutes=number) + NOISE, number)

    assert mode(samples.tail_of(tmp_path)) is SipMode.PRIMARY


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        pytest.param(header(6, start="2031-01-01T00:00:00") + record(PRIMARY), LOST, id="other"),
        pytest.param(header(5) + record(PRIMARY), LOST, id="gap"),
        pytest.param("", LOST, id="empty"),
        pytest.param(header(6), LOST, id="rotated away"),
        pytest.param(header(6) + record(STARTED), None, id="started"),
    ],
)
def test_a_role_that_cannot_be_this_process_is_never_taken(
    tmp_path: Path, first: str, problem: Problem | None
) -> None:
    """Another process, a missing segment, or none with a role: unknown, and why."""
    write(tmp_path, first)
    write(tmp_path, header(7, minutes=1) + NOISE, 1)
    told = read(samples.tail_of(tmp_path))

    assert told.state.mode is SipMode.UNKNOWN
    assert told.problem == (
        problem
        or Problem(Reason.ROLE_NOT_TOLD, "the process has started and has not told its role yet")
    )


def test_a_process_whose_log_is_whole_and_tells_no_role_has_told_none(tmp_path: Path) -> None:
    """Nothing was rotated away, so it says so."""
    write(tmp_path, header(9, start="2031-01-01T00:00:00") + record(PRIMARY))
    write(tmp_path, header(1, minutes=1) + NOISE, 1)

    assert read(samples.tail_of(tmp_path)).problem == NEW


def test_it_follows_what_is_written(tmp_path: Path) -> None:
    """Each reading is up to the last whole line; a half line waits for its end."""
    path = write(tmp_path, header(1) + record(BACKUP))
    tail = samples.tail_of(tmp_path)
    half = record(PRIMARY, 1)

    assert mode(tail) is SipMode.BACKUP
    append(path, half[:-2])
    assert mode(tail) is SipMode.BACKUP
    assert mode(samples.tail_of(tmp_path)) is SipMode.BACKUP
    append(path, half[-2:])
    assert mode(tail) is SipMode.PRIMARY
    append(path, record(STOPPED, 2))
    assert mode(tail) is Reason.NOT_RUNNING


def test_it_begins_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """A record that was half written when it began is read once it is whole."""
    half = record(PRIMARY, 1)
    path = write(tmp_path, header(1) + record(BACKUP) + half[:30])
    tail = samples.tail_of(tmp_path)

    assert mode(tail) is SipMode.BACKUP
    append(path, half[30:])
    assert mode(tail) is SipMode.PRIMARY


def test_it_goes_over_to_the_next_segment_and_reads_the_rest_of_the_last(tmp_path: Path) -> None:
    """A role in either is found, also where the last line has no end."""
    first = write(tmp_path, header(1) + record(BACKUP))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.BACKUP

    append(first, record(PRIMARY, 1).rstrip())
    second = write(tmp_path, header(2, minutes=2), 2)
    assert mode(tail) is SipMode.PRIMARY
    first.unlink()
    append(second, record(BACKUP, 3))
    assert mode(tail) is SipMode.BACKUP
    write(tmp_path, header(3, minutes=4), 4)
    write(tmp_path, header(4, minutes=5) + record(PRIMARY, 5), 5)
    assert (mode(tail), read(tail).file.name) == (SipMode.PRIMARY, samples.name(5))


def test_the_role_outlives_the_rotation_of_its_line(tmp_path: Path) -> None:
    """Who follows the log knows it all along; who begins afterwards does not."""
    tail = samples.tail_of(tmp_path)
    write(tmp_path, header(1) + record(PRIMARY))
    assert mode(tail) is SipMode.PRIMARY
    for number in (1, 2, 3):
        write(tmp_path, header(1 + number, minutes=number) + NOISE, number)
        assert mode(tail) is SipMode.PRIMARY
        (tmp_path / samples.name(number - 1)).unlink()

    assert mode(tail) is SipMode.PRIMARY
    assert read(samples.tail_of(tmp_path)).problem == LOST


def test_another_process_is_unknown_until_it_tells_its_role(tmp_path: Path) -> None:
    """The role of the one before is not its."""
    write(tmp_path, header(1) + record(PRIMARY))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY

    later = write(tmp_path, header(1, start="2031-02-03T04:15:06", minutes=10), 10)
    assert mode(tail) is Reason.ROLE_NOT_TOLD
    append(later, record(STARTED, 10) + record(BACKUP, 11))
    assert mode(tail) is SipMode.BACKUP


def test_where_segments_were_lost_the_role_is_searched_anew(tmp_path: Path) -> None:
    """What was written in them may have been another role."""
    first = write(tmp_path, header(1) + record(PRIMARY))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY

    third = write(tmp_path, header(3, minutes=2), 2)
    assert mode(tail) is Reason.ROLE_ROTATED_AWAY
    append(third, record(BACKUP, 3))
    assert mode(tail) is SipMode.BACKUP
    third.unlink()
    write(tmp_path, header(4, minutes=4), 4)
    assert mode(tail) is Reason.ROLE_ROTATED_AWAY
    assert first.exists()


@pytest.mark.parametrize("how", ["cut", "grown over", "zeros"])
def test_a_truncated_log_is_read_anew(tmp_path: Path, how: str) -> None:
    """Lines may be missing, so the role is unknown until it is told again."""
    path = write(tmp_path, header(1) + record(PRIMARY))
    size = path.stat().st_size
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY

    os.truncate(path, 0)
    if how == "cut":
        assert mode(tail) is Reason.ROLE_NOT_TOLD
        append(path, record("04110 text", 1))
    elif how == "grown over":
        append(path, record("04110 text", 1) + NOISE)
    else:
        os.truncate(path, size + 20_000)
        append(path, record("04110 text", 1))
    assert mode(tail) is Reason.ROLE_ROTATED_AWAY
    append(path, record(BACKUP, 2))
    assert mode(tail) is SipMode.BACKUP


def test_an_older_segment_is_never_taken_for_a_truncated_one(tmp_path: Path) -> None:
    """As long as the newest shows nothing, nothing is known."""
    write(tmp_path, header(1) + record(PRIMARY))
    write(tmp_path, "", 1)
    tail = samples.tail_of(tmp_path)

    assert read(tail).problem == Problem(
        Reason.ROLE_NOT_TOLD,
        "a file that may be the newest of the log shows neither header nor record",
    )
    write(tmp_path, header(2, minutes=1), 1)
    assert mode(tail) is SipMode.PRIMARY


def test_a_log_that_vanishes_for_a_while_is_known_again(tmp_path: Path) -> None:
    """A share that is gone, or a renamed file: unreachable, and then as before."""
    path = write(tmp_path, header(1) + record(PRIMARY))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY

    path.rename(tmp_path / "away")
    assert read(tail).problem == Problem(
        Reason.UNREACHABLE, f"{tmp_path / samples.BASE}: no such log"
    )
    write(tmp_path, header(9, start="2031-01-01T00:00:00") + record(BACKUP), -9)
    assert read(tail).problem == Problem(Reason.UNREACHABLE, f"{path}: No such file or directory")
    (tmp_path / "away").rename(path)
    assert mode(tail) is SipMode.PRIMARY
    append(path, record(BACKUP, 1))
    assert mode(tail) is SipMode.BACKUP


def test_a_folder_that_cannot_be_read_is_unreachable(tmp_path: Path) -> None:
    """The problem names what is missing."""
    gone = tmp_path / "gone"
    told = read(samples.tail_of(gone))

    assert told.problem == Problem(
        Reason.UNREACHABLE, f"{gone / samples.BASE}: No such file or directory"
    )
    assert (told.state.mode, told.application) == (SipMode.UNKNOWN, None)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be opened for ever."""
    os.mkfifo(tmp_path / samples.name())
    told = read(samples.tail_of(tmp_path))

    assert told.problem == Problem(
        Reason.UNREACHABLE, f"{tmp_path / samples.BASE}: not a regular file"
    )


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted there")
def test_what_is_no_file_is_not_left_open(tmp_path: Path) -> None:
    """A folder with the name of a segment would else cost one open file a reading."""
    (tmp_path / samples.name()).mkdir()
    tail = samples.tail_of(tmp_path)
    told = read(tail)
    before = len(list(Path("/proc/self/fd").iterdir()))

    assert told.problem == Problem(Reason.UNREACHABLE, f"{tmp_path / samples.BASE}: Is a directory")
    for _ in range(3):
        read(tail)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("file", [f"{samples.BASE}.log", samples.BASE])
def test_a_log_that_is_not_segmented_is_one_file(tmp_path: Path, file: str) -> None:
    """Another process may go on in it; its header tells."""
    path = write(tmp_path, header(1) + record(PRIMARY), file=file)
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY

    append(path, "\r\n" + header(1, start="2031-02-03T05:00:00", minutes=9) + NOISE)
    assert mode(tail) is Reason.ROLE_NOT_TOLD
    assert read(samples.tail_of(tmp_path)).problem == NEW
    append(path, record(BACKUP, 10))
    assert mode(tail) is SipMode.BACKUP


def test_the_newer_of_file_and_segments_counts(tmp_path: Path) -> None:
    """Segmenting was switched on or off at some time; what is left from before is old."""
    write(tmp_path, header(1, minutes=5) + record(PRIMARY), file=f"{samples.BASE}.log")
    write(tmp_path, header(1, start="2031-01-01T00:00:00") + record(BACKUP))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    write(tmp_path, header(1, start="2031-02-03T04:20:00", minutes=15) + record(BACKUP, 15), 15)
    assert mode(tail) is SipMode.BACKUP


@pytest.mark.parametrize("left", ["", record("04110 text", 6)])
def test_an_old_segment_is_never_taken_for_a_file_that_was_truncated(
    tmp_path: Path, left: str
) -> None:
    """Without its header that file has no date, so nothing is known until one is there."""
    write(tmp_path, header(1, start="2031-01-01T00:00:00") + record(BACKUP))
    path = write(tmp_path, header(1, minutes=5) + record(PRIMARY), file=f"{samples.BASE}.log")
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    path.write_text(left)

    assert mode(tail) is Reason.ROLE_NOT_TOLD
    assert mode(samples.tail_of(tmp_path)) is Reason.ROLE_NOT_TOLD


def test_logs_of_threads_are_left_alone(tmp_path: Path) -> None:
    """They are written to more often, and hold no role."""
    write(tmp_path, header(1) + record(PRIMARY))
    thread = samples.name(3).replace(samples.BASE, f"{samples.BASE}-001")
    write(tmp_path, header(1, minutes=3) + record(BACKUP, 3), file=thread)

    assert mode(samples.tail_of(tmp_path)) is SipMode.PRIMARY


def test_the_hour_that_local_time_goes_through_twice(tmp_path: Path) -> None:
    """A later segment with an earlier name is the later one all the same."""
    write(tmp_path, header(1, minutes=50) + record(PRIMARY), 50)
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    write(tmp_path, header(2, minutes=60) + record(BACKUP), 0)

    assert mode(tail) is SipMode.BACKUP
    assert mode(samples.tail_of(tmp_path)) is SipMode.BACKUP
    append(tmp_path / samples.name(0), NOISE)
    write(tmp_path, header(3, minutes=70), 10)
    assert mode(samples.tail_of(tmp_path)) is SipMode.BACKUP


def test_a_clock_that_is_set_back_does_not_hide_the_next_segment(tmp_path: Path) -> None:
    """Of one process the numbers tell that there is a later one: then nothing is known."""
    write(tmp_path, header(1) + record(PRIMARY))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    new = write(tmp_path, header(2, minutes=-5) + record(BACKUP, -5), -5)

    problem = Problem(
        Reason.ROLE_NOT_TOLD,
        f"{new.name} is later than {samples.name()} but dated before it: "
        "was the host's clock set back?",
    )
    assert read(tail).problem == problem
    assert read(samples.tail_of(tmp_path)).problem == problem


def test_files_without_any_order_are_not_followed_round_and_round(tmp_path: Path) -> None:
    """Each of the three is dated after another, by its name or by its header."""
    write(tmp_path, header(1, minutes=10) + record(PRIMARY), 1)
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    write(tmp_path, record("04110 text", 5), 5)
    write(tmp_path, header(1, start="2031-02-03T04:07:00", minutes=3), 9)

    assert read(tail).problem == Problem(
        Reason.UNREACHABLE, f"{tmp_path / samples.BASE}: replaced again and again"
    )


@pytest.mark.parametrize("minutes", [-5, -500])
def test_a_process_that_begins_after_the_clock_was_set_back_is_not_overlooked(
    tmp_path: Path, minutes: int
) -> None:
    """Its log looks old, and the role of the process before is not its: nothing is known."""
    write(tmp_path, header(1) + record(PRIMARY))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    new = write(tmp_path, header(1, start="2031-02-02T00:00:00", minutes=minutes), minutes)

    assert read(tail).problem == Problem(
        Reason.ROLE_NOT_TOLD,
        f"{new.name} is later than {samples.name()} but dated before it: "
        "was the host's clock set back?",
    )
    write(tmp_path, header(1, start="2031-02-03T05:00:00", minutes=60) + record(BACKUP, 61), 60)
    assert mode(tail) is SipMode.BACKUP


def test_a_file_without_date_is_not_known_by_what_it_was(tmp_path: Path) -> None:
    """Segmenting is switched off again, and the file of long ago is written anew."""
    file = f"{samples.BASE}.log"
    write(tmp_path, header(1, start="2031-01-01T00:00:00", minutes=-9), file=file)
    write(tmp_path, header(1) + record(PRIMARY))
    tail = samples.tail_of(tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    write(tmp_path, header(1, start="2031-02-03T05:00:00", minutes=60), file=file)

    assert mode(tail) is Reason.ROLE_NOT_TOLD


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16-le", "utf-16-be", "cp932"])
def test_logs_in_other_codings(tmp_path: Path, coding: str) -> None:
    """Forwards and backwards, over many chunks, with and without a mark."""
    plain = coding.removesuffix("-sig")
    mark = "\ufeff" if plain in {"utf-16-be", "utf-8"} else ""
    text = mark + header(1, application="SIP Ω") + NOISE + record(PRIMARY) + NOISE
    path = tmp_path / samples.name()
    path.write_bytes(text.encode(plain, "replace"))
    tail = samples.tail_of(tmp_path, encoding="cp1252" if mark else plain)

    assert mode(tail) is SipMode.PRIMARY
    assert read(tail).application == "SIP Ω"
    with path.open("ab") as file:
        file.write(("ゆ\u0a0a\r\n" + record(BACKUP, 1)).encode(plain, "replace"))
    assert mode(tail) is SipMode.BACKUP


def test_a_line_of_any_length_costs_one_chunk(tmp_path: Path) -> None:
    """Records before and behind it are found, from either side."""
    long = "x 04563 " * 40_000
    path = write(tmp_path, header(1) + record(BACKUP) + long)
    tail = samples.tail_of(tmp_path, chunk_bytes=16 * 1024)
    assert mode(tail) is SipMode.BACKUP

    append(path, long + "13:54:59.1 Std 04563 text\r\n")
    assert mode(tail) is SipMode.BACKUP
    append(path, record(PRIMARY, 1) + long)
    assert mode(tail) is SipMode.PRIMARY
    assert mode(samples.tail_of(tmp_path, chunk_bytes=16 * 1024)) is SipMode.PRIMARY


@pytest.mark.parametrize("behind", [*range(0, 120, 7), len(record(PRIMARY, 1))])
def test_a_record_across_the_border_of_two_chunks_is_found(tmp_path: Path, behind: int) -> None:
    """Read backwards, wherever the border lies in it."""
    size, line = 16 * 1024, record(PRIMARY, 1)
    rest = "x" * (size - behind - 2) + "\r\n"
    write(tmp_path, header(1) + record(BACKUP) + NOISE + line + rest)

    assert mode(samples.tail_of(tmp_path, chunk_bytes=size)) is SipMode.PRIMARY


def test_what_looks_like_a_record_within_a_long_line_is_none(tmp_path: Path) -> None:
    """Wherever a chunk begins in that line, forwards and backwards."""
    size = 16 * 1024
    decoy = (record(PRIMARY, 1).rstrip() + " ").ljust(128)
    path = write(tmp_path, header(1) + record(BACKUP))
    tail = samples.tail_of(tmp_path, chunk_bytes=size)
    assert mode(tail) is SipMode.BACKUP
    append(path, " " * (128 - path.stat().st_size % 128) + decoy * 1024)

    assert mode(tail) is SipMode.BACKUP
    assert mode(samples.tail_of(tmp_path, chunk_bytes=size)) is SipMode.BACKUP
    append(path, decoy * 1024 + "\r\n")
    assert mode(tail) is SipMode.BACKUP


class SlowClock(FakeClock):
    """A clock that moves on by half a second whenever it is asked."""

    def now(self) -> Instant:
        """Return the moment, and move on."""
        self.move(0.5)
        return self.time


def test_a_search_that_takes_too_long_goes_on_at_the_next_reading(tmp_path: Path) -> None:
    """Meanwhile the role is unknown, and the problem says how far it has come."""
    write(tmp_path, header(1) + record(PRIMARY) + NOISE * 4)
    clock = SlowClock()
    tail = samples.tail_of(tmp_path, clock=clock, chunk_bytes=64 * 1024)
    readings: list[Told] = []
    while not readings or readings[-1].problem:
        readings.append(tail.read(deadline_in(clock, 3.0)))

    first = readings[0].problem
    assert first is not None
    assert first.reason is Reason.TIMEOUT
    assert first.text.startswith("the role is searched for: at ")
    assert first.text.endswith(f" bytes of {samples.name()}")
    assert len({each.problem for each in readings}) == len(readings) > 2
    assert readings[-1].state.mode is SipMode.PRIMARY


def test_a_role_that_is_told_meanwhile_ends_the_search(tmp_path: Path) -> None:
    """The newest line counts; what stands before it need not be found."""
    path = write(tmp_path, header(1) + record(PRIMARY) + NOISE * 4)
    clock = SlowClock()
    tail = samples.tail_of(tmp_path, clock=clock, chunk_bytes=64 * 1024)
    assert tail.read(deadline_in(clock, 3.0)).problem is not None
    append(path, record(BACKUP, 1))
    told = tail.read(deadline_in(clock, 3.0))

    assert (told.problem, told.state.mode) == (None, SipMode.BACKUP)


def test_a_segment_that_expires_while_it_is_searched_ends_the_search(tmp_path: Path) -> None:
    """What stood in it cannot be known any more."""
    write(tmp_path, header(1) + record(PRIMARY) + NOISE * 4)
    write(tmp_path, header(2, minutes=1), 1)
    clock = SlowClock()
    tail = samples.tail_of(tmp_path, clock=clock, chunk_bytes=64 * 1024)
    late = tail.read(deadline_in(clock, 3.0)).problem
    assert late is not None
    assert late.text.endswith(samples.name())
    (tmp_path / samples.name()).unlink()

    assert read(tail).problem == LOST


def test_what_is_new_and_long_is_read_over_several_readings(tmp_path: Path) -> None:
    """Until its end is reached the role may be an old one, so it is unknown."""
    path = write(tmp_path, header(1) + record(PRIMARY))
    clock = SlowClock()
    tail = samples.tail_of(tmp_path, clock=clock, chunk_bytes=64 * 1024)
    assert mode(tail) is SipMode.PRIMARY
    append(path, NOISE * 4 + record(BACKUP, 1))
    late = tail.read(deadline_in(clock, 1.0)).problem

    assert late is not None
    assert (late.reason, late.text.rsplit(": ", 1)[0]) == (Reason.TIMEOUT, f"{path} is being read")
    assert mode(tail) is SipMode.BACKUP


@pytest.mark.parametrize("what", ["rotated", "same"])
def test_its_place_is_kept_over_a_restart(tmp_path: Path, what: str) -> None:
    """Also where the line that told the role has been rotated away meanwhile."""
    logs, state = tmp_path / "logs", tmp_path / "state" / "of it"
    logs.mkdir()
    write(logs, header(1) + record(PRIMARY))
    first = samples.tail_of(logs, kept_in=state)
    assert mode(first) is SipMode.PRIMARY
    second = write(logs, header(2, minutes=1), 1)
    assert mode(first) is SipMode.PRIMARY
    first.close()
    if what == "rotated":
        (logs / samples.name()).unlink()
        write(logs, header(3, minutes=2) + NOISE, 2)
    else:
        append(second, NOISE)

    assert mode(samples.tail_of(logs, kept_in=state)) is SipMode.PRIMARY
    append(second, record(BACKUP, 1))
    assert mode(samples.tail_of(logs, kept_in=state)) is SipMode.BACKUP


def _cut(path: Path) -> None:
    os.truncate(path, 0)


def _other(path: Path) -> None:
    path.write_text(header(2, start="2031-01-01T00:00:00") + NOISE)


def _gone(path: Path) -> None:
    path.unlink()
    write(path.parent, header(3, minutes=2), 2)


@pytest.mark.parametrize("change", [_cut, _other, _gone])
def test_a_place_in_a_file_that_is_another_one_now_is_not_trusted(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """Then the log is searched, and what is not found is unknown."""
    logs = tmp_path / "logs"
    logs.mkdir()
    path = write(logs, header(2) + record(PRIMARY))
    first = samples.tail_of(logs, kept_in=tmp_path)
    assert mode(first) is SipMode.PRIMARY
    first.close()
    change(path)
    append(logs / samples.name(2 if change is _gone else 0), record("04110 text", 2))

    assert mode(samples.tail_of(logs, kept_in=tmp_path)) is Reason.ROLE_ROTATED_AWAY


def test_a_kept_place_is_taken_up_once(tmp_path: Path) -> None:
    """Not again when lines are missing later, though its file may still be there."""
    logs = tmp_path / "logs"
    logs.mkdir()
    write(logs, header(1) + record(PRIMARY))
    tail = samples.tail_of(logs, kept_in=tmp_path)
    assert mode(tail) is SipMode.PRIMARY
    write(logs, header(3, minutes=2), 2)

    assert read(tail).problem == LOST


def test_the_place_is_written_when_the_role_changes_and_else_once_a_minute(tmp_path: Path) -> None:
    """A disk is not written to at every reading."""
    logs, clock = tmp_path / "logs", FakeClock()
    logs.mkdir()
    path = write(logs, header(1) + record(PRIMARY))
    tail = samples.tail_of(logs, kept_in=tmp_path, clock=clock)

    def writes(text: str, seconds: float) -> bool:
        for file in tmp_path.glob("*.json"):
            file.unlink()
        append(path, text)
        clock.move(seconds)
        read(tail)
        return bool(list(tmp_path.glob("*.json")))

    written = [
        writes(text, seconds)
        for text, seconds in (
            ("", 0),
            ("", 90),
            (NOISE, 1),
            (NOISE, 59),
            ("", 300),
            (record(BACKUP, 1), 0),
        )
    ]

    assert written == [True, False, True, False, True, True]


def test_the_newest_moment_is_told_where_it_is_wanted(tmp_path: Path) -> None:
    """In UTC, from the last dated line; times alone leave it to the check points."""
    path = write(tmp_path, header(1) + record(PRIMARY, 3))
    tail = samples.tail_of(tmp_path, wants_moment=True)

    def moment() -> str:
        found = read(tail).moment
        assert found is not None
        return found.isoformat()

    assert moment() == "2031-02-03T04:08:06.789000"
    append(
        path, "09:50:00.1 Trc 04110 x\r\n09:51:00.1 Trc 04120 Check point 2031-02-03T09:51:00\r\n"
    )
    assert moment() == "2031-02-03T04:21:00"
    append(path, record("04110 x", 30) + "x\r\n" * 9)
    assert moment() == "2031-02-03T04:35:06.789000"
    write(tmp_path, header(2, minutes=40), 40)
    assert moment() == "2031-02-03T04:45:06.789000"


def test_the_newest_moment_is_searched_for_too(tmp_path: Path) -> None:
    """Where stamps are times alone: the last check point, else the begin of the segment."""
    role = "09:50:00.1 Std 04563 x\r\n"
    check_point = "09:51:00.1 Trc 04120 Check point 2031-02-03T09:51:00\r\n"
    path = write(tmp_path, header(1) + check_point + role + NOISE)
    moments = [read(samples.tail_of(tmp_path, wants_moment=True)).moment]
    path.write_text(header(1) + role + check_point + NOISE, newline="")
    moments.append(read(samples.tail_of(tmp_path, wants_moment=True)).moment)
    path.write_text(header(1) + role + NOISE, newline="")
    moments.append(read(samples.tail_of(tmp_path, wants_moment=True)).moment)

    assert [each and each.isoformat() for each in moments] == [
        "2031-02-03T04:21:00",
        "2031-02-03T04:21:00",
        "2031-02-03T04:05:06.789000",
    ]


def test_a_log_that_grows_was_written_to_since_the_last_reading(tmp_path: Path) -> None:
    """That needs no stamp, and no clock but ours."""
    clock = FakeClock()
    path = write(tmp_path, "09:50:00.1 Std 04563 x\r\n")
    tail = samples.tail_of(tmp_path, wants_moment=True, clock=clock)
    moments = []
    for text in ("", "half a line", "", "and its end\r\n"):
        append(path, text)
        moments.append(read(tail).moment)
        clock.move(10)

    began = clock.time.plus(-40).utc.replace(tzinfo=None)
    assert moments[:1] == [None]
    assert [each and (each - began).total_seconds() for each in moments[1:]] == [0.0, 0.0, 20.0]


def test_a_second_reader_does_not_wait_for_ever(tmp_path: Path) -> None:
    """While one reading takes long, another one says so by its deadline."""
    write(tmp_path, header(1) + record(PRIMARY))
    clock = FakeClock()
    tail = samples.tail_of(tmp_path, clock=clock)
    with tail._lock:
        told = tail.read(Deadline(clock.time.monotonic))

    assert told.problem == Problem(Reason.BUSY, "another reading of the log takes long")
    assert told.state.mode is SipMode.UNKNOWN
