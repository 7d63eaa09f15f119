"""Edge: opens one SSH connection: the host shows its key, the account shows its own.

Needs the extra ``ssh``. A host whose key is not the known one is refused before the account's
key is used. Nothing of the user's own SSH configuration is read but known_hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from cluster.config_runners import SshAccount
from cluster.errors import ClusterError
from cluster.model import Problem, Reason

KEEPALIVE_SECONDS = 5.0
KEEPALIVES_LOST = 2
"""A connection on which nothing answers for 15 s is given up, also while nobody uses it."""

HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Plain keys, in this order: a fingerprint is of a key, never of a certificate."""


@dataclass(frozen=True, slots=True)
class SshTarget:
    """Where to log in, as whom, and how the host is known.

    key_file: None for the keys of the agent. known_hosts: None for ``~/.ssh/known_hosts``.
    host_key: fingerprint; where it is given, known_hosts is not read. connect_seconds: how long
    the whole of opening may take.
    """

    address: str
    port: int
    user: str
    key_file: str | None
    known_hosts: str | None
    host_key: str | None
    connect_seconds: float

    @property
    def place(self) -> str:
        """The host's end, as ``10.0.1.11:22`` or ``[fd00::11]:22``."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"


class LoginError(Exception):
    """A connection that could not be opened, and why."""

    def __init__(self, reason: Reason, text: str) -> None:
        """Keep the problem."""
        super().__init__(text)
        self.problem = Problem(reason, text)


def load_key(account: SshAccount) -> asyncssh.SSHKey | None:
    """Read an account's private key; None where the agent holds it.

    Raises `ClusterError` if a file cannot be read or is not a key that the passphrase opens.
    """
    if account.key_file is None:
        return None
    try:
        phrase = account.key_passphrase_file
        lines = Path(phrase).read_text("utf-8").splitlines() if phrase else []
        return asyncssh.read_private_key(account.key_file, lines[0] if lines else None)
    except OSError as error:
        raise ClusterError(
            error.filename or account.key_file,
            f"the key of user {account.user} cannot be read: {error.strerror}",
            "sipnlb needs the file and the right to read it when it starts",
        ) from None
    except (ValueError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ClusterError(
            account.key_file,
            f"this is no private key that can be opened: {error}",
            "name the private key, and the file of its passphrase if it has one",
        ) from None


async def open_connection(
    target: SshTarget, key: asyncssh.SSHKey | None
) -> asyncssh.SSHClientConnection:
    """Open a connection. Raises `LoginError`, after `connect_seconds` at the latest."""
    guard: _Guard | None = None
    try:
        async with asyncio.timeout(target.connect_seconds):
            known = await asyncio.to_thread(_known_hosts, target)
            async with _keys(target, key) as keys:
                guard = _Guard(target, known, keys)
                return await _connect(target, known, guard)
    except TimeoutError:
        text = f"{target.place}: no connection within {target.connect_seconds:g} s"
        raise LoginError(Reason.TIMEOUT, text) from None
    except asyncssh.HostKeyNotVerifiable as error:
        text = (guard.refusal if guard is not None else "") or f"{target.place}: {error}"
        raise LoginError(Reason.UNREACHABLE, text) from None
    except asyncssh.PermissionDenied:
        shown = target.key_file or "the keys of the SSH agent"
        text = f"{target.place} refuses user {target.user} with {shown}"
        raise LoginError(Reason.NOT_INSTALLED_OR_DENIED, text) from None
    except (OSError, asyncssh.Error, ValueError) as error:
        raise LoginError(Reason.UNREACHABLE, f"{target.place}: {_said(error)}") from None


def _said(error: Exception) -> str:
    """Return what an error says. asyncio puts "Connect call failed" over the system's words."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    if error.errno is not None and error.strerror.startswith("Connect call failed"):
        return os.strerror(error.errno)
    return error.strerror


