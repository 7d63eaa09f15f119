"""How long a failover takes: plays the demonstration several times and prints the figures.

    make setup
    PATH="$PATH:$PWD/.tools/bin" .venv/bin/python tests/bench/failover.py 5

Each run has other ports, so that Prometheus's scrapes and evaluations lie otherwise to each
other; one run alone says little. The figures depend on the machine and are asserted nowhere.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def main(runs: int) -> int:
    """Play the demonstration `runs` times; return the worst exit status."""
    medians: list[float] = []
    worst = 0
    for number in range(1, runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "demo.json"
            command = [sys.executable, "-m", "simulator", "demo", "--plain", "--json", str(file)]
            ended = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            worst = max(worst, abs(ended.returncode))
            figures = json.loads(file.read_text("utf-8"))
        times = [each["seconds_to_verified"] for each in figures["workflows"]]
        medians.append(statistics.median(times))
        shown = " ".join(f"{seconds:.2f}" for seconds in times)
        print(
            f"run {number}: median {medians[-1]:.2f} s of {shown}, right: {figures['ended_right']}"
        )
    print(
        f"{runs} runs: median {statistics.median(medians):.2f} s, "
        f"from {min(medians):.2f} to {max(medians):.2f} s"
    )
    return worst


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
