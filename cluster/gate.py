"""Edge: where connections wait until their request is there, all of them on one thread.

The threads that answer get only what they can answer at once, so that no number of clients that
say nothing keeps them from those that do. Memory is bounded: so many connections, so many bytes
each. Beyond that, and beyond the share of one address, the one that has waited longest is dropped,
and always of an address that has most: whoever floods, floods out himself.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Protocol

from cluster import log
from cluster.patient_socket import PatientSocket, Wants

MAX_WAITING = 256
MAX_WAITING_OF_ONE = 64
"""Of one address, so that four are needed to fill the gate."""

CHECK_SECONDS = 0.25
"""How often it is looked for connections whose time is over."""


class Waiting(Protocol):
    """A connection at the gate."""

    socket: PatientSocket

    def close(self) -> None:
        """End the connection."""


class Gate:
    """Waits for requests, and hands each to `serve`."""

    def __init__(self, serve: Callable[[Any], None]) -> None:
        """Open the gate. serve: must not wait."""
        self._serve = serve
        self._inbox: deque[Waiting] = deque()
        self._waiting: dict[int, Waiting] = {}
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="web-gate")
        self._thread.start()

    def wait_for(self, connection: Waiting) -> None:
        """Wait for the next request of a connection, from now; may be called by any thread."""
        if self._closing:
            _end(connection)
            return
        connection.socket.begin_request()
        self._inbox.append(connection)
        self._ring()

    def close(self) -> None:
        """Drop whoever waits."""
        self._closing = True
        self._ring()
        self._thread.join(2.0)

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # it has been rung already, or nobody listens any more
            self._bell.send(b".")

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(CHECK_SECONDS):
                if key.data is None:
                    with contextlib.suppress(OSError):
                        self._ear.recv(4096)
                else:
                    self._go_on(key.data)
            while self._inbox:
                self._take_in(self._inbox.popleft())
            self._drop_late()
        for connection in [*self._waiting.values(), *self._inbox]:
            _end(connection)
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def _take_in(self, connection: Waiting) -> None:
        self._make_room(connection.socket.origin)
        self._waiting[id(connection)] = connection
        try:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        except (OSError, ValueError, KeyError):  # it is closed already
            self._waiting.pop(id(connection))
            _end(connection)
        else:
            self._go_on(connection)

    def _make_room(self, origin: str) -> None:
        """Drop one if the gate is full, or an address has its share of it."""
        count = Counter(waiting.socket.origin for waiting in self._waiting.values())
        if count[origin] >= MAX_WAITING_OF_ONE:
            greedy, why = origin, "too many connections of this address"
        elif len(self._waiting) >= MAX_WAITING:
            greedy, why = count.most_common(1)[0][0], "too many connections"
        else:
            return
        oldest = next(each for each in self._waiting.values() if each.socket.origin == greedy)
        oldest.socket.tell(why)
        self._drop(oldest)

    def _go_on(self, connection: Waiting) -> None:
        try:
            wants = connection.socket.advance()
        except Exception as error:  # noqa: BLE001 - boundary: a bug with one client must not cost the others
            log.get("web").error("client dropped", bug=f"{type(error).__name__}: {error}")
            wants = Wants.GONE
        if wants is Wants.READY:
            self._forget(connection)
            self._serve(connection)
        elif wants is Wants.GONE:
            self._drop(connection)
        else:
            reads = wants is Wants.TO_READ
            event = selectors.EVENT_READ if reads else selectors.EVENT_WRITE
            self._selector.modify(connection.socket, event, connection)

    def _drop_late(self) -> None:
        """Drop those whose time is over; they stand in the order in which they came."""
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.socket.seconds_left > 0:
                return
            self._drop(oldest)

    def _drop(self, connection: Waiting) -> None:
        self._forget(connection)
        _end(connection)

    def _forget(self, connection: Waiting) -> None:
        self._waiting.pop(id(connection))
        self._selector.unregister(connection.socket)


def _end(connection: Waiting) -> None:
    with contextlib.suppress(OSError):
        connection.close()
