"""Edge: how a program that asks another proves who it is, and whom it believes.

Certificates are rotated while programs run: the files are looked at before each request, and
read anew when one has changed. Files that cannot be used leave what was in force.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from cluster import log
from cluster.client_context import client_context
from cluster.errors import ClusterError
from cluster.web_file import sign


class ClientTls:
    """TLS as the one who asks."""

    def __init__(self, ca_file: str | None, cert_file: str | None, key_file: str | None) -> None:
        """Read the files. Raises `ClusterError` for one that cannot be used.

        ca_file: whose certificates are believed, None for the system's. cert_file, key_file:
        what is shown where it is asked for, None for nothing.
        """
        self._names = ca_file, cert_file, key_file
        self._signature = self._sign()
        self._context = client_context(*self._names)

    def context(self) -> ssl.SSLContext:
        """Return what to connect with; never raises."""
        found = self._sign()
        if found != self._signature:
            self._signature = found
            try:
                self._context = client_context(*self._names)
            except ClusterError as error:
                log.get("peer").error("certificates not taken, the old stay", problem=str(error))
        return self._context

    def _sign(self) -> tuple[tuple[str, int, int, int], ...]:
        return tuple(sign(Path(name)) for name in self._names if name)
