"""OPTIONS to peers on loopback: the real SIPp, a TLS server, and peers that misbehave."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from cluster.clock import SystemClock, deadline_in
from cluster.config_service import ServiceProbe
from cluster.model import Problem, Reading, Reason
from cluster.sip.options import MAX_HEAD_BYTES, SipAnswer
from cluster.sip.options_probe import OptionsProbe
from simulator.sip_message import options_answer
from tests.integration.running import free_port, until
from tests.unit.fake_pair import CLUSTER

pytestmark = pytest.mark.integration

LOOPBACK = "127.0.0.1"
SCENARIO = Path(__file__).parents[1] / "data" / "sip" / "options_uas.xml"
GRACE_SECONDS = 0.25


def ask(port: int, seconds: float = 2.0, **probe: Any) -> Reading[SipAnswer]:
    """Send one OPTIONS to a port of loopback."""
    clock = SystemClock()
    given = ServiceProbe.model_validate({"address": LOOPBACK, "port": port} | probe)
    return OptionsProbe(CLUSTER, given, clock).ask(deadline_in(clock, seconds))


@contextlib.contextmanager
def sipp(program: Path, folder: Path, transport: str, status: str) -> Iterator[int]:
    """Run SIPp as a server that answers OPTIONS with a status; give its port."""
    port = free_port()
    scenario = folder / "scenario.xml"
    scenario.write_text(SCENARIO.read_text("utf-8").replace("200 OK", status), "utf-8")
    arguments = ["-sf", str(scenario), "-i", LOOPBACK, "-p", str(port), "-nostdin"]
    process = subprocess.Popen(
        [str(program), *arguments, "-t", f"{transport[0]}1"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: ask(port, 0.4, transport=transport).value.code is not None)
        yield port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def peer(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve TCP connections one after the other until the block ends; give the port."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connected, _ = server.accept()
                    with connected, contextlib.suppress(OSError):
                        connected.settimeout(5)
                        serve(connected)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(6)


def answer(connected: socket.socket) -> None:
    """Answer one request as a SIP Server does."""
    connected.sendall(options_answer(connected.recv(8192), "quito-1", "10.9.0.11") or b"")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipp_answers(real_part: Callable[[str], Path], tmp_path: Path, transport: str) -> None:
    """A real SIP stack takes the request, and its answer is found behind a provisional one."""
    with sipp(real_part("sipp"), tmp_path, transport, "200 OK") as port:
        reading = ask(port, transport=transport)

    assert (reading.value, reading.problem) == (SipAnswer(200, "OK"), None)
    assert 0.05 <= reading.duration_seconds() < 0.5
    assert reading.command.startswith(f"OPTIONS sip:127.0.0.1:{port}")
    assert reading.raw.startswith("SIP/2.0 200 OK\r\n")


def test_sipp_out_of_service(real_part: Callable[[str], Path], tmp_path: Path) -> None:
    """It answers, and is no service."""
    with sipp(real_part("sipp"), tmp_path, "udp", "503 Service Unavailable") as port:
        reading = ask(port)

    assert (reading.value, reading.value.is_serving) == (
        SipAnswer(503, "Service Unavailable"),
        False,
    )


def test_tls_checks_the_certificate(tmp_path: Path) -> None:
    """A sound certificate is taken; one of another issuer or another name is refused by name."""
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(LOOPBACK, "sip.example.com").configure_cert(context)

    def serve(connected: socket.socket) -> None:
        with context.wrap_socket(connected, server_side=True) as secured:
            answer(secured)

    with peer(serve) as port:

        def tls(ca_file: str, name: str | None = None) -> Reading[SipAnswer]:
            file = str(tmp_path / ca_file)
            return ask(port, transport="tls", ca_file=file, server_name=name)

        by_address = tls("ca.pem")
        by_name = tls("ca.pem", "sip.example.com")
        wrong = tls("ca.pem", "sip.example.org")
        foreign = tls("other.pem")
        missing = tls("none.pem")

    assert [r.value.code for r in (by_address, by_name, wrong, foreign, missing)] == [
        200, 200, None, None, None,
    ]  # fmt: skip
    assert [(r.problem.reason, r.problem.text) for r in (wrong, foreign, missing) if r.problem] == [
        (
            Reason.UNREACHABLE,
            "the certificate is refused: Hostname mismatch, certificate is not valid for "
            "'sip.example.org'.",
        ),
        (
            Reason.UNREACHABLE,
            "the certificate is refused: unable to get local issuer certificate",
        ),
        (Reason.UNREACHABLE, "No such file or directory"),
    ]


def test_udp_is_sent_again_until_it_is_answered() -> None:
    """A lost datagram is no outage: the second sending, half a second later, is answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((LOOPBACK, 0))
        server.settimeout(5)
        port = server.getsockname()[1]
        heard: list[bytes] = []

        def serve() -> None:
            heard.append(server.recv(8192))
            request, client = server.recvfrom(8192)
            heard.append(request)
            server.sendto(b"noise", client)
            server.sendto(options_answer(request, "quito-1", "10.9.0.11") or b"", client)

        thread = threading.Thread(target=serve)
        thread.start()
        reading = ask(port)
        thread.join()

    assert (reading.value.code, heard[0]) == (200, heard[1])
    assert 0.5 <= reading.duration_seconds() < 0.8


