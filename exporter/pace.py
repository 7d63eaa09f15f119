"""How often each reading of a host is taken, and how old it may become. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.config_model import Exporter, Host
from exporter.readings import Kind, ReadingKey

STALE_AFTER_REFRESHES = 3


def refresh_seconds(settings: Exporter, host: Host, key: ReadingKey) -> float:
    """Return the seconds from one reading to the next.

    A source or runner that is slow or dear by nature has a pace of its own.
    """
    match key.kind:
        case Kind.MODE:
            own = host.sip_server.sources[key.index].refresh
            return settings.refresh.sip_server if own is None else own
        case Kind.PARAMS:
            return settings.refresh.params
        case _:
            return host.runner.refresh if settings.refresh.nlb is None else settings.refresh.nlb


@dataclass(frozen=True, slots=True)
class Limits:
    """How old a reading may be. Seconds from its sending.

    value_seconds: after that its value is unknown. failure_seconds: what a failed reading
    says of its failure holds longer, as a host that hangs answers only every timeout.
    """

    value_seconds: float
    failure_seconds: float


def limits_of(settings: Exporter, host: Host, key: ReadingKey) -> Limits:
    """Return the limits of one reading of a host."""
    value = STALE_AFTER_REFRESHES * refresh_seconds(settings, host, key)
    return Limits(value, value + settings.timeout)
