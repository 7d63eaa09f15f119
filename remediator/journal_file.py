"""Edge: the SQLite file of one remediator's journal: opened, and seen to be sound and in its place.

SQLite goes on in a file that somebody has deleted, and nobody finds again what it writes there.
So before each transaction it is seen whether the file of that name is still the one that was
opened; if not, nothing is written and nothing is done.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event

from remediator.journal_store import JournalError, Store

WAIT_SECONDS = 3.0
"""How long another program's lock is waited for."""

BESIDE = ("", "-wal", ".lock")
"""What is looked for: the file, its log, and what keeps a second remediator off it."""

DAMAGED = ("malformed", "not a database", "unsupported file format")
"""What SQLite says of a file that it cannot read as one of its own (observed: 3.40)."""

MEND = (
    "if it is the right file, stop the program, move the file and its -wal aside, start it again; "
    "RUNNING.md says what that loses"
)

Identity = tuple[int, int]


def open_sqlite(url: str) -> Store:
    """Return the store of one SQLite file, as ``sqlite:///PATH``. Nothing is opened yet."""
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": WAIT_SECONDS})

    def on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself, `on_begin` does
        connection.text_factory = _text
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    listen: Callable[..., None] = event.listen
    listen(engine, "connect", on_connect)  # before the next line, which counts what succeeded
    Place(place_of(url)).watch(engine)
    listen(engine, "begin", on_begin)
    return Store(url, engine, _hint, is_shared=False, check=_checking(url))


def place_of(url: str) -> str:
    """Return the path of the file itself, by whatever link it is named."""
    return os.path.realpath(url.removeprefix("sqlite:///"))


def _text(stored: bytes) -> str:
    """Read a text; a damaged one must not keep the rest of a row from being read."""
    return stored.decode("utf-8", "replace")


def _checking(url: str) -> Callable[[Connection], None]:
    """Return what reads the whole file once, and raises `JournalError` if it is damaged."""

    def check(connection: Connection) -> None:
        said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if said != "ok":
            raise JournalError(url, f"the journal is damaged: {' '.join(str(said).split())}", MEND)

    return check


def _hint(said: str) -> str:
    """Say what to do about what SQLite complains of."""
    return MEND if any(words in said for words in DAMAGED) else "see disk space and rights"


class Place:
    """Where the files of a journal are, each known by what it was when it was first seen."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: dict[str, Identity] = {}
        self._connections = 0
        self._lock = threading.Lock()

    def watch(self, engine: Engine) -> None:
        """Look at the files before every connection and transaction of an engine."""
        listen: Callable[..., None] = event.listen
        listen(engine, "do_connect", self._before_connect)
        listen(engine, "connect", self._connected)
        listen(engine, "close", self._closed)
        listen(engine, "begin", self._before_transaction)

    def _before_connect(self, *_: Any) -> None:
        self._look("")  # else a new, empty file would be made in the place of one that is gone

    def _connected(self, *_: Any) -> None:
        with self._lock:
            self._connections += 1

    def _closed(self, *_: Any) -> None:
        """Count down; with its last connection SQLite itself takes the log away."""
        with self._lock:
            self._connections -= 1
            if self._connections == 0:
                self._known.pop("-wal", None)

    def _before_transaction(self, _: Connection) -> None:
        for beside in BESIDE:
            self._look(beside)

    def _look(self, beside: str) -> None:
        """Look for a file. Raises `JournalError` if it was there and is not, or another one is."""
        name = self._path + beside
        try:
            found = os.stat(name)  # noqa: PTH116 - a str: this is asked before each transaction
        except FileNotFoundError:
            if beside in self._known:
                raise _misplaced(name, "is gone") from None
            return
        except OSError as error:
            raise _misplaced(name, f"cannot be seen: {error.strerror}") from None
        identity = found.st_dev, found.st_ino
        with self._lock:
            known = self._known.setdefault(beside, identity)
        if known != identity:
            raise _misplaced(name, "is not the one that was opened")


def _misplaced(name: str, how: str) -> JournalError:
    return JournalError(
        name, f"the journal's file {name} {how}", "put it back, or start the program again"
    )
