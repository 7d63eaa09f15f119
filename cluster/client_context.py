"""Edge: reads what a program shows and believes when it asks another over TLS.

Quick to import: `remediator.reconcile` needs it, and must not wait for anything else.
"""

from __future__ import annotations

import ssl

from cluster.errors import ClusterError


def client_context(
    ca_file: str | None, cert_file: str | None, key_file: str | None
) -> ssl.SSLContext:
    """Return what to connect with. Raises `ClusterError` for a file that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ClusterError(
            str(ca_file), f"cannot be used as certificates: {error}", "name a file in PEM form"
        ) from error
    if cert_file is None:
        return context
    try:
        context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ssl.SSLError) as error:
        raise ClusterError(
            f"{cert_file}, {key_file}",
            f"are not a certificate and its key: {error.strerror or type(error).__name__}",
            "name files in PEM form, the key without passphrase",
        ) from error
    return context
