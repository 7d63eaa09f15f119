"""Whose a client certificate is."""

from __future__ import annotations

import pytest

from cluster.subject import check_wanted, common_name, has_subject

SUBJECT = (
    ("countryName", "PE"),
    ("organizationName", "Moss"),
    ("organizationalUnitName", "Night"),
    ("commonName", "node-7"),
)


@pytest.mark.parametrize(
    ("wanted", "has"),
    [
        ("CN=node-7", True),
        ("CN=node-7,OU=Night", True),
        ("CN=node-7, O=Moss, C=PE", True),
        ("CN=node-8", False),
        ("CN=NODE-7", False),
        ("CN=node", False),
        ("CN=Night", False),
        ("CN=node-7,OU=Day", False),
        ("CN=node-7,L=Lima", False),
    ],
)
def test_every_attribute_that_is_asked_for_must_be_there(wanted: str, has: bool) -> None:
    """Of that kind and that value exactly; others do not matter."""
    assert has_subject(SUBJECT, wanted) is has
    assert check_wanted(wanted) == wanted


@pytest.mark.parametrize("wanted", ["", "node-7", "CN=", "O=Moss", "CN=a,b", "CN=a,X=b", "CN=a=b"])
def test_what_is_no_subject_is_refused(wanted: str) -> None:
    """A common name comes first, and every part is one of the known attributes."""
    with pytest.raises(ValueError, match="is no subject; write CN=NAME, or more of it"):
        check_wanted(wanted)


def test_the_common_name_is_the_name_for_a_record() -> None:
    """A certificate without one is still a certificate; no certificate has no attribute."""
    assert common_name(SUBJECT) == "node-7"
    assert common_name(SUBJECT[:2]) == "a certificate"
    assert not has_subject((), "CN=node-7")
