"""Edge: who is let in to a program's HTTP face, and what a caller shows. Knows no routes.

Who fails too often is told to wait; what is right and cheap to check comes in all the same, so
that nobody locks a neighbour out. Pairs with `cluster.callers`, which tells who it is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from cluster import log
from cluster.allowance import Allowance
from cluster.callers import Callers
from cluster.clock import Clock, SystemClock
from cluster.config import read_secret
from cluster.config_section import Credentials
from cluster.errors import ClusterError
from cluster.passwords import BusyError
from cluster.rights import (
    Caller,
    Refusal,
    Right,
    comes_from_elsewhere,
    grants_of,
    is_for_this_machine,
)
from cluster.web_file import NOTHING, WebSettings

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Of every answer, unless the web configuration file has others."""

FAILURES_AT_ONCE, FAILURES_PER_SECOND = 20, 0.2
"""Of one address, before it is told to wait."""

CALLS_AT_ONCE, CALLS_PER_SECOND = 60, 1.0
"""Of one caller who operates."""


class Door:
    """Checks what requests show."""

    def __init__(
        self,
        credentials: Credentials,
        program: str,
        web: Callable[[], WebSettings] = lambda: NOTHING,
        clock: Clock | None = None,
        *,
        on_loopback: bool = False,
    ) -> None:
        """Keep what must be shown.

        program: whose face it is, ``exporter`` or ``remediator``. web: the web configuration in
        force. on_loopback: whether only this machine reaches it; where nothing is asked of
        callers, they must then have asked for this machine.
        """
        self._on_loopback = on_loopback
        self._grants = grants_of(credentials)
        self._program, self._web = program, web
        self._clock = clock or SystemClock()
        self._failures = Allowance(FAILURES_AT_ONCE, FAILURES_PER_SECOND)
        self._calls = Allowance(CALLS_AT_ONCE, CALLS_PER_SECOND)
        self._callers = Callers(self._grants, program, self._may_guess)

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked of callers at all."""
        config = self._web().config
        return not (self._grants or config.basic_auth_users or config.asks_all_for_certificates)

    @property
    def guards_all(self) -> bool:
        """Whether every page asks for credentials, not only the API."""
        return bool(self._web().config.basic_auth_users)

    @property
    def challenge(self) -> str:
        """What a refused caller is told to bring (WWW-Authenticate)."""
        basic = self.guards_all or any(grant.access.basic_auth for grant in self._grants)
        return f'{"Basic" if basic else "Bearer"} realm="sipnlb-{self._program}"'

    @property
    def headers(self) -> dict[str, str]:
        """Headers that every answer carries."""
        return {**SECURITY_HEADERS, **self._web().config.http_server_config.headers.given}

    def check(self) -> None:
        """Read the secrets once. Raises `ClusterError` for what nobody could pass with."""
        config = self._web().config
        for grant in self._grants:
            check_credentials(grant.access)
            place = f"{self._program}.web" + ("" if grant.name == "web" else f".{grant.name}")
            for user in grant.access.users:
                if user not in config.basic_auth_users:
                    raise ClusterError(
                        f"{place}.users",
                        f"{user!r} is not among basic_auth_users",
                        "add it to the file that --web.config.file names",
                    )
            if grant.access.client_certificates and not config.verifies_callers:
                raise ClusterError(
                    f"{place}.client_certificates",
                    "certificates of callers are not verified",
                    "set client_auth_type in the file that --web.config.file names",
                )

    def admit(self, environ: Mapping[str, Any], right: Right | None) -> Caller | Refusal:
        """Return the caller who has the right, else what to answer.

        environ: the request, as WSGI has it. right: None for a page that needs none; where all
        pages are guarded it still asks for a known caller.
        """
        address = str(environ.get("REMOTE_ADDR") or "")
        if self._on_loopback and self.is_open and not is_for_this_machine(environ):
            return self._noted(_ELSEWHERE, right, address)
        if right is None and not self.guards_all:
            return Caller("anybody", frozenset(), address)
        found = self._judged(environ, right, address)
        return found if isinstance(found, Caller) else self._noted(found, right, address)

    def _judged(
        self, environ: Mapping[str, Any], right: Right | None, address: str
    ) -> Caller | Refusal:
        try:
            caller = self._callers.tell(environ, address, self._web().config)
        except BusyError:
            return _wait(1.0, "too many passwords are being checked")
        if caller is None:
            return self._unknown()
        if right is not None and right not in caller.rights:
            hint = f"what each may do stands in {self._program}.web"
            return Refusal(403, f"{caller.name} has no right to {right}", hint)
        if right is Right.OPERATE:
            if comes_from_elsewhere(environ):
                return Refusal(403, "sent for a page of another site", "use the program itself")
            now = self._clock.now().monotonic
            if not self._calls.spend(caller.name, now):
                seconds = self._calls.seconds_to_next(caller.name, now)
                return _wait(seconds, f"{caller.name} calls too often")
        return caller

    def _may_guess(self, address: str) -> bool:
        """Tell whether a password that costs much to check is checked for an address."""
        return self._failures.has(address, self._clock.now().monotonic)

    def _noted(self, refusal: Refusal, right: Right | None, address: str) -> Refusal:
        """Count a failure of an address; after too many it is told to wait.

        Who sends alerts is never told so: Alertmanager comes again at its own pace.
        """
        now = self._clock.now().monotonic
        if self._failures.spend(address, now):
            log.get(self._program).warning(
                "caller refused", why=refusal.problem, peer=address, wants=right
            )
        elif refusal.status != 429:
            seconds = self._failures.seconds_to_next(address, now)
            refusal = _wait(seconds, "too many failures from this address")
        unasked = right is Right.WEBHOOK and refusal.status == 429
        return self._unknown() if unasked else refusal

    def _unknown(self) -> Refusal:
        return Refusal(
            401,
            "missing or wrong credentials",
            "send the configured credentials",
            (("WWW-Authenticate", self.challenge),),
        )


def check_credentials(credentials: Credentials) -> None:
    """Read every secret that credentials name. Raises `ClusterError` for one that is unusable."""
    if credentials.bearer_token_file is not None:
        read_secret(credentials.bearer_token_file)
    if credentials.basic_auth is not None:
        read_secret(credentials.basic_auth.password_file)


def authorization(credentials: Credentials) -> dict[str, str]:
    """Return the header that a caller with these credentials sends, or none.

    Raises `ClusterError` for a secret file that cannot be used.
    """
    if credentials.bearer_token_file is not None:
        return {"Authorization": f"Bearer {read_secret(credentials.bearer_token_file)}"}
    if credentials.basic_auth is None:
        return {}
    basic = credentials.basic_auth
    pair = f"{basic.username}:{read_secret(basic.password_file)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


_ELSEWHERE = Refusal(
    421,
    "addressed to another site than this machine",
    "ask for localhost, 127.0.0.1 or [::1]; for other names set credentials",
)


def _wait(seconds: float, problem: str) -> Refusal:
    return Refusal(429, problem, "wait a while", (("Retry-After", str(int(seconds) + 1)),))
