"""Edge: mode source ``http``, SIP Server's own statistics page.

The page belongs to the process itself: it is the process's own view of its mode, up to
``operational-stat-timeout`` old (documented default 10 s). By hand: ``curl URL``.
"""

from __future__ import annotations

from cluster.clock import Clock, Deadline
from cluster.config_sources import HttpSource
from cluster.model import Reading, SipStatus
from cluster.page import PageError, fetch
from cluster.sip.serverx import parse_serverx

MAX_BYTES = 4 * 1024 * 1024
MAX_RAW_CHARACTERS = 8192
NAME = "http"
HEADERS = {"Accept": "application/xml, text/xml"}


class HttpSipSource:
    """Reads the mode of one SIP Server over HTTP."""

    def __init__(self, source: HttpSource, clock: Clock) -> None:
        """Keep the page's address and the declared lag."""
        self.name = NAME
        self.lag_seconds = source.lag
        self._url = source.url
        self._clock = clock

    def read(self, deadline: Deadline) -> Reading[SipStatus]:
        """Read the page within the deadline; never raises for what the server does."""
        asked = self._clock.now()
        body, problem = b"", None
        status = SipStatus()
        try:
            body = fetch(self._url, deadline, self._clock, MAX_BYTES, HEADERS)
        except PageError as error:
            problem = error.problem
        else:
            status, _, problem = parse_serverx(body)
        return Reading(
            status,
            source=NAME,
            asked=asked,
            answered=self._clock.now(),
            lag_seconds=self.lag_seconds,
            problem=problem,
            command=f"GET {self._url}",
            raw=body[:MAX_RAW_CHARACTERS].decode("utf-8", errors="replace"),
        )
