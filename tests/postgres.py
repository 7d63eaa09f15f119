"""A real PostgreSQL as a process, for tests of what shares one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

PASSWORD = "only for a test"
USER = "sipnlb"
OTHER = "nobody"
"""Who runs it where the tests run as root: PostgreSQL refuses that."""


@dataclass
class PostgresServer:
    """A server with one database, which listens on loopback alone and wants a password."""

    programs: Path
    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What stands in a configuration."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def password_file(self) -> Path:
        """The file that a configuration names."""
        return self.directory / "password"

    @property
    def journal(self) -> dict[str, str]:
        """The section of a configuration."""
        return {"url": self.url, "password_file": str(self.password_file)}

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 100,
            "shared_buffers": "16MB",
        }
        given = [f"--{name}={value}" for name, value in settings.items()]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.directory / "data", *given],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                **_as_other(),
            )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self.process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it and wait for its end. SIGINT ends it at once in good order, SIGQUIT in none."""
        assert self.process is not None
        self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def freeze(self) -> list[int]:
        """Stop all its processes where they are; return their ids, for `thaw`."""
        assert self.process is not None
        ids = [self.process.pid, *children(self.process.pid)]
        for each in ids:
            os.kill(each, signal.SIGSTOP)
        return ids

    @staticmethod
    def thaw(ids: list[int]) -> None:
        """Let processes go on."""
        for each in ids:
            os.kill(each, signal.SIGCONT)

    def connect(self) -> psycopg.Connection[Any]:
        """Connect as the tests do, each statement by itself."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what another program reads there."""
        with closing(self.connect()) as connection:
            return connection.execute(query, values).fetchall()

    def tell(self, statement: str) -> None:
        """Change something behind the remediators' backs."""
        with closing(self.connect()) as connection:
            connection.execute(statement)

    def empty(self) -> None:
        """Take everything out."""
        self.tell("DROP SCHEMA public CASCADE")
        self.tell("CREATE SCHEMA public")

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


def run_postgres(real_part: Callable[[str], Path]) -> Iterator[PostgresServer]:
    """Make a server and run it; end it by its process id, and leave nothing of it."""
    real_part("postgres")
    directory = Path(tempfile.mkdtemp(prefix="sipnlb-postgres-"))
    try:
        directory.chmod(0o755)
        (directory / "password").write_text(PASSWORD + "\n")
        programs = _programs(real_part("initdb"), directory)
        data = directory / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(data, OTHER)
        subprocess.run(
            [
                programs / "initdb",
                "--no-sync",
                f"--username={USER}",
                "--auth=scram-sha-256",
                f"--pwfile={directory / 'password'}",
                "--encoding=UTF8",
                "--locale=C",
                "--pgdata",
                data,
            ],
            check=True,
            capture_output=True,
            cwd=directory,
            timeout=60,
            **_as_other(),
        )
        server = PostgresServer(programs, directory, _free_port())
        try:
            server.start()
            yield server
        finally:
            if server.process is not None and server.process.poll() is None:
                for each in (server.process.pid, *children(server.process.pid)):
                    os.kill(each, signal.SIGCONT)
                server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(directory)


def children(parent: int) -> list[int]:
    """Return the processes that a process started."""
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(each) for each in text.split()]


def _as_other() -> dict[str, Any]:
    """Return who runs it: another user where this is root."""
    if os.geteuid() != 0:
        return {}
    return {"user": OTHER, "group": pwd.getpwnam(OTHER).pw_gid, "extra_groups": []}


def _programs(initdb: Path, directory: Path) -> Path:
    """Return the folder of the programs; of a copy where the other user cannot get at them."""
    try:
        subprocess.run([initdb, "--version"], check=True, capture_output=True, **_as_other())
    except (PermissionError, subprocess.CalledProcessError):
        root = initdb.parent.parent / "root"
        assert root.is_dir(), f"{OTHER} cannot run {initdb}"
        shutil.copytree(root / "usr", directory / "usr", symlinks=True)
        copied = directory / initdb.name
        copied.write_text(initdb.read_text().replace(str(root), str(directory)))
        postgres = directory / "postgres"
        postgres.write_text(
            (initdb.parent / "postgres").read_text().replace(str(root), str(directory))
        )
        for each in (copied, postgres):
            each.chmod(0o755)
        return directory
    return initdb.parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
