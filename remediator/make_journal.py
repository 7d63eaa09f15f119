"""Edge: opens the journal that the configuration names, and what keeps others off.

A SQLite file belongs to one remediator, which claims it; a PostgreSQL is shared by several,
each of which has leases on clusters.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass

from cluster.client_context import client_context
from cluster.clock import Clock
from cluster.config_journal import Journal as JournalSettings
from cluster.config_model import Config
from remediator.journal import Journal, JournalError
from remediator.journal_claim import claim
from remediator.journal_postgres import open_postgres
from remediator.leases import Leases, SoleLease
from remediator.leases_postgres import PostgresLeases

LEASE_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Opened:
    """A journal and the leases that go with it."""

    journal: Journal
    leases: Leases
    give_up: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Close the journal, and let others have it."""
        self.journal.close()
        self.give_up()


def open_journal(config: Config, clock: Clock, port: int) -> Opened:
    """Open the journal. port: on which this program listens, by which people tell replicas apart.

    Raises `ClusterError` if it cannot be opened. The claim on a file ends with the process.
    """
    settings = config.remediator.journal
    if settings.postgres is None:
        claimed = claim(settings.url)
        try:
            return Opened(Journal(settings.url, clock), SoleLease(), claimed.close)
        except JournalError:
            claimed.close()
            raise
    names = [cluster.name for cluster in config.clusters]
    own = open_postgres(settings, clock, LEASE_CONNECTIONS)
    leases = PostgresLeases(own, clock, config.remediator.lease, names, new_holder(port))
    return Opened(Journal(open_postgres(settings, clock), clock, leases.fence), leases)


def check_journal(settings: JournalSettings, clock: Clock) -> None:
    """Find what is missing on this machine to open it. Connects nowhere. Raises `ClusterError`."""
    if settings.postgres is None:
        return
    if settings.ca_file is not None:
        client_context(settings.ca_file, None, None)
    open_postgres(settings, clock).close()


def new_holder(port: int) -> str:
    """Return what this process is called among replicas: ``HOST:PORT``, and a part of its own.

    A program that is started anew is another holder: it knows nothing of what the one before did.
    """
    return f"{platform.node() or 'unnamed'}:{port} ({os.urandom(4).hex()})"
