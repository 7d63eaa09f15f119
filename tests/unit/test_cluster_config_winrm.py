"""The section of runner winrm: what it takes for granted and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from cluster.config import parse
from cluster.config_runners import WinrmSettings
from cluster.errors import ConfigError
from tests.unit import exporter_samples as samples

TICKET: dict[str, Any] = {"endpoint": "SipNlbRead"}
PASSWORD = TICKET | {"user": "EXAMPLE\\reader", "password_file": "/secret"}
CERTIFICATE = TICKET | {"certificate_file": "/read.pem", "key_file": "/read.key"}


def section(**more: Any) -> WinrmSettings:
    """Return a section as it is read from a file."""
    return WinrmSettings.model_validate({"type": "winrm", "read": TICKET} | more)


def test_without_more_it_is_kerberos_over_https() -> None:
    """The ticket of the account that sipnlb runs as, on the usual port, every certificate checked."""
    plain = section()

    assert (plain.transport, plain.effective_port, plain.auth, plain.kerberos_service) == (
        "https",
        5986,
        "kerberos",
        "host",
    )
    assert section(transport="http", auth="ntlm", read=PASSWORD).effective_port == 5985
    assert section(port=15986).effective_port == 15986


@pytest.mark.parametrize(
    ("more", "problems"),
    [
        (
            {"transport": "http", "auth": "certificate", "read": CERTIFICATE},
            ["auth: certificate needs transport https (use https, or another auth)"],
        ),
        (
            {"transport": "http", "ca_file": "/ca.pem"},
            ["ca_file: is of no use with transport http (use https, or remove it)"],
        ),
        (
            {"auth": "ntlm", "kerberos_service": "HTTP", "read": TICKET | {"user": "reader"}},
            [
                "kerberos_service: is of no use with auth ntlm (remove it)",
                "read: auth ntlm needs password_file (add it: user and password_file go together)",
            ],
        ),
        (
            {"auth": "certificate", "read": CERTIFICATE, "act": TICKET},
            [
                "act: auth certificate needs certificate_file "
                "(add it: key_file and certificate_file go together)",
                "act: auth certificate needs key_file "
                "(add it: certificate_file and key_file go together)",
            ],
        ),
        (
            {"auth": "certificate", "read": CERTIFICATE | {"user": "reader"}},
            ["read.user: is of no use with auth certificate (remove it, or change auth)"],
        ),
        (
            {"read": TICKET | {"key_file": "/read.key"}},
            ["read.key_file: is of no use with auth kerberos (remove it, or change auth)"],
        ),
        (
            {"act": TICKET | {"password_file": "/secret"}},
            [
                "act: auth kerberos needs user (add it: password_file and user go together, "
                "or leave both out to use the ticket)"
            ],
        ),
    ],
)
def test_what_contradicts_itself_is_refused(more: dict[str, Any], problems: list[str]) -> None:
    """All at once, each at its key and with what to change."""
    sample = json.dumps({"type": "winrm", "read": TICKET} | more)
    text = samples.CONFIG.replace("runner: {type: local}", f"runner: {sample}", 1)
    with pytest.raises(ConfigError) as refused:
        parse(text, "clusters.yml")

    place = "clusters[0].hosts[0].runner."
    assert [
        f"{each.path.removeprefix(place)}: {each.problem} ({each.hint})"
        for each in refused.value.problems
    ] == problems
    assert all(each.line for each in refused.value.problems)


@pytest.mark.parametrize("name", ["", "Sip Nlb", "x/../y", "Sip'Nlb", "Nlb\n"])
def test_an_endpoint_is_a_plain_name(name: str) -> None:
    """It becomes part of an address."""
    with pytest.raises(ValidationError):
        section(read={"endpoint": name})
