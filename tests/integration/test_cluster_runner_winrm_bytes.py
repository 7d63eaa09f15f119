"""Whatever bytes come back over the connection, runner winrm answers in time and within bounds."""

from __future__ import annotations

import contextlib
import gzip
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.clock import SystemClock, deadline_in
from cluster.config_model import Host
from cluster.config_runners import WinrmSettings
from cluster.model import Reason
from cluster.runners.request import Answer, Request, Verb
from cluster.runners.winrm import WinrmRunner
from cluster.runners.winrm_job import NoSessionError
from cluster.runners.winrm_session import Endpoint, open_session
from cluster.surroundings import Surroundings

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"
Reply = Callable[[socket.socket], None]


class RawHost:
    """Listens on loopback and answers each connection as told, whatever it is asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            connection.recv(65536)
            self.reply(connection)


@contextlib.contextmanager
def running(reply: Reply) -> Iterator[RawHost]:
    """Run a host until the block ends."""
    host = RawHost(reply)
    try:
        yield host
    finally:
        host.listener.close()


def runner_of(host: RawHost, directory: Path) -> dict[str, object]:
    """Return the runner of the host's entry in clusters.yml."""
    (directory / "password").write_text("opensesame\n", "utf-8")
    read = {
        "endpoint": "SipNlbRead",
        "user": "EXAMPLE\\reader",
        "password_file": str(directory / "password"),
    }
    runner = {"type": "winrm", "transport": "http", "auth": "ntlm", "port": host.port}
    return {**runner, "read": read}


def endpoint_of(host: RawHost, directory: Path) -> Endpoint:
    """Return what a session is opened of."""
    settings_ = WinrmSettings.model_validate(runner_of(host, directory))
    return Endpoint("127.0.0.1", settings_, settings_.read, CLOCK)


def ask(host: RawHost, directory: Path, seconds: float) -> Answer:
    """Ask it once with a new runner; hold the deadline against the clock."""
    entry = {
        "name": "sip-east-1",
        "host_id": 1,
        "address": "127.0.0.1",
        "runner": runner_of(host, directory),
        "sip_server": {"application": "S", "sources": [{"type": "http", "url": "http://h/"}]},
    }
    given_ = Surroundings(CLOCK)
    runner = WinrmRunner(Host.model_validate(entry, strict=False), "nlb", given_)
    began = time.monotonic()
    answer = runner.run(Request(Verb.QUERY), deadline_in(CLOCK, seconds))
    assert time.monotonic() - began < seconds + 0.25
    threading.Thread(target=given_.shared.close, daemon=True).start()
    return answer


def endless(connection: socket.socket) -> None:
    """Send a body without end."""
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def bomb(connection: socket.socket) -> None:
    """Send a body that grows when it is unpacked."""
    packed = gzip.compress(bytes(512 * 1024 * 1024), compresslevel=1)
    connection.sendall(
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    )


def trickle(connection: socket.socket) -> None:
    """Send a head that never ends, a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: 1\r\n")
        time.sleep(0.05)


def drip(connection: socket.socket) -> None:
    """Send a body that never ends, a byte at a time."""
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize("reply", [endless, bomb])
def test_an_answer_without_end_is_cut_off(reply: Reply, tmp_path: Path) -> None:
    """The memory it may take is bounded."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with running(reply) as host:
        problem = ask(host, tmp_path, 10.0).problem

    assert problem is not None
    assert problem.reason is Reason.TOO_LARGE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize("reply", [trickle, drip, lambda _: time.sleep(3)])
def test_an_answer_that_never_comes_is_given_up(reply: Reply, tmp_path: Path) -> None:
    """Also where bytes keep arriving."""
    with running(reply) as host:
        answer = ask(host, tmp_path, 0.4)

    assert answer.problem is not None
    assert answer.problem.reason is Reason.TIMEOUT


def test_a_thread_does_not_outlive_a_silent_host(tmp_path: Path) -> None:
    """The deadline holds below too, so that what was given up ends by itself."""
    with running(lambda _: time.sleep(3)) as host:
        endpoint = endpoint_of(host, tmp_path)
        began = time.monotonic()
        with pytest.raises(NoSessionError) as failed:
            open_session(endpoint, deadline_in(CLOCK, 0.3))

    assert failed.value.problem.reason is Reason.TIMEOUT
    assert time.monotonic() - began < 1.0


def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    """No host but the configured one is ever spoken to."""
    asked: list[socket.socket] = []
    with running(asked.append) as other:
        elsewhere = f"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:{other.port}/\r\n"
        head = f"{elsewhere}Content-Length: 0\r\n\r\n".encode()
        with running(lambda connection: connection.sendall(head)) as host:
            problem = ask(host, tmp_path, 3.0).problem

    assert problem is not None
    assert problem.text == "endpoint SipNlbRead: Exceeded 0 redirects."
    assert asked == []


bodies = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(
        lambda body: HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    ),
    st.sampled_from([b"401 No", b"500 No", b"302 Elsewhere", b"200 OK", b"999 "]).map(
        lambda status: (
            b"HTTP/1.1 " + status + b"\r\nWWW-Authenticate: Negotiate AAAA\r\n"
            b"Content-Type: multipart/encrypted;boundary=x\r\nLocation: /\r\n"
            b"Content-Length: 3\r\n\r\n<a>"
        )
    ),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bodies)
def test_any_bytes_are_a_named_problem(tmp_path: Path, body: bytes) -> None:
    """No other exception, whatever is sent instead of an answer."""
    with running(lambda connection: connection.sendall(body)) as host:
        answer = ask(host, tmp_path, 3.0)

    assert answer.problem is not None
    assert answer.problem.reason is not Reason.BUG
    assert answer.stdout == b""
