"""How long an honest caller waits while slow clients besiege the web server from another address.

.venv/bin/python tests/bench/slow_clients.py [CLIENTS] [SECONDS]
"""

from __future__ import annotations

import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

from cluster.serve import WebServer

HONEST, BESIEGER = "127.0.0.2", "127.0.0.3"
"""Addresses; both are of this machine."""

BODY = b"x" * 200_000
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LARGE = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n"
SAID = (b"", b"GET / HTTP/1.1\r\nX: ", LARGE, GET)
"""Nothing, half a head, a body that never comes, and an answer that is never taken."""


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer as large as a scrape."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(BODY)))])
    return [BODY]


def besiege(port: int, stop: threading.Event, number: int) -> None:
    """Be a slow client, again and again."""
    while not stop.is_set():
        try:
            with socket.socket() as caller:
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                caller.settimeout(1.0)
                caller.bind((BESIEGER, 0))
                caller.connect(("127.0.0.1", port))
                caller.sendall(SAID[number % len(SAID)])
                while not stop.wait(1.0):
                    caller.sendall(b"a")
        except OSError:
            stop.wait(0.05)


def ask(port: int) -> float:
    """Return how long one honest request takes, in seconds; infinite if it gets no answer."""
    began, heard = time.monotonic(), 0
    try:
        with socket.create_connection(("127.0.0.1", port), 20, (HONEST, 0)) as caller:
            caller.sendall(GET)
            while more := caller.recv(65536):
                heard += len(more)
    except OSError:
        return float("inf")
    return time.monotonic() - began if heard > len(BODY) else float("inf")


def main() -> None:
    """Measure, first alone and then besieged."""
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    server = WebServer(application, ("127.0.0.1", 0), threads=16, max_body_bytes=1_000_000)
    server.start()
    stop, process = threading.Event(), psutil.Process()
    for besieged in (False, True):
        if besieged:
            for number in range(clients):
                threading.Thread(
                    target=besiege, args=(server.port, stop, number), daemon=True
                ).start()
            time.sleep(2.0)
        took: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            took.append(ask(server.port))
            time.sleep(0.05)
        lost = took.count(float("inf"))
        whole = sorted(each for each in took if each != float("inf"))
        print(
            f"{clients if besieged else 0} slow clients, 16 threads: {len(took)} requests, "
            f"{lost} lost; median {statistics.median(whole) * 1000:.1f} ms, "
            f"99 % {whole[int(len(whole) * 0.99)] * 1000:.1f} ms, worst {whole[-1] * 1000:.1f} ms; "
            f"memory {process.memory_info().rss / 1e6:.0f} MB"
        )
    stop.set()
    server.close()


if __name__ == "__main__":
    main()
