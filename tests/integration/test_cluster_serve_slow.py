"""The web server among clients that send nothing, or slowly, or do not take what they get."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import trustme

from cluster.gate import MAX_WAITING, MAX_WAITING_OF_ONE
from cluster.patient_socket import origin_of
from cluster.serve import WebServer
from cluster.tls_terms import TlsTerms

pytestmark = pytest.mark.integration

THREADS = 4
LARGE = b"x" * 16_000_000
GET = b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
AT_ONCE = 1.0  # seconds; an answer takes a few milliseconds where nobody is waited for


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with what was sent, or with much."""
    body = environ["wsgi.input"].read() if environ["REQUEST_METHOD"] == "POST" else b"hello"
    said = LARGE if environ["PATH_INFO"] == "/large" else body
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]


@contextmanager
def serving(
    terms: TlsTerms | None = None, seconds: tuple[float, float] = (1.2, 1.2)
) -> Iterator[WebServer]:
    """Run a server of a few threads."""
    made = WebServer(
        application,
        ("127.0.0.1", 0),
        threads=THREADS,
        max_body_bytes=1_000_000,
        terms=lambda: terms,
        client_seconds=seconds,
    )
    made.start()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A site's own authority."""
    return trustme.CA()


def terms_of(authority: trustme.CA) -> TlsTerms:
    """Return terms with a certificate for loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return TlsTerms(context)


def connected(server: WebServer, address: str = "127.0.0.1") -> socket.socket:
    """Connect from an address, and wait no longer than anything here takes."""
    return socket.create_connection(("127.0.0.1", server.port), 15, (address, 0))


def heard(caller: socket.socket) -> bytes:
    """Return all that is said until the other end hangs up."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while more := caller.recv(65536):
            got += more
    return got


def answer(server: WebServer, context: ssl.SSLContext | None = None) -> tuple[bytes, float]:
    """Return the answer to a whole request, and how long it took."""
    began = time.monotonic()
    with connected(server) as plain:
        caller = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        with caller:
            caller.sendall(GET % b"/")
            return heard(caller).rpartition(b"\r\n\r\n")[2], time.monotonic() - began


def is_answered_at_once(server: WebServer, context: ssl.SSLContext | None = None) -> bool:
    """Tell whether a whole request gets its answer without waiting for anybody."""
    said, seconds = answer(server, context)
    return said == b"hello" and seconds < AT_ONCE


