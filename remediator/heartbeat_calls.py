"""Edge: whom the heartbeat and the alarm call: an address is asked, a program is started.

What is called comes from configuration alone. Paths of such addresses are often secret, so that
none is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from cluster import programs
from cluster.client_tls import ClientTls
from cluster.clock import Clock, deadline_in
from cluster.config_heartbeat import Heartbeat
from cluster.door import authorization
from cluster.errors import ClusterError
from cluster.page import PageError, fetch

URL_SECONDS = 10.0
COMMAND_SECONDS = 30.0
MAX_ANSWER_BYTES = 64 * 1024
MAX_SHOWN_CHARACTERS = 200
SUCCESSES = range(200, 300)

CallOut = Callable[[], str | None]
"""Calls somebody; returns what went wrong, None where nothing did."""


def calls_of(
    settings: Heartbeat | None,
    clock: Clock,
    url_seconds: float = URL_SECONDS,
    command_seconds: float = COMMAND_SECONDS,
) -> Mapping[str, CallOut]:
    """Return what is configured, by the name of its key; nothing for None.

    url_seconds, command_seconds: how long an address and a program may take. Raises
    `ClusterError` for certificates that cannot be used.
    """
    made: dict[str, CallOut] = {}
    if settings is None:
        return made
    for name in ("url", "alarm_url"):
        url: str | None = getattr(settings, name)
        if url is not None:
            files = settings.ca_file, settings.cert_file, settings.key_file
            tls = ClientTls(*files) if url.startswith("https:") else None
            made[name] = _Address(settings, url, clock, url_seconds, tls)
    if settings.alarm_command is not None:
        made["alarm_command"] = partial(_started, settings.alarm_command, clock, command_seconds)
    return made


@dataclass(frozen=True, slots=True)
class _Address:
    """Somebody who is asked over HTTP. tls: None where it is plain."""

    settings: Heartbeat
    url: str
    clock: Clock
    seconds: float
    tls: ClientTls | None

    def __call__(self) -> str | None:
        try:
            fetch(
                self.url,
                deadline_in(self.clock, self.seconds),
                self.clock,
                MAX_ANSWER_BYTES,
                authorization(self.settings),
                self.tls.context() if self.tls else None,
                self.settings.method,
                SUCCESSES,
            )
        except PageError as error:
            return str(error.problem).replace(self.url, urlsplit(self.url).hostname or "")
        except ClusterError as error:
            return str(error)
        return None


def _started(command: tuple[str, ...], clock: Clock, seconds: float) -> str | None:
    """Run a program to its end; anything but exit status 0 is a failure."""
    ended = programs.run(command, deadline_in(clock, seconds), clock)
    if ended.start_error is not None:
        return f"it could not be started: {ended.start_error}"
    if ended.timed_out:
        return f"it was still running after {seconds:g} s"
    if ended.exit_status == 0:
        return None
    said = " ".join(ended.stderr.decode("utf-8", "replace").split())[:MAX_SHOWN_CHARACTERS]
    return f"exit status {ended.exit_status}" + (f": {said}" if said else "")
