"""The only module that starts programs: from an argument list, never through a shell.

Each program gets a process group of its own and is ended with everything it started.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cluster.clock import Clock, Deadline, Instant

if sys.platform == "win32":
    from cluster import process_windows as platform
else:
    from cluster import process_posix as platform

default_nlb_program = platform.default_nlb_program
default_powershell_program = platform.default_powershell_program

MAX_OUTPUT_BYTES = 256 * 1024
"""Output kept from one program; what is beyond is read and dropped."""

READ_CHUNK = 65536
POLL_SECONDS = 0.5
"""How soon a pipe that somebody keeps open is closed here once its program has ended."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program did.

    exit_status: None if it was not started or had to be killed.
    start_error: why it could not be started, None if it ran.
    denied: it was not started because this account may not.
    timed_out: it was still running at its deadline and was killed.
    truncated: it printed more than `MAX_OUTPUT_BYTES`.
    """

    asked: Instant
    ended: Instant
    stdout: bytes = b""
    stderr: bytes = b""
    exit_status: int | None = None
    start_error: str | None = None
    denied: bool = False
    timed_out: bool = False
    truncated: bool = False


class RunGroup:
    """The programs that `run` has under way for one owner, so that all can be ended at once.

    Without it a daemon that stops in the middle of a reading would leave programs behind.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._pids: set[int] = set()
        self._ended = False

    def add(self, pid: int) -> None:
        """Take in a program that was just started; once the group has ended, end it too."""
        with self._lock:
            self._pids.add(pid)
            if self._ended:
                platform.kill_group(pid)

    def discard(self, pid: int) -> None:
        """Forget a program that has ended."""
        with self._lock:
            self._pids.discard(pid)

    def end(self) -> None:
        """End every program of the group, and from now on each new one as it starts."""
        with self._lock:
            self._ended = True
            for pid in self._pids:
                platform.kill_group(pid)


def run(
    argv: Sequence[str],
    deadline: Deadline,
    clock: Clock,
    group: RunGroup | None = None,
    given: bytes | None = None,
) -> Finished:
    """Run a program to its end or to the deadline, whichever comes first.

    Never raises for what the program does. Returns within the deadline even if what it started
    keeps its output open.
    group: lets another thread end it before that. given: what it can read from its standard
    input; None for nothing.
    """
    asked = clock.now()
    group = group or RunGroup()
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **platform.start_options(),
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        denied = isinstance(error, PermissionError)
        return Finished(asked, clock.now(), start_error=reason, denied=denied)
    assert process.stdout is not None
    assert process.stderr is not None
    collectors = [_Collector(process.stdout), _Collector(process.stderr)]
    timed_out = False
    try:
        group.add(process.pid)
        if given is not None:
            threading.Thread(target=_give, args=(process, given), daemon=True).start()
        for collector in collectors:
            collector.join(deadline.remaining(clock.now()))
        process.wait(deadline.remaining(clock.now()))
        timed_out = any(collector.is_alive() for collector in collectors)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        platform.kill_group(process.pid)
        process.wait()
        group.discard(process.pid)
        for collector in collectors:
            collector.give_up()
    return Finished(
        asked,
        clock.now(),
        stdout=collectors[0].bytes(),
        stderr=collectors[1].bytes(),
        exit_status=None if timed_out else process.returncode,
        timed_out=timed_out,
        truncated=any(collector.truncated for collector in collectors),
    )


def _give(process: subprocess.Popen[bytes], given: bytes) -> None:
    """Write to a program's standard input and close it; one that does not read it loses it."""
    assert process.stdin is not None
    with contextlib.suppress(OSError), process.stdin:
        process.stdin.write(given)


class _Collector(threading.Thread):
    """Reads one pipe to its end, keeping no more than the cap."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True, name="program-output")
        self._pipe = pipe
        self._kept = bytearray()
        self._given_up = False
        self.truncated = False
        self.start()

    def run(self) -> None:
        """Read until the pipe closes or is given up."""
        with self._pipe:
            while not self._given_up:
                if not platform.is_readable(self._pipe.fileno(), POLL_SECONDS):
                    continue
                chunk = self._pipe.read1(READ_CHUNK)  # type: ignore[attr-defined]  # buffered
                if not chunk:
                    return
                room = MAX_OUTPUT_BYTES - len(self._kept)
                self._kept += chunk[:room]
                self.truncated = self.truncated or len(chunk) > room

    def give_up(self) -> None:
        """Read no more, a moment later: what the program left behind may keep the pipe open."""
        self._given_up = True

    def bytes(self) -> bytes:
        """Return what has been read so far."""
        return bytes(self._kept)


class RunningProgram:
    """A program that runs until it is stopped."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Wrap a started process."""
        self._process = process

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group on POSIX."""
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._process.poll()

    def stop(self, grace_seconds: float) -> int:
        """Ask it to end, kill its whole group after the grace time, return the exit status."""
        if self._process.poll() is None:
            platform.interrupt_group(self.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_seconds)
        self.kill()
        return self._process.wait()

    def kill(self) -> None:
        """End it and everything it started, at once."""
        platform.kill_group(self.pid)
        self._process.wait()


def start(
    argv: Sequence[str],
    *,
    log_file: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> RunningProgram:
    """Start a program that runs on, its output appended to a file.

    env: its whole environment; None for this program's own. Raises OSError if it cannot be
    started.
    """
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            **platform.start_options(),
        )
    return RunningProgram(process)
