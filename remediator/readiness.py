"""What keeps a remediator from doing its work. Edge: tries the journal."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Thread

from remediator.journal import Journal
from remediator.leases import Leases

WATCHDOG_MAX_AGE_SECONDS = 180.0


def why_not_ready(
    journal: Journal, leases: Leases, threads: Iterable[Thread], watchdog_age: float
) -> list[str]:
    """Return what keeps it from its work; empty if nothing does.

    threads: those that must live. watchdog_age: seconds since the last watchdog alert, or since
    the start. A replica that only waits for a lease is ready: it takes alerts and may be next.
    """
    dead = [thread.name for thread in threads if not thread.is_alive()]
    reasons = [f"its thread {name} has ended, restart it" for name in dead]
    for trouble in (journal.why_unwritable(), leases.problem):
        if trouble is not None and trouble not in reasons:
            reasons.append(trouble)
    if watchdog_age > WATCHDOG_MAX_AGE_SECONDS:
        reasons.append(
            f"no watchdog alert for {watchdog_age:.0f} s: Prometheus or Alertmanager does not "
            "reach us"
        )
    return reasons
