"""Attacks everything that reads outside text: ``python -m tests.fuzz --seconds 1200``.

Prints, for each target, the inputs tried, what new branches they reached and how large the
process grew; then what schemathesis and thousands of hostile labels did to the running programs.
What broke something is kept under .cache/fuzz/TARGET/crashes. Exit status: 0 nothing broke, 1
something did, 2 something could not be run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import long
from tests.fuzz.targets import Target, targets

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "fuzz"
PATIENCE_SECONDS = 180.0
"""For a child to begin and to end, on a machine that is busy with other things."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What came of one attack. branches: reached at its begin, and at its end."""

    target: str
    inputs: int
    seconds: float
    guided: bool
    branches: tuple[int, int]
    megabytes: float
    broke: str = ""

    def __str__(self) -> str:
        """Write it as a row of the table."""
        way = f"{self.branches[0]:>6} → {self.branches[1]:<6}" if self.guided else "  not guided "
        done = f"{self.target:15} {self.inputs:>10,} inputs {self.seconds:>6.0f} s {way}"
        return f"{done} {self.megabytes:>5.0f} MB  {self.broke}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack every target for its share of the time, then the running programs."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=1200, help="of all targets")
    parser.add_argument("--examples", type=int, default=100, help="of schemathesis; 0 for none")
    parser.add_argument("--webhooks", type=int, default=5000, help="with hostile labels; or 0")
    parser.add_argument("--target", action="append", default=[], help="only this one, and such")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 2**31)
    given = parser.parse_args(arguments)
    chosen = [each for each in targets() if not given.target or each.name in given.target]
    guided = find_spec("atheris") is not None
    print(
        f"{len(chosen)} targets, seed {given.seed}, branches at the begin → at the end", flush=True
    )
    if not guided:
        print("NOT RUN: atheris has no wheel for this Python; inputs are changed by chance alone")
    attacks = []
    for each in chosen:
        attacks.append(attack(each, given.seconds / len(chosen), KEPT, given.seed))
        print(attacks[-1], flush=True)
    print(f"in all {sum(each.inputs for each in attacks):,} inputs", flush=True)
    stood = not any(each.broke for each in attacks)
    if given.examples and not given.target:
        stood = long.schemathesis(given.examples, given.seed) and stood
    if given.webhooks and not given.target:
        stood = long.labels(given.webhooks) and stood
    return 1 if not stood else 0 if guided else 2


def attack(target: Target, seconds: float, kept: Path, seed: int) -> Attack:
    """Attack one target in a process of its own."""
    folder = kept / target.name
    command = [sys.executable, "-m", "tests.fuzz.child", target.name, str(seconds), str(folder)]
    began = time.monotonic()
    with subprocess.Popen(
        [*command, str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            said = process.communicate(timeout=2 * seconds + PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            said = ("", "ERROR: libFuzzer: it did not end")
    done = subprocess.CompletedProcess(command, process.returncode, *said)
    return _told(target.name, time.monotonic() - began, done)


def _told(name: str, seconds: float, done: subprocess.CompletedProcess[str]) -> Attack:
    """Read what a child has printed."""
    broke = "" if done.returncode == 0 else _why(done.stdout + done.stderr)
    last = done.stdout.splitlines()[-1:]
    if last and last[0].startswith('{"inputs"'):
        figures = json.loads(last[0])
        megabytes = figures.get("mb", 0.0)
        return Attack(name, figures["inputs"], seconds, False, (0, 0), megabytes, broke)
    said = done.stderr
    covered = [int(number) for number in re.findall(r"\bcov: (\d+)", said)] or [0]
    counted = re.search(r"number_of_executed_units: (\d+)", said)
    tried = [int(number) for number in re.findall(r"^#(\d+)\s", said, re.MULTILINE)] or [0]
    peak = re.search(r"peak_rss_mb:\s+(\d+)", said)
    return Attack(
        name,
        int(counted[1]) if counted else tried[-1],
        seconds,
        True,
        (covered[0], covered[-1]),
        float(peak[1]) if peak else 0.0,
        broke,
    )


def _why(said: str) -> str:
    """Return the line that names what broke, and the file that keeps the input."""
    errors = re.findall(
        r"^(?:[\w.]+(?:Error|Exception)\b.*|.*ERROR: libFuzzer: .*)$", said, re.MULTILINE
    )
    file = re.search(r"Test unit written to (\S+)", said)
    why = errors[0] if errors else said[-500:].replace("\n", " | ")
    return f"BROKEN {why[:300]} {file[1] if file else ''}"


if __name__ == "__main__":
    sys.exit(main())
