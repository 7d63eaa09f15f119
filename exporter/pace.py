"""How often each reading of a host is taken, and how old it may become. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.config_model import Exporter, Host
from exporter.readings import Kind, ReadingKey

STALE_AFTER_REFRESHES = 3
LEAST_SECONDS = 1.0
"""What is read every few milliseconds is not unknown because one reading waited for the disk."""


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
            own = max(host.runner.refresh, host.nlb.refresh)
            return own if settings.refresh.nlb is None else settings.refresh.nlb


def timeout_seconds(settings: Exporter, host: Host, key: ReadingKey) -> float:
    """Return the seconds that one reading may take."""
    sources = host.sip_server.sources
    own = sources[key.index].timeout if key.kind is Kind.MODE else None
    return settings.timeout if own is None else own


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
    value = max(value, LEAST_SECONDS)
    return Limits(value, value + timeout_seconds(settings, host, key))
