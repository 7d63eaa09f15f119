"""A simulated site as a process, for tests of what runs against it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from simulator.sip_message import answering_host, options_request

ROOT = Path(__file__).resolve().parents[2]
SOON = 15.0  # seconds; far above what anything here takes


@dataclass
class RunningSite:
    """A site that runs as a child, and how to talk to it."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    listeners: dict[str, Any]
    control: str
    directory: Path

    def get(self, path: str) -> Any:
        """Ask the control API."""
        return requests.get(self.control + path, timeout=5).json()

    def post(self, path: str, body: object = None) -> requests.Response:
        """Tell the control API."""
        return requests.post(self.control + path, json=body, timeout=5)

    def state(self) -> dict[str, Any]:
        """Return the truth about the cluster."""
        return self.get("/api/v1/clusters/sip-east")

    def host(self, name: str) -> dict[str, Any]:
        """Return the truth about one host."""
        return next(host for host in self.state()["hosts"] if host["name"] == name)

    def nlb(
        self, host: str, *arguments: str, timeout: float = 5.0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the NLB utility of a host."""
        program = self.listeners["sip-east"]["programs"][host]
        return subprocess.run(
            [program, *arguments], capture_output=True, timeout=timeout, check=False
        )

    def page(self, host: str, query: str = "", timeout: float = 2.0) -> requests.Response:
        """Read the statistics page of a host."""
        return requests.get(self.listeners["sip-east"]["pages"][host] + query, timeout=timeout)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of sipnlb-simulator."""
        return subprocess.run(
            [sys.executable, "-m", "simulator", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=ROOT,
            timeout=SOON,
            check=False,
        )

    def options(self, where: str) -> str | None:
        """Send one OPTIONS from a fresh port; return the host that answered, None if lost."""
        address, _, port = where.removeprefix("udp ").rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.settimeout(0.4)
            caller.bind(("127.0.0.1", 0))
            client = f"127.0.0.1:{caller.getsockname()[1]}"
            caller.sendto(options_request("10.0.0.100:5060", client, "b1"), (address, int(port)))
            try:
                answer, source = caller.recvfrom(8192)
            except TimeoutError:
                return None
        assert source == (address, int(port))
        return answering_host(answer)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fail if it is not so soon."""
    deadline = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < deadline, "not so in time"
        time.sleep(0.05)


def run_site(tmp_path: Path, *arguments: str) -> Iterator[RunningSite]:
    """Run a site with its own place for announcements; end it by its process id."""
    environment = dict(os.environ) | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    directory = tmp_path / "site of a test"
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "site", "--directory", str(directory), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    try:
        until((directory / "control-url").exists)
        control = (directory / "control-url").read_text("utf-8").strip()
        listeners = requests.get(f"{control}/api/v1/site", timeout=5).json()["listeners"]
        yield RunningSite(process, environment, listeners, control, directory)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=SOON)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
