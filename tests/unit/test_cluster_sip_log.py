"""The source `log`: a mode only together with a sign of life."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.clock import Deadline, deadline_in
from cluster.config_model import Host
from cluster.model import Problem, Reading, Reason, SipMode, SipStatus
from cluster.sip.sources import SOURCES, SipSource
from cluster.surroundings import Surroundings
from tests.unit import sip_log_samples as samples
from tests.unit.exporter_samples import FakeClock
from tests.unit.sip_log_samples import PRIMARY, STARTED, append, header, record, write

DAY = 86_400.0


def host(folder: Path, **more: Any) -> Host:
    """Return a host whose mode is read from the log in a folder."""
    source = {
        "type": "log",
        "path": str(folder / samples.BASE),
        "liveness": {"type": "check_point", "max_age": "10m"},
    } | more
    return Host.model_validate(
        {
            "name": "porto-1",
            "host_id": 3,
            "address": "10.7.0.11",
            "runner": {"type": "local"},
            "sip_server": {"application": samples.BASE, "sources": (source,)},
        }
    )


def source_of(folder: Path, given: Surroundings, **more: Any) -> SipSource:
    """Return the source as programs make it."""
    made = host(folder, **more)
    return SOURCES["log"](made.sip_server.sources[0], made, given)


def surroundings(minutes: float, **more: Any) -> Surroundings:
    """Return surroundings so many minutes after the first line of the log."""
    clock = FakeClock()
    seconds = (samples.EPOCH - clock.time.utc.replace(tzinfo=None)).total_seconds()
    clock.move(seconds + minutes * 60)
    return Surroundings(clock, live=False, **more)


def read(source: SipSource, given: Surroundings) -> Reading[SipStatus]:
    """Read once."""
    return source.read(deadline_in(given.clock, 2.0))


def test_a_reading_has_mode_application_and_the_line_itself(tmp_path: Path) -> None:
    """For metrics, for the check of the application, and for people."""
    path = write(tmp_path, header(1) + record(PRIMARY))
    given = surroundings(7)
    reading = read(source_of(tmp_path, given, lag="300ms"), given)

    assert reading == Reading(
        SipStatus(SipMode.PRIMARY, application=samples.BASE),
        "log",
        given.clock.now(),
        given.clock.now(),
        0.3,
        None,
        str(path),
        f"2031-02-03T09:35:06.789 Std {PRIMARY}",
    )


@pytest.mark.parametrize(
    ("minutes", "problem"),
    [
        (9.9, None),
        (10.1, "liveness check_point: the newest line of the log is 606 s old"),
        (-9.9, None),
        (-10.1, "liveness check_point: the log is 606 s ahead of this machine's clock"),
    ],
)
def test_a_log_that_does_not_go_on_is_no_sign_of_life(
    tmp_path: Path, minutes: float, problem: str | None
) -> None:
    """A crash writes nothing: the last word of a dead process does not count."""
    write(tmp_path, header(1) + record(PRIMARY))
    given = surroundings(minutes)
    reading = read(source_of(tmp_path, given), given)

    assert reading.value.mode is (SipMode.UNKNOWN if problem else SipMode.PRIMARY)
    assert reading.problem == (problem and Problem(Reason.NOT_ALIVE, problem))
    assert reading.value.application == samples.BASE


def test_a_log_without_any_date_is_no_sign_of_life(tmp_path: Path) -> None:
    """Until it grows."""
    path = write(tmp_path, f"09:35:06.789 Std {PRIMARY}\r\n")
    given = surroundings(3)
    source = source_of(tmp_path, given)

    assert read(source, given).problem == Problem(
        Reason.NOT_ALIVE, "liveness check_point: no line of the log has a date"
    )
    append(path, "more\r\n")
    assert read(source, given).value.mode is SipMode.PRIMARY


def test_a_process_that_begins_meanwhile_does_not_answer_for_the_one_before(
    tmp_path: Path,
) -> None:
    """The port is asked before the log: whoever accepts has told in it by then that it began."""
    path = write(tmp_path, header(1) + record(PRIMARY))
    given = surroundings(7)
    tcp = {"type": "tcp", "port": 5070}
    settings = host(tmp_path, liveness=tcp).sip_server.sources[0]

    class BeginsNow:
        """Stands for a port that is opened by a process which has just begun."""

        wants_moment = False

        def before(self, _deadline: Deadline) -> None:
            append(path, record(STARTED, 3))

        def after(self, _moment: datetime | None) -> None:
            """The log is not asked for its age."""

    given.shared.get(("liveness", settings, "10.7.0.11", given.live), BeginsNow)
    reading = read(source_of(tmp_path, given, liveness=tcp), given)

    assert reading.problem == Problem(
        Reason.ROLE_NOT_TOLD, "the process has started and has not told its role yet"
    )


def test_readers_of_one_log_share_its_tail(tmp_path: Path) -> None:
    """And its place is kept where the program keeps such things, once it ends."""
    logs, state = tmp_path / "logs", tmp_path / "state"
    logs.mkdir()
    path = write(logs, header(1) + record(PRIMARY))
    given = surroundings(7, state_directory=state)
    one, two = source_of(logs, given), source_of(logs, given)
    assert read(one, given).value.mode is SipMode.PRIMARY
    assert len(given.shared._kept) == 2  # tail and sign of life

    append(path, "more\r\n")
    assert read(two, given).value.mode is SipMode.PRIMARY
    given.shared.close()
    (kept,) = state.iterdir()
    assert f'"offset": {path.stat().st_size}' in kept.read_text("utf-8")
