"""Which request shares which call, where one call serves many and no two run at once. Pure.

A request says how old the beginning of its call may be. It never shares a call that began
earlier than that; one that finds such a call under way waits for its end, and all who wait
share the next. The time is passed in; `cluster.sip.exec` runs the calls and does the waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from cluster.clock import Instant

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Landed(Generic[T]):
    """A call that has ended. began: before anything was asked for it."""

    began: Instant
    result: T


class SingleFlight(Generic[T]):
    """The call under way, if there is one, and the last that has ended. Not safe for threads."""

    def __init__(self) -> None:
        """Begin with no call."""
        self._last: Landed[T] | None = None
        self._running_since: Instant | None = None

    def shared(self, not_before: Instant) -> Landed[T] | None:
        """Return the last call if it began at `not_before` or later, else None."""
        if self._last is None or self._last.began.seconds_since(not_before) < 0:
            return None
        return self._last

    @property
    def is_running(self) -> bool:
        """Whether a call is under way; then none may begin."""
        return self._running_since is not None

    def begin(self, now: Instant) -> None:
        """Note that a call begins. There must be none under way."""
        assert self._running_since is None
        self._running_since = now

    def end(self, result: T) -> None:
        """Note how the call under way has ended."""
        assert self._running_since is not None
        self._last, self._running_since = Landed(self._running_since, result), None
