"""Edge: who may call an API, and what a caller shows. Knows nothing of routes.

Credentials are compared in constant time. Secret files are read at each call, so that a
rotated secret holds at once; one that cannot be read lets nobody in.
"""

from __future__ import annotations

import base64
import binascii
import hmac

from cluster import log
from cluster.config import read_secret
from cluster.config_section import Credentials
from cluster.errors import ClusterError


class Door:
    """Checks the Authorization header of requests."""

    def __init__(self, credentials: Credentials, program: str) -> None:
        """Keep what must be shown. program: whose API it is, ``exporter`` or ``remediator``."""
        self._credentials = credentials
        self._program = program

    @property
    def is_open(self) -> bool:
        """Whether no credentials are configured at all."""
        return self._credentials.bearer_token_file is None and self._credentials.basic_auth is None

    @property
    def challenge(self) -> str:
        """What a refused caller is told to bring (WWW-Authenticate)."""
        scheme = "Basic" if self._credentials.basic_auth else "Bearer"
        return f'{scheme} realm="sipnlb-{self._program}"'

    def check(self) -> None:
        """Read the secrets once. Raises `ClusterError` for a file that nobody could pass with."""
        check_credentials(self._credentials)

    def admits(self, authorization: str | None) -> bool:
        """Tell whether the header's credentials are the configured ones."""
        if self.is_open:
            return True
        scheme, _, given = (authorization or "").strip().partition(" ")
        try:
            if self._credentials.bearer_token_file is not None:
                expected = read_secret(self._credentials.bearer_token_file)
                return scheme.lower() == "bearer" and _equal(given.strip(), expected)
            assert self._credentials.basic_auth is not None
            basic = self._credentials.basic_auth
            expected = f"{basic.username}:{read_secret(basic.password_file)}"
            return scheme.lower() == "basic" and _equal(_decoded(given), expected)
        except ClusterError as error:
            log.get(self._program).error("nobody is let in", problem=str(error))
            return False


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


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
