"""Who may act on a cluster: one remediator at a time, for a time that it has to renew.

Edge: reads the clock. A lease is counted from before it was asked for, so that this program
believes in it for a shorter time than the database does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from cluster.config_model import Cluster
from cluster.model import ClusterView
from remediator.acting import ObserveHosts
from remediator.interlocks import Block, Circumstances
from remediator.journal_store import LeaseLostError
from remediator.rows import HOLD_TEXT, Hold

POLL_SECONDS = 1.0
"""How often a replica that waits looks whether a cluster is free."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the lease on a cluster stands, as this replica knows it.

    seconds: how much of it is left: of the own one less a margin, of another's by the
    database's clock when it was last asked; None where nobody is known to have it.
    """

    held: bool
    holder: str | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """What came of keeping the leases. gained: clusters that nobody held here before."""

    gained: tuple[str, ...] = ()
    wait_seconds: float = POLL_SECONDS


class Leases(Protocol):
    """The leases of one replica. Called from many threads."""

    problem: str | None
    """Why the leases could not be kept when that was last tried; None if they were."""

    @property
    def are_shared(self) -> bool:
        """Whether other replicas may have a cluster."""

    def standing(self, cluster: str) -> Standing:
        """Tell how the lease on a cluster stands."""

    def until(self, cluster: str) -> float:
        """Return when the own lease ends, in monotonic seconds; in the past without one."""

    def fence(self, connection: Connection, cluster: str) -> None:
        """Hold the lease until the transaction ends. Raises `LeaseLostError` without one."""

    def step(self) -> Step:
        """Renew what is held and take what is free. Never raises for what the database does."""

    def live(self) -> frozenset[str]:
        """Return the clusters that any replica had when it was last asked."""

    def release(self) -> None:
        """Give everything back, so that others need not wait. Raises `JournalError`."""


class SoleLease:
    """The lease of a remediator that has its journal to itself: always held."""

    problem: str | None = None
    are_shared = False

    def standing(self, cluster: str) -> Standing:
        """Nobody else can have it."""
        del cluster
        return Standing(held=True, holder=None, seconds=None)

    def until(self, cluster: str) -> float:
        """It does not end."""
        del cluster
        return float("inf")

    def fence(self, connection: Connection, cluster: str) -> None:
        """There is nobody to be refused for."""

    def step(self) -> Step:
        """There is nothing to renew."""
        return Step()

    def live(self) -> frozenset[str]:
        """Nobody else has any."""
        return frozenset()

    def release(self) -> None:
        """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class LeaseGuard:
    """Blocks a command that might still run when another replica may have the cluster.

    A command leaves at the latest `max_age` after its look began and takes at the most its own
    time-out: whatever happens between this check and the command, that is within the lease.
    """

    leases: Leases
    command_timeout: float

    def note(self, view: ClusterView) -> None:
        """Views say nothing of leases."""

    def why_not(self, given: Circumstances) -> Block | None:
        """Return why the action is not carried out, or None."""
        cluster = given.view.cluster
        until = self.leases.until(cluster)
        standing = self.leases.standing(cluster)
        if not standing.held:
            return Block(Hold.LEASE_ELSEWHERE, elsewhere(standing))
        latest = given.view.began.monotonic + given.max_age_seconds
        left = until - latest
        if left >= self.command_timeout:
            return None
        return Block(
            Hold.LEASE_TOO_SHORT,
            f"{max(0.0, left):.1f} s of it would be left, a command may take "
            f"{self.command_timeout:g} s",
        )


def elsewhere(standing: Standing) -> str:
    """Say who has a lease that is not held here."""
    if standing.holder is None:
        return "this remediator has no lease on the cluster, and knows of nobody who has"
    return f"{HOLD_TEXT[Hold.LEASE_ELSEWHERE]}: {standing.holder}"


def only_with_lease(observe: ObserveHosts, leases: Leases) -> ObserveHosts:
    """Observe for looks of whoever has the lease. Raises `LeaseLostError` once it is lost."""

    def look_at(cluster: Cluster, hosts: tuple[str, ...] | None) -> ClusterView:
        view = observe(cluster, hosts)
        standing = leases.standing(cluster.name)
        if not standing.held:
            raise LeaseLostError(cluster.name, elsewhere(standing), "ask that one")
        return view

    return look_at