def test_silence_is_bounded_and_so_is_what_is_sent() -> None:
    """Within two seconds three requests are sent, as RFC 3261 spaces them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((LOOPBACK, 0))
        reading = ask(server.getsockname()[1])
        server.setblocking(False)
        received = 0
        with contextlib.suppress(BlockingIOError):
            while server.recv(8192):
                received += 1

    assert reading.problem == Problem(Reason.TIMEOUT, "no answer in time")
    assert received == 3
    assert 2.0 <= reading.duration_seconds() < 2.0 + GRACE_SECONDS


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_nobody_there_is_unreachable(transport: str) -> None:
    """A port on which nobody listens is told at once."""
    reading = ask(free_port(), transport=transport)

    assert reading.problem == Problem(Reason.UNREACHABLE, "Connection refused")
    assert reading.duration_seconds() < 0.5


def _dribble(connected: socket.socket) -> None:
    for _ in range(40):
        connected.sendall(b"S")
        time.sleep(0.05)


def _flood(connected: socket.socket) -> None:
    while True:
        connected.sendall(b"x" * MAX_HEAD_BYTES)


def _endless_bodies(connected: socket.socket) -> None:
    connected.sendall(b"SIP/2.0 200 OK\r\nContent-Length: 9999999\r\n\r\n")
    _flood(connected)


def _http(connected: socket.socket) -> None:
    connected.recv(8192)
    connected.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


def _slow_tls(connected: socket.socket) -> None:
    connected.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB is announced
    _dribble(connected)


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        (_dribble, Reason.TIMEOUT),
        (_flood, Reason.TOO_LARGE),
        (_endless_bodies, Reason.TOO_LARGE),
        (lambda _: None, Reason.UNREACHABLE),
        (_http, Reason.MALFORMED),
    ],
    ids=["dribbles", "floods", "endless body", "closes", "speaks HTTP"],
)
def test_a_stream_that_misbehaves_is_bounded(
    serve: Callable[[socket.socket], None], reason: Reason
) -> None:
    """In time and in memory, with a named problem."""
    with peer(serve) as port:
        reading = ask(port, 0.6, transport="tcp")

    assert reading.problem is not None
    assert reading.problem.reason is reason
    assert reading.duration_seconds() < 0.6 + GRACE_SECONDS


def test_a_handshake_that_never_ends_is_bounded() -> None:
    """The time for TLS counts too."""
    with peer(_slow_tls) as port:
        reading = ask(port, 0.6, transport="tls")

    assert reading.problem == Problem(Reason.TIMEOUT, "no answer in time")
    assert reading.duration_seconds() < 0.6 + GRACE_SECONDS
