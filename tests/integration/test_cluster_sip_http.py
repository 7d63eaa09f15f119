"""The mode source `http` against a server that does everything wrong."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.clock import SystemClock, deadline_in
from cluster.config_sources import HttpSource
from cluster.model import Problem, Reading, Reason, SipMode, SipStatus
from cluster.page import fetch
from cluster.serve import WebServer
from cluster.sip.http import HttpSipSource

pytestmark = pytest.mark.integration
CLOCK = SystemClock()
PAGE = (Path(__file__).parents[1] / "data" / "sip" / "primary.xml").read_bytes()
OK = b"HTTP/1.1 200 OK\r\n"
LONG_SECONDS = 20.0

Talk = Callable[[socket.socket, threading.Event], None]


class OneAnswer:
    """A server that says the same to everybody, byte for byte."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connected,), daemon=True).start()

    def _answer(self, connected: socket.socket) -> None:
        with connected:
            try:
                self.requests.append(connected.recv(65536))
                self._talk(connected, self._closing)
            except OSError:
                return  # the reader has had enough

    def close(self) -> None:
        """Let everything end."""
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(LONG_SECONDS)


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], OneAnswer]]:
    """Start servers that end with the test."""
    running: list[OneAnswer] = []

    def begin(talk: Talk) -> OneAnswer:
        running.append(OneAnswer(talk))
        return running[-1]

    yield begin
    for server in running:
        server.close()


def says(*parts: bytes) -> Talk:
    """Send these parts, then close."""

    def talk(connected: socket.socket, _closing: threading.Event) -> None:
        for part in parts:
            connected.sendall(part)

    return talk


def drips(before: bytes, body: bytes) -> Talk:
    """Send a beginning at once, then a byte now and then."""

    def talk(connected: socket.socket, closing: threading.Event) -> None:
        connected.sendall(before)
        for byte in body * 1000:
            if closing.wait(0.05):
                return
            connected.sendall(bytes([byte]))

    return talk


def hangs(_connected: socket.socket, closing: threading.Event) -> None:
    """Say nothing."""
    closing.wait(LONG_SECONDS)


def read(url: str, seconds: float = LONG_SECONDS, lag: str = "4s") -> Reading[SipStatus]:
    """Read a page."""
    source = HttpSource.model_validate({"type": "http", "url": url, "lag": lag})
    return HttpSipSource(source, CLOCK).read(deadline_in(CLOCK, seconds))


