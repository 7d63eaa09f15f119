"""Edge: carries requests out over SSH, by the server of OpenSSH for Windows on the host.

Needs the extra ``ssh``. Reads go as the account ``read``, changes as ``act``; without the permit
the latter's key is never opened. No terminal is asked for: with one, Windows loses the exit
status (known: Win32-OpenSSH issue 1737).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from cluster.clock import Clock, Deadline
from cluster.config_model import Host
from cluster.config_runners import SshAccount, SshSettings
from cluster.errors import ClusterError
from cluster.model import Problem, Reason
from cluster.nlb.dialect import Dialect
from cluster.runners.request import Answer, Permit, Request, Verb
from cluster.runners.ssh_connection import Order, SshConnection, SshPool
from cluster.runners.ssh_login import SshTarget, load_key
from cluster.runners.ssh_quoting import Shell, command_line
from cluster.surroundings import Surroundings


class SshRunner:
    """Runs the NLB utility on a host through connections that are kept open."""

    def __init__(
        self,
        argv_of: Callable[[Request], Sequence[str]],
        clock: Clock,
        shell: Shell,
        read: SshConnection,
        act: SshConnection | None = None,
        permit: Permit | None = None,
    ) -> None:
        """Keep how a request becomes a command line, and the connections of both accounts.

        permit: without one, this runner refuses every request that changes a port.
        """
        self._argv_of, self._clock, self._shell = argv_of, clock, shell
        self._read, self._act, self._permit = read, act, permit

    def run(self, request: Request, deadline: Deadline, permit: Permit | None = None) -> Answer:
        """Carry out a request; see `cluster.runners.request.Runner`."""
        if request.changes and (permit is None or permit is not self._permit):
            raise PermissionError(f"{request.verb} without the permit of this runner")
        connection = self._act if request.changes else self._read
        line = command_line(self._argv_of(request), self._shell)
        if connection is None:
            return self._no_account(line)
        ran = connection.run(Order(line, deadline, request.send_before or deadline))
        return Answer(
            command=_typed(connection.target, line),
            asked=ran.asked,
            answered=self._clock.now(),
            sent=ran.sent,
            stdout=ran.stdout,
            stderr=ran.stderr,
            exit_status=ran.exit_status,
            problem=ran.problem,
        )

    def _no_account(self, line: str) -> Answer:
        now = self._clock.now()
        text = "no account may change a port here: add act to the host's runner"
        problem = Problem(Reason.NOT_INSTALLED_OR_DENIED, text)
        return Answer(line, now, now, sent=False, problem=problem)


def make_runner(host: Host, dialect: Dialect, given: Surroundings) -> SshRunner:
    """Wire the runner of a host.

    Raises `ClusterError` if the key of an account that is used cannot be read, or if the
    shell of the host could not be given the utility's path.
    """
    settings = host.runner
    assert isinstance(settings, SshSettings)
    shell = Shell(settings.shell)
    try:
        command_line(dialect.argv(Request(Verb.QUERY)), shell)
    except ValueError as error:
        raise ClusterError(host.name, str(error), "choose another nlb.program or shell") from None
    pool = given.shared.get("ssh", lambda: SshPool(given.clock))

    def connection(account: SshAccount) -> SshConnection:
        key = given.shared.get(("ssh key", account), lambda: load_key(account))
        return pool.connection(_target(host, settings, account), key)

    act = settings.act if given.permit is not None else None
    return SshRunner(
        dialect.argv,
        given.clock,
        shell,
        connection(settings.read),
        None if act is None else connection(act),
        given.permit,
    )


def _target(host: Host, settings: SshSettings, account: SshAccount) -> SshTarget:
    return SshTarget(
        address=settings.address or host.address,
        port=settings.port,
        user=account.user,
        key_file=account.key_file,
        known_hosts=settings.known_hosts,
        host_key=settings.host_key,
        connect_seconds=settings.connect_timeout,
    )


def _typed(target: SshTarget, line: str) -> str:
    """Write a command as a person would type it."""
    port = () if target.port == 22 else ("-p", str(target.port))
    return shlex.join(["ssh", *port, f"{target.user}@{target.address}", line])
