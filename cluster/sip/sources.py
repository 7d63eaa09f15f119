"""The table of mode sources: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cluster.clock import Deadline
from cluster.config_model import Host
from cluster.config_sources import ExecSource, HttpSource, LogSource, SourceSettings
from cluster.model import Reading, SipStatus
from cluster.sip.exec import ExecSipSource
from cluster.sip.http import HttpSipSource
from cluster.sip.log import LogSipSource
from cluster.surroundings import Surroundings


class SipSource(Protocol):
    """Where the mode of one SIP Server is read.

    name: what the metrics call it. lag_seconds: how old its answer may already be, 0 or more.
    """

    name: str
    lag_seconds: float

    def read(self, deadline: Deadline) -> Reading[SipStatus]:
        """Read once within the deadline; a failure is a reading with a problem."""


def _http(settings: SourceSettings, _: Host, given: Surroundings) -> SipSource:
    assert isinstance(settings, HttpSource)
    return HttpSipSource(settings, given.clock)


def _exec(settings: SourceSettings, host: Host, given: Surroundings) -> SipSource:
    assert isinstance(settings, ExecSource)
    return ExecSipSource(settings, host.sip_server.application, given)


def _log(settings: SourceSettings, host: Host, given: Surroundings) -> SipSource:
    assert isinstance(settings, LogSource)
    return LogSipSource(settings, host.address, given)


SOURCES: dict[str, Callable[[SourceSettings, Host, Surroundings], SipSource]] = {
    "http": _http,
    "exec": _exec,
    "log": _log,
}
"""By the source's ``type``. A source is made without reading anything."""
