"""Programs are started from a list, ended in time, and ended with all they started."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cluster import programs
from cluster.clock import SystemClock, deadline_in
from cluster.model import PortRule, Problem, Reason
from cluster.programs import MAX_OUTPUT_BYTES, RunGroup, run
from cluster.runners.local import LocalRunner
from cluster.runners.request import Permit, Request, Verb

pytestmark = pytest.mark.integration
CLOCK = SystemClock()
LONG_SECONDS = 20.0
"""More than any program here needs; a test that waits so long has failed."""


def python(code: str) -> list[str]:
    """Return the command that runs some code."""
    return [sys.executable, "-I", "-S", "-c", code]


def finish(
    code: str, seconds: float = LONG_SECONDS, group: RunGroup | None = None
) -> programs.Finished:
    """Run some code to its end or the deadline."""
    return run(python(code), deadline_in(CLOCK, seconds), CLOCK, group)


def wait_until(what: str, so: Callable[[], bool]) -> None:
    """Wait until it is so, or fail."""
    end = time.monotonic() + LONG_SECONDS
    while not so():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


def test_output_and_status_are_kept() -> None:
    """Both streams and the exit status are what the program made them; it gets no input."""
    done = finish(
        "import sys; print(repr(sys.stdin.read())); print('err', file=sys.stderr); sys.exit(7)"
    )
    assert (done.stdout.split(), done.stderr.split(), done.exit_status) == ([b"''"], [b"err"], 7)
    assert (done.start_error, done.timed_out, done.truncated) == (None, False, False)
    assert 0 < done.ended.seconds_since(done.asked) < LONG_SECONDS


def test_a_program_that_hangs_is_ended_at_its_deadline() -> None:
    """What it printed before is kept, its exit status is none."""
    done = finish("import time; print('begun', flush=True); time.sleep(300)", seconds=1.5)
    assert (done.timed_out, done.exit_status, done.stdout.split()) == (True, None, [b"begun"])
    assert 1.4 < done.ended.seconds_since(done.asked) < 5


@pytest.mark.parametrize("parent", ["time.sleep(300)", "pass"], ids=["parent hangs", "parent ends"])
def test_grandchildren_are_ended_too(parent: str) -> None:
    """What a program started is ended with it, also when itself has ended before."""
    done = finish(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        f"print(child.pid, flush=True)\n{parent}",
        seconds=2.0,
    )
    grandchild = int(done.stdout)
    assert done.timed_out
    assert done.ended.seconds_since(done.asked) < 6
    wait_until("the grandchild is gone", lambda: _is_gone(grandchild))


@pytest.mark.skipif(sys.platform == "win32", reason="there no program leaves its group")
def test_what_leaves_the_group_and_keeps_the_output_open_costs_no_thread() -> None:
    """It cannot be ended with the group; its pipes are closed here all the same."""
    before = set(threading.enumerate())
    done = finish(
        "import subprocess, sys\n"
        "print(subprocess.Popen(['sleep', '300'], start_new_session=True).pid, flush=True)",
        seconds=1.0,
    )
    try:
        assert done.timed_out
        wait_until("the threads are gone", lambda: set(threading.enumerate()) <= before)
    finally:
        psutil.Process(int(done.stdout)).kill()


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_huge_output_is_capped_and_does_not_block_the_program() -> None:
    """Of 5 MB the first part is kept, the rest is read and dropped, and the program ends."""
    done = finish("import sys; sys.stdout.write('x' * 5_000_000); sys.exit(3)")
    assert (done.truncated, len(done.stdout), done.exit_status) == (True, MAX_OUTPUT_BYTES, 3)


def test_output_of_exactly_the_cap_is_whole() -> None:
    """The cap itself cuts nothing."""
    done = finish(f"print('x' * {MAX_OUTPUT_BYTES}, end='')")
    assert (done.truncated, len(done.stdout)) == (False, MAX_OUTPUT_BYTES)


def test_a_program_that_is_not_there_is_told() -> None:
    """What cannot be started is a result with the system's reason."""
    done = run(["/nowhere/nlb"], deadline_in(CLOCK, LONG_SECONDS), CLOCK)
    assert (done.start_error, done.exit_status) == ("No such file or directory", None)


@pytest.mark.skipif(sys.platform == "win32", reason="rights of files differ")
def test_a_file_that_is_no_program_is_told(tmp_path: Path) -> None:
    """A file without the right to run, or without a form to run, is told as such."""
    file = tmp_path / "nlb"
    file.write_text("neither script nor binary", "utf-8")
    reasons = []
    for mode in (0o644, 0o755):
        file.chmod(mode)
        reasons.append(run([str(file)], deadline_in(CLOCK, LONG_SECONDS), CLOCK).start_error)
    assert reasons == ["Permission denied", "Exec format error"]


def test_an_argument_that_no_program_can_take_is_told() -> None:
    """A null character in an argument is a result, not a crash."""
    done = run(["nlb", "a\0b"], deadline_in(CLOCK, LONG_SECONDS), CLOCK)
    assert done.start_error == "embedded null byte"


