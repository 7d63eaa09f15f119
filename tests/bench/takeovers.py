"""How long a cluster waits when the remediator that has it dies, hangs, is cut off or is stopped.

    python -m tests.bench.takeovers [--rounds 10] [--lease 15s]

Two remediators as processes share a real PostgreSQL; the mode changes, and in the same moment
something happens to the one that has the lease. Printed is the time until exactly the new
primary's port is enabled, without any alert, and the time to the lease alone.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.replicas import Relay, Replica, make_replica, started
from tests.integration.running import ROOT, RunningSite, run_site
from tests.integration.test_remediator import ONE, ports
from tests.integration.test_replicas import FIRST, SECOND
from tests.postgres import run_postgres

DEFAULTS = {"command_timeout": "5s", "max_age": "2s", "look_timeout": "1500ms"}
"""What the product has where nothing is set."""


class Bench:
    """Two replicas, of which each reaches the database by a road of its own."""

    def __init__(self, site: RunningSite, replicas: list[Replica], relays: list[Relay]) -> None:
        self.site = site
        self.replicas = replicas
        self.relays = relays

    def holder(self) -> int:
        """Return which of the two has the lease."""
        return next(n for n, replica in enumerate(self.replicas) if replica.has_lease())

    def round(
        self, fault: Callable[[int], None], mend: Callable[[int], None]
    ) -> tuple[float, float]:
        """Change the mode, let it happen; return the seconds to the lease and to the ports."""
        holder = self.holder()
        other = self.replicas[1 - holder]
        primary = self.site.host(ONE)["mode"] == "primary"
        wanted = SECOND if primary else FIRST
        began = time.monotonic()
        fault(holder)
        assert self.site.post("/api/v1/clusters/sip-east/switchover").ok
        until_within(other.has_lease)
        leased = time.monotonic() - began
        until_within(lambda: ports(self.site) == wanted)
        switched = time.monotonic() - began
        mend(holder)
        until_within(lambda: self.replicas[holder].ready()[0] == 200)
        until_within(lambda: not [r for r in other.rows("action") if r["outcome"] is None])
        assert self.holder() == 1 - holder
        assert ports(self.site) == wanted
        return leased, switched

    def kill(self, holder: int) -> None:
        """End it without a word."""
        self.replicas[holder].end(signal.SIGKILL)

    def stop(self, holder: int) -> None:
        """Ask it to end, as a service manager does."""
        process = self.replicas[holder].process
        assert process is not None
        process.send_signal(signal.SIGTERM)

    def restart(self, holder: int) -> None:
        """Start it anew once it has ended."""
        process = self.replicas[holder].process
        assert process is not None
        process.wait(60)
        try:
            self.replicas[holder].start()
        except AssertionError:  # a machine that does much else; it is not what is measured
            until_within(self.replicas[holder].answers)


def until_within(is_so: Callable[[], bool], most: float = 60.0) -> None:
    """Wait for something, a takeover at the longest."""
    deadline = time.monotonic() + most
    while not is_so():
        assert time.monotonic() < deadline, "not so in time"
        time.sleep(0.02)


def find(name: str) -> Path:
    """Find a real program."""
    found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
    assert found is not None, f"{name} is missing: run 'make setup'"
    return Path(found)


def main(argv: list[str]) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.takeovers")
    parser.add_argument("--rounds", type=int, default=10, help="of each kind")
    parser.add_argument("--lease", default="15s", help="remediator.lease")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for server in run_postgres(find):
            for site in run_site(place, "--lag", "0"):
                relays = [Relay(server.port) for _ in range(2)]
                replicas = [
                    make_replica(
                        f"r{n}", site, server, place, relays[n].port, lease=given.lease, **DEFAULTS
                    )
                    for n in range(2)
                ]
                with started(*replicas):
                    report(Bench(site, replicas, relays), given.rounds)
                for relay in relays:
                    relay.close()
    return 0


def report(bench: Bench, rounds: int) -> None:
    """Let everything happen in turn, and print what it took."""
    kinds: list[tuple[str, Callable[[int], None], Callable[[int], None]]] = [
        ("killed (SIGKILL)", bench.kill, bench.restart),
        (
            "frozen (SIGSTOP)",
            lambda n: bench.replicas[n].freeze(),
            lambda n: bench.replicas[n].thaw(),
        ),
        (
            "cut off from the database",
            lambda n: bench.relays[n].cut(),
            lambda n: bench.relays[n].heal(),
        ),
        ("stopped (SIGTERM)", bench.stop, bench.restart),
    ]
    print(
        "| what happens to it | rounds | lease taken: least · median · most | ports right: least · median · most |"
    )
    print("|---|---|---|---|")
    for name, fault, mend in kinds:
        taken = [bench.round(fault, mend) for _ in range(rounds)]
        columns = [
            " · ".join(
                f"{value:.2f} s" for value in (min(all_), statistics.median(all_), max(all_))
            )
            for all_ in zip(*taken, strict=True)
        ]
        print(f"| {name} | {rounds} | {' | '.join(columns)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
