"""Boundaries of a remediation, at which the process that passes one may be killed.

A boundary is named by who passes it (main, look, resync …), what it is, and how often it has been
passed before. The last one passed is left where the test can read it after the kill.
"""

from __future__ import annotations

import mmap
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from remediator.journal import Journal

WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER")
JOURNAL_CALLS = (
    "record_alerts",
    "record_decision",
    "open_decision",
    "open_action",
    "open_note",
    "close_notes",
    "record_event",
    "end",
    "end_alerts",
    "open_rows",
    "prune",
    "close_unknown",
)
PLACE_BYTES = 256


class Gates:
    """Counts what is passed, and ends the process at one place."""

    def __init__(self, kill_at: str | None, place: mmap.mmap) -> None:
        """kill_at: the name of a boundary, None for none. place: where the last one is left."""
        self._kill_at, self._place = kill_at, place
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._calls: dict[str, Callable[[], object]] = {}
        self.passed: list[str] = []

    def on(self, what: str, do: Callable[[], object]) -> None:
        """Have something done whenever a boundary is passed."""
        self._calls[what] = do

    def step(self, what: str) -> None:
        """Pass a boundary, or end here."""
        who = threading.current_thread().name.partition("_")[0].removesuffix("Thread").lower()
        with self._lock:
            label = f"{who}: {what}"
            self._counts[label] += 1
            name = f"{label} {self._counts[label]}"
            self.passed.append(name)
            self._place[:PLACE_BYTES] = name.encode()[:PLACE_BYTES].ljust(PLACE_BYTES)
            if name == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        if what in self._calls:
            self._calls[what]()

    def watch_transactions(self) -> None:
        """Count every writing statement of every journal, and the commit after it."""

        def before(*given: Any) -> None:
            if given[2].lstrip().startswith(WRITES):
                self.step(f"before {given[2].split()[0]}")

        def after(*given: Any) -> None:
            if given[2].lstrip().startswith(WRITES):
                self.step(f"{given[2].split()[0]} not committed")

        listen: Callable[..., None] = event.listen
        listen(Engine, "before_cursor_execute", before)
        listen(Engine, "after_cursor_execute", after)
        listen(Engine, "commit", lambda *_: self.step("before commit"))

    def around(self, journal: type[Journal]) -> type[Journal]:
        """Return the journal class with a boundary before and after each of its calls."""
        return type("Gated", (journal,), {name: self._around(name) for name in JOURNAL_CALLS})

    def _around(self, name: str) -> Callable[..., Any]:
        gates = self

        def call(journal: Journal, *given: Any, **named: Any) -> Any:
            gates.step(f"before {name}")
            done = getattr(super(type(journal), journal), name)(*given, **named)
            gates.step(f"after {name}")
            return done

        return call


def where(place: mmap.mmap) -> str:
    """Return the last boundary that was passed, without its count; empty for none."""
    return place[:PLACE_BYTES].decode(errors="replace").strip("\0 ").rpartition(" ")[0]
