"""The mode source `exec` against programs that do everything wrong, and the simulated mlcmd."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.clock import SystemClock, deadline_in
from cluster.config_sources import ExecSource
from cluster.model import Problem, Reading, Reason, SipMode, SipStatus
from cluster.programs import MAX_OUTPUT_BYTES
from cluster.sip.exec import ExecSipSource
from cluster.surroundings import Surroundings
from tests.integration.running import RunningSite, run_site, until

pytestmark = pytest.mark.integration
CLOCK = SystemClock()
LONG_SECONDS = 20.0
FOUR_LINES = "printf 'Application: SIP_P\\nDBID: 107\\nStatus: Running\\nRunmode: Primary\\n'"
Script = Callable[[str], str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return a function that writes a program of these shell lines; return its path."""

    def write(lines: str) -> str:
        file = tmp_path / f"modes-{len(list(tmp_path.iterdir()))}"
        file.write_text(f"#!/bin/sh\n{lines}\n", "utf-8")
        file.chmod(0o755)
        return str(file)

    return write


@pytest.fixture
def given() -> Iterator[Surroundings]:
    """Surroundings of looks; what still runs at the end is ended."""
    made = Surroundings(CLOCK)
    yield made
    made.shared.close()


def source(program: str, given: Surroundings, name: str = "SIP_P", **more: Any) -> ExecSipSource:
    """Return a source that runs a program."""
    settings = {"type": "exec", "command": (program,), "refresh": "60s", "timeout": "9s"}
    return ExecSipSource(ExecSource.model_validate(settings | more), name, given)


def read(reader: ExecSipSource, seconds: float = LONG_SECONDS) -> Reading[SipStatus]:
    """Read once; within the deadline and what is allowed to say that it was late."""
    began = time.monotonic()
    reading = reader.read(deadline_in(CLOCK, seconds))
    assert time.monotonic() - began < seconds + 0.25
    return reading


def in_background(reader: ExecSipSource, into: list[Reading[SipStatus]]) -> threading.Thread:
    """Read in a thread of its own."""
    thread = threading.Thread(target=lambda: into.append(read(reader)))
    thread.start()
    return thread


def test_a_listing_gives_the_mode(script: Script, given: Surroundings) -> None:
    """The reading says what was asked, when, and what was printed."""
    program = script(FOUR_LINES + "\necho careful >&2")
    began = CLOCK.now()
    reading = read(source(program, given, lag="250ms"))
    assert replace(reading, asked=began, answered=began) == Reading(
        SipStatus(SipMode.PRIMARY, scs_connected=True, application="SIP_P"),
        "exec",
        began,
        began,
        0.25,
        None,
        program,
        "Application: SIP_P\nDBID: 107\nStatus: Running\nRunmode: Primary\n\ncareful\n",
    )
    assert 0 <= reading.asked.seconds_since(began) <= reading.answered.seconds_since(began)


def test_a_script_of_the_site_gives_the_mode(script: Script, given: Surroundings) -> None:
    """In the plain form, which tells of no connection."""
    program = script("echo SIP_P backup")
    reading = read(source(program, given, format="plain"))
    assert (reading.value, reading.problem) == (
        SipStatus(SipMode.BACKUP, application="SIP_P"),
        None,
    )


@pytest.mark.parametrize(
    ("lines", "more", "reason", "text"),
    [
        ("exit 3", {}, Reason.NO_OUTPUT, "{program} listed no application, exit status 3: ''"),
        (
            "echo 'login  failed'; exit 1",
            {},
            Reason.MALFORMED,
            "{program} listed no application, exit status 1: 'login failed'",
        ),
        (
            "echo SIP_P primary; echo 'no route' >&2; exit 4",
            {"format": "plain"},
            Reason.MALFORMED,
            "{program} failed, exit status 4: 'no route'",
        ),
        (
            "kill -9 $$",
            {"format": "plain"},
            Reason.NO_OUTPUT,
            "{program} failed, exit status -9: ''",
        ),
        (
            FOUR_LINES + "; sleep 30",
            {"timeout": "300ms"},
            Reason.TIMEOUT,
            "{program} was still running after 0.3 s",
        ),
        (
            f"{FOUR_LINES}; head -c {MAX_OUTPUT_BYTES} /dev/zero",
            {},
            Reason.TOO_LARGE,
            "{program} printed more than expected",
        ),
        (
            "echo SIP_Q primary",
            {"format": "plain"},
            Reason.OTHER_APPLICATION,
            "application 'SIP_P' is not among what is listed",
        ),
        (
            "echo SIP_Q primary; echo SIP_R backup",
            {"format": "plain"},
            Reason.OTHER_APPLICATION,
            "application 'SIP_P' is not among the 2 that are listed",
        ),
        (
            FOUR_LINES.replace("Running", "Stopped"),
            {},
            Reason.NOT_RUNNING,
            "application 'SIP_P': status 'Stopped', run mode 'Primary'",
        ),
        (
            FOUR_LINES,
            {"password_file": "/nowhere/password"},
            Reason.NOT_INSTALLED,
            "/nowhere/password: the secret file cannot be read: No such file or directory "
            "(check path and rights)",
        ),
    ],
)
def test_what_is_no_answer_is_a_problem(
    script: Script, given: Surroundings, lines: str, more: dict[str, str], reason: Reason, text: str
) -> None:
    """A listing that is cut off, late, of others or of a failure gives no mode."""
    program = script(lines)
    reading = read(source(program, given, **more))
    assert (reading.value.mode, reading.problem) == (
        SipMode.UNKNOWN,
        Problem(reason, text.format(program=program)),
    )