async def _connect(
    target: SshTarget, known: asyncssh.SSHKnownHosts, guard: _Guard
) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        target.address,
        target.port,
        config=None,
        username=target.user,
        client_factory=lambda: guard,
        client_keys=None,
        known_hosts=known,
        server_host_key_algs=HOST_KEY_ALGORITHMS if target.host_key else (),
        x509_trusted_certs=None,
        preferred_auth="publickey",
        gss_host=None,
        agent_forwarding=False,
        compression_algs=None,
        connect_timeout=target.connect_seconds,
        login_timeout=target.connect_seconds,
        keepalive_interval=KEEPALIVE_SECONDS,
        keepalive_count_max=KEEPALIVES_LOST,
    )


def _known_hosts(target: SshTarget) -> asyncssh.SSHKnownHosts:
    """Read the known hosts anew for each connection; a missing file knows none."""
    if target.host_key is not None:
        return asyncssh.SSHKnownHosts()
    file = Path(target.known_hosts or "~/.ssh/known_hosts").expanduser()
    try:
        return asyncssh.import_known_hosts(file.read_text("utf-8"))
    except FileNotFoundError:
        return asyncssh.SSHKnownHosts()
    except ValueError as error:
        text = f"{file} is no known_hosts file: {error}"
        raise LoginError(Reason.UNREACHABLE, text) from None
    except OSError as error:
        text = f"{file} cannot be read: {error.strerror}"
        raise LoginError(Reason.UNREACHABLE, text) from None


@contextlib.asynccontextmanager
async def _keys(
    target: SshTarget, key: asyncssh.SSHKey | None
) -> AsyncIterator[list[asyncssh.SSHKey] | list[asyncssh.SSHKeyPair]]:
    """Give the key from the file, or those that the agent holds while it is asked to sign."""
    if key is not None:
        yield [key]
        return
    try:
        agent = await asyncssh.connect_agent(os.environ.get("SSH_AUTH_SOCK", ""))
    except OSError as error:
        raise _no_agent(target, f"no SSH agent answers: {error.strerror}") from None
    try:
        try:
            found = list(await agent.get_keys())
        except ValueError as error:
            raise _no_agent(target, f"the SSH agent does not answer: {error}") from None
        if not found:
            raise _no_agent(target, "the SSH agent holds no key")
        yield list(found)
    finally:
        agent.close()
        await agent.wait_closed()


def _no_agent(target: SshTarget, said: str) -> LoginError:
    text = f"user {target.user} has no key_file, and {said}"
    return LoginError(Reason.NOT_INSTALLED_OR_DENIED, text)


class _Guard(asyncssh.SSHClient):
    """Judges the host's key and offers the account's, once.

    refusal: why the host's key was refused, in words; empty while it was not.
    """

    def __init__(
        self,
        target: SshTarget,
        known: asyncssh.SSHKnownHosts,
        keys: list[asyncssh.SSHKey] | list[asyncssh.SSHKeyPair],
    ) -> None:
        self._target, self._known = target, known
        self._keys: asyncssh.public_key.KeyPairListArg = keys
        self.refusal = ""

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Judge a key that known_hosts does not hold."""
        shown = key.get_fingerprint()
        if self._target.host_key is not None:
            wrong = shown != self._target.host_key
            self.refusal = self._other(shown, key, self._target.host_key) if wrong else ""
            return not wrong
        file = self._target.known_hosts or "~/.ssh/known_hosts"
        # The default port stands in known_hosts as none, as the library itself asks for it.
        found = self._known.match(host, addr, None if port == asyncssh.DEFAULT_PORT else port)
        if any(found[:2]):
            self.refusal = self._other(shown, key, file)
        else:
            self.refusal = (
                f"{self._target.place}: the host is not in {file}; it shows {_kind(key)} {shown}: "
                f"compare that with the host's own, then add it (ssh-keyscan prints the line)"
            )
        return False

    def _other(self, shown: str, key: asyncssh.SSHKey, known: str) -> str:
        return (
            f"{self._target.place}: the host shows {_kind(key)} {shown}, which is not the key of "
            f"{known}: another machine answers, or its keys were made anew"
        )

    def public_key_auth_requested(self) -> asyncssh.public_key.KeyPairListArg:
        """Offer the account's keys; nothing the second time."""
        keys, self._keys = self._keys, []
        return keys


def _kind(key: asyncssh.SSHKey) -> str:
    return str(key.algorithm.decode("ascii"))
