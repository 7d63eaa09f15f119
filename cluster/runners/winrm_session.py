"""Edge: one PowerShell session over WinRM (PSRP), in one endpoint of one host.

The only module that knows pypsrp (extra ``winrm``), which is imported when a session is opened.
A function is called by its name with parameters; there is no way to send script text from here.
Every answer is bounded in size, and no exchange outlives its deadline while bytes arrive.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter

from cluster.clock import Clock, Deadline, deadline_in
from cluster.config import read_secret
from cluster.config_runners import WinrmAccount, WinrmSettings
from cluster.errors import ClusterError
from cluster.model import Problem, Reason
from cluster.runners.winrm_calls import Call, Output, RemoteError, output_of
from cluster.runners.winrm_job import Invoked, NoSessionError, Session
from cluster.runners.winrm_problems import is_unsent, problem_of, was_refused

MAX_BYTES = 4 * 1024 * 1024
"""Of all answers to one call."""

IDLE_SECONDS = 900
"""After so long without a call the host ends a session by itself, one left behind too."""

FINISHING_SECONDS = 2.0


def check(host: str, settings: WinrmSettings, account: WinrmAccount) -> None:
    """Raise `ClusterError` if the library or a file of the configuration is missing.

    host: its name, for the error.
    """
    _has_library("pypsrp", host, "runner winrm", "winrm")
    if settings.auth == "kerberos" and sys.platform != "win32":
        _has_library("gssapi", host, "auth kerberos", "winrm-kerberos")
    if account.password_file is not None:
        read_secret(account.password_file)
    for file in (settings.ca_file, account.certificate_file, account.key_file):
        if file is not None:
            _readable(file)


def _has_library(library: str, host: str, wanting: str, extra: str) -> None:
    if importlib.util.find_spec(library) is None:
        raise ClusterError(
            host,
            f"{wanting} needs the library {library}",
            f"install sipnlb with its extra {extra}, as in pip install '.[{extra}]'",
        )


def _readable(file: str) -> None:
    try:
        with Path(file).open("rb"):
            pass
    except OSError as error:
        raise ClusterError(
            file, f"cannot be read: {error.strerror}", "check path and rights"
        ) from error


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a session is opened. address: the host's dedicated one."""

    address: str
    settings: WinrmSettings
    account: WinrmAccount
    clock: Clock


def open_session(endpoint: Endpoint, deadline: Deadline) -> Session:
    """Open a session. Raises `NoSessionError`."""
    logging.getLogger("pypsrp").setLevel(logging.CRITICAL)  # its failures are problems here
    https = endpoint.settings.transport == "https"
    line = _Line(endpoint.clock, endpoint.settings.hostname if https else None)
    line.begin(deadline)
    try:
        pool = _connect(endpoint, line)
        pool.open()
    except ClusterError as error:
        raise NoSessionError(Problem(Reason.NOT_INSTALLED, str(error))) from error
    except Exception as error:
        line.hang_up()
        problem = problem_of(error, f"endpoint {endpoint.account.endpoint}", line.is_late())
        raise NoSessionError(problem, refused=was_refused(error)) from error
    return _PsrpSession(pool, line, endpoint.clock)


def _connect(endpoint: Endpoint, line: _Line) -> Any:
    from pypsrp.powershell import RunspacePool  # noqa: PLC0415 - optional extra
    from pypsrp.wsman import WSMan  # noqa: PLC0415 - optional extra

    settings, account = endpoint.settings, endpoint.account
    wsman = WSMan(
        endpoint.address,
        port=settings.effective_port,
        ssl=settings.transport == "https",
        auth=settings.auth,
        username=account.user,
        password=read_secret(account.password_file) if account.password_file else None,
        cert_validation=cast("bool", settings.ca_file or True),  # a path, as requests has it
        encryption="auto",  # over http always: the configuration allows it with no other auth
        no_proxy=True,
        reconnection_backoff=0,  # it would sleep on in a call that nobody waits for
        certificate_pem=account.certificate_file,
        certificate_key_pem=account.key_file,
        negotiate_hostname_override=settings.hostname,
        negotiate_service=settings.kerberos_service,
    )
    session = wsman.transport._build_session()  # noqa: SLF001 - the one way to its HTTP session
    session.trust_env = False
    session.max_redirects = 0  # no other host is ever spoken to
    session.mount("http://", line)
    session.mount("https://", line)
    wsman.transport.session = session
    line.wsman = wsman
    return RunspacePool(
        wsman, configuration_name=account.endpoint, no_profile=True, idle_timeout=IDLE_SECONDS
    )


