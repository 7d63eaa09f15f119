"""Kill the remediator at every boundary and thousands of times at drawn moments; say what came.

    make crash                                   everything, about two hours
    .venv/bin/python -m tests.crash drawn --runs 500 --seed 7

What is run is the product: `Service`, `Executor`, `Actor`, `Journal` on an SQLite file of the
disk, the web face, all guards; wired by its own seams to a site that is a file (`site`), in a
child that is forked for each life (`life`) and killed by SIGKILL. Then it is started again, and
again, and left alone; then `judge` reads what is left. Nothing of the product is replaced but in
`mistakes`, where a wrong program must be found.

parts:
  boundaries  from each beginning a kill at every boundary of a remediation, one by one
              (`gates`: around every call of the journal, in every transaction, around readings,
              commands, webhooks, resync, start)
  pairs       a kill at such a boundary and one at a boundary of the life after it, every n-th
  drawn       one to four kills a run, from outside, after drawn delays
  writes      one transaction killed at each of its system calls, also while the log is moved
              into the file (`syscalls`)
  damage      drawn damage to the journal's files, while the program stands and before a start
              (`damage`)
  program     the real process on a simulated site, killed at drawn moments (`program`)
  mistakes    seeded mistakes; each must be found

The seed draws the same beginnings, boundaries and delays every time; where a delay falls is up to
the machine, so timing does not repeat. Exit status: 0 nothing broken, 1 something was (it says
what, and where it was killed), 2 a seeded mistake was not found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from random import Random

import structlog

from tests.crash import damage, syscalls
from tests.crash.campaign import Campaign, Summary
from tests.crash.mistakes import MISTAKES
from tests.crash.program import Rounds
from tests.crash.site import BEGINNINGS
from tests.exploration.real_loop import dropped
from tests.integration.running import RunningSite, run_site

PARTS = ("boundaries", "pairs", "drawn", "writes", "damage", "program", "mistakes")
SEED = 20310506
WRONG_PATIENCE = 3.0
"""Seconds in which a wrong program must come to rest; some never do."""

TELLING = ("main: after the answer 1", "look: after open_action 1", "look: command on its way 1")
"""Boundaries at which the seeded mistakes show; with ``--only-every`` they are tried alone."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=_first_line())
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--seed", type=int, default=SEED, help="draws beginnings and delays")
    parser.add_argument("--runs", type=int, default=2000, help="drawn runs")
    parser.add_argument("--kills", type=int, default=300, help="of the whole program")
    parser.add_argument("--stride", type=int, default=80, help="every n-th pair of boundaries")
    parser.add_argument("--damages", type=int, default=300, help="damaged journals")
    parser.add_argument("--only-every", type=int, default=1, help="every n-th boundary or write")
    parser.add_argument("--beginning", choices=list(BEGINNINGS), help="boundaries of one alone")
    given = parser.parse_args(arguments)
    unknown = set(given.parts) - {*PARTS}
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    structlog.configure(processors=[dropped])
    print(f"seed {given.seed}", flush=True)
    for part in given.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="sipnlb-crash-") as folder:
            print(f"{part}: ", end="", flush=True)
            status = _run(part, Path(folder), given)
        if status:
            return status
    return 0


def _first_line() -> str:
    assert __doc__ is not None
    return __doc__.splitlines()[0]


def _run(part: str, folder: Path, given: argparse.Namespace) -> int:
    if part == "writes":
        return _writes(folder, given.only_every)
    if part == "damage":
        damaged = damage.play(folder, given.damages, Random(given.seed))
        print(damaged.words(), flush=True)
        return 1 if damaged.broken else 0
    if part == "program":
        with _site(folder) as site:
            told = Rounds(site, folder, Random(given.seed)).play(given.kills)
        print(told.words(), flush=True)
        return 1 if told.broken else 0
    if part == "mistakes":
        return _mistakes(folder, given)
    summary = _played(part, Campaign(folder, given.seed), given)
    print(summary.words(), flush=True)
    return 1 if summary.broken else 0


def _played(part: str, campaign: Campaign, given: argparse.Namespace) -> Summary:
    names = [given.beginning] if given.beginning else list(BEGINNINGS)
    if part == "drawn":
        return campaign.play(campaign.drawn(given.runs))
    if part == "pairs":
        return campaign.play(_chained(campaign.pairs(name, given.stride) for name in names))
    singles = _chained(campaign.singles(name) for name in names)
    return campaign.play(islice(singles, 0, None, given.only_every))


def _chained(ways: Iterable[Iterator[tuple[str, list]]]) -> Iterator[tuple[str, list]]:  # type: ignore[type-arg]
    return chain.from_iterable(ways)


def _writes(folder: Path, stride: int) -> int:
    """Kill every transaction everywhere, and one that also moves the log into the file."""
    began, total, broken = time.monotonic(), 0, []
    before, long = syscalls.make_journal(folder), syscalls.make_journal(folder, long_log=True)
    cases = [(before, name) for name in syscalls.OPERATIONS] + [(long, syscalls.LARGEST)]
    for file, name in cases:
        told = syscalls.kill_everywhere(file, syscalls.OPERATIONS[name], stride=stride)
        total += told.stops
        broken += told.broken
    said = "BROKEN\n" + "\n".join(broken) if broken else "nothing broken"
    seconds = time.monotonic() - began
    print(f"{len(cases)} transactions, {total:,} kills, {seconds:.0f} s: {said}", flush=True)
    return 1 if broken else 0


def _mistakes(folder: Path, given: argparse.Namespace) -> int:
    """Look for each seeded mistake at the boundaries of one beginning."""
    missed = 0
    print()
    for name, (parts, mark) in MISTAKES.items():
        sound = list(Campaign(folder, given.seed).singles("switchover"))
        ways = [way for way in sound if given.only_every == 1 or way[1][0].at in TELLING]
        sentence = f"{mark}: "
        summary = Campaign(folder, given.seed, parts, WRONG_PATIENCE).play(ways, until=sentence)
        found = any(breach.startswith(sentence) for breach in summary.broken)
        missed += not found
        print(f"  {name}: {'found' if found else 'MISSED'} in run {summary.runs}", flush=True)
    file = syscalls.make_journal(folder)
    told = syscalls.kill_everywhere(file, syscalls.OPERATIONS[syscalls.LARGEST], safe=False)
    missed += not told.broken
    print(f"  nothing kept to undo a write: {'found' if told.broken else 'MISSED'}")
    return 2 if missed else 0


@contextmanager
def _site(folder: Path) -> Iterator[RunningSite]:
    yield from run_site(folder, "--lag", "0")


if __name__ == "__main__":
    sys.exit(main())
