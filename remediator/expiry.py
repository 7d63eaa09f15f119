"""Edge: ends in the journal what persons said for a time that is over.

Each is over by its time alone, whoever reads it; this writes it down, and says it.
"""

from __future__ import annotations

from cluster import log
from cluster.clock import Clock
from cluster.config_model import Config
from remediator.approvals import Approvals
from remediator.journal import Journal, JournalError
from remediator.pauses import Pauses


def expire(config: Config, journal: Journal, clock: Clock) -> None:
    """End pauses and approvals that are over."""
    try:
        Approvals(config, journal, clock).expire()
        Pauses(journal, clock).expire()
    except JournalError as error:  # every look tells of it loudly
        log.get("remediator").debug("expiry not recorded", problem=str(error))
