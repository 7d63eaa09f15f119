"""Where the mode of a SIP Server is read, as ``clusters.yml`` says it. Pure.

Each source has a section of its own; ``type`` tells which one it is. Every one of them has
``lag`` (seconds by which its answer may be old when it is given), ``refresh`` (seconds
between two readings of the exporter, None for ``exporter.refresh.sip_server``) and ``timeout``
(seconds that one reading of the exporter may take, None for ``exporter.timeout``).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from cluster.config_command import Command
from cluster.config_section import Section
from cluster.config_values import (
    Address,
    Duration,
    HttpUrl,
    LogEncoding,
    OffOrPositiveDuration,
    OwnFile,
    Port,
    PositiveDuration,
)


class HttpSource(Section):
    """SIP Server's own statistics page (option http-port)."""

    refresh: ClassVar[None] = None
    timeout: ClassVar[None] = None

    type: Literal["http"] = Field(description="read the XML page of the SIP Server process")
    url: HttpUrl = Field(description="the page, normally http://HOST:HTTP-PORT/serverx")
    lag: Duration = Field(
        10.0, description="how old the page may be when it is given: operational-stat-timeout"
    )


class TcpLiveness(Section):
    """The process is alive as long as it accepts TCP connections."""

    type: Literal["tcp"] = Field(description="connect to a TCP port of the SIP Server process")
    address: Address | None = Field(
        None, description="where it listens, never the virtual IP; default: the host's address"
    )
    port: Annotated[Port, Field(ge=1)] = Field(description="port that only this process opens")
    max_age: OffOrPositiveDuration = Field(
        65 * 60.0,
        description="how old the log's newest line may be: longer than the option check-point, "
        "plus the clocks' difference; off where no check points are written",
    )


class CheckPointLiveness(Section):
    """The process is alive as long as its log goes on."""

    type: Literal["check_point"] = Field(description="look how old the log's newest line is")
    max_age: PositiveDuration = Field(
        65 * 60.0, description="longer than the option check-point, plus the clocks' difference"
    )


class LogSource(Section):
    """SIP Server's main log, read as a file."""

    timeout: ClassVar[None] = None

    type: Literal["log"] = Field(description="read the log of the SIP Server process")
    path: OwnFile = Field(
        description="path of the main log as its option names it: without date, number and .log"
    )
    encoding: LogEncoding = Field(
        "cp1252", description="how it is coded, where it has no byte order mark"
    )
    liveness: Annotated[TcpLiveness | CheckPointLiveness, Field(discriminator="type")] = Field(
        description="what shows that the process lives: a crash writes nothing into the log"
    )
    refresh: PositiveDuration = Field(0.05, description="how often the file is looked at")
    lag: Duration = Field(
        0.0, description="how late the file may show what was written: what a share's cache takes"
    )


class ExecSource(Section):
    """A program that prints the modes: mlcmd or any script of the site."""

    type: Literal["exec"] = Field(description="run a program that prints the modes")
    command: Command = Field(
        description="full path of the program, and its arguments; no shell, no password"
    )
    format: Literal["mlcmd", "plain"] = Field(
        "mlcmd",
        description="mlcmd: what mlcmd -getallappstatus prints; plain: lines NAME ROLE",
    )
    password_file: OwnFile | None = Field(
        None, description="file whose first line the program is given on its standard input"
    )
    refresh: PositiveDuration = Field(
        15.0, description="how often the exporter runs it, once for all that share the command"
    )
    timeout: PositiveDuration = Field(5.0, description="how long one run may take")
    lag: Duration = Field(0.0, description="how old its answer may be when it is given")

    @model_validator(mode="after")
    def _ends_before_next(self) -> ExecSource:
        if self.timeout > self.refresh / 2:
            raise ValueError("timeout must be at most half of refresh, else it runs all the time")
        return self


SourceSettings = Annotated[HttpSource | LogSource | ExecSource, Field(discriminator="type")]
