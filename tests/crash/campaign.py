"""Many runs: a kill at every boundary by itself, at pairs of them, and at moments that are drawn.

Which boundaries, beginnings and delays are drawn follows from the seed; where a delay falls does
not, that is up to the machine. What was met is therefore counted and told.
"""

from __future__ import annotations

import mmap
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.crash.gates import PLACE_BYTES
from tests.crash.life import Parts
from tests.crash.run import SOON, Kill, Run, Told, make_template
from tests.crash.site import BEGINNINGS

START_SECONDS, REMEDIATION_SECONDS = 0.04, 0.02
"""About how long each takes here; delays are drawn from a little more than that."""

AT_MOST_KILLS = 4
Way = tuple[str, list[Kill]]


@dataclass
class Summary:
    """What many runs came to. places: where kills fell. broken: the first that was, and how."""

    runs: int = 0
    kills: int = 0
    missed: int = 0
    taken: int = 0
    commands: int = 0
    seconds: float = 0.0
    places: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, way: Way, told: Told) -> None:
        """Count a run."""
        self.runs += 1
        self.kills += len(told.killed) - told.missed
        self.missed += told.missed
        self.taken += told.taken
        self.commands += told.commands
        self.places.update(told.killed)
        if told.broken:
            self.broken += [f"{way[0]}, killed at {told.killed} ({way[1]}):", *told.broken]

    def words(self) -> str:
        """Say it in a line."""
        return (
            f"{self.runs:,} runs, {self.kills:,} kills at {len(self.places)} kinds of places "
            f"({self.missed} not reached), {self.taken:,} alerts taken, "
            f"{self.commands:,} commands, {self.seconds:.0f} s: "
            + ("BROKEN\n" + "\n".join(self.broken) if self.broken else "nothing broken")
        )


class Campaign:
    """Plays runs in a folder of the disk, one after the other."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        parts: Parts = Parts(),  # noqa: B008 - frozen
        patience: float = SOON,
    ) -> None:
        """Make it ready. patience: see `Run`."""
        self._folder, self._parts, self._patience = folder, parts, patience
        self._random = Random(seed)
        self._place = mmap.mmap(-1, PLACE_BYTES)
        self._template = make_template(folder)

    def play(self, ways: Iterable[Way], *, until: str = "") -> Summary:
        """Play runs, up to the first that breaks a sentence. until: what its words begin with."""
        summary, began = Summary(), time.monotonic()
        for way in ways:
            summary.add(way, self.one(way))
            if any(breach.startswith(until) for breach in summary.broken):
                break
            if summary.runs % 200 == 0:
                sys.stderr.write(f"  {summary.runs} runs\n")
        summary.seconds = time.monotonic() - began
        return summary

    def one(self, way: Way) -> Told:
        """Play one run in a new folder."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            run = Run(Path(folder), way[0], self._random, self._place, self._parts, self._patience)
            return run.play(way[1], self._template)

    def singles(self, beginning: str) -> Iterator[Way]:
        """Yield a kill at each boundary of a run from a beginning."""
        for at in self.one((beginning, [])).passed:
            yield beginning, [Kill(at)]

    def pairs(self, beginning: str, stride: int) -> Iterator[Way]:
        """Yield kills at a boundary and at one of the life that follows, every so many."""
        count = 0
        for at in self.one((beginning, [])).passed:
            for then in self.one((beginning, [Kill(at)])).passed:
                count += 1
                if count % stride == 0:
                    yield beginning, [Kill(at), Kill(then)]

    def drawn(self, runs: int) -> Iterator[Way]:
        """Yield runs with one to four kills at drawn moments."""
        names = list(BEGINNINGS)
        for _ in range(runs):
            kills = [self._drawn_kill() for _ in range(self._random.randint(1, AT_MOST_KILLS))]
            yield self._random.choice(names), kills

    def _drawn_kill(self) -> Kill:
        if self._random.random() < 0.35:
            return Kill(None, "fork", self._random.uniform(0.0, 1.5 * START_SECONDS))
        return Kill(None, "webhook", self._random.uniform(0.0, 1.5 * REMEDIATION_SECONDS))
