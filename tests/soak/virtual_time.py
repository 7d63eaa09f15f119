"""A clock on which waiting takes no time: threads of the product take turns in simulated time.

At any moment one thread runs and all others wait, so that a run with the same seed is the same
run. Whoever waits gives its turn away; the loop lets the world go on to the next moment at which
somebody has something to do.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Lock

from cluster.clock import Instant

BEGAN = Instant(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), 1000.0)


class VirtualTime:
    """The clock, and who is to run when. world_to: lets the world go on to a moment."""

    def __init__(self, world_to: Callable[[float], None]) -> None:
        self.seconds = 0.0
        self.turns = 0
        self._world_to = world_to
        self._count = 0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._free = Lock()  # taken while the loop waits for the thread whose turn it is
        self._free.acquire()
        self._idle: list[_Worker] = []

    def now(self) -> Instant:
        """Return this moment of simulated time."""
        return BEGAN.plus(self.seconds)

    def wait(self, seconds: float, wake: Event) -> bool:
        """Let simulated time pass; others run meanwhile."""
        self.sleep(seconds)
        return wake.is_set()

    def sleep(self, seconds: float) -> None:
        """Give the turn away until `seconds` have passed. For threads of `spawn` alone."""
        turn = Lock()
        turn.acquire()

        def resume() -> None:
            turn.release()
            self._free.acquire()

        self.at(self.seconds + max(0.0, seconds), resume)
        self._free.release()
        turn.acquire()

    def at(self, seconds: float, step: Callable[[], None]) -> None:
        """Run a step at a moment; it must not wait."""
        self._count += 1
        heapq.heappush(self._due, (max(seconds, self.seconds), self._count, step))

    def spawn(self, work: Callable[[], None]) -> None:
        """Run work that may wait, on a thread of its own, as soon as the present turn ends."""

        def begin() -> None:
            worker = self._idle.pop() if self._idle else _Worker(self._ended)
            worker.give(work)
            self._free.acquire()

        self.at(self.seconds, begin)

    def _ended(self, worker: _Worker) -> None:
        self._idle.append(worker)
        self._free.release()

    def run(self, until: float) -> None:
        """Let everything happen that is due by then."""
        while self._due and self._due[0][0] <= until:
            at, _, step = heapq.heappop(self._due)
            if at > self.seconds:
                self.seconds = at
                self._world_to(at)
            self.turns += 1
            step()
        self.seconds = until
        self._world_to(until)

    def close(self) -> None:
        """End the idle threads."""
        for worker in self._idle:
            worker.give(None)


class _Worker:
    """A thread that does one piece of work after another."""

    def __init__(self, ended: Callable[[_Worker], None]) -> None:
        self._ended = ended
        self._given = Lock()
        self._given.acquire()
        self._work: Callable[[], None] | None = None
        threading.Thread(target=self._run, daemon=True, name="virtual").start()

    def give(self, work: Callable[[], None] | None) -> None:
        """Let it begin; None ends it."""
        self._work = work
        self._given.release()

    def _run(self) -> None:
        while True:
            self._given.acquire()
            if self._work is None:
                return
            self._work()
            self._ended(self)
