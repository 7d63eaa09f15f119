"""A transaction of the journal, killed before and after each of its system calls.

The process is traced (ptrace, Linux), stopped at every entry to and return from a system call,
and killed at one of them: that is in the middle of SQLite's writing, wherever it has a middle.
Then the file is opened again. What the killed process had said to be written must be there;
else all of the transaction or nothing of it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from remediator.journal import Journal
from remediator.journal_schema import Kind
from tests.unit import remediator_samples as samples

TRACE_ME, NEXT_CALL = 0, 24
LOG_FRAME_BYTES = 4096 + 24
FRAMES_OF_A_LONG_LOG = 985
"""With a thousand the log beside the file is moved into it (SQLite's default)."""

Operation = Callable[[Journal], object]


class NoTracingError(Exception):
    """This system does not let a process trace its own child."""


@dataclass
class Told:
    """What came of one operation.

    stops: the moments at which it was killed. kept: after how many of them all of it was there.
    acknowledged: how often it had said so. broken: what must not be.
    """

    stops: int = 0
    kept: int = 0
    acknowledged: int = 0
    broken: list[str] = field(default_factory=list)


def _open_action(journal: Journal) -> object:
    where = {"host": "quito-2", "port": "5080", "verb": "enable", "row": "1"}
    return journal.open_action("quito", parent=1, **where, detail={"why": "w"})


def _alerts(journal: Journal) -> None:
    """Write a batch that takes many pages."""
    batch = [samples.alert(fingerprint=f"f{n}", problem="p" * 150) for n in range(60)]
    journal.record_alerts(batch, "webhook")


def _end_alerts(journal: Journal) -> None:
    journal.end_alerts(journal.open_rows(Kind.ALERT), "remediated")


OPERATIONS: dict[str, Operation] = {
    "the intent of an action": _open_action,
    "an outcome": lambda journal: journal.end([1], "verified", detail={"after": "enabled"}),
    "a webhook of sixty alerts": _alerts,
    "the ends of alerts": _end_alerts,
    "old rows deleted": lambda journal: journal.prune(-3600.0),
}
"""What is done to a journal that holds an open action (row 1) and some alerts."""

LARGEST = "a webhook of sixty alerts"


def opened(file: Path) -> Journal:
    """Open a journal on a clock that stands, so that the same is written every time."""
    return Journal(f"sqlite:///{file}", samples.FakeClock())


def make_journal(folder: Path, *, long_log: bool = False) -> Path:
    """Make a journal with something in it.

    long_log: leave so much in the log beside the file that the next transaction also moves it.
    """
    file = folder / f"before{long_log}.db"
    with closing(opened(file)) as journal:
        _open_action(journal)
        journal.record_alerts([samples.alert(fingerprint=f"a{n}") for n in range(5)], "resync")
        journal.record_event("started", {})
    if long_log:
        child = os.fork()
        if not child:
            _lengthen(file)
            os._exit(0)  # without closing it, which would move the log
        os.waitpid(child, 0)
    return file


def _lengthen(file: Path) -> None:
    journal, log = opened(file), file.with_name(file.name + "-wal")
    while not log.exists() or log.stat().st_size < FRAMES_OF_A_LONG_LOG * LOG_FRAME_BYTES:
        journal.record_event("started", {})


def kill_everywhere(
    before: Path, operation: Operation, *, stride: int = 1, safe: bool = True
) -> Told:
    """Carry an operation out again and again, killed one system call later each time.

    stride: every so many stops. safe: whether SQLite keeps what it takes to undo; False is a seeded mistake.
    """
    told, file = Told(), before.with_name("journal.db")
    _copy(before, file)
    nothing = _content(file)
    with closing(opened(file)) as journal:
        operation(journal)
    whole = _content(file)
    assert nothing != whole
    for stop in count(1, stride):
        _copy(before, file)
        ended, acknowledged = _killed_at(stop, file, operation, safe)
        if ended or told.broken:
            break
        told.stops += 1
        content = _content(file)
        told.acknowledged += acknowledged
        told.kept += content == whole
        why = "" if content in {nothing, whole} else f"neither all nor nothing of it: {content}"
        if acknowledged and content == nothing:
            why = "it was said to be written and is not there"
        told.broken += [f"killed at stop {stop}: {why}"] if why else []
    return told


def _copy(before: Path, file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        there, here = (each.with_name(each.name + suffix) for each in (before, file))
        here.unlink(missing_ok=True)
        if there.exists() and suffix != "-shm":
            shutil.copy(there, here)


def _content(file: Path) -> str:
    """Return all rows of a journal, or what is wrong with its file."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
            rows = connection.execute("SELECT * FROM journal ORDER BY id").fetchall()
        return repr(rows) if sound == "ok" else f"the file is broken: {sound}"
    except sqlite3.DatabaseError as error:
        return f"the file is broken: {error}"


def _killed_at(stop: int, file: Path, operation: Operation, safe: bool) -> tuple[bool, bool]:
    """Kill the operation at a stop; return whether it had ended, and whether it had said so."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        _operate(theirs, file, operation, safe)
    os.close(theirs)
    try:
        ended = _let_run(child, stop)
        return ended, os.read(ours, 1) == b"1"
    finally:
        os.close(ours)


def _let_run(child: int, stops: int) -> bool:
    """Let a traced child run to its n-th stop and kill it there; return whether it ended before."""
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        raise NoTracingError
    for _ in range(stops):
        _ptrace(NEXT_CALL, child)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "the operation failed"
            return True
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _operate(acknowledge: int, file: Path, operation: Operation, safe: bool) -> None:
    """Be the child: open, be traced, operate, say so."""
    status = 1
    try:
        if not safe:
            listen: Callable[..., None] = event.listen
            listen(Engine, "begin", _without_undo)
        journal = opened(file)
        _ptrace(TRACE_ME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        operation(journal)
        os.write(acknowledge, b"1")
        status = 0
    except NoTracingError:
        status = 2
    except BaseException as error:  # noqa: BLE001 - boundary: a fork must not return into the test
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(status)


def _without_undo(connection: Any) -> None:
    connection.connection.cursor().execute("PRAGMA journal_mode=OFF")


def _ptrace(request: int, process: int) -> None:
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    words = (ctypes.c_long(request), ctypes.c_long(process), ctypes.c_void_p(0), ctypes.c_void_p(0))
    if trace(*words) < 0:
        raise NoTracingError