def test_clients_that_say_nothing_keep_nobody_waiting() -> None:
    """A hundred of them, for four threads; each is dropped when its time is over."""
    with serving() as server, ExitStack() as stack:
        began = time.monotonic()
        silent = [stack.enter_context(connected(server)) for _ in range(100)]
        for number, caller in enumerate(silent):
            caller.sendall((b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n")[number % 3])

        assert is_answered_at_once(server)
        assert [heard(caller) for caller in silent] == [b""] * 100
        assert 1.0 < time.monotonic() - began < 4.0


def test_clients_that_hang_in_the_handshake_keep_nobody_waiting(authority: trustme.CA) -> None:
    """Those that say nothing at all, and those that begin and stop."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    hello, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(hello, out, server_hostname="127.0.0.1").do_handshake()
    first = out.read()
    with serving(terms_of(authority)) as server, ExitStack() as stack:
        silent = [stack.enter_context(connected(server)) for _ in range(60)]
        for number, caller in enumerate(silent):
            caller.sendall((b"", first[:40], first)[number % 3])

        assert is_answered_at_once(server, context)
        assert [heard(caller) for caller in silent[::3]] == [b""] * 20


def test_a_client_that_drips_its_head_is_dropped_in_time() -> None:
    """A byte now and then does not lengthen its time, and others are answered meanwhile."""
    with serving() as server, connected(server) as caller:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in GET % (b"/" + b"x" * 1000):
                caller.sendall(bytes([byte]))
                time.sleep(0.02)
        assert 1.0 < time.monotonic() - began < 3.0
        assert is_answered_at_once(server)


def test_clients_that_drip_large_bodies_leave_threads_to_others() -> None:
    """Twice as many as there are threads; those that are waited for are dropped in time."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n"
    with serving() as server, ExitStack() as stack:
        began = time.monotonic()
        slow = [stack.enter_context(connected(server)) for _ in range(2 * THREADS)]
        for caller in slow:
            caller.sendall(head)
        time.sleep(0.9)

        assert is_answered_at_once(server)
        assert {heard(caller).partition(b"\r\n")[0] for caller in slow} <= {
            b"HTTP/1.1 408 Request Timeout",
            b"",
        }
        assert time.monotonic() - began < 4.0


def test_clients_that_do_not_take_their_answers_leave_threads_to_others() -> None:
    """Twice as many as there are threads."""
    with serving() as server, ExitStack() as stack:
        for _ in range(2 * THREADS):
            caller = stack.enter_context(socket.socket())
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.connect(("127.0.0.1", server.port))
            caller.sendall(GET % b"/large")
        time.sleep(0.9)

        assert is_answered_at_once(server)


def test_of_too_many_the_one_that_waited_longest_is_dropped() -> None:
    """Memory and descriptors are bounded, and who asks at once is answered."""
    with serving(seconds=(20.0, 20.0)) as server, ExitStack() as stack:
        silent = [stack.enter_context(connected(server)) for _ in range(MAX_WAITING_OF_ONE + 20)]

        assert is_answered_at_once(server)
        assert [heard(caller) for caller in silent[:20]] == [b""] * 20
        silent[-1].sendall(GET % b"/")
        assert heard(silent[-1]).endswith(b"hello")


def test_one_address_cannot_take_the_places_of_the_others() -> None:
    """However often it comes, who has begun to speak from another address can end his sentence."""
    with serving(seconds=(20.0, 20.0)) as server, ExitStack() as stack:
        honest = stack.enter_context(connected(server, "127.0.0.2"))
        honest.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(2 * MAX_WAITING):
            stack.enter_context(connected(server, "127.0.0.3"))

        honest.sendall(b"Host: a\r\nConnection: close\r\n\r\n")
        assert heard(honest).endswith(b"hello")


def test_when_all_places_are_taken_those_who_have_most_make_room() -> None:
    """Many addresses with many connections do not push out one with one."""
    with serving(seconds=(20.0, 20.0)) as server, ExitStack() as stack:
        honest = stack.enter_context(connected(server, "127.0.0.2"))
        honest.sendall(b"GET / HTTP/1.1\r\n")
        for number in range(MAX_WAITING + 60):
            stack.enter_context(connected(server, f"127.0.1.{1 + number % 5}"))

        honest.sendall(b"Host: a\r\nConnection: close\r\n\r\n")
        assert heard(honest).endswith(b"hello")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("10.7.0.11", "10.7.0.11"),
        ("2001:db8:7:1:a:b:c:d", "2001:db8:7:1::/64"),
        ("::1", "::/64"),
        ("::ffff:10.7.0.11", "10.7.0.11"),
        ("", ""),
    ],
)
def test_the_addresses_of_one_network_count_as_one_caller(address: str, origin: str) -> None:
    """Of IPv6, where a host has as many as it likes."""
    assert origin_of(address) == origin


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_body_of_any_size_comes_through_whole(authority: trustme.CA, secure: bool) -> None:
    """In two pieces, after another request on the same connection."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n"
    with serving(terms_of(authority) if secure else None) as server:
        for size in (0, 1, 5_000, 64 * 1024, 64 * 1024 + 1, 900_000):
            body = (bytes(range(251)) * (size // 251 + 1))[:size]
            plain = connected(server)
            with context.wrap_socket(plain, server_hostname="127.0.0.1") if secure else plain as it:
                it.sendall((request % (3, b"")) + b"one")
                while not it.recv(65536).endswith(b"one"):
                    pass
                it.sendall((request % (size, b"Connection: close\r\n")) + body[: size // 2])
                time.sleep(0.02)
                it.sendall(body[size // 2 :])
                assert heard(it).partition(b"\r\n\r\n")[2] == body, size


def test_requests_one_behind_the_other_are_all_answered() -> None:
    """In one piece, before any answer."""
    with serving() as server, connected(server) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5 + GET % b"/")
        assert heard(caller).count(b"hello") == 6


def test_a_client_that_waits_to_be_told_to_go_on_is_told() -> None:
    """It sends its body only then."""
    with serving() as server, connected(server) as caller:
        caller.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\nContent-Length: 4\r\n\r\n"
        )
        assert caller.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n")
        caller.sendall(b"moss")
        assert heard(caller).endswith(b"moss")


def test_many_callers_side_by_side_are_all_answered() -> None:
    """More than there are threads."""
    with serving() as server:
        said: list[bytes] = []
        callers = [
            threading.Thread(target=lambda: said.append(answer(server)[0])) for _ in range(40)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert said == [b"hello"] * 40
