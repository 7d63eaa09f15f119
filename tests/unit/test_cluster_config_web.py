"""Who may do what, as ``clusters.yml`` says it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cluster.config_section import Credentials
from cluster.config_web import Access, RemediatorWeb
from cluster.rights import Caller, Right, comes_from_elsewhere, grants_of

TOKEN: dict[str, Any] = {"bearer_token_file": "/secret/lima"}


def web(**given: Any) -> RemediatorWeb:
    """Return the section ``remediator.web``."""
    return RemediatorWeb.model_validate(given)


def problem(**given: Any) -> str:
    """Return what is said of a section that contradicts itself."""
    with pytest.raises(ValidationError) as found:
        web(**given)
    return str(found.value.errors()[0]["msg"])


def test_one_access_has_all_rights() -> None:
    """The form without divided rights, of either kind of section."""
    everything = frozenset({Right.WEBHOOK, Right.READ, Right.OPERATE})
    for given in (web(**TOKEN), Access(**TOKEN), Credentials(**TOKEN)):
        assert [(each.name, each.rights) for each in grants_of(given)] == [("web", everything)]
    assert grants_of(web()) == grants_of(Access()) == grants_of(Credentials()) == ()
    assert web(users=("ana",)).is_open is web(client_certificates=("CN=a",)).is_open is False


def test_each_right_has_an_access_of_its_own() -> None:
    """To operate is to see as well; to send alerts is nothing else."""
    given = web(webhook=TOKEN, read={"users": ("ana",)}, operate={"client_certificates": ("CN=b",)})

    assert [(each.name, set(each.rights)) for each in grants_of(given)] == [
        ("webhook", {Right.WEBHOOK}),
        ("read", {Right.READ}),
        ("operate", {Right.READ, Right.OPERATE}),
    ]
    assert [each.name for each in grants_of(web(read=TOKEN))] == ["read"]
    assert [each.name for each in grants_of(web(webhook=TOKEN))] == ["webhook"]
    assert [each.name for each in grants_of(web(operate=TOKEN))] == ["operate"]


def test_what_would_undo_the_division_is_refused() -> None:
    """Credentials for everything beside divided ones, and a right that asks for nothing."""
    assert problem(**TOKEN, read=TOKEN, operate=TOKEN) == (
        "Value error, read, operate cannot stand beside credentials for everything; "
        "move those to a right"
    )
    assert problem(operate={}) == (
        "Value error, operate asks for nothing; name credentials, or leave it out"
    )
    assert problem(users=("a:b",)).startswith("String should match pattern")


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({}, False),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, False),
        ({"HTTP_SEC_FETCH_SITE": "none"}, False),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, True),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, True),
        ({"HTTP_SEC_FETCH_SITE": "odd"}, True),
        ({"HTTP_ORIGIN": "https://sip.example:9877", "HTTP_HOST": "sip.example:9877"}, False),
        ({"HTTP_ORIGIN": "https://evil.example", "HTTP_HOST": "sip.example:9877"}, True),
        ({"HTTP_ORIGIN": "null", "HTTP_HOST": "sip.example:9877"}, True),
        ({"HTTP_ORIGIN": "http://[", "HTTP_HOST": "sip.example:9877"}, True),
        ({"HTTP_ORIGIN": "null"}, True),
    ],
)
def test_what_another_sites_page_sends_is_known(headers: dict[str, str], elsewhere: bool) -> None:
    """By what browsers say of it; programs say nothing."""
    assert comes_from_elsewhere(headers) is elsewhere


def test_a_caller_goes_on_record_with_name_and_address() -> None:
    """Nothing else, above all nothing that it showed."""
    assert Caller("ana", frozenset(), "10.0.0.9").record == {"who": "ana", "address": "10.0.0.9"}
