"""Who is told that the road of alerts is open, and who that it is not, as ``clusters.yml`` says it.

Pure. What is started or asked stands here and nowhere else: nothing from outside is added to it.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from cluster.config_command import Command
from cluster.config_section import ClientCredentials
from cluster.config_values import HttpUrl


class Heartbeat(ClientCredentials):
    """A dead man's switch outside, and an alarm of our own for the time in which it waits."""

    url: HttpUrl | None = Field(
        None,
        description="asked every minute while the watchdog alert keeps coming and the program is "
        "ready; whoever is behind it calls when that stops",
    )
    method: Literal["GET", "POST"] = Field("GET", description="how both addresses are asked")
    alarm_url: HttpUrl | None = Field(
        None, description="asked when that is not so, at once and then every 5 minutes"
    )
    alarm_command: Command | None = Field(
        None, description="started at the same moments, without a shell; ended after 30 s"
    )

    @model_validator(mode="after")
    def _does_something(self) -> Heartbeat:
        if not (self.url or self.alarm_url or self.alarm_command):
            raise ValueError("does nothing; name url, alarm_url or alarm_command")
        places = {_place(url) for url in (self.url, self.alarm_url) if url}
        if len(places) > 1 and (self.asks_for_credentials or self.cert_file):
            raise ValueError(
                "url and alarm_url are of two servers, and both would be shown the same "
                "credentials; leave these out, or use one server"
            )
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses that are asked."""
        return tuple(url for url in (self.url, self.alarm_url) if url)


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
