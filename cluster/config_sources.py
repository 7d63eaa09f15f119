"""Where the mode of a SIP Server is read, as ``clusters.yml`` says it. Pure.

Each source has a section of its own; ``type`` tells which one it is. Every one of them has
``lag`` (seconds by which its answer may be old when it is given) and ``refresh`` (seconds
between two readings of the exporter, None for ``exporter.refresh.sip_server``).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cluster.config_section import Section
from cluster.config_values import Duration, FilePath, HttpUrl, PositiveDuration


class HttpSource(Section):
    """SIP Server's own statistics page (option http-port)."""

    refresh: ClassVar[None] = None

    type: Literal["http"] = Field(description="read the XML page of the SIP Server process")
    url: HttpUrl = Field(description="the page, normally http://HOST:HTTP-PORT/serverx")
    lag: Duration = Field(
        10.0, description="how old the page may be when it is given: operational-stat-timeout"
    )


class LogSource(Section):
    """SIP Server's main log, read as a file."""

    type: Literal["log"] = Field(description="read the log of the SIP Server process")
    path: FilePath = Field(description="path of the log as its option names it, without date")
    refresh: PositiveDuration = Field(0.05, description="how often the file is looked at")
    lag: Duration = Field(0.0, description="how late the file may show what was written")


class ExecSource(Section):
    """A program that prints the modes: mlcmd or any script of the site."""

    type: Literal["exec"] = Field(description="run a program that prints the modes")
    command: tuple[str, ...] = Field(min_length=1, description="program and its arguments")
    refresh: PositiveDuration = Field(15.0, description="how often the exporter runs it")
    lag: Duration = Field(0.0, description="how old its answer may be when it is given")


SourceSettings = Annotated[HttpSource | LogSource | ExecSource, Field(discriminator="type")]
