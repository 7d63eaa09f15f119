"""Whose a client certificate is: its subject, and what is asked of one. Pure."""

from __future__ import annotations

import re

Subject = tuple[tuple[str, str], ...]
"""Attributes of a verified client certificate, as Python's ssl names them; empty for none."""

SUBJECT = "sipnlb.client_subject"
"""Where the environment of a request keeps the subject."""

_ATTRIBUTES = {
    "CN": "commonName",
    "O": "organizationName",
    "OU": "organizationalUnitName",
    "C": "countryName",
    "ST": "stateOrProvinceName",
    "L": "localityName",
    "UID": "userId",
}
_PART = re.compile(rf"(?:{'|'.join(_ATTRIBUTES)})=[^,=]+")


def check_wanted(value: str) -> str:
    """Return what is asked of a subject. Raises ValueError if it is not ``CN=NAME[,…]``."""
    parts = [part.strip() for part in value.split(",")]
    if not value.startswith("CN=") or not all(_PART.fullmatch(part) for part in parts):
        raise ValueError(
            f"{value!r} is no subject; write CN=NAME, or more of it: CN=NAME,OU=UNIT,O=FIRM"
        )
    return value


def has_subject(subject: Subject, wanted: str) -> bool:
    """Tell whether a subject has every attribute that is asked for."""
    parts = (part.strip().partition("=") for part in wanted.split(","))
    return all((_ATTRIBUTES[key], value) in subject for key, _, value in parts)


def common_name(subject: Subject) -> str:
    """Return the name for a record; "a certificate" for one that has none."""
    return next((value for key, value in subject if key == "commonName"), "a certificate")
