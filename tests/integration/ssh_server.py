"""A real sshd on loopback, as a child of the tests, without anything of the system's own."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.running import free_port, until

USER = getpass.getuser()

# As root, sshd wants an account of its own and a folder in /run. Both are made in a mount
# namespace that ends with it, so that the system stays as it is. There root has a plain shell.
_AS_ROOT = """
sed 's#^\\(root:.*:\\)[^:]*$#\\1/bin/sh#' /etc/passwd >"$1/passwd" && echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' >>"$1/passwd" &&
mount --bind "$1/passwd" /etc/passwd &&
mount -t tmpfs tmpfs /run && mkdir /run/sshd || exit 1
shift
exec "$@"
"""

_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
"""


@dataclass
class SshServer:
    """One sshd. Each of its accounts is a key: the user is the one who runs the tests.

    more: lines of its configuration, which count from its next start on.
    """

    programs: Callable[[str], Path]
    directory: Path
    port: int = field(default_factory=free_port)
    more: str = ""
    process: subprocess.Popen[bytes] | None = None

    def make_key(self, name: str, passphrase: str = "", options: str = "") -> Path:
        """Make a key, and let it in unless its name says that it is a stranger's."""
        file = self.directory / name
        keygen = [str(self.programs("ssh-keygen")), "-q", "-t", "ed25519", "-N", passphrase]
        subprocess.run([*keygen, "-f", str(file)], check=True)
        if not name.startswith("stranger"):
            with (self.directory / "authorized_keys").open("a") as allowed:
                allowed.write(f"{options} {self.public(file)}\n".lstrip())
        return file

    def public(self, key: Path) -> str:
        """Return the public half of a key as one line."""
        return key.with_name(key.name + ".pub").read_text("utf-8").strip()

    def fingerprint(self, key: Path) -> str:
        """Return a key's fingerprint as ssh-keygen prints it."""
        listed = subprocess.run(
            [self.programs("ssh-keygen"), "-l", "-f", str(key)],
            check=True,
            capture_output=True,
            text=True,
        )
        return listed.stdout.split()[1]

    def new_host_key(self) -> None:
        """Give the server another host key; it shows it from its next start on."""
        for old in self.directory.glob("host_key*"):
            old.unlink()
        keygen = [str(self.programs("ssh-keygen")), "-q", "-t", "ed25519", "-N", ""]
        subprocess.run([*keygen, "-f", str(self.directory / "host_key")], check=True)

    def write_known_hosts(self) -> Path:
        """Write down the host key as a client keeps it."""
        file = self.directory / "known_hosts"
        line = f"[127.0.0.1]:{self.port} {self.public(self.directory / 'host_key')}\n"
        file.write_text(line, "utf-8")
        return file

    def start(self) -> None:
        """Start it, and wait until it answers."""
        config = self.directory / "sshd_config"
        written = _CONFIG.format(port=self.port, directory=self.directory)
        config.write_text(written + self.more, "utf-8")
        command = [str(self.programs("sshd")), "-D", "-e", "-f", str(config)]
        if os.geteuid() == 0:
            private = ["unshare", "--mount", "--propagation", "private"]
            command = [*private, "sh", "-c", _AS_ROOT, "sh", str(self.directory), *command]
        before = self.log().count("Server listening")
        with (self.directory / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        until(lambda: self._is_up(before))

    def _is_up(self, before: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        return self.log().count("Server listening") > before

    def kill(self) -> None:
        """End it and all it started, at once, as a power cut does (but for the connections)."""
        if self.process is None:
            return
        # Parents first: else one may still tell the client how its child ended.
        for pid in _with_children(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def log(self) -> str:
        """Return what it has written so far."""
        file = self.directory / "sshd.log"
        return file.read_text("utf-8", errors="replace") if file.exists() else ""

    def logins(self, key: Path | None = None) -> int:
        """Return how often somebody logged in, or somebody with that key."""
        shown = re.escape(self.fingerprint(key)) if key else ""
        return len(re.findall(rf"Accepted publickey for .*{shown}", self.log()))


def _with_children(pid: int) -> list[int]:
    """Return a process and all it started, parents first."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += _with_children(int(child))
    return found


def run_ssh_server(programs: Callable[[str], Path], directory: Path) -> Iterator[SshServer]:
    """Run a server with a host key and nobody let in; end it with all it started."""
    directory.mkdir(parents=True)
    server = SshServer(programs, directory)
    server.new_host_key()
    (directory / "authorized_keys").touch()
    server.start()
    try:
        yield server
    finally:
        server.kill()


def runner_section(server: SshServer, **more: Any) -> dict[str, Any]:
    """Return a host's ``runner`` for this server."""
    return {
        "type": "ssh",
        "address": "127.0.0.1",
        "port": server.port,
        "known_hosts": str(server.directory / "known_hosts"),
        "shell": "posix",
    } | more
