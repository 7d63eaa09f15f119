"""Edge: a client's connection on which no thread waits longer than the client is worth.

Whatever a client does not send, or does not take, costs a bounded time in all, not a bounded
time for each byte; and only some of the threads may wait for clients at once, so that slow ones
never hold all of them. Knows nothing of what is asked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

from cluster.clock import Clock
from cluster.subject import Subject
from cluster.tls_terms import TlsTerms

FREE_SECONDS = 0.1
"""How long a thread waits for a client before it needs leave to."""

MAX_HEAD_BYTES = 64 * 1024
MAX_SMALL_BODY_BYTES = 64 * 1024
"""A body up to this is waited for by the gate, a larger one by a thread that has leave."""

CHUNK_BYTES = 16 * 1024

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r?\n", re.IGNORECASE)
_WAITS_ITSELF = re.compile(rb"\nexpect:", re.IGNORECASE)

T = TypeVar("T")


class Wants(Enum):
    """What a connection waits for. READY: its request is there. GONE: nothing will come."""

    TO_READ = auto()
    TO_WRITE = auto()
    READY = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class House:
    """What all connections of a server share.

    leave: to wait for a client, taken by the thread that does. terms: of TLS as they are now,
    None for plain connections. note: told why a client was dropped, and which. request_seconds:
    how long a whole request, head and body, may take. answer_seconds: how long a client may keep
    one answer waiting, all its pauses together.
    """

    clock: Clock
    leave: threading.BoundedSemaphore
    terms: Callable[[], TlsTerms | None]
    note: Callable[[str, str], None]
    request_seconds: float
    answer_seconds: float


class PatientSocket:
    """As much of a socket as the web server uses."""

    def __init__(self, accepted: socket.socket, house: House) -> None:
        """Take over a connection; nothing is read yet."""
        self._socket = accepted
        self._house = house
        self._address = _address_of(accepted)
        self.origin = origin_of(self._address)
        self._shaking = house.terms() is not None
        self._pending = bytearray()
        self._searched = 0
        self._asked_by = self._free_left = self._answer_left = 0.0
        self.subject: Subject = ()
        self.is_secure = self._shaking
        self.begin_request()

    def begin_request(self) -> None:
        """Count the time for one request from now."""
        self._asked_by = self._now() + self._house.request_seconds
        self._free_left = FREE_SECONDS

    def begin_answer(self) -> None:
        """Count the time for taking one answer from nothing."""
        self._answer_left = self._house.answer_seconds

    @property
    def seconds_left(self) -> float:
        """How long the request may still take; 0.0 when it is late."""
        return max(0.0, self._asked_by - self._now())

    def advance(self) -> Wants:
        """Take what is there without waiting for anything; never raises."""
        try:
            self._socket.settimeout(0.0)
            if self._shaking:
                self._shake()
            while not self._is_whole():
                more = self._socket.recv(CHUNK_BYTES)
                if not more:
                    return Wants.GONE
                self._pending += more
        except (ssl.SSLWantReadError, BlockingIOError):
            return Wants.TO_READ
        except ssl.SSLWantWriteError:
            return Wants.TO_WRITE
        except ssl.SSLError as error:
            self.tell(error.reason or "TLS failed")
            return Wants.GONE
        except OSError:
            return Wants.GONE
        return Wants.READY

    def tell(self, why: str) -> None:
        """Say why this client is dropped."""
        self._house.note(why, self._address)

    def has_data(self) -> bool:
        """Tell whether more has come than was taken."""
        within = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return bool(self._pending) or within > 0

    def recv_into(self, buffer: Any) -> int:
        """Give what has come, or wait for it. Raises `TimeoutError`."""
        if not self._pending:
            return self._patiently(lambda: self._socket.recv_into(buffer), self.seconds_left)
        given = self._pending[: len(buffer)]
        buffer[: len(given)] = given
        del self._pending[: len(given)]
        self._searched = 0
        return len(given)

    def send(self, data: bytes) -> int:
        """Send some of an answer. Raises `TimeoutError`."""
        began = self._now()
        try:
            return self._patiently(lambda: self._socket.send(data), self._answer_left)
        finally:
            self._answer_left = max(0.0, self._answer_left - (self._now() - began))

    def _patiently(self, step: Callable[[], T], seconds: float) -> T:
        """Do a step; beyond a short while only with leave to wait. Raises `TimeoutError`."""
        began = self._now()
        try:
            return self._within(step, min(self._free_left, seconds))
        except (TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            left = seconds - (self._now() - began)
        finally:
            self._free_left = max(0.0, self._free_left - (self._now() - began))
        if left <= 0 or not self._house.leave.acquire(blocking=False):
            self.tell("too slow")
            raise TimeoutError("timed out")
        try:
            return self._within(step, left)
        except TimeoutError:
            self.tell("too slow")
            raise TimeoutError("timed out") from None
        finally:
            self._house.leave.release()

    def _within(self, step: Callable[[], T], seconds: float) -> T:
        self._socket.settimeout(seconds)
        return step()

    def _shake(self) -> None:
        """Go on with the TLS handshake. Raises `ssl.SSLError`, also while it waits."""
        terms = self._house.terms()
        if not isinstance(self._socket, ssl.SSLSocket):
            assert terms is not None, "TLS is never switched off while the program runs"
            self._socket = terms.context.wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
            self._socket.settimeout(0.0)
        self._socket.do_handshake()
        self._shaking = False
        shown: Any = self._socket.getpeercert() or {}
        if terms is not None and not terms.allows(shown):
            raise ssl.SSLError(0, "certificate of a name that is not allowed")
        self.subject = tuple(pair for group in shown.get("subject", ()) for pair in group)

    def _is_whole(self) -> bool:
        """Tell whether a thread can answer without waiting, or refuse."""
        end = _HEAD_END.search(self._pending, max(0, self._searched - 3))
        self._searched = len(self._pending)
        if end is None:
            return len(self._pending) > MAX_HEAD_BYTES
        self._searched = end.start()
        head = bytes(self._pending[: end.end()])
        told = _LENGTH.search(head)
        length = int(told[1]) if told and not _WAITS_ITSELF.search(head) else 0
        return length > MAX_SMALL_BODY_BYTES or len(self._pending) >= end.end() + length

    def _now(self) -> float:
        return self._house.clock.now().monotonic

    def fileno(self) -> int:
        """Return the number by which the system knows it."""
        return self._socket.fileno()

    def settimeout(self, _: float | None) -> None:
        """Do nothing: how long is waited is decided here."""

    def shutdown(self, how: int) -> None:
        """End the connection."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """Give the connection back to the system."""
        self._socket.close()


def _address_of(accepted: socket.socket) -> str:
    try:
        return str(accepted.getpeername()[0])
    except OSError:
        return ""  # it is gone already


def origin_of(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or the network of an IPv6 address.

    A host usually has all addresses of a /64 (RFC 4291), so that one of them says little.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