class _Line(HTTPAdapter):
    """The HTTP connection: keeps the deadline, bounds the answers, checks the host's name.

    The address is always the configured one; `hostname` is only what the certificate must name.
    """

    def __init__(self, clock: Clock, hostname: str | None) -> None:
        self._clock, self._hostname = clock, hostname
        self._deadline = self.send_by = Deadline(0.0)
        self._left = 0
        self._last: Any = None
        self.wsman: Any = None
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if self._hostname is not None:
            kwargs |= {"assert_hostname": self._hostname, "server_hostname": self._hostname}
        super().init_poolmanager(*args, **kwargs)

    def begin(self, deadline: Deadline) -> None:
        """Begin a call that ends by a deadline."""
        self._deadline, self.send_by, self._left = deadline, deadline, MAX_BYTES

    def hang_up(self) -> None:
        """Close the connection, also one whose answer was not read to its end."""
        if self._last is not None:
            self._last.close()
        self.close()

    def is_late(self) -> bool:
        """Tell whether the deadline has passed."""
        return self._remaining() <= 0

    def _remaining(self) -> float:
        return self._deadline.remaining(self._clock.now())

    def send(self, request: requests.PreparedRequest, *_: Any, **kwargs: Any) -> requests.Response:
        left, to_send = self._remaining(), self.send_by.remaining(self._clock.now())
        if min(left, to_send) <= 0:
            raise requests.ConnectTimeout("the moment to send it has passed")
        kwargs |= {"timeout": (min(left, to_send), left), "stream": True}
        response = super().send(request, **kwargs)
        arriving = response.raw.stream
        raw: Any = response.raw
        self._last = raw
        if response.status_code == 401 and _is_encrypted(request):
            # The library would log in again and send the same bytes, which nobody can decrypt
            # in the new connection.
            raise ForgottenError("the connection, and with it the log-in, is lost")
        if _is_encrypted(request) and not _is_encrypted(response):
            # The library would read it, and anybody on the way could have written it.
            raise PlainError(f"HTTP status {response.status_code} came back without encryption")
        raw.stream = lambda *args, **more: self._bounded(arriving(*args, **more))
        return response

    def _bounded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLargeError(f"the answer is larger than {MAX_BYTES} bytes")
            if self.is_late():
                raise requests.ReadTimeout("the deadline has passed")
            yield chunk

    def operation_seconds(self) -> int:
        """Return how long the host itself may take for one exchange, in whole seconds."""
        return max(1, math.ceil(self._remaining()))


class TooLargeError(Exception):
    """The host sends more than any answer has."""


class ForgottenError(Exception):
    """The host does not know the connection that a message was encrypted for."""


class PlainError(Exception):
    """What should be encrypted is not."""


def _is_encrypted(message: requests.PreparedRequest | requests.Response) -> bool:
    kind = str(message.headers.get("Content-Type", ""))
    return kind.startswith(("multipart/encrypted;", "multipart/x-multi-encrypted;"))


class _PsrpSession:
    """A `Session` by pypsrp."""

    def __init__(self, pool: Any, line: _Line, clock: Clock) -> None:
        self._pool, self._line, self._clock = pool, line, clock
        self._last: Any = None

    def invoke(self, call: Call, deadline: Deadline, send_by: Deadline) -> Invoked:
        from pypsrp.complex_objects import PSInvocationState  # noqa: PLC0415 - optional extra
        from pypsrp.powershell import PowerShell  # noqa: PLC0415 - optional extra

        self._begin(deadline)
        self._line.send_by = send_by
        shell = self._last = PowerShell(self._pool)
        shell.add_cmdlet(call.function)
        for name, value in call.parameters:
            shell.add_parameter(name, value)
        began = False
        try:
            shell.begin_invoke()
            began, self._line.send_by = True, deadline
            while shell.state == PSInvocationState.RUNNING:
                shell.poll_invoke()
            objects = [_properties(each) for each in shell.output]
            errors = [_error(each) for each in shell.streams.error]
        except Exception as error:  # noqa: BLE001 - boundary: whatever a host makes the library do
            problem = problem_of(error, call.function, self._line.is_late())
            sent = began or not is_unsent(error)
            return Invoked(Output(problem=problem), sent, usable=False)
        return Invoked(output_of(call, objects, errors))

    def finish(self) -> bool:
        self._begin(deadline_in(self._clock, FINISHING_SECONDS))
        try:
            self._last.close()
        except Exception:  # noqa: BLE001 - boundary: the answer is there; the session is dropped
            return False
        return True

    def close(self, deadline: Deadline) -> None:
        self._begin(deadline)
        try:
            self._pool.close()
        except Exception:  # noqa: BLE001, S110 - boundary: the host ends an idle session itself
            pass
        finally:
            self._line.hang_up()

    def _begin(self, deadline: Deadline) -> None:
        self._line.begin(deadline)
        self._line.wsman.operation_timeout = self._line.operation_seconds()


def _properties(returned: object) -> Mapping[str, object]:
    """Return the properties of an object that came; none of what is no object."""
    adapted = getattr(returned, "adapted_properties", None)
    extended = getattr(returned, "extended_properties", None)
    both: dict[str, object] = {}
    for each in (adapted, extended):
        both |= each if isinstance(each, dict) else {}
    return both


def _error(record: object) -> RemoteError:
    return RemoteError(str(getattr(record, "fq_error", "") or ""), str(record))