def test_a_program_that_prints_anything_is_read_in_time(
    script: Script, given: Surroundings
) -> None:
    """Random bytes, more of them than are kept, give a problem."""
    reading = read(source(script("cat /dev/urandom"), given, timeout="500ms"), 1.0)
    assert (reading.value.mode, len(reading.raw) <= 8192) == (SipMode.UNKNOWN, True)
    assert reading.problem is not None
    assert reading.problem.reason is Reason.TIMEOUT


def test_a_program_that_is_not_there_is_told(given: Surroundings) -> None:
    """It cannot be started."""
    reading = read(source("/nowhere/mlcmd", given))
    assert reading.problem == Problem(
        Reason.NOT_INSTALLED, "/nowhere/mlcmd: No such file or directory"
    )


def test_the_password_goes_to_standard_input_and_nowhere_else(
    script: Script, given: Surroundings, tmp_path: Path
) -> None:
    """Neither process list nor environment shows it, nor what sipnlb shows of the output."""
    password = tmp_path / "password"
    password.write_text("hunter2 é\nother\n", "utf-8")
    program = script(
        "IFS= read -r secret\n"
        "tr '\\0' '\\n' < /proc/$$/cmdline | grep -c hunter2\n"
        "env | grep -c hunter2\n"
        'echo "got $secret"\n'
        f'[ "$secret" = "hunter2 é" ] && {FOUR_LINES}'
    )
    reading = read(source(program, given, password_file=str(password)))
    assert reading.value.mode is SipMode.PRIMARY
    assert reading.raw.splitlines()[:3] == ["0", "0", "got [password]"]


@pytest.mark.parametrize("coding", ["UTF-8", "UTF-16LE", "UTF-16BE", "CP1252", "CP850"])
def test_the_password_is_not_shown_in_whatever_way_it_is_printed(
    script: Script, given: Surroundings, tmp_path: Path, coding: str
) -> None:
    """Tools of Windows print in many ways; also a failure tells what was printed."""
    password = tmp_path / "password"
    password.write_text("hünter2\n", "utf-8")
    program = script(f"iconv -f UTF-8 -t {coding} >&2")
    reading = read(source(program, given, password_file=str(password)))

    assert reading.problem is not None
    shown = f"{reading.problem} {reading.raw}".replace("\0", "").replace("\\x00", "")
    assert shown.count("[password]") == 2
    assert "nter2" not in shown


def test_a_program_that_reads_no_password_does_no_harm(
    script: Script, given: Surroundings, tmp_path: Path
) -> None:
    """It may close its standard input at once."""
    password = tmp_path / "password"
    password.write_text("x" * 200_000, "utf-8")
    program = script(f"exec <&-; {FOUR_LINES}")
    reading = read(source(program, given, password_file=str(password)))
    assert (reading.value.mode, reading.problem) == (SipMode.PRIMARY, None)


def counting(tmp_path: Path, script: Script) -> tuple[str, Callable[[], int], Path]:
    """Return a program that waits for a file, a count of its runs, and the file.

    At each run it writes how often it has been run, as the name of an application.
    """
    runs, go = tmp_path / "runs", tmp_path / "go"
    runs.touch()
    program = script(
        f"echo >> '{runs}'\nwhile [ ! -e '{go}' ]; do sleep 0.02; done\n"
        f'echo "SIP_P primary"; echo "SIP_Q backup"; echo "run $(wc -l < \'{runs}\') primary"'
    )
    return program, lambda: runs.read_text().count("\n"), go


def test_one_call_serves_all_who_ask_together(
    script: Script, given: Surroundings, tmp_path: Path
) -> None:
    """Two servers, each asked for twice before the call began: one run."""
    program, runs, go = counting(tmp_path, script)
    go.touch()
    cached = replace(given, live=False)
    readers = [source(program, cached, name, format="plain") for name in ("SIP_P", "SIP_Q")]
    modes = [read(reader).value.mode for reader in readers * 2]
    assert modes == [SipMode.PRIMARY, SipMode.BACKUP] * 2
    assert runs() == 1


