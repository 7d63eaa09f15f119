"""What passes between who asks a host and who holds its sessions. Edge: waits for threads.

What a session must be able to do, a call that somebody waits for, and what came of it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

from cluster.clock import Deadline, Instant
from cluster.model import Problem
from cluster.runners.winrm_calls import Call, Output


@dataclass(frozen=True, slots=True)
class Invoked:
    """What came of a call in a session.

    sent: False if it certainly never reached the host. usable: whether the session still is.
    """

    output: Output
    sent: bool = True
    usable: bool = True


class Session(Protocol):
    """An open session. Used by one thread."""

    def invoke(self, call: Call, deadline: Deadline, send_by: Deadline) -> Invoked:
        """Carry out a call, until its deadline. Never raises for what the host does.

        send_by: where the host has to be connected to anew, it does not leave after that.
        """

    def finish(self) -> bool:
        """Free what the last call holds on the host; False if the session is lost."""

    def close(self, deadline: Deadline) -> None:
        """End the session on the host, if it can be reached. Never raises for that."""


class NoSessionError(Exception):
    """A session could not be opened. refused: the host or its certificate said no."""

    def __init__(self, problem: Problem, *, refused: bool = False) -> None:
        """Keep why."""
        super().__init__(str(problem))
        self.problem = problem
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a call, and when it was sent (or given up)."""

    asked: Instant
    output: Output
    sent: bool


class Job:
    """One call that somebody waits for; given up and begun exclude each other."""

    def __init__(self, call: Call, deadline: Deadline, send_by: Deadline) -> None:
        self.call, self.deadline, self.send_by = call, deadline, send_by
        self.done = threading.Event()
        self.carried: Carried | None = None
        self.begun: Instant | None = None
        self._given_up = False
        self._lock = threading.Lock()

    def begin(self, now: Instant) -> bool:
        """Say that it is sent now; False if nobody waits for it any more."""
        with self._lock:
            if self._given_up or self.send_by.remaining(now) <= 0:
                return False
            self.begun = now
            return True

    def take_back(self) -> None:
        """Say that it certainly was not sent after all."""
        with self._lock:
            self.begun = None

    def give_up(self) -> Instant | None:
        """Say that nobody waits any more; return when it was sent, None if it never will be."""
        with self._lock:
            self._given_up = True
            return self.begun

    def end(self, carried: Carried) -> None:
        """Hand the result to who waits."""
        self.carried = carried
        self.done.set()
