"""What a caller may do, and what a refused one is told. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from cluster.config_section import Credentials
from cluster.config_web import Access, RemediatorWeb


class Right(StrEnum):
    """WEBHOOK: send alerts. READ: see. OPERATE: make the program do something."""

    WEBHOOK = "webhook"
    READ = "read"
    OPERATE = "operate"


ALL_RIGHTS = frozenset(Right)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. name: of the user, certificate or credentials, fit for a record."""

    name: str
    rights: frozenset[Right]
    address: str

    @property
    def record(self) -> dict[str, str]:
        """What the journal keeps of it."""
        return {"who": self.name, "address": self.address}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to who may not. headers: to be sent with it."""

    status: int
    problem: str
    hint: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights, and what one must show for them. name: of the right in the configuration."""

    name: str
    access: Access
    rights: frozenset[Right]


def grants_of(web: Credentials) -> tuple[Grant, ...]:
    """Return what a configuration grants; nothing where it asks for nothing."""
    if isinstance(web, RemediatorWeb) and web.is_divided:
        return tuple(_divided(web))
    access = web if isinstance(web, Access) else Access(**web.model_dump())
    return () if access.is_open else (Grant("web", access, ALL_RIGHTS),)


def _divided(web: RemediatorWeb) -> Iterator[Grant]:
    if web.webhook is not None:
        yield Grant("webhook", web.webhook, frozenset({Right.WEBHOOK}))
    if web.read is not None:
        yield Grant("read", web.read, frozenset({Right.READ}))
    if web.operate is not None:
        yield Grant("operate", web.operate, frozenset({Right.READ, Right.OPERATE}))


def comes_from_elsewhere(environ: Mapping[str, Any]) -> bool:
    """Tell whether a browser sends this for a page of another site.

    It adds a person's credentials by itself, whoever wrote the page (documented: Fetch Metadata
    Request Headers; RFC 6454, "The HTTP Origin Header Field"). Other programs send neither.
    """
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = environ.get("HTTP_ORIGIN")
    return origin is not None and _place(origin) != environ.get("HTTP_HOST", "")


def is_for_this_machine(environ: Mapping[str, Any]) -> bool:
    """Tell whether a request is addressed to this machine by one of its own names.

    A page can let its own name lead here, so that a browser takes this program for that page's
    site and shows it all (DNS rebinding). Then the request still names that site. Programs that
    name nothing are none.
    """
    host = str(environ.get("HTTP_HOST") or "localhost").lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.rstrip(".") == "localhost"


def _place(origin: str) -> str:
    """Return host and port; what is none, such as ``null``, equals no place."""
    try:
        return urlsplit(origin).netloc or "nowhere"
    except ValueError:
        return "nowhere"
