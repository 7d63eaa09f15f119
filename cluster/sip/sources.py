"""The table of mode sources: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cluster.clock import Clock, Deadline
from cluster.config_model import HttpSource
from cluster.model import Reading, SipStatus
from cluster.sip.http import HttpSipSource


class SipSource(Protocol):
    """Where the mode of one SIP Server is read.

    name: what the metrics call it. lag_seconds: how old its answer may already be, 0 or more.
    """

    name: str
    lag_seconds: float

    def read(self, deadline: Deadline) -> Reading[SipStatus]:
        """Read once within the deadline; a failure is a reading with a problem."""


SOURCES: dict[str, Callable[[HttpSource, Clock], SipSource]] = {"http": HttpSipSource}
