"""Where the remediator's record is kept, as ``clusters.yml`` says it. Pure.

A password never stands in the URL: it would be shown wherever the URL is.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, Field, model_validator

from cluster.config_section import Section
from cluster.config_values import OwnFile, PositiveDuration
from cluster.strict_yaml import Path

SQLITE = "sqlite:///"
POSTGRESQL = re.compile(
    r"postgresql://(?P<user>[^:@/?#]+)(?P<secret>:[^/]*)?@(?P<servers>[^@/?#]+)/(?P<database>[^/?#]+)"
)
SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
DEFAULT_PORT = 5432

LEASE_MARGIN_SECONDS = 1.0
"""What two clocks may differ by, and a question to the database may take."""


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where a PostgreSQL journal is. servers: host and port of each; one of them is writable."""

    user: str
    servers: tuple[tuple[str, int], ...]
    database: str

    @property
    def is_loopback(self) -> bool:
        """Whether every server is on this machine."""
        return all(_is_loopback(host) for host, _ in self.servers)


def _url(value: str) -> str:
    if value.startswith(SQLITE) and len(value) > len(SQLITE):
        return value
    match = POSTGRESQL.fullmatch(value)
    if match is None:
        # The value is not shown: it may hold a password.
        raise ValueError(
            "neither sqlite:///PATH nor postgresql://USER@HOST/DATABASE; settings of the "
            "connection are keys of their own, beside url"
        )
    if match["secret"] is not None:
        raise ValueError(
            "a password may not stand in the url; put it into a file and name that as password_file"
        )
    for server in match["servers"].split(","):
        found = SERVER.fullmatch(server)
        if found is None or not 1 <= int(found["port"] or DEFAULT_PORT) <= 65535:
            raise ValueError(f"{server!r} is not a server; write HOST or HOST:PORT")
    return value


JournalUrl = Annotated[str, AfterValidator(_url)]


class Journal(Section):
    """The durable record."""

    url: JournalUrl = Field(
        "sqlite:///sipnlb-journal.db",
        description="where the record is: sqlite:///PATH for one remediator, "
        "postgresql://USER@HOST[:PORT][,HOST…]/DATABASE for several",
    )
    password_file: OwnFile | None = Field(
        None, description="file whose first line is the password of the PostgreSQL user"
    )
    sslmode: Literal["verify-full", "verify-ca", "require", "disable"] | None = Field(
        None,
        description="how PostgreSQL is spoken to, in its own words; "
        "default: verify-full, to this machine disable",
    )
    ca_file: OwnFile | None = Field(
        None, description="certificates that sign the PostgreSQL server's, PEM"
    )
    retention: PositiveDuration = Field(400 * 86400.0, description="how long ended rows are kept")

    @model_validator(mode="after")
    def _fits(self) -> Journal:
        address = self.postgres
        if address is None:
            if self.password_file or self.sslmode or self.ca_file:
                raise ValueError(
                    "password_file, sslmode and ca_file are only of use with a url of postgresql://"
                )
        elif self.verifies and self.ca_file is None:
            raise ValueError(
                f"sslmode {self.ssl} needs ca_file, the certificates that sign the server's"
            )
        elif self.ca_file is not None and not self.verifies:
            raise ValueError(f"sslmode {self.ssl} verifies nothing, so that ca_file is of no use")
        return self

    @property
    def postgres(self) -> PostgresAddress | None:
        """Where the PostgreSQL is; None for SQLite."""
        match = POSTGRESQL.fullmatch(self.url)
        if match is None:
            return None
        servers = [SERVER.fullmatch(server) for server in match["servers"].split(",")]
        return PostgresAddress(
            unquote(match["user"]),
            tuple(
                (each["host"].strip("[]"), int(each["port"] or DEFAULT_PORT))
                for each in servers
                if each is not None
            ),
            unquote(match["database"]),
        )

    @property
    def ssl(self) -> str:
        """How PostgreSQL is spoken to, the default filled in."""
        address = self.postgres
        local = address is not None and address.is_loopback
        return self.sslmode or ("disable" if local else "verify-full")

    @property
    def verifies(self) -> bool:
        """Whether the server has to prove who it is."""
        return self.ssl.startswith("verify-")


def contradictions_of_lease(
    lease: float, command_timeout: float, max_age: float, journal: Journal
) -> Iterator[tuple[Path, str, str]]:
    """Find a lease that is too short for a command to be sent in its last third.

    It is renewed when a third of it has passed; a command may be sent `max_age` after the look
    began, and must have ended before another replica can have the lease.
    """
    needed = command_timeout + max_age + LEASE_MARGIN_SECONDS
    least = math.ceil(1.5 * needed)
    if journal.postgres is not None and lease < least:
        yield (
            ("remediator", "lease"),
            f"two thirds of {lease:g} s are less than command_timeout + max_age + 1s",
            f"make it {least} s or longer, or command_timeout shorter",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
