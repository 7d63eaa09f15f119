"""Damage at drawn places of the journal's files, while the program stands and before a start.

Not every damage can be noticed: what a page held, SQLite takes for what was written. Required is
that nobody gets anything but an answer or "not now", that no command leaves without an intent
that can be read back, and that a start either works or names the file and what to do, after
which it works.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from remediator.journal import JournalError
from remediator.rows import Hold
from tests.crash.standing import Standing

PATHS = ("/-/ready", "/api/v1/clusters", "/api/v1/journal", "/metrics")
HISTORY = 40
"""Events in the journal before it is damaged, so that it has some pages."""


@dataclass
class Told:
    """What the rounds came to. became: how often what."""

    rounds: int = 0
    seconds: float = 0.0
    became: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def words(self) -> str:
        """Say it in a line."""
        counts = ", ".join(f"{what} {count}" for what, count in sorted(self.became.items()))
        return f"{self.rounds} damaged journals ({counts}), {self.seconds:.0f} s: " + (
            "BROKEN\n" + "\n".join(self.broken) if self.broken else "nothing broken"
        )


def play(folder: Path, rounds: int, random: Random) -> Told:
    """Damage a journal in many ways."""
    told, began = Told(), time.monotonic()
    while told.rounds < rounds and not told.broken:
        told.rounds += 1
        with tempfile.TemporaryDirectory(dir=folder) as one:
            Round(Path(one), random, told).play(stands=random.random() < 0.5)
    told.seconds = time.monotonic() - began
    return told


class Round:
    """One journal, damaged once."""

    def __init__(self, folder: Path, random: Random, told: Told) -> None:
        self._standing, self._random, self._told = Standing(folder), random, told
        self._did = ""

    def play(self, *, stands: bool) -> None:
        """Damage it while the program stands, or between two of its lives."""
        standing = self._standing
        standing.start()
        for number in range(HISTORY):
            standing.program.journal.record_event("started", {"history": f"{number} " * 20})
        if not stands:
            standing.stop()
        self._damage(with_log=stands)
        standing.switch_over()
        if stands:
            self._is_bearable()
            standing.stop()
        self._starts()

    def _is_bearable(self) -> None:
        """Ask, tell and look; then see what became of it."""
        standing = self._standing
        statuses = [standing.post()[0], *(standing.get(path)[0] for path in PATHS)]
        if not set(statuses) <= {200, 503}:
            self._broken(f"it answers {statuses}")
        hold = standing.look()
        if hold not in {None, Hold.JOURNAL_UNWRITABLE}:
            self._broken(f"a look ends with {hold}")
        if not all(command["durable"] for command in standing.site.commands()):
            self._broken("a command left whose intent cannot be read")
        self._told.became["standing: 503" if 503 in statuses else "standing: unnoticed"] += 1

    def _starts(self) -> None:
        standing = self._standing
        try:
            standing.start()
            self._told.became["start: unnoticed or mended"] += 1
        except JournalError as error:
            self._told.became["start: refused"] += 1
            if "move the file and its -wal aside" not in str(error):
                self._broken(f"the error does not say what to do: {error}")
            for file in standing.file.parent.glob("journal.db*"):
                file.unlink()
            standing.start()
        try:
            standing.ends_right()
        except AssertionError:
            self._broken("the ports do not follow in the end")
        finally:
            standing.stop()

    def _damage(self, *, with_log: bool) -> None:
        """Write into one of the files, in place."""
        log = self._standing.file.with_name("journal.db-wal")
        file = log if with_log and self._random.random() < 0.5 else self._standing.file
        content = bytearray(file.read_bytes())
        kind = self._random.choice(("bytes", "page", "zeros", "cut"))
        place = self._random.randrange(max(1, len(content)))
        if kind == "cut":
            del content[place:]
        else:
            size = {"bytes": 1 + self._random.randrange(8), "page": 4096, "zeros": 600}[kind]
            made = bytes(size) if kind == "zeros" else self._random.randbytes(size)
            content[place : place + size] = made[: len(content) - place]
        with file.open("r+b") as opened:
            opened.write(content)
            opened.truncate(len(content))
        self._did = f"{kind} at {place} of {file.name}, {'standing' if with_log else 'at rest'}"

    def _broken(self, why: str) -> None:
        self._told.broken.append(f"D: {self._did}: {why}")
