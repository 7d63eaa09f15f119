"""What a subcommand such as ``reconcile`` shows to the one that runs, and whom it believes.

Edge: reads files that its flags name; never a secret from the command line, which everybody on
the machine may read. Imports nothing that takes long.
"""

from __future__ import annotations

import argparse
import base64
import ssl
from pathlib import Path

from cluster.client_context import client_context
from cluster.errors import ClusterError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the ways to prove who asks."""
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file whose first line is the bearer token"
    )
    given.add_argument("--user", metavar="NAME", help="user name; needs --password-file")
    given.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help="take the credentials of remediator.web from this clusters.yml; slower to start",
    )
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="file whose first line is the password"
    )
    parser.add_argument(
        "--ca-file",
        metavar="FILE",
        help="with https: who signs the remediator's certificate, PEM (default: the system's)",
    )
    parser.add_argument(
        "--cert-file", metavar="FILE", help="with https: certificate to show, PEM; needs --key-file"
    )
    parser.add_argument("--key-file", metavar="FILE", help="key of that certificate, no passphrase")


def authorization(options: argparse.Namespace) -> str | None:
    """Return the value of the Authorization header, None for none.

    Raises `ClusterError`, OSError or UnicodeDecodeError for what cannot be read.
    """
    if bool(options.user) != bool(options.password_file):
        raise ClusterError("--user, --password-file", "go together", "name both")
    if options.token_file is not None:
        return f"Bearer {_first_line(options.token_file)}"
    if options.user is not None:
        return _basic(options.user, _first_line(options.password_file))
    return None if options.config_file is None else _configured(options.config_file)


def trust(options: argparse.Namespace) -> ssl.SSLContext | None:
    """Return what to connect with, None for the usual. Raises `ClusterError`."""
    if bool(options.cert_file) != bool(options.key_file):
        raise ClusterError("--cert-file, --key-file", "go together", "name both")
    if options.ca_file is None and options.cert_file is None:
        return None
    if not options.url.startswith("https:"):
        raise ClusterError(options.url, "is not https", "certificates are of no use with it")
    return client_context(options.ca_file, options.cert_file, options.key_file)


def refused(authorization: str | None) -> str:
    """Say what to do when the remediator asks for other credentials than were shown."""
    if authorization is None:
        return (
            "the remediator asks for credentials and none were shown; name --token-file, "
            "--user with --password-file, --cert-file with --key-file, or its clusters.yml by "
            "--config.file"
        )
    return (
        "the remediator does not take these credentials; compare them with remediator.web in its "
        "clusters.yml, or name that file by --config.file"
    )


def _first_line(file: Path) -> str:
    lines = file.read_text("utf-8-sig").splitlines()
    return lines[0].strip() if lines else ""


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _configured(file: Path) -> str | None:
    """Return what a configuration asks of those who operate. Loads the whole of it."""
    from cluster.config import load, read_secret  # noqa: PLC0415 - slow, and seldom wanted

    web = load(file).remediator.web
    access = web.operate or web
    if access.bearer_token_file is not None:
        return f"Bearer {read_secret(access.bearer_token_file)}"
    if access.basic_auth is not None:
        basic = access.basic_auth
        return _basic(basic.username, read_secret(basic.password_file))
    return None
