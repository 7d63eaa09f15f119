"""Edge: mode source ``http``, SIP Server's own statistics page.

The page belongs to the process itself: it is the process's own view of its mode, up to
``operational-stat-timeout`` old (documented default 10 s). By hand: ``curl URL``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from cluster.clock import Clock, Deadline, Instant
from cluster.model import Problem, Reading, Reason, SipStatus
from cluster.sip.serverx import parse_serverx

if TYPE_CHECKING:
    from cluster.config_model import HttpSource

MAX_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 16 * 1024
MAX_RAW_CHARACTERS = 8192
NAME = "http"


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
            body = self._fetch(deadline, asked)
        except _PageError as error:
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

    def _fetch(self, deadline: Deadline, asked: Instant) -> bytes:
        """Return the page's bytes.

        The library's time-outs are per network wait, so the total is held here: a server
        that sends a byte now and then must not keep a reading alive.
        """
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy stands between us and a SIP Server
                with session.get(
                    self._url,
                    timeout=max(0.001, deadline.remaining(asked)),
                    stream=True,
                    allow_redirects=False,
                    headers={"Accept": "application/xml, text/xml", "Accept-Encoding": "identity"},
                ) as response:
                    if response.status_code != requests.codes.ok:
                        raise _PageError(Reason.HTTP_STATUS, f"HTTP status {response.status_code}")
                    return self._body(response, deadline)
        except requests.Timeout as error:
            raise _PageError(Reason.TIMEOUT, f"{self._url} did not answer in time") from error
        except requests.ConnectionError as error:
            raise _PageError(Reason.UNREACHABLE, f"{self._url}: {_cause(error)}") from error
        except requests.RequestException as error:
            raise _PageError(Reason.MALFORMED, f"{self._url}: {_cause(error)}") from error

    def _body(self, response: requests.Response, deadline: Deadline) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_BYTES:
                raise _PageError(Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes")
            if deadline.remaining(self._clock.now()) <= 0:
                raise _PageError(Reason.TIMEOUT, f"{self._url} was still sending at the deadline")
        return bytes(body)


class _PageError(Exception):
    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(reason, text)


def _cause(error: BaseException) -> str:
    """Return the innermost reason, without the library's object addresses."""
    while error.__context__ is not None:
        error = error.__context__
    strerror = getattr(error, "strerror", None)
    return str(strerror or type(error).__name__)
