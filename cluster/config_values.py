"""The single values that may stand in ``clusters.yml``, each checked. Pure.

What a value is not is said as a sentence with a hint; `cluster.config` adds the place.
"""

from __future__ import annotations

import codecs
import ipaddress
import re
from pathlib import PurePath, PureWindowsPath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from cluster.model import ALL_VIPS

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)\Z")


def _duration(value: object) -> float:
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(
            "not a duration; write a whole number and a unit: 250ms, 2s, 10m, 1h, 400d"
        )
    return int(match[1]) * _UNITS[match[2]]


def _auto_or_duration(value: object) -> float | None:
    if value == "auto":
        return None
    try:
        return _duration(value)
    except ValueError as error:
        raise ValueError(
            f"neither auto nor a duration{str(error)[len('not a duration') :]}"
        ) from None


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("must be longer than nothing")
    return value


def _off_or_duration(value: object) -> float | None:
    if value == "off":
        return None
    try:
        return _duration(value)
    except ValueError as error:
        raise ValueError(
            f"neither off nor a duration{str(error)[len('not a duration') :]}"
        ) from None


def _auto_or_positive(value: float | None) -> float | None:
    return value if value is None else _positive(value)


def _address(value: str) -> str:
    if "%" in value:  # what follows may be any text, and an address becomes part of a command
        raise ValueError(
            f"{value!r} has a zone; write the address alone, without % and what follows"
        )
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address; write one such as 10.0.1.11") from None


def _vip(value: str) -> str:
    if value.lower() == ALL_VIPS:
        return ALL_VIPS
    try:
        return _address(value)
    except ValueError:
        if "%" in value:
            raise
        raise ValueError(
            f"{value!r} is neither all nor an IP address; write it as the host reports it"
        ) from None


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{value!r} has control characters; write Windows paths in single quotes")
    return value


def _in_folder(value: str, info: ValidationInfo) -> str:
    """Complete a relative path with the folder of the configuration, where that is known."""
    folder = (info.context or {}).get("folder")
    whole = PurePath(value).is_absolute() or PureWindowsPath(value).is_absolute()
    if folder is None or whole or value.startswith("~"):
        return value
    return str(PurePath(folder, value))


def _account_name(value: str) -> str:
    if value != value.strip() or value.startswith("-"):
        raise ValueError(f"{value!r} is not the name of an account")
    return _printable(value)


def _fingerprint(value: str) -> str:
    if re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", value) is None:
        raise ValueError(
            f"{value!r} is not a fingerprint; write SHA256: and 43 characters, as ssh-keygen -l"
        )
    return value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable and "@" not in value:
        raise ValueError(f"{value!r} is not an http or https address")
    if not usable or parts.username is not None or parts.password is not None:
        raise ValueError("credentials must not stand in an address; name a file for them")
    return value


def code_page(value: str) -> str:
    """Return the name of a code page. Raises ValueError if Python knows none of that name."""
    try:
        bytes(range(256)).decode(value, errors="replace")
    except (LookupError, UnicodeError):
        raise ValueError(f"{value!r} is not a code page; write one such as cp437") from None
    return value


def _log_encoding(value: str) -> str:
    try:
        sample = "05060 A\r\n".encode(value)
        name = codecs.lookup(value).name
    except (LookupError, UnicodeError):
        sample, name = b"", ""
    if sample != b"05060 A\r\n" and name not in {"utf-16", "utf-16-le", "utf-16-be"}:
        raise ValueError(
            f"{value!r} is not the coding of a log; write one such as cp1252 or utf-16"
        )
    return value


Duration = Annotated[float, BeforeValidator(_duration)]
PositiveDuration = Annotated[float, BeforeValidator(_duration), AfterValidator(_positive)]
Address = Annotated[str, AfterValidator(_address)]
Vip = Annotated[str, AfterValidator(_vip)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
Port = Annotated[int, Field(ge=0, le=65535)]
FilePath = Annotated[str, Field(min_length=1), AfterValidator(_printable)]
OwnFile = Annotated[FilePath, AfterValidator(_in_folder)]
"""A file of this machine that is only read; a relative path begins where ``clusters.yml`` is."""
AccountName = Annotated[str, Field(min_length=1), AfterValidator(_account_name)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
CodePage = Annotated[str, AfterValidator(code_page)]
LogEncoding = Annotated[str, AfterValidator(_log_encoding)]
AutoOrDuration = Annotated[float | None, BeforeValidator(_auto_or_duration)]
OffOrPositiveDuration = Annotated[
    float | None, BeforeValidator(_off_or_duration), AfterValidator(_auto_or_positive)
]
AutoOrPositiveDuration = Annotated[AutoOrDuration, AfterValidator(_auto_or_positive)]
