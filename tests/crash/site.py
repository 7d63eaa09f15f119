"""The site outside of the process that is killed: a file of what happened, which survives it.

Each line is one thing that happened or will happen: a mode or port that others change, a command
that arrived at a host. It is appended by one write, so a kill leaves all of it or nothing. What
is true at a moment follows from the lines alone; both the living program and the test read it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Record = dict[str, Any]
CLUSTERS = ("quito", "lima")


@dataclass(frozen=True)
class Host:
    """The truth of one host. mode: P, B, or U for a dead SIP Server. port: E or D."""

    mode: str
    port: str
    reachable: bool = True


@dataclass(frozen=True)
class Manner:
    """How the hosts take commands.

    seconds: until a command takes effect, whatever becomes of the sender. deaf: how many first
    commands to a host are not obeyed. answers: whether the sender hears of it. flips: whether the
    modes change places when the first command arrives.
    """

    seconds: float = 0.0
    deaf: int = 0
    answers: bool = True
    flips: bool = False


@dataclass(frozen=True)
class Beginning:
    """What happens to a healthy pair (number 1 primary), and how its hosts take commands.

    changes: (seconds after the event, number of the host, what is different from then on).
    at_start: it has happened before the program is first started. new_journal: there is none yet.
    """

    changes: tuple[tuple[float, int, Record], ...]
    manner: Manner = Manner()
    at_start: bool = False
    new_journal: bool = False
    clusters: tuple[str, ...] = CLUSTERS[:1]


_SWITCHOVER: tuple[tuple[float, int, Record], ...] = (
    (0.0, 1, {"mode": "B"}),
    (0.0, 2, {"mode": "P"}),
)
_GONE = {"mode": "U", "reachable": False}
BEGINNINGS = {
    "switchover": Beginning(_SWITCHOVER),
    "switchover while it was down": Beginning(_SWITCHOVER, at_start=True),
    "first start": Beginning(_SWITCHOVER, at_start=True, new_journal=True),
    "crash": Beginning(((0.0, 1, {"mode": "U"}), (0.0, 2, {"mode": "P"}))),
    "opened by other hands": Beginning(((0.0, 2, {"port": "E"}),)),
    "host gone for a while": Beginning(
        ((0.0, 1, _GONE), (0.0, 2, {"mode": "P"}), (0.3, 1, {"mode": "B", "reachable": True}))
    ),
    "commands take time": Beginning(_SWITCHOVER, Manner(seconds=0.03)),
    "commands are not answered": Beginning(_SWITCHOVER, Manner(answers=False)),
    "first commands are not obeyed": Beginning(_SWITCHOVER, Manner(deaf=1)),
    "modes change back under a command": Beginning(_SWITCHOVER, Manner(flips=True)),
    "late commands, modes change back": Beginning(_SWITCHOVER, Manner(seconds=0.02, flips=True)),
    "two clusters": Beginning(_SWITCHOVER, clusters=CLUSTERS),
}


class Site:
    """The file of one site."""

    def __init__(self, file: Path, clusters: tuple[str, ...] = CLUSTERS[:1]) -> None:
        """Know where it is. clusters: names; each has hosts ``NAME-1`` and ``NAME-2``."""
        self._file = file
        self.clusters = clusters

    def append(self, *records: Record) -> None:
        """Let things happen, all in one write."""
        text = "".join(json.dumps(record) + "\n" for record in records)
        there = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(there, text.encode())
        finally:
            os.close(there)

    def records(self) -> list[Record]:
        """Return everything that happened or will, in the order of the file."""
        if not self._file.exists():
            return []
        return [json.loads(line) for line in self._file.read_text("utf-8").splitlines()]

    def commands(self) -> list[Record]:
        """Return the commands that arrived at a host, oldest first."""
        return [record for record in self.records() if record["what"] == "command"]

    def happen(self, beginning: Beginning) -> None:
        """Let the event of a beginning happen to every cluster."""
        now = time.monotonic()
        self.append(
            *(
                {"what": "change", "at": now + later, "host": f"{cluster}-{number}", "to": to}
                for cluster in self.clusters
                for later, number, to in beginning.changes
            )
        )

    def happen_back(self) -> None:
        """Let number 1 of every cluster be the primary again."""
        now = time.monotonic()
        for one, two in map(names, self.clusters):
            self.append(
                {"what": "change", "at": now, "host": one, "to": {"mode": "P"}},
                {"what": "change", "at": now, "host": two, "to": {"mode": "B"}},
            )

    def hosts(self, now: float | None = None) -> dict[str, Host]:
        """Return what is true now, or at a moment of the monotonic clock."""
        return truth(self.records(), self.clusters, time.monotonic() if now is None else now)

    def is_right(self, cluster: str) -> bool:
        """Tell whether exactly the primary's port is enabled."""
        hosts = self.hosts()
        return all(
            hosts[name].port == ("E" if hosts[name].mode == "P" else "D") for name in names(cluster)
        )

    def is_settled(self) -> bool:
        """Tell whether nothing is still to come."""
        now = time.monotonic()
        return all((record["at"] or 0.0) <= now for record in self.records())


def names(cluster: str) -> tuple[str, str]:
    """Return the names of a cluster's hosts."""
    return f"{cluster}-1", f"{cluster}-2"


def truth(records: Iterable[Record], clusters: Iterable[str], now: float) -> dict[str, Host]:
    """Fold what happened up to a moment into the truth about every host."""
    hosts: dict[str, Host] = {}
    for cluster in clusters:
        one, two = names(cluster)
        hosts |= {one: Host("P", "E"), two: Host("B", "D")}
    happened = [record for record in records if record["at"] is not None and record["at"] <= now]
    for record in sorted(happened, key=lambda each: float(each["at"])):
        hosts[record["host"]] = replace(hosts[record["host"]], **record["to"])
    return hosts
