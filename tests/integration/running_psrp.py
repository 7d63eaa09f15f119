"""A host with PowerShell endpoints as a process, for tests of what calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import trustme

from tests.integration.running import ROOT, SOON, free_port

READER, OPERATOR = "EXAMPLE\\reader", "EXAMPLE\\operator"


@dataclass
class PsrpHost:
    """The host, and how to disturb it. directory: its own, with the secrets of both accounts."""

    directory: Path
    address: str
    port: int
    tls: bool
    certificates: bool
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, on the same port each time."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.psrp_server", self.directory / "settings"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == str(self.port)

    def stop(self) -> None:
        """End it by its process id."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate(timeout=SOON)

    def set(self, fault: str, text: str = "") -> None:
        """Begin a fault; see `tests.integration.psrp_server.Settings`."""
        (self.directory / fault).write_text(text, "utf-8")

    def clear(self, fault: str) -> None:
        """End a fault."""
        (self.directory / fault).unlink()

    def seen(self) -> dict[str, Any]:
        """Return what it saw of its callers."""
        scheme = "https" if self.tls else "http"
        verify = str(self.directory / "ca.pem") if self.tls else None
        answer = requests.get(f"{scheme}://{self.address}:{self.port}", verify=verify, timeout=5)
        return answer.json()

    def runner(self, **more: Any) -> dict[str, Any]:
        """Return the runner of a host's entry in clusters.yml."""
        entry: dict[str, Any] = {"type": "winrm", "port": self.port}
        for name, endpoint, user in (("read", "SipNlbRead", READER), ("act", "SipNlb", OPERATOR)):
            entry[name] = {"endpoint": endpoint} | (
                {
                    "certificate_file": str(self.directory / f"{name}.pem"),
                    "key_file": str(self.directory / f"{name}.key"),
                }
                if self.certificates
                else {"user": user, "password_file": str(self.directory / f"{name}-password")}
            )
        entry["auth"] = "certificate" if self.certificates else "ntlm"
        trust = {"ca_file": str(self.directory / "ca.pem")} if self.tls else {"transport": "http"}
        return entry | trust | more


@contextmanager
def run_psrp_host(
    directory: Path,
    program: str,
    *,
    address: str = "127.0.0.1",
    tls: bool = False,
    certificates: bool | None = None,
    cim: dict[str, Any] | None = None,
) -> Iterator[PsrpHost]:
    """Run a host. program: its ``nlb``. cim: see `psrp_server`.

    certificates: to log in with, instead of NTLM; with tls the default.
    """
    directory.mkdir()
    certificates = tls if certificates is None else certificates
    host = PsrpHost(directory, address, free_port(), tls, certificates)
    reader, operator = ("reader", "operator") if certificates else (READER, OPERATOR)
    settings = {
        "directory": str(directory),
        "endpoints": {
            "SipNlbRead": [reader, ["Get-SipNlbState"]],
            "SipNlb": [operator, ["Get-SipNlbState", "Set-SipNlbPort"]],
        },
        "program": program,
        "cim": cim,
        "ports": ["5060"],
        "vips": ["all"],
        "address": address,
        "port": host.port,
    }
    settings |= _certificates(directory, address) if tls else {}
    settings |= {} if certificates else _passwords(directory)
    (directory / "settings").write_text(json.dumps(settings), "utf-8")
    host.start()
    try:
        yield host
    finally:
        host.stop()


def _passwords(directory: Path) -> dict[str, Any]:
    (directory / "users").write_text("EXAMPLE:reader:opensesame\nEXAMPLE:operator:shibboleth\n")
    (directory / "read-password").write_text("opensesame\n", "utf-8")
    (directory / "act-password").write_text("shibboleth\n", "utf-8")
    return {"users": str(directory / "users")}


def _certificates(directory: Path, address: str) -> dict[str, Any]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    for name, cert in (
        ("server", authority.issue_cert(address, "sip1.example.com")),
        ("read", authority.issue_cert("reader.example.com", common_name="reader")),
        ("act", authority.issue_cert("operator.example.com", common_name="operator")),
    ):
        cert.cert_chain_pems[0].write_to_path(directory / f"{name}.pem")
        cert.private_key_pem.write_to_path(directory / f"{name}.key")
    trustme.CA().issue_cert("stranger.example.com").private_key_and_cert_chain_pem.write_to_path(
        directory / "stranger.pem"
    )
    files = (directory / "server.pem", directory / "server.key", directory / "ca.pem")
    return {"tls": [str(file) for file in files]}
