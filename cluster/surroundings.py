"""What readers and runners of one program are given, and what they share. Edge: holds connections.

Made once by each program. What several of them need (an open connection, a running call, the
place in a log) is kept here under a key and ended with the program.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cluster.clock import Clock
from cluster.programs import RunGroup
from cluster.runners.request import Permit

T = TypeVar("T")


class Shared:
    """Keeps one object a key for all who ask for it, until the program ends."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is kept under a key, made on first demand. `make` must not wait."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            kept: T = self._kept[key]
            return kept

    def close(self) -> None:
        """Close everything that was made and can be closed (that has ``close()``)."""
        with self._lock:
            kept, self._kept = list(self._kept.values()), {}
        for each in kept:
            if hasattr(each, "close"):
                each.close()


def path_of(directory: str | None) -> Path | None:
    """Return a configured folder as a path, None where none is configured."""
    return None if directory is None else Path(directory)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reader or runner needs besides its own configuration.

    permit: without one, runners refuse every request that changes a port.
    group: programs that were started can be ended through it; None if nobody will.
    live: True where every answer must be to a question asked now (looks); False where a
    source may answer with what it read within its ``refresh`` (the exporter).
    state_directory: where a source may keep its place over a restart; None for nowhere.
    """

    clock: Clock
    permit: Permit | None = None
    group: RunGroup | None = None
    live: bool = True
    state_directory: Path | None = None
    shared: Shared = field(default_factory=Shared)
