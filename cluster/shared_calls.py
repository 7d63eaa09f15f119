"""Edge: readings that are wanted at the same moment share one call.

A call is joined only before it starts, so that its answer is as fresh as one's own would be.
Calls that are under way hold nobody up: whoever comes later begins a new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cluster.clock import Clock, Deadline

GATHER_SECONDS = 0.02
"""How long a call waits for the other readings of its look."""

GRACE_SECONDS = 0.1
"""How much longer than to its deadline one who joined waits, for a call to say why it failed."""

T = TypeVar("T")


@dataclass(slots=True)
class _Call(Generic[T]):
    """One call that is gathering, under way or answered. deadline: of the reading that began it."""

    deadline: Deadline
    answered: threading.Event = field(default_factory=threading.Event)
    answer: T | None = None


class SharedCalls(Generic[T]):
    """Calls of one thing for many readings."""

    def __init__(self, run: Callable[[Deadline], T], clock: Clock) -> None:
        """Keep what is called."""
        self._run = run
        self._clock = clock
        self._lock = threading.Lock()
        self._gathering: _Call[T] | None = None

    def answer(self, deadline: Deadline) -> T | None:
        """Return the answer to a call that starts now; None if the deadline came first.

        Whoever began the call gets the error that it raises; those who joined get None.
        """
        with self._lock:
            call = self._gathering
            joins = call is not None and call.deadline.monotonic + GATHER_SECONDS >= (
                deadline.monotonic
            )
            if call is None or not joins:
                call = self._gathering = _Call(deadline)
        if joins:
            self._clock.wait(deadline.remaining(self._clock.now()) + GRACE_SECONDS, call.answered)
        else:
            self._carry_out(call)
        return call.answer

    def _carry_out(self, call: _Call[T]) -> None:
        """Wait a moment for others, let nobody else join, and call."""
        pause = min(GATHER_SECONDS, call.deadline.remaining(self._clock.now()))
        self._clock.wait(pause, threading.Event())
        with self._lock:
            if self._gathering is call:
                self._gathering = None
        try:
            call.answer = self._run(call.deadline)
        finally:
            call.answered.set()
