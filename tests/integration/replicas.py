"""Remediators that share a PostgreSQL, as processes on one simulated site."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.integration.running import RunningSite, until
from tests.integration.test_remediator import TOKEN, RunningRemediator
from tests.postgres import PostgresServer

LEASE = 6.0
"""Seconds, as short as the times below allow; what is tested is that nothing waits for longer."""

QUICK = {
    "lease": "6s",
    "command_timeout": "1200ms",
    "max_age": "1800ms",
    "look_timeout": "1500ms",
    "verify_timeout": "3s",
    "resync": "1h",
    "routine_look": "0s",
}
"""Short times, and no look but for an alert, a hold or a takeover."""


@dataclass
class Replica(RunningRemediator):
    """One of several remediators on one journal."""

    def lease(self) -> dict[str, Any]:
        """Return what it says of the lease on the cluster."""
        found: dict[str, Any] = self.get("/api/v1/clusters/sip-east")["lease"]
        return found

    def has_lease(self) -> bool:
        """Tell whether it may act on the cluster."""
        return bool(self.lease()["held"])

    def ready(self) -> tuple[int, str]:
        """Ask whether it can do its work."""
        answer = requests.get(self.url + "/-/ready", timeout=10)
        return answer.status_code, answer.text.strip()

    def metrics(self) -> str:
        """Return what it exposes."""
        return requests.get(self.url + "/metrics", timeout=10).text

    def hold_commands(self, gate: Path) -> None:
        """Let each command of it wait, once it has been started, until the gate is there."""
        config = yaml.safe_load(self.configuration.read_text())
        for host in config["clusters"][0]["hosts"]:
            program = host["nlb"]["program"]
            waiting = gate.parent / f"{host['name']}-late"
            waiting.write_text(
                f'#!/bin/sh\ncase "$1" in enable|disable) touch "{gate}.waits"; '
                f'while [ ! -e "{gate}" ]; do sleep 0.05; done;; esac\nexec "{program}" "$@"\n'
            )
            waiting.chmod(0o755)
            host["nlb"]["program"] = str(waiting)
        self.configuration.write_text(yaml.safe_dump(config))

    def freeze(self) -> None:
        """Stop it where it is."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def finish(self) -> None:
        """End it, whatever it does, and leave nothing behind."""
        if self.process is not None and self.process.poll() is None:
            self.thaw()
            self.end(signal.SIGKILL)


def make_replica(
    name: str,
    site: RunningSite,
    server: PostgresServer,
    tmp_path: Path,
    port: int | None = None,
    **settings: Any,
) -> Replica:
    """Write the configuration of one replica. port: of the database, where not the server's own."""
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    journal = dict(server.journal)
    if port is not None:
        journal["url"] = journal["url"].replace(f":{server.port}/", f":{port}/")
    config = yaml.safe_load((site.directory / "clusters.yml").read_text())
    config["remediator"] = {
        "policy": {"level": "enforce"},
        "web": {"bearer_token_file": str(token)},
        "journal": journal,
        **QUICK,
        **settings,
    }
    file = tmp_path / f"{name}.yml"
    file.write_text(yaml.safe_dump(config))
    return Replica(file, tmp_path / f"{name}.log")


@contextmanager
def started(*replicas: Replica) -> Iterator[None]:
    """Start replicas, the first of which has the lease; end them all."""
    try:
        for replica in replicas:
            replica.start()
            until(replicas[0].has_lease)
        yield
    finally:
        for replica in replicas:
            replica.finish()


def seconds_until(is_so: Any, most: float = 20.0) -> float:
    """Wait until something is so; return how long that took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < most, "not so in time"
        time.sleep(0.02)
    return time.monotonic() - began


class Relay:
    """A road to the database that can be cut: what is sent is lost, and nobody is told."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Carry nothing any more, in neither direction; connections stay as they are."""
        self._open.clear()

    def heal(self) -> None:
        """Carry new connections; those of before are broken."""
        self._break()
        self._open.set()

    def close(self) -> None:
        """End it."""
        self._listener.close()
        self._break()

    def _break(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._sockets.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target), timeout=None)
            except OSError:
                return
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while some := source.recv(65536):
                if self._open.is_set():
                    sink.sendall(some)
            if self._open.is_set():
                sink.shutdown(socket.SHUT_WR)
