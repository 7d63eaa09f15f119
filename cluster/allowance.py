"""How often something may happen, for each of many keys. Pure: time is passed in.

Memory is bounded: of too many keys the one that was not seen for longest is forgotten.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

MAX_KEYS = 4096


class Allowance:
    """A bucket of tokens for each key, full at first."""

    def __init__(self, burst: float, per_second: float, max_keys: int = MAX_KEYS) -> None:
        """Keep how many at once, and how many come back each second."""
        self._burst, self._per_second, self._max_keys = float(burst), per_second, max_keys
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, key: str, now: float) -> bool:
        """Take one; return whether there was one. now: monotonic seconds."""
        with self._lock:
            left = self._at(key, now)
            self._left[key] = (left - 1 if left >= 1 else left, now)
            self._left.move_to_end(key)
            while len(self._left) > self._max_keys:
                self._left.popitem(last=False)
            return left >= 1

    def has(self, key: str, now: float) -> bool:
        """Tell whether there is one to take."""
        with self._lock:
            return self._at(key, now) >= 1

    def seconds_to_next(self, key: str, now: float) -> float:
        """Return when there is one to take; 0.0 for now."""
        with self._lock:
            return max(0.0, (1 - self._at(key, now)) / self._per_second)

    def _at(self, key: str, now: float) -> float:
        left, then = self._left.get(key, (self._burst, now))
        return min(self._burst, left + (now - then) * self._per_second)
