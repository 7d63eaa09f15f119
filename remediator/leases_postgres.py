"""Edge: leases as rows of the shared PostgreSQL, that end by its clock.

Whoever finds a row that has ended, or none, takes it, and its number rises. In the transaction
that writes an intent the row is looked at once more and kept as it is until the end: who takes
a lease over sees every intent of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, text

from cluster import log
from cluster.clock import Clock
from cluster.config_journal import LEASE_MARGIN_SECONDS
from remediator.journal_store import JournalError, LeaseLostError, Store
from remediator.leases import POLL_SECONDS, Standing, Step, elsewhere

RENEW_AFTER = 1 / 3
"""The part of a lease after which it is renewed."""

LEAST_WAIT_SECONDS = 0.05

SEEN = text(
    "SELECT cluster, holder, CAST(EXTRACT(EPOCH FROM until - clock_timestamp()) AS float8) "
    "FROM lease WHERE cluster = ANY(:clusters)"
)
TAKEN = text(
    "INSERT INTO lease (cluster, holder, number, until) "
    "SELECT wanted.name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds) "
    "FROM unnest(CAST(:clusters AS text[])) AS wanted(name) ORDER BY wanted.name "
    "ON CONFLICT (cluster) DO UPDATE SET holder = excluded.holder, until = excluded.until, "
    "number = CASE WHEN lease.holder = excluded.holder THEN lease.number ELSE lease.number + 1 END "
    "WHERE lease.holder = excluded.holder OR lease.until <= clock_timestamp() "
    "RETURNING cluster, number"
)
KEPT = text(
    "SELECT 1 FROM lease WHERE cluster = :cluster AND holder = :holder AND number = :number "
    "AND until > clock_timestamp() FOR SHARE"
)
GIVEN_BACK = text("UPDATE lease SET until = clock_timestamp() WHERE holder = :holder")


@dataclass(frozen=True, slots=True)
class _Own:
    """A lease of ours. renewed, until: monotonic seconds."""

    number: int
    renewed: float
    until: float


@dataclass(frozen=True, slots=True)
class _Other:
    """A lease of somebody else. until: monotonic seconds of ours, by what the database said."""

    holder: str
    until: float


class PostgresLeases:
    """The leases of one replica in the database that all share."""

    are_shared = True

    def __init__(
        self, store: Store, clock: Clock, seconds: float, clusters: Iterable[str], holder: str
    ) -> None:
        """Wire it. store: with connections of its own, so that no look makes a lease wait.

        holder: what nobody else is called, nor this program when it is started anew.
        """
        self._store = store
        self._clock = clock
        self._seconds = seconds
        self._clusters = tuple(sorted(clusters))
        self._holder = holder
        self._lock = Lock()
        self._own: dict[str, _Own] = {}
        self._others: dict[str, _Other] = {}
        self._given_back = False
        self.problem: str | None = None

    def standing(self, cluster: str) -> Standing:
        """Tell how the lease on a cluster stands."""
        now = self._clock.now().monotonic
        own, other = self._own.get(cluster), self._others.get(cluster)
        if own is not None and own.until > now:
            return Standing(held=True, holder=self._holder, seconds=own.until - now)
        if other is None:
            return Standing(held=False, holder=None, seconds=None)
        return Standing(held=False, holder=other.holder, seconds=max(0.0, other.until - now))

    def until(self, cluster: str) -> float:
        """Return when the own lease ends, in monotonic seconds; in the past without one."""
        own = self._own.get(cluster)
        return float("-inf") if own is None else own.until

    def fence(self, connection: Connection, cluster: str) -> None:
        """Hold the lease until the transaction ends. Raises `LeaseLostError` without one."""
        own, standing = self._own.get(cluster), self.standing(cluster)
        if own is not None and standing.held:
            asked = {"cluster": cluster, "holder": self._holder, "number": own.number}
            if connection.execute(KEPT, asked).first() is not None:
                return
            with self._lock:
                if self._own.get(cluster) is own:
                    del self._own[cluster]
            standing = self.standing(cluster)
        raise LeaseLostError(cluster, elsewhere(standing), "ask that one")

    def step(self) -> Step:
        """Renew what is held and take what is free. Never raises for what the database does."""
        if self._given_back:
            return Step()
        asked = self._clock.now().monotonic
        due = [cluster for cluster in self._clusters if self._is_due(cluster, asked)]
        gained: tuple[str, ...] = ()
        if due:
            try:
                gained = self._keep(due, asked)
            except JournalError as error:
                self._note(error.problem)
            else:
                self._note(None)
        now = self._clock.now().monotonic
        ends = [other.until - now for other in self._others.values() if other.until > now]
        wait = min((POLL_SECONDS, *ends))
        return Step(gained, max(LEAST_WAIT_SECONDS, wait))

    def live(self) -> frozenset[str]:
        """Return the clusters that any replica has now, whether or not they are configured here.

        Raises `JournalError`.
        """
        with self._store.read() as connection:
            rows = connection.execute(text("SELECT cluster FROM lease WHERE until > now()"))
            return frozenset(row.cluster for row in rows)

    def release(self) -> None:
        """Give everything back, so that others need not wait. Raises `JournalError`."""
        with self._lock:
            self._given_back = True
            self._own.clear()
        try:
            with self._store.write() as connection:
                connection.execute(GIVEN_BACK, {"holder": self._holder})
        finally:
            self._store.close()

    def _is_due(self, cluster: str, now: float) -> bool:
        own = self._own.get(cluster)
        return own is None or now - own.renewed >= self._seconds * RENEW_AFTER

    def _keep(self, due: list[str], asked: float) -> tuple[str, ...]:
        """Ask for leases; return the clusters that were not held here until now."""
        with self._store.write() as connection:
            seen = {row[0]: row for row in connection.execute(SEEN, {"clusters": due})}
            free = [c for c in due if c not in seen or self._may_have(seen[c])]
            wanted = {"clusters": free, "holder": self._holder, "seconds": self._seconds}
            rows = connection.execute(TAKEN, wanted).all() if free else []
        taken = {str(row[0]): int(row[1]) for row in rows}
        until = asked + self._seconds - LEASE_MARGIN_SECONDS
        before: dict[str, _Own | None] = {}
        with self._lock:
            if self._given_back:
                return ()
            for cluster in due:
                before[cluster] = self._own.get(cluster)
                if cluster in taken:  # in one step: who asks meanwhile sees one or the other
                    self._own[cluster] = _Own(taken[cluster], asked, until)
                else:
                    self._own.pop(cluster, None)
            now = self._clock.now().monotonic  # after that: whoever found one over has it gained
            for cluster in due:
                self._others.pop(cluster, None)
                if cluster in seen and cluster not in taken:
                    self._others[cluster] = _Other(seen[cluster][1], now + seen[cluster][2])
        return tuple(c for c in taken if _is_gained(before[c], taken[c], now))

    def _may_have(self, row: Any) -> bool:
        _, holder, seconds = row
        return str(holder) == self._holder or float(seconds) <= 0

    def _note(self, problem: str | None) -> None:
        """Log a change between keeping the leases and failing to, once."""
        if problem is not None and self.problem is None:
            log.get("remediator").error("leases cannot be kept", problem=problem)
        elif problem is None and self.problem is not None:
            log.get("remediator").info("leases are kept again")
        self.problem = problem


def _is_gained(before: _Own | None, number: int, now: float) -> bool:
    """Tell whether a lease that is held was not, or may have been another's, until now."""
    return before is None or before.until <= now or before.number != number