def test_the_exporter_asks_again_when_an_answer_is_old(
    script: Script, given: Surroundings, tmp_path: Path
) -> None:
    """Until then it shows the answer as old as it is; a failure too is not asked for again."""
    program, runs, go = counting(tmp_path, script)
    go.touch()
    reader = source(
        program, replace(given, live=False), format="plain", refresh="1s", timeout="500ms"
    )
    first, again = read(reader), read(reader)
    assert (again.asked, runs()) == (first.asked, 1)
    until(lambda: read(reader).asked != first.asked)
    assert CLOCK.now().seconds_since(first.asked) > 0.9
    assert runs() == 2


def test_a_look_never_takes_an_answer_to_an_earlier_question(
    script: Script, given: Surroundings, tmp_path: Path
) -> None:
    """Not one that is kept, and not one that was already under way when it asked."""
    program, runs, go = counting(tmp_path, script)
    reader = source(program, given, format="plain")
    other = source(program, given, "SIP_Q", format="plain")
    first: list[Reading[SipStatus]] = []
    second: list[Reading[SipStatus]] = []
    threads = [in_background(reader, first)]
    until(lambda: runs() == 1)
    asked = CLOCK.now()
    threads += [in_background(reader, second), in_background(other, second)]
    time.sleep(0.1)  # so that both wait; were they slower, they would begin a call of their own
    assert runs() == 1
    go.touch()
    for thread in threads:
        thread.join(LONG_SECONDS)
    assert all(reading.asked.seconds_since(asked) >= 0 for reading in second)
    assert first[0].asked.seconds_since(asked) < 0
    assert {reading.value.mode for reading in second} == {SipMode.PRIMARY, SipMode.BACKUP}
    assert runs() == 2
    kept = read(reader)
    assert (runs(), kept.asked.seconds_since(second[0].answered) >= 0) == (3, True)


def test_a_look_waits_no_longer_than_its_deadline(
    script: Script, given: Surroundings, tmp_path: Path
) -> None:
    """The call goes on; who asks later shares the next one."""
    program, runs, go = counting(tmp_path, script)
    reader = source(program, given, format="plain")
    late = read(reader, 0.3)
    assert late.problem == Problem(
        Reason.TIMEOUT, "no answer within 0.3 s; looks wait no longer than remediator.look_timeout"
    )
    go.touch()
    assert read(reader).problem is None
    assert runs() == 2


def test_a_call_that_runs_at_the_end_is_ended(script: Script, tmp_path: Path) -> None:
    """No program is left behind, and who waited for it is told."""
    pid = tmp_path / "pid"
    given = Surroundings(CLOCK)
    reader = source(script(f"echo $$ > '{pid}.new'; mv '{pid}.new' '{pid}'; sleep 60"), given)
    got: list[Reading[SipStatus]] = []
    thread = in_background(reader, got)
    until(pid.exists)
    given.shared.close()
    thread.join(LONG_SECONDS)
    assert got[0].problem is not None
    assert got[0].problem.reason is Reason.NO_OUTPUT
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site of two clusters, whose Management Layer is one."""
    yield from run_site(tmp_path, "--lag", "0", "--clusters", "2")


def test_the_simulated_mlcmd_is_read(site: RunningSite, given: Surroundings) -> None:
    """Its faults have their reasons, and noise between the lines has none."""
    (program,) = {listeners["mlcmd"] for listeners in site.listeners.values()}
    command = (program, "-getallappstatus")
    reader = source("", given, "SIP_Server_east_1", command=command, timeout="600ms")

    def after(**fault: Any) -> tuple[SipMode, Reason | None]:
        assert site.post("/api/v1/fault", {"mlcmd": "none", "mlcmd_latency_seconds": 0} | fault).ok
        reading = read(reader)
        return reading.value.mode, reading.problem.reason if reading.problem else None

    assert after() == (SipMode.PRIMARY, None)
    assert after(mlcmd="noise") == (SipMode.PRIMARY, None)
    assert after(mlcmd="truncated") == (SipMode.PRIMARY, None)
    assert after(mlcmd="login_failed") == (SipMode.UNKNOWN, Reason.MALFORMED)
    assert after(mlcmd="garbage") == (SipMode.UNKNOWN, Reason.OTHER_APPLICATION)
    assert after(mlcmd="empty") == (SipMode.UNKNOWN, Reason.NO_OUTPUT)
    assert after(mlcmd="hang") == (SipMode.UNKNOWN, Reason.TIMEOUT)
    assert after(mlcmd_latency_seconds=2) == (SipMode.UNKNOWN, Reason.TIMEOUT)
    refused = site.post("/api/v1/fault", {"mlcmd": "slow"})
    words = "none, hang, login_failed, noise, truncated, garbage, empty"
    assert refused.json() == {"error": f"mlcmd must be one of {words}"}
    assert site.post("/api/v1/clusters/sip-east/fail").ok
    until(lambda: after() == (SipMode.UNKNOWN, Reason.NOT_RUNNING))
