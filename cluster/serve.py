"""Edge: answers HTTP or HTTPS for a WSGI application, with bounds on size and time.

A request is waited for at the gate, not by the threads that answer. Knows nothing of what the
application does.
"""

from __future__ import annotations

import ipaddress
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any

from cheroot.wsgi import Server

from cluster import log
from cluster.allowance import Allowance
from cluster.clock import SystemClock
from cluster.connection import Connection
from cluster.errors import ClusterError
from cluster.gate import Gate
from cluster.patient_socket import MAX_HEAD_BYTES, House
from cluster.tls_terms import TlsTerms

REQUEST_SECONDS = ANSWER_SECONDS = 10.0
"""How long a client may take to send a request, and to take the answer."""

IDLE_SECONDS = 10
"""How long a connection stays open between two requests."""

MAX_QUEUED = 128
"""Requests that are there and wait for a thread; more are dropped."""

DRAIN_BYTES = 64 * 1024

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def parse_listen_address(text: str) -> tuple[str, int]:
    """Split ``HOST:PORT``, ``[IPv6]:PORT`` or ``:PORT`` (all addresses).

    Raises `ClusterError` for anything else.
    """
    host, colon, port = text.rpartition(":")
    usable = colon and port.isdecimal() and int(port) <= 65535
    if not usable or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise ClusterError(
            "--web.listen-address", f"{text!r} is not HOST:PORT", "such as 127.0.0.1:9876 or :9876"
        )
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - ":PORT" means all addresses


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address that is listened on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class WebServer:
    """A listening server; it answers from `start` until `close`."""

    def __init__(
        self,
        application: WsgiApplication,
        address: tuple[str, int],
        *,
        threads: int,
        max_body_bytes: int,
        terms: Callable[[], TlsTerms | None] = lambda: None,
        client_seconds: tuple[float, float] = (REQUEST_SECONDS, ANSWER_SECONDS),
    ) -> None:
        """Listen at once, so that a taken port is an error here. Raises `ClusterError`.

        threads: requests answered side by side; half of them may wait for slow clients.
        max_body_bytes: larger requests get 413. terms: of TLS, asked at each connection; whether
        there are any must not change. client_seconds: for sending a request, and for taking an
        answer.
        """
        host, port = address
        leave = threading.BoundedSemaphore(max(1, threads // 2))
        house = House(SystemClock(), leave, terms, _Dropped(), *client_seconds)
        self._server = _Server((host, port), _reading_all(application), threads, house)
        self._server.max_request_header_size = MAX_HEAD_BYTES
        self._server.max_request_body_size = max_body_bytes
        try:
            self._prepare()
        except OSError as error:
            taken = "already in use" in str(error)
            raise ClusterError(
                f"{host}:{port}",
                "is listened on already" if taken else f"cannot be listened on: {error}",
                "choose another --web.listen-address",
            ) from error
        self.port: int = self._server.bind_addr[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if terms() else 'http'}://{shown}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve, daemon=True, name="web")

    def _prepare(self) -> None:
        """Listen, on a thread that does not hold up the end of the process.

        The library's own threads inherit that, so that an answer that hangs does not either.
        """
        refused: list[OSError] = []

        def prepare() -> None:
            try:
                self._server.prepare()
            except OSError as error:
                refused.append(error)

        thread = threading.Thread(target=prepare, daemon=True, name="web-listen")
        thread.start()
        thread.join()
        if refused:
            raise refused[0]

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Stop listening and let running answers end, waiting no longer than `seconds`.

        The library waits for ever for an answer that hangs, so it is left to do so alone; its
        threads end with the process.
        """
        self._server.gate.close()
        stopping = threading.Thread(target=self._server.stop, daemon=True, name="web-stop")
        stopping.start()
        stopping.join(seconds)


class _Server(Server):
    """The library's server, whose connections wait at a gate."""

    ConnectionClass = Connection

    def __init__(
        self, address: tuple[str, int], application: WsgiApplication, threads: int, house: House
    ) -> None:
        self.house = house
        self._errors = Allowance(burst=10, per_second=0.1)
        super().__init__(
            address,
            application,
            numthreads=threads,
            server_name="sipnlb",
            max=-1,
            timeout=IDLE_SECONDS,
            request_queue_size=128,
            shutdown_timeout=2,
            accepted_queue_size=MAX_QUEUED,
            accepted_queue_timeout=0,
        )
        self.gate = Gate(self._serve)

    def process_conn(self, conn: Connection) -> None:
        """Take a connection that is new, or on which something has come."""
        if conn.rfile.has_data():
            conn.socket.begin_request()
            self._serve(conn)
        else:
            self.gate.wait_for(conn)

    def _serve(self, conn: Connection) -> None:
        """Let a thread answer, or nobody where too many requests wait for one."""
        try:
            self.requests.put(conn)
        except queue.Full:
            conn.close()

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Write what the library has to say in the form of all other lines."""
        if level < logging.ERROR:
            log.get("web").debug("web server", said=msg)
        elif self._errors.spend("", self.house.clock.now().monotonic):
            log.get("web").error("web server failed", problem=msg, exc_info=traceback)


class _Dropped:
    """Says why clients were dropped, of each address only so often."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._lines = Allowance(burst=3, per_second=1 / 60)

    def __call__(self, why: str, address: str) -> None:
        if self._lines.spend(address, self._clock.now().monotonic):
            log.get("web").warning("client dropped", why=why, peer=address)


def _reading_all(application: WsgiApplication) -> WsgiApplication:
    """Return the application; of each request the whole body is read, whatever it makes of it.

    The library takes what is left of a chunked body for the next request of the connection
    (observed: cheroot 11.1), which behind a proxy is another caller's.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answered = application(environ, start_response)
        if "HTTP_TRANSFER_ENCODING" in environ:
            while environ["wsgi.input"].read(DRAIN_BYTES):
                pass
        return answered

    return answer
