"""Edge: answers HTTP for a WSGI application, with bounds on size and time.

Knows nothing of what the application does.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterable
from typing import Any

from cheroot.wsgi import Server

from cluster.errors import ClusterError

MAX_HEADER_BYTES = 64 * 1024
CLIENT_TIMEOUT_SECONDS = 10

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
    ) -> None:
        """Listen at once, so that a taken port is an error here. Raises `ClusterError`.

        threads: requests answered side by side. max_body_bytes: larger requests get 413.
        """
        host, port = address
        self._server = Server(
            (host, port),
            application,
            numthreads=threads,
            max=-1,
            timeout=CLIENT_TIMEOUT_SECONDS,
            request_queue_size=128,
            shutdown_timeout=2,
        )
        self._server.max_request_header_size = MAX_HEADER_BYTES
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
        self.url = f"http://{shown}:{self.port}"
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
        stopping = threading.Thread(target=self._server.stop, daemon=True, name="web-stop")
        stopping.start()
        stopping.join(seconds)