def test_a_group_ends_what_is_under_way_and_what_comes_after() -> None:
    """Ending a group ends its programs long before their deadline, and each later one."""
    group = RunGroup()
    ended: list[programs.Finished] = []
    hang = "import time; print('begun', flush=True); time.sleep(300)"
    threads = [
        threading.Thread(target=lambda: ended.append(finish(hang, 60, group))) for _ in range(2)
    ]
    me = psutil.Process()
    before = set(me.children())
    for thread in threads:
        thread.start()
    wait_until("both run", lambda: len(set(me.children()) - before) == 2)
    group.end()
    for thread in threads:
        thread.join(LONG_SECONDS)
    ended.append(finish(hang, 60, group))
    assert [done.ended.seconds_since(done.asked) < LONG_SECONDS for done in ended] == [True] * 3
    assert {done.exit_status for done in ended} == {-9}
    assert set(me.children()) - before == set()


def test_a_program_that_runs_on_is_stopped(tmp_path: Path) -> None:
    """A started program writes to its file until it is stopped; one that will not is killed."""
    log_file = tmp_path / "log"
    code = "import signal, time; {} print('begun', flush=True); time.sleep(300)"
    polite = programs.start(python(code.format("")), log_file=log_file, env=dict(os.environ))
    stubborn = programs.start(
        python(code.format("signal.signal(signal.SIGTERM, signal.SIG_IGN);")), log_file=log_file
    )
    try:
        wait_until("both run", lambda: log_file.read_text("utf-8").count("begun") == 2)
        assert (polite.poll(), stubborn.poll()) == (None, None)
        assert (polite.stop(LONG_SECONDS), stubborn.stop(0.2)) == (-15, -9)
        assert polite.stop(LONG_SECONDS) == -15
    finally:
        polite.kill()
        stubborn.kill()


RULE = PortRule("all", 5070, 5071, "udp")


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """Return a utility that prints its arguments."""
    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    file = tmp_path / "nlb"
    file.write_text('#!/bin/sh\necho "$@"\nexit 1\n', "utf-8")
    file.chmod(0o755)
    return file


def test_a_local_request_is_carried_out_as_given(tool: Path) -> None:
    """The utility gets verb and port; an exit status of 1 is no problem by itself."""
    answer = LocalRunner(lambda asked: (str(tool), *asked.arguments()), CLOCK).run(
        Request(Verb.QUERYPORT, RULE), deadline_in(CLOCK, LONG_SECONDS)
    )
    assert (answer.command, answer.stdout) == (f"{tool} queryport 5070", b"queryport 5070\n")
    assert (answer.exit_status, answer.sent, answer.problem) == (1, True, None)


@pytest.mark.parametrize("verb", [Verb.ENABLE, Verb.DISABLE])
@pytest.mark.parametrize("given", [None, Permit()], ids=["no permit", "another permit"])
@pytest.mark.parametrize("made_with", [None, Permit()], ids=["reads only", "may change"])
def test_a_change_without_the_runners_own_permit_is_refused(
    tool: Path, verb: Verb, given: Permit | None, made_with: Permit | None
) -> None:
    """A request that changes a port never reaches the utility without the very permit."""
    runner = LocalRunner(lambda asked: (str(tool), *asked.arguments()), CLOCK, made_with)
    with pytest.raises(PermissionError) as refused:
        runner.run(Request(verb, RULE), deadline_in(CLOCK, LONG_SECONDS), given)
    assert str(refused.value) == f"{verb} without the permit of this runner"


def test_a_change_with_the_permit_is_carried_out(tool: Path) -> None:
    """The holder of the permit can change a port."""
    permit = Permit()
    runner = LocalRunner(lambda asked: (str(tool), *asked.arguments()), CLOCK, permit)
    answer = runner.run(Request(Verb.ENABLE, RULE), deadline_in(CLOCK, LONG_SECONDS), permit)
    assert answer.stdout == b"enable 5070\n"


@pytest.mark.parametrize(
    ("script", "reason", "said", "sent"),
    [
        (None, Reason.NOT_INSTALLED, "{tool}: No such file or directory", False),
        ("exec sleep 300", Reason.TIMEOUT, "{tool} was still running after 0.5 s", True),
        (
            "head -c 400000 /dev/zero",
            Reason.TOO_LARGE,
            "{tool} printed more than expected",
            True,
        ),
    ],
)
def test_a_request_that_fails_says_why(
    tool: Path, script: str | None, reason: Reason, said: str, sent: bool
) -> None:
    """Not started is certainly not sent; a deadline that passed may have been."""
    if script is None:
        tool.unlink()
    else:
        tool.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    seconds = 0.5 if reason is Reason.TIMEOUT else LONG_SECONDS
    answer = LocalRunner(lambda asked: (str(tool), *asked.arguments()), CLOCK).run(
        Request(Verb.QUERY), deadline_in(CLOCK, seconds)
    )
    assert (answer.problem, answer.sent) == (Problem(reason, said.format(tool=tool)), sent)


def test_a_utility_that_may_not_be_started_is_denied_not_missing(tmp_path: Path) -> None:
    """To install it once more would not help."""
    tool = tmp_path / "nlb"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0)
    answer = LocalRunner(lambda asked: (str(tool), *asked.arguments()), CLOCK).run(
        Request(Verb.QUERY), deadline_in(CLOCK, 5.0)
    )
    assert answer.problem == Problem(Reason.NOT_INSTALLED_OR_DENIED, f"{tool}: Permission denied")
    assert not answer.sent
