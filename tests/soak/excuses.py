"""What makes a command unavoidable that is wrong in the truth of its moment. Pure.

Between a reading and the command that rests on it lie up to ``max_age`` and the call itself; a
source may lag as far as it declares; and a page that lies cannot be seen through. Whoever reads
the report sees how often each happened, apart from what nothing excuses.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from cluster.model import SipMode
from simulator.faults import PageFault
from simulator.nlb_node import PortVerb
from simulator.world import ClusterRun

SLACK_SECONDS = 0.5
KEPT_SECONDS = 120.0


class Excuse(StrEnum):
    """Why a command could not have been known to be wrong.

    CHANGED: the modes changed after the reading, within max_age and the time of the call. LAG:
    the same where the source lags, within what it declares besides. STALE: a page lied about its age. UNREAD: one
    of two primaries could not be read, as if it had died.
    """

    CHANGED = "changed between reading and command"
    LAG = "source lags as declared"
    STALE = "source lies about its age"
    UNREAD = "one of two primaries not read"


@dataclass(frozen=True, slots=True)
class _Modes:
    """From when which hosts had which modes, which of them could not be read, and which lied."""

    at: float
    modes: dict[str, SipMode]
    cut_off: frozenset[str]
    unread: frozenset[str]
    stale: bool


@dataclass(slots=True)
class Past:
    """What a cluster's modes were. max_age: with what a command takes. lag: of the sources."""

    max_age: float
    lag: float
    _kept: deque[_Modes] = field(default_factory=deque)

    def note(self, now: float, cluster: ClusterRun) -> None:
        """Keep how it is from now on."""
        hosts = cluster.hosts
        self._kept.append(
            _Modes(
                now,
                {name: host.server.mode for name, host in hosts.items()},
                frozenset(name for name, host in hosts.items() if not host.connected),
                frozenset(
                    name
                    for name, host in hosts.items()
                    if not host.connected
                    or host.faults.page not in {PageFault.NONE, PageFault.STALE}
                ),
                any(host.faults.page is PageFault.STALE for host in hosts.values()),
            )
        )
        while len(self._kept) > 1 and self._kept[1].at < now - KEPT_SECONDS:
            self._kept.popleft()

    def since(self, moment: float) -> list[_Modes]:
        """Return everything that was so at some time since `moment`."""
        kept = list(self._kept)
        return [
            each
            for each, later in zip(kept, [*kept[1:], None], strict=True)
            if later is None or later.at > moment
        ]


def excuse_of(
    past: Past, cluster: ClusterRun, host: str, verb: PortVerb, now: float
) -> Excuse | None:
    """Return what made a wrong command unavoidable, or None."""
    call = past.max_age + cluster.hosts[host].faults.nlb_latency_seconds
    recent, lagging = past.since(now - call), past.since(now - call - past.lag)
    if any(_right(each, host, verb) for each in lagging):
        changed = not past.lag and any(_right(each, host, verb) for each in recent)
        return Excuse.CHANGED if changed else Excuse.LAG
    if any(each.stale for each in lagging):
        return Excuse.STALE
    if any(_primaries(each) > 1 and each.unread for each in lagging):
        return Excuse.UNREAD
    return None


def _right(then: _Modes, host: str, verb: PortVerb) -> bool:
    """Tell whether the command would have been right then."""
    is_primary = then.modes[host] is SipMode.PRIMARY
    return _primaries(then) == 1 and is_primary is (verb is PortVerb.ENABLE)


def _primaries(then: _Modes) -> int:
    return sum(
        mode is SipMode.PRIMARY for name, mode in then.modes.items() if name not in then.cut_off
    )
