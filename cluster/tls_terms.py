"""What TLS connections to a program must be like. No file is read here, nothing is sent."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """The server's side of TLS.

    allowed_names: of client certificates, any one of which must be among its alternative names;
    empty for any.
    """

    context: ssl.SSLContext
    allowed_names: frozenset[str] = frozenset()

    def allows(self, certificate: Mapping[str, Any]) -> bool:
        """Tell whether a verified certificate, as `ssl` parses it, has one of the names."""
        if not self.allowed_names:
            return True
        names = {str(value) for _, value in certificate.get("subjectAltName", ())}
        return not self.allowed_names.isdisjoint(names)
