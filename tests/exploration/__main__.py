"""Explore the remediation loop and print what was explored.

``python -m tests.exploration --states 2000000 --runs 5000``. Exit status: 0 nothing was found
broken, 1 something was (with the steps that lead to it), 2 fewer states were there than asked for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from random import Random

import structlog

from tests.exploration.product import Parts
from tests.exploration.real_loop import RealLoop, dropped
from tests.exploration.search import Explored
from tests.exploration.sites import SITES
from tests.exploration.truth import BEGINNINGS

MOST_FAULTS = 6
SEED = 20310506


def main(arguments: Sequence[str] | None = None) -> int:
    """Explore every site for its share of the states, then run the real program."""
    parser = argparse.ArgumentParser(prog="python -m tests.exploration")
    parser.add_argument("--states", type=int, default=2_000_000, help="distinct states in all")
    parser.add_argument("--runs", type=int, default=5000, help="runs with several things wrong")
    given = parser.parse_args(arguments)
    status = _states(given.states)
    return 1 if status == 1 else _real_runs(given.runs) or status


def _states(wanted: int) -> int:
    """Search every site."""
    faults: Counter[str] = Counter()
    began, states, transitions = time.monotonic(), 0, 0
    for site in SITES:
        since = time.monotonic()
        told = site.search(Parts()).explore(MOST_FAULTS, int(wanted * site.share))
        print(f"{site.name}: {_words(told)}, {time.monotonic() - since:.0f} s", flush=True)
        if told.breaches:
            print("\n".join([f"BROKEN {' and '.join(told.breaches)}", *told.way]))
            return 1
        faults += told.faults
        states += told.states
        transitions += told.transitions
    seconds = time.monotonic() - began
    print(f"in all: {states:,} distinct states, {transitions:,} transitions, {seconds:.0f} s")
    print(_tried(faults), flush=True)
    return 0 if states >= wanted * 0.99 else 2


def _words(told: Explored) -> str:
    by_faults = ", ".join(f"{count:,} with {n}" for n, count in enumerate(told.by_faults))
    return (
        f"{told.states:,} distinct states ({by_faults} faults), {told.transitions:,} transitions, "
        f"depth {told.depth}, {told.settled:,} endings"
    )


def _tried(faults: Mapping[str, int]) -> str:
    counts = sorted(faults.items(), key=lambda each: -each[1])
    return "tried: " + ", ".join(f"{what} {count:,}" for what, count in counts)


def _real_runs(several: int) -> int:
    """Run the real program with each thing wrong by itself, then with several."""
    structlog.configure(processors=[dropped])
    random, faults, began, runs = Random(SEED), Counter[str](), time.monotonic(), 0
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nobody pulls the plug here
    with tempfile.TemporaryDirectory(dir=memory) as folder, closing(RealLoop(Path(folder))) as loop:
        for beginning, given in _ways(loop, several, random):
            world = loop.run(beginning, given)
            runs += 1
            faults.update(world.choices.chosen)
            if world.broken:
                print(f"BROKEN {' and '.join(world.broken)}")
                print(f"from {beginning} by {dict(given)}: {world.choices.chosen} {world.commands}")
                return 1
    print(f"the real program: {runs:,} runs, nothing broken, {time.monotonic() - began:.0f} s")
    print(_tried(faults))
    return 0


def _ways(loop: RealLoop, several: int, random: Random) -> Iterable[tuple[str, Mapping[int, int]]]:
    """Yield every single deviation from every beginning, then drawn ones."""
    singles = ((name, given) for name in BEGINNINGS for given in loop.single_deviations(name))
    names = (random.choice(list(BEGINNINGS)) for _ in range(several))
    return chain(singles, ((name, loop.some_deviations(name, random)) for name in names))


if __name__ == "__main__":
    sys.exit(main())
