"""Edge: what the programs of a soak use: memory, threads, open files, by /proc. Linux only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Use:
    """What one program uses at a moment. at: seconds since the soak began."""

    at: float
    memory_kib: int
    threads: int
    files: int


def use_of(pid: int, at: float) -> Use | None:
    """Read what a process uses; None if it is gone."""
    place = Path(f"/proc/{pid}")
    try:
        status = dict(
            line.split(":", 1)
            for line in (place / "status").read_text().splitlines()
            if ":" in line
        )
        files = sum(1 for _ in (place / "fd").iterdir())
        return Use(at, int(status["VmRSS"].split()[0]), int(status["Threads"]), files)
    except (OSError, KeyError, ValueError):
        return None


def lines(uses: dict[str, list[Use]]) -> list[str]:
    """Return a table: how much each program used at first, at most, and least of all lately.

    What grows without end shows in the least of the last fifth: incidents only add to it.
    """
    made = [
        f"{'first, most, least lately':<26}{'memory, MiB':>22}{'threads':>18}{'open files':>18}"
    ]
    for name, kept in uses.items():
        if kept:
            lately = kept[-max(1, len(kept) // 5) :]
            columns = [
                [use.memory_kib / 1024 for use in kept],
                [float(use.threads) for use in kept],
                [float(use.files) for use in kept],
            ]
            words = [
                f"{column[0]:.0f}, {max(column):.0f}, {min(column[-len(lately) :]):.0f}"
                for column in columns
            ]
            made.append(f"{name:<26}{words[0]:>22}{words[1]:>18}{words[2]:>18}")
    return made
