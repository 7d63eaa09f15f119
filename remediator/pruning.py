"""Edge: takes what is older than the retention out of the journal, once a day."""

from __future__ import annotations

from cluster import log
from cluster.clock import Clock, Instant
from remediator.journal import MAX_PRUNED, Journal, JournalError

PRUNE_EVERY_SECONDS = 86400.0


class Pruning:
    """Remembers when it was done last. Replicas may each do it: that changes nothing."""

    def __init__(self, journal: Journal, clock: Clock, retention: float) -> None:
        """Wire it. retention: seconds for which ended rows are kept."""
        self._journal = journal
        self._clock = clock
        self._retention = retention
        self._done: Instant | None = None

    def if_due(self) -> None:
        """Prune if a day has passed, or more was left to be done than one turn does."""
        now = self._clock.now()
        if self._done is not None and now.seconds_since(self._done) < PRUNE_EVERY_SECONDS:
            return
        self._done = now
        try:
            count = self._journal.prune(self._retention)
        except JournalError as error:
            log.get("remediator").error("journal not pruned", problem=str(error))
            return
        if count >= MAX_PRUNED:
            self._done = None  # there is more: at the next turn, so that nothing waits for all
        if count:
            log.get("remediator").info("journal pruned", rows=count)
