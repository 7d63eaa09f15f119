"""The section of runner winrm: what it takes for granted and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cluster.config_runners import WinrmSettings

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
    ("more", "problem"),
    [
        (
            {"transport": "http", "auth": "certificate", "read": CERTIFICATE},
            "auth certificate needs transport https",
        ),
        ({"transport": "http", "ca_file": "/ca.pem"}, "ca_file is of no use with transport http"),
        (
            {"auth": "ntlm", "kerberos_service": "HTTP", "read": PASSWORD},
            "kerberos_service is of no use with auth ntlm",
        ),
        ({"auth": "ntlm"}, "auth ntlm needs read.user and password_file"),
        (
            {"auth": "certificate", "read": CERTIFICATE, "act": TICKET},
            "auth certificate needs act.certificate_file and key_file, no user",
        ),
        (
            {"auth": "certificate", "read": CERTIFICATE | PASSWORD},
            "auth certificate needs read.certificate_file and key_file, no user",
        ),
        (
            {"read": CERTIFICATE},
            "read.certificate_file and key_file are of no use with auth kerberos",
        ),
        (
            {"act": TICKET | {"password_file": "/secret"}},
            "act.password_file needs act.user",
        ),
        (
            {"act": TICKET | {"user": "operator@EXAMPLE.COM"}},
            "act.user needs password_file; leave it out to use the ticket",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(more: dict[str, Any], problem: str) -> None:
    """Each with a sentence that says what to change."""
    with pytest.raises(ValidationError) as refused:
        section(**more)

    assert [f"Value error, {problem}"] == [each["msg"] for each in refused.value.errors()]


@pytest.mark.parametrize("name", ["", "Sip Nlb", "x/../y", "Sip'Nlb", "Nlb\n"])
def test_an_endpoint_is_a_plain_name(name: str) -> None:
    """It becomes part of an address."""
    with pytest.raises(ValidationError):
        section(read={"endpoint": name})
