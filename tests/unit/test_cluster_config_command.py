"""Commands: what looks like a password on a command line is refused."""

from __future__ import annotations

import pytest

from cluster.config_command import shows_secret


@pytest.mark.parametrize(
    "argument",
    [
        "-cspassword",
        "-CSPASSWORD",
        "--password=hunter2",
        "--db-passwd",
        "/password:hunter2",
        "-pw",
        "-api-token",
        "--client.secret=x\ny",
        "PGPASSWORD=hunter2",
        "https://monitor:hunter2@db/modes",
        "-c /opt/mlcmd -cspassword hunter2",
    ],
)
def test_what_is_or_announces_a_password_is_seen(argument: str) -> None:
    """Options of tools, variables given to one, and credentials in an address."""
    assert shows_secret(argument)


@pytest.mark.parametrize(
    "argument",
    [
        "-getallappstatus",
        "-csuser",
        "sipnlb",
        "--password-file=/etc/sipnlb/password",
        "/etc/sipnlb/password",
        r"C:\sipnlb\password",
        "password",
        "-pwdfile",
        "https://db:8080/modes?a=b@c",
        "",
    ],
)
def test_what_is_none_passes(argument: str) -> None:
    """Names of users and files may stand on a command line."""
    assert not shows_secret(argument)
