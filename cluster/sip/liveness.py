"""Edge: what shows that a SIP Server process lives, for a source that hears nothing of its death.

``tcp`` connects to a port that only the process opens; so that a log which does not go on (a full
disk, an option that was changed) is not believed for ever, it ages out too. ``check_point`` takes
the newest line
of its log, which it writes about once an hour when nothing else happens (documented: option
``check-point``, 1 hour, 0 for never).
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from datetime import datetime

from cluster.clock import Clock, Deadline, Instant
from cluster.config_sources import CheckPointLiveness, TcpLiveness
from cluster.model import Problem, Reason

CACHE_SECONDS = 1.0
"""How old a connection attempt may be for readings that need not be asked now."""


class TcpCheck:
    """Whether a TCP port accepts connections."""

    def __init__(self, settings: TcpLiveness, address: str, clock: Clock, *, live: bool) -> None:
        """Keep where to connect. address: of the host, where the settings name none.

        live: connect for every answer; else one attempt serves for `CACHE_SECONDS`.
        """
        self._where = (settings.address or address, settings.port)
        self._clock = clock
        self._for_seconds = 0.0 if live else CACHE_SECONDS
        self._last: tuple[Instant, Problem | None] | None = None

    def problem(self, deadline: Deadline) -> Problem | None:
        """Return why the process is not known to live, None if it does."""
        now = self._clock.now()
        if self._last is not None and now.seconds_since(self._last[0]) < self._for_seconds:
            return self._last[1]
        problem = self._connect(deadline.remaining(now))
        self._last = (now, problem)
        return problem

    def _connect(self, seconds: float) -> Problem | None:
        name = "liveness tcp {}:{}".format(*self._where)
        if seconds <= 0:
            return Problem(Reason.TIMEOUT, f"{name}: no time was left to ask")
        try:
            with contextlib.closing(socket.create_connection(self._where, seconds)) as connected:
                if connected.getsockname() == connected.getpeername():
                    # On one machine a system may connect a socket to itself where nobody listens.
                    return Problem(Reason.NOT_ALIVE, f"{name}: nobody listens")
        except OSError as error:
            why = "no answer in time" if isinstance(error, TimeoutError) else error.strerror
            return Problem(Reason.NOT_ALIVE, f"{name}: {why or type(error).__name__}")
        return None


class CheckPointCheck:
    """Whether the log goes on.

    The age is between a stamp of the log and this machine's clock, so it is wrong by what the
    clocks differ, and by an hour from a change of summer time to the next segment of the log.
    """

    def __init__(self, name: str, max_age_seconds: float, clock: Clock) -> None:
        """Keep how old the newest line may be. name: of the configured check, for messages."""
        self._name = f"liveness {name}"
        self._max_age = max_age_seconds
        self._clock = clock

    def problem(self, moment: datetime | None) -> Problem | None:
        """Return why the process is not known to live, None if it does.

        moment: of the newest line, in UTC, naive; None where the log shows none.
        """
        if moment is None:
            return Problem(Reason.NOT_ALIVE, f"{self._name}: no line of the log has a date")
        age = (self._clock.now().utc.replace(tzinfo=None) - moment).total_seconds()
        if age > self._max_age:
            text = f"the newest line of the log is {age:.0f} s old"
        elif age < -self._max_age:
            text = f"the log is {-age:.0f} s ahead of this machine's clock"
        else:
            return None
        return Problem(Reason.NOT_ALIVE, f"{self._name}: {text}")


@dataclass(frozen=True, slots=True)
class Liveness:
    """What is asked before a log is read, and what its newest line must be; None: not asked."""

    port: TcpCheck | None
    age: CheckPointCheck | None

    @property
    def wants_moment(self) -> bool:
        """Whether it needs to know when the newest line was written."""
        return self.age is not None

    def before(self, deadline: Deadline) -> Problem | None:
        """Return why the process is not known to live, before its log is read."""
        return self.port.problem(deadline) if self.port else None

    def after(self, moment: datetime | None) -> Problem | None:
        """Return why the log is too old to speak of the present.

        Where a port accepts, a log that shows no date at all is no reason.
        """
        if self.age is None or (self.port is not None and moment is None):
            return None
        return self.age.problem(moment)


def liveness_of(
    settings: TcpLiveness | CheckPointLiveness, address: str, clock: Clock, *, live: bool
) -> Liveness:
    """Make the configured check. address: of the host. live: see `TcpCheck`."""
    port = None
    if isinstance(settings, TcpLiveness):
        port = TcpCheck(settings, address, clock, live=live)
    if settings.max_age is None:
        return Liveness(port, None)
    return Liveness(port, CheckPointCheck(settings.type, settings.max_age, clock))
