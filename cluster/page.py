"""Edge: fetches one HTTP page, with bounds on its size and on the whole time it takes.

A client library's time-outs hold for each wait on the network, so a server that sends a byte
now and then keeps it busy for ever. Here every wait gets what is left of one deadline.
Follows no redirect and uses no proxy: nothing stands between us and whom we ask.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cluster.clock import Clock, Deadline
from cluster.model import Problem, Reason

CHUNK_BYTES = 16 * 1024
HEADERS = {
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "sipnlb",
}


class PageError(Exception):
    """A page that could not be had, with the problem that a reading carries."""

    def __init__(self, reason: Reason, text: str) -> None:
        """Keep the problem."""
        super().__init__(text)
        self.problem = Problem(reason, text)


def fetch(
    url: str,
    deadline: Deadline,
    clock: Clock,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    trust: ssl.SSLContext | None = None,
    method: str = "GET",
    statuses: Container[int] = frozenset({http.client.OK}),
) -> bytes:
    """Return the page's bytes, whole. Raises `PageError` for everything that goes wrong.

    headers: sent besides the usual ones; never shown. trust: whose certificates are taken for
    https, None for the system's. method: without a body. statuses: those that go right.
    """
    asked = _Asked(url, method, headers or {}, statuses)
    try:
        return _fetch(asked, deadline, clock, max_bytes, trust)
    except TimeoutError as error:
        raise PageError(Reason.TIMEOUT, f"{url} did not answer in time") from error
    except (OSError, UnicodeError) as error:
        cause = getattr(error, "strerror", None) or type(error).__name__
        raise PageError(Reason.UNREACHABLE, f"{url}: {cause}") from error
    except http.client.HTTPException as error:
        raise PageError(Reason.MALFORMED, f"{url}: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class _Asked:
    url: str
    method: str
    headers: Mapping[str, str]
    statuses: Container[int]


def _fetch(
    asked: _Asked,
    deadline: Deadline,
    clock: Clock,
    max_bytes: int,
    trust: ssl.SSLContext | None,
) -> bytes:
    parts = urlsplit(asked.url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, trust)
    connection.timeout = _left(deadline, clock)
    connection.connect()
    # The client closes its end as soon as it has the head; the body is still to be read.
    with contextlib.closing(connection.sock) as connected:
        bounded: Any = _BoundedSocket(connected, deadline, clock)
        connection.sock = bounded
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(asked.method, target, headers={**HEADERS, **asked.headers})
        response = connection.getresponse()
        if response.status not in asked.statuses:
            raise PageError(Reason.HTTP_STATUS, f"HTTP status {response.status}")
        return _body(response, max_bytes)


def _connection(
    scheme: str, host: str, port: int | None, trust: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    if scheme == "https":
        context = trust or ssl.create_default_context()
        return http.client.HTTPSConnection(host, port or 443, context=context)
    return http.client.HTTPConnection(host, port or 80)


def _body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise PageError(Reason.TOO_LARGE, f"more than {max_bytes} bytes")
    if response.length:
        raise http.client.IncompleteRead(bytes(body), response.length)
    return bytes(body)


def _left(deadline: Deadline, clock: Clock) -> float:
    left = deadline.remaining(clock.now())
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


class _BoundedSocket:
    """As much of a socket as `http.client` uses, each wait bounded by what is left."""

    def __init__(self, connected: socket.socket, deadline: Deadline, clock: Clock) -> None:
        self._socket = connected
        self._deadline = deadline
        self._clock = clock

    def sendall(self, data: bytes) -> None:
        """Send the request."""
        self._socket.settimeout(_left(self._deadline, self._clock))
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the stream of the answer."""
        return io.BufferedReader(_BoundedStream(self._socket, self._deadline, self._clock))

    def close(self) -> None:
        """Do nothing: whoever connected closes."""


class _BoundedStream(io.RawIOBase):
    """What the server sends."""

    def __init__(self, connected: socket.socket, deadline: Deadline, clock: Clock) -> None:
        self._socket = connected
        self._deadline = deadline
        self._clock = clock

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Receive what is there, or wait for it no longer than the deadline."""
        self._socket.settimeout(_left(self._deadline, self._clock))
        return self._socket.recv_into(buffer)
