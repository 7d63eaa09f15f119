"""Edge: the part of a remediator that knows of the others on the same journal.

It keeps the leases, looks at every cluster whose lease it has gained, and takes up the alerts
that another one wrote down for a cluster which is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import Event

from cluster import log
from cluster.clock import Clock
from remediator.journal import Journal, JournalError
from remediator.journal_alerts import AlertsState
from remediator.journal_store import LeaseLostError
from remediator.leases import Leases, Step, elsewhere
from remediator.looks import Trigger

Request = Callable[[str, Trigger], object]
"""Asks for a look at a cluster."""


class Replicas:
    """What a remediator does as one of several."""

    def __init__(
        self, leases: Leases, journal: Journal, clock: Clock, clusters: Collection[str]
    ) -> None:
        self.leases = leases
        self._journal = journal
        self._clock = clock
        self._clusters = tuple(clusters)
        self._held: frozenset[str] = frozenset()
        self._taken_up: dict[str, AlertsState] = {}

    def begin(self) -> None:
        """Take what is free before anything else begins, and close what nobody looks after."""
        self._note(self.leases.step())
        self._journal.close_unknown({*self._clusters, *self.leases.live()})

    def turn(self, request: Request, is_running: Callable[[str], bool], stop: Event) -> None:
        """Keep the leases and take up alerts once, then wait until the next turn."""
        step = self.leases.step()
        self._note(step)
        for cluster in step.gained:
            request(cluster, Trigger.TAKEOVER)
        if self.leases.problem is None:
            self._take_up(request, is_running)
        self._clock.wait(step.wait_seconds, stop)

    def admit(self, cluster: str) -> None:
        """Let a look begin.

        Raises `LeaseLostError` where another has the cluster, `JournalError` where nobody can
        tell.
        """
        standing = self.leases.standing(cluster)
        if standing.held:
            return
        if self.leases.problem is not None:
            raise JournalError(cluster, self.leases.problem, "no lease can be had until it answers")
        raise LeaseLostError(cluster, elsewhere(standing), "ask that one")

    @property
    def elsewhere(self) -> list[str]:
        """The clusters that this remediator may not act on now, as configured."""
        return [each for each in self._clusters if not self.leases.standing(each).held]

    def end(self) -> None:
        """Hand everything over; nothing may be looked at any more."""
        try:
            self.leases.release()
        except JournalError as error:
            log.get("remediator").error("leases not given back", problem=str(error))

    def _note(self, step: Step) -> None:
        """Log what was gained and what was lost."""
        if not self.leases.are_shared:
            return
        held = frozenset(name for name in self._clusters if self.leases.standing(name).held)
        if step.gained:
            log.get("remediator").info("leases taken", clusters=sorted(step.gained))
        if self._held - held:
            log.get("remediator").warning("leases lost", clusters=sorted(self._held - held))
        self._held = held

    def _take_up(self, request: Request, is_running: Callable[[str], bool]) -> None:
        """Ask for a look at every own cluster with alerts that no look has begun after.

        Each state of them is taken up once, and not while a look runs, which may end them.
        """
        try:
            states = self._journal.open_alerts()
        except JournalError as error:
            log.get("remediator").error("alerts of others not read", problem=str(error))
            return
        for cluster, state in states.items():
            new = self._taken_up.get(cluster) != state
            if new and self.leases.standing(cluster).held and not is_running(cluster):
                self._taken_up[cluster] = state
                request(cluster, Trigger.ALERT)
