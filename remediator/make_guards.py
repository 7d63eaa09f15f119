"""Wires the interlocks that have a memory, each by one line. Edge: they share the journal.

The order is that in which they are asked; `remediator.guards.Guards` says what stands first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cluster.clock import Clock
from cluster.config_model import Config
from remediator.approvals import Approvals
from remediator.crowd import Crowd
from remediator.damping import Damping
from remediator.guards import Guard, Guards
from remediator.journal import Journal
from remediator.journal_guard import JournalGuard
from remediator.leases import LeaseGuard, Leases, SoleLease
from remediator.pauses import Pauses
from remediator.silences import Silences
from remediator.ticking import Ticking
from remediator.tilt import Tilt


@dataclass(frozen=True, slots=True)
class Wired:
    """The guards of a running remediator, and those of them that others ask for their state."""

    guards: Guards
    damping: Damping
    tilt: Tilt
    silences: Silences
    ticking: Ticking
    pauses: Pauses

    def start(self, wake: Callable[[str], object]) -> None:
        """Begin to tick and to ask for silences. wake: asks for a look at a cluster."""
        self.ticking.start()
        self.silences.start(wake)

    def stop(self) -> None:
        """End both."""
        self.silences.stop()
        self.ticking.stop()


def make_guards(
    config: Config, clock: Clock, journal: Journal, leases: Leases | None = None
) -> Guards:
    """Make every guard, where nobody asks for its state."""
    return wire(config, clock, journal, leases).guards


def wire(config: Config, clock: Clock, journal: Journal, leases: Leases | None = None) -> Wired:
    """Make every guard of a running remediator. Nothing is asked or ticks before it is started."""
    settings = config.remediator
    policy = settings.policy
    damping = Damping(policy.damping)
    tilt = Tilt({each.name: frozenset(h.name for h in each.own_hosts) for each in config.clusters})
    silences = Silences(settings.alertmanagers, config.clusters, clock, journal)
    pauses = Pauses(journal, clock)
    crowd = Crowd(policy.at_once, len(config.clusters))
    approvals = (Approvals(config, journal, clock),) if policy.level == "approve" else ()
    lease = LeaseGuard(leases or SoleLease(), settings.command_timeout)
    first: tuple[Guard, ...] = (pauses, silences, tilt)
    last: tuple[Guard, ...] = (
        damping,
        lease,
        JournalGuard(journal),
        *approvals,
        crowd,
    )  # see Crowd
    guards = Guards(first, last, told=(crowd, *approvals))
    return Wired(guards, damping, tilt, silences, Ticking(tilt, clock), pauses)
