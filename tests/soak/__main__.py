"""Soak the product in simulated and in real time, and print what came of it.

``python -m tests.soak virtual --seeds 5 --hours 5``, ``python -m tests.soak real --minutes 60``.
Exit status: 0 all was as it must be, 1 something was not (printed last).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from tests.exploration.real_loop import dropped
from tests.soak import growth
from tests.soak.real_soak import RealPlan, real_soak
from tests.soak.report import Report
from tests.soak.virtual_soak import Plan, soak

LAGS = (0.0, 3.0, 10.0)
"""Seconds by which mode sources lag, in turn."""
MOST_SHOWN = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the soaks, or both."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("which", nargs="?", choices=("both", "virtual", "real"), default="both")
    parser.add_argument("--quick", action="store_true", help="a few minutes in all")
    parser.add_argument("--seed", type=int, default=20310506, help="of the first schedule")
    parser.add_argument("--runs", type=int, default=12, help="schedules in simulated time")
    parser.add_argument("--hours", type=float, default=4.0, help="simulated hours of each")
    parser.add_argument("--lag", type=float, action="append", help="seconds; default: 0, 3 and 10")
    parser.add_argument("--minutes", type=float, default=60.0, help="of the wall clock")
    parser.add_argument(
        "--clusters", type=int, default=4, help="of the real one; else twice as many"
    )
    given = parser.parse_args(arguments)
    if given.quick:
        given.runs, given.hours, given.minutes = 3, 1.0, 2.0
    status = 0
    if given.which != "real":
        status |= _virtual(
            given.seed, given.runs, given.hours, 2 * given.clusters, given.lag or LAGS
        )
    if given.which != "virtual":
        status |= _real(given.seed, given.minutes, given.clusters)
    return status


def _virtual(seed: int, runs: int, hours: float, clusters: int, lags: Sequence[float]) -> int:
    """Soak in simulated time; each lag in turn."""
    structlog.configure(processors=[dropped])
    began, status = time.monotonic(), 0
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nobody pulls the plug here
    for number, lag in enumerate(lags):
        made = Report()
        for run in range(number, runs, len(lags)):
            with tempfile.TemporaryDirectory(dir=memory) as folder:
                one = soak(Plan(seed + run, clusters, hours * 3600, lag), Path(folder))
            print(f"seed {seed + run}, lag {lag:g} s: {one.lines()[0]}", flush=True)
            made.add(one)
        print(f"\nin simulated time, sources lag {lag:g} s\n" + "\n".join(made.lines()), flush=True)
        status |= _say_broken(made)
    print(f"\n{time.monotonic() - began:.0f} s", flush=True)
    return status


def _real(seed: int, minutes: float, clusters: int) -> int:
    """Soak real programs."""
    result = real_soak(RealPlan(seed, clusters, minutes * 60))
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    print(f"\nreal programs for {minutes:g} minutes: {versions}; {result.notifications}")
    print("\n".join(["", *result.report.lines(), "", *growth.lines(result.uses)]), flush=True)
    if result.ended_by_itself:
        print(f"BROKEN: ended by itself: {', '.join(result.ended_by_itself)}")
        return 1
    return _say_broken(result.report)


def _say_broken(made: Report) -> int:
    broken = made.broken()
    for sentence in broken[:MOST_SHOWN]:
        print(f"BROKEN: {sentence}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
