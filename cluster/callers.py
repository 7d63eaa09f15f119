"""Edge: tells who a caller is by what it shows. Knows no routes, and refuses nobody.

Credentials are compared in constant time. Secret files are read at each call, so that a
rotated secret holds at once; one that cannot be read lets nobody in.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cluster import log
from cluster.config import read_secret
from cluster.errors import ClusterError
from cluster.passwords import BusyError, Passwords
from cluster.rights import ALL_RIGHTS, Caller, Grant, Right
from cluster.subject import SUBJECT, Subject, common_name, has_subject
from cluster.web_config import WebConfig

MAX_HEADER = 8192
"""Characters of an Authorization header; nobody needs more."""

Shown = tuple[str, frozenset[Right]]
"""A name fit for a record, and what it is granted."""


class Callers:
    """Who may be calling."""

    def __init__(
        self, grants: tuple[Grant, ...], program: str, may_guess: Callable[[str], bool]
    ) -> None:
        """Keep what is granted.

        may_guess: whether a password that nobody gave before is checked for an address.
        """
        self._grants, self._program, self._may_guess = grants, program, may_guess
        self._passwords = Passwords()

    def tell(self, environ: Mapping[str, Any], address: str, config: WebConfig) -> Caller | None:
        """Return who asks, None for nobody known. Raises `BusyError`.

        environ: the request, as WSGI has it. A header that is not right is not mended by a
        certificate that is.
        """
        header = str(environ.get("HTTP_AUTHORIZATION") or "").strip()[:MAX_HEADER]
        users = config.basic_auth_users
        if not (self._grants or users or config.asks_all_for_certificates):
            return Caller("anybody", ALL_RIGHTS, address)
        by_header = self._by_header(header, address, users) if header else None
        if header and by_header is None:
            return None
        by_certificate = self._by_certificate(environ.get(SUBJECT, ()), guarded=bool(users))
        found = [shown for shown in (by_header, by_certificate) if shown is not None]
        if not found:
            return None
        return Caller(found[0][0], frozenset().union(*(rights for _, rights in found)), address)

    def _by_header(self, header: str, address: str, users: Mapping[str, str]) -> Shown | None:
        scheme, _, given = header.partition(" ")
        scheme, given = scheme.lower(), given.strip()
        pair = _decoded(given) if scheme == "basic" else ""
        opened = [grant for grant in self._grants if self._opens(grant, scheme, given, pair)]
        user, _, password = pair.partition(":")
        if opened:
            return user or f"{opened[0].name} token", _rights(opened)
        if not self._is_user(user, password, address, users):
            return None
        named = [grant for grant in self._grants if user in grant.access.users]
        return user, _rights(named) if self._grants else ALL_RIGHTS

    def _by_certificate(self, subject: Subject, *, guarded: bool) -> Shown | None:
        """Return whose verified certificate it is. guarded: passwords are asked for, too."""
        named = [
            grant
            for grant in self._grants
            if any(has_subject(subject, each) for each in grant.access.client_certificates)
        ]
        if not subject or (guarded and not named):
            return None
        return common_name(subject), _rights(named) if self._grants else ALL_RIGHTS

    def _opens(self, grant: Grant, scheme: str, given: str, pair: str) -> bool:
        """Tell whether a header shows what a grant names by file."""
        access = grant.access
        try:
            if access.bearer_token_file is not None:
                expected = read_secret(access.bearer_token_file)
                return scheme == "bearer" and _equal(given, expected)
            if access.basic_auth is None:
                return False
            basic = access.basic_auth
            expected = f"{basic.username}:{read_secret(basic.password_file)}"
            return scheme == "basic" and _equal(pair, expected)
        except ClusterError as error:
            log.get(self._program).error("nobody is let in", problem=str(error))
            return False

    def _is_user(self, name: str, password: str, address: str, users: Mapping[str, str]) -> bool:
        """Tell whether the pair is a user's. Raises `BusyError`."""
        if not users or not name:
            return False
        if self._passwords.are_known(users, name, password):
            return True
        if not self._may_guess(address):
            raise BusyError
        return self._passwords.are_right(users, name, password)


def _rights(grants: Iterable[Grant]) -> frozenset[Right]:
    return frozenset(right for grant in grants for right in grant.rights)


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