def with_length(body: bytes, length: int | None = None) -> bytes:
    """Return a whole answer that announces its length."""
    return OK + f"Content-Length: {length or len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    "parts",
    [
        (with_length(PAGE),),
        (OK + b"\r\n" + PAGE,),
        (with_length(PAGE)[:100], with_length(PAGE)[100:]),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            b"20\r\n" + PAGE[:32] + b"\r\n",
            f"{len(PAGE) - 32:x}\r\n".encode() + PAGE[32:] + b"\r\n0\r\n\r\n",
        ),
    ],
    ids=["with length", "until the end", "in two parts", "chunked"],
)
def test_a_page_is_read_however_it_is_sent(
    serve: Callable[[Talk], OneAnswer], parts: tuple[bytes, ...]
) -> None:
    """Every form of an HTTP body gives the same reading, with its source and lag."""
    server = serve(says(*parts))
    reading = read(f"{server.url}/serverx?sipServer")
    assert reading.value == SipStatus(SipMode.PRIMARY, True, True, True, False, "SIP_P")
    assert (reading.problem, reading.source, reading.lag_seconds) == (None, "http", 4.0)
    assert reading.command == f"GET {server.url}/serverx?sipServer"
    assert reading.raw == PAGE.decode()
    request = server.requests[0]
    assert request.startswith(b"GET /serverx?sipServer HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize(
    ("talk", "reason", "said"),
    [
        (hangs, Reason.TIMEOUT, "{url}/ did not answer in time"),
        (drips(with_length(b"", 100_000), PAGE), Reason.TIMEOUT, "{url}/ did not answer in time"),
        (drips(OK + b"X-Slow: ", b"a"), Reason.TIMEOUT, "{url}/ did not answer in time"),
        (drips(b"", b"H"), Reason.TIMEOUT, "{url}/ did not answer in time"),
        (says(with_length(PAGE[:50], 900)), Reason.MALFORMED, "{url}/: IncompleteRead"),
        (
            says(OK + b"Transfer-Encoding: chunked\r\n\r\n20\r\n" + PAGE[:9]),
            Reason.MALFORMED,
            "{url}/: IncompleteRead",
        ),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), Reason.MALFORMED, "{url}/: BadStatusLine"),
        (says(), Reason.UNREACHABLE, "{url}/: RemoteDisconnected"),
        (
            says(OK + b"\r\n", *[b"x" * 1_000_000] * 5),
            Reason.TOO_LARGE,
            "more than 4194304 bytes",
        ),
        (
            says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"),
            Reason.HTTP_STATUS,
            "HTTP status 302",
        ),
        (
            says(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
            Reason.HTTP_STATUS,
            "HTTP status 503",
        ),
        (
            says(with_length(PAGE[:200])),
            Reason.MALFORMED,
            "not the XML of /serverx: unclosed token: line 7, column 4",
        ),
    ],
    ids=[
        "hangs",
        "drips body",
        "drips header",
        "drips status line",
        "cut body",
        "cut chunk",
        "not http",
        "closes",
        "too large",
        "redirects",
        "unavailable",
        "cut xml",
    ],
)
def test_everything_a_server_does_wrong_is_a_problem(
    serve: Callable[[Talk], OneAnswer], talk: Talk, reason: Reason, said: str
) -> None:
    """Whatever the server does, there is a reading with the reason, no later than its deadline."""
    server = serve(talk)
    seconds = 0.6 if reason is Reason.TIMEOUT else LONG_SECONDS
    began = time.monotonic()
    reading = read(f"{server.url}/", seconds)
    took = time.monotonic() - began
    assert reading.problem == Problem(reason, said.format(url=server.url))
    assert reading.value.mode is SipMode.UNKNOWN
    assert took < (2 if reason is Reason.TIMEOUT else LONG_SECONDS)


def test_nobody_there_is_unreachable() -> None:
    """A refused connection is told as such."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}/serverx"
        assert read(url).problem == Problem(Reason.UNREACHABLE, f"{url}: Connection refused")


def test_a_host_that_speaks_no_tls_is_unreachable(serve: Callable[[Talk], OneAnswer]) -> None:
    """An https address at which no TLS is spoken is told as such."""
    server = serve(says(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    problem = read(server.url.replace("http:", "https:")).problem
    assert problem is not None
    assert problem.reason is Reason.UNREACHABLE


def test_a_deadline_that_has_passed_asks_nobody(serve: Callable[[Talk], OneAnswer]) -> None:
    """Without time left no connection is made."""
    server = serve(says(with_length(PAGE)))
    assert read(f"{server.url}/", 0.0).problem == Problem(
        Reason.TIMEOUT, f"{server.url}/ did not answer in time"
    )
    assert server.requests == []


def test_a_name_that_cannot_be_a_name_is_unreachable() -> None:
    """A host name that no resolver takes is a problem, not a crash."""
    url = f"http://{'a' * 70}.invalid/"
    problem = read(url).problem
    assert problem is not None
    assert problem.reason is Reason.UNREACHABLE


def test_a_web_server_stops_in_time_whatever_hangs() -> None:
    """An answer that hangs holds up neither the stop nor the end of the process."""
    hanging, go = threading.Event(), threading.Event()

    def application(_environ: object, start: Callable[..., object]) -> list[bytes]:
        hanging.set()
        go.wait(LONG_SECONDS)
        start("200 OK", [("Content-Length", "0")])
        return []

    server = WebServer(application, ("127.0.0.1", 0), threads=2, max_body_bytes=1000)
    server.start()

    def ask() -> None:
        try:
            fetch(server.url, deadline_in(CLOCK, LONG_SECONDS), CLOCK, 1000)
        except Exception:  # noqa: BLE001 - the server is stopped under it
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    assert hanging.wait(LONG_SECONDS)
    began = time.monotonic()
    server.close(0.3)
    took = time.monotonic() - began
    go.set()
    asking.join(LONG_SECONDS)
    assert took < 2
    workers = [thread for thread in threading.enumerate() if "cheroot" in repr(thread).lower()]
    assert all(thread.daemon for thread in workers)
