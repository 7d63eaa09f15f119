"""Edge: carries requests out by the functions of a restricted PowerShell endpoint (JEA).

Reads go to the account and endpoint ``read``, changes to ``act``; without the permit the latter
is never used and its files are never opened. Sessions are kept open and shared.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.clock import Deadline
from cluster.config_model import Host
from cluster.config_runners import WinrmAccount, WinrmSettings
from cluster.model import Problem, Reason
from cluster.runners import winrm_session
from cluster.runners.request import Answer, Permit, Request
from cluster.runners.winrm_calls import Call, Parameters, call_of
from cluster.runners.winrm_pool import SessionPool
from cluster.runners.winrm_session import Endpoint
from cluster.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class _Door:
    """One account in its endpoint, and the sessions it has open."""

    endpoint: Endpoint
    pool: SessionPool

    def typed(self, call: Call) -> str:
        """Write a call as a person would type it in PowerShell."""
        tls = " -UseSSL" if self.endpoint.settings.transport == "https" else ""
        return (
            f"Invoke-Command -ComputerName {self.endpoint.address}{tls}"
            f" -ConfigurationName {self.endpoint.account.endpoint} {{ {call} }}"
        )


class WinrmRunner:
    """Calls the functions of a host's endpoints."""

    def __init__(
        self, host: Host, back_end: str, given: Surroundings, node: Parameters = ()
    ) -> None:
        """Check what is configured; ask the host nothing yet. node: see `call_of`.

        Raises `ClusterError` if the extra ``winrm`` or a file of an account is missing.
        """
        assert isinstance(host.runner, WinrmSettings)
        self._address, self._settings, self._back_end = host.address, host.runner, back_end
        self._host = host.name
        self._node, self._given, self._clock = node, given, given.clock
        self._read = self._door(host.runner.read)
        act = host.runner.act if given.permit is not None else None
        self._act = None if act is None else self._door(act)

    def run(self, request: Request, deadline: Deadline, permit: Permit | None = None) -> Answer:
        """Carry out a request; see `cluster.runners.request.Runner`."""
        call = call_of(request, self._back_end, self._node)
        if not request.changes:
            return self._through(self._read, call, deadline, None)
        if permit is None or permit is not self._given.permit:
            raise PermissionError(f"{request.verb} without the permit of this runner")
        if self._act is None:
            return self._no_account(call)
        return self._through(self._act, call, deadline, request.send_before)

    def _through(
        self, door: _Door, call: Call, deadline: Deadline, send_by: Deadline | None
    ) -> Answer:
        carried = door.pool.carry_out(call, deadline, send_by)
        return Answer(
            command=door.typed(call),
            asked=carried.asked,
            answered=self._clock.now(),
            sent=carried.sent,
            stdout=carried.output.stdout,
            stderr=carried.output.stderr,
            exit_status=carried.output.exit_status,
            problem=carried.output.problem,
        )

    def _no_account(self, call: Call) -> Answer:
        now = self._clock.now()
        text = "no account may change a port here: add act to the host's runner"
        problem = Problem(Reason.NOT_INSTALLED_OR_DENIED, text)
        return Answer(str(call), now, now, sent=False, problem=problem)

    def _door(self, account: WinrmAccount) -> _Door:
        winrm_session.check(self._host, self._settings, account)
        clock = self._clock
        endpoint = Endpoint(self._address, self._settings, account, clock)
        return _Door(
            endpoint,
            self._given.shared.get(
                ("winrm", endpoint.address, self._settings, account),
                lambda: SessionPool(
                    lambda until: winrm_session.open_session(endpoint, until), clock
                ),
            ),
        )
