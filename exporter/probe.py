"""Edge: one live look at a cluster or host, within the deadline of whoever asks for it.

Reads with readers of its own, so that a probe never waits for, or spoils, a reading loop.
"""

from __future__ import annotations

import math

from cluster.clock import deadline_in
from cluster.config_model import Cluster, Host
from cluster.host_reader import HostReads, host_reader, own_host_readers
from cluster.model import ClusterView, HostView
from cluster.observe import observe
from cluster.surroundings import Surroundings

SCRAPE_TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
OFFSET_SECONDS = 0.25
"""What is left of the scrape's time-out to make the answer and bring it back."""

GRACE_SECONDS = 0.1
"""How much of that a late reading may use to say that it was late."""

SHORTEST_SECONDS = 0.05


def seconds_to_read(scrape_timeout: str | None, longest_seconds: float) -> float:
    """Return how long the readings may take.

    scrape_timeout: text of the header, None where there is none; what is not a positive
    number counts as none. longest_seconds: the configured time-out.
    """
    try:
        seconds = float(scrape_timeout or "")
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        return longest_seconds
    return min(longest_seconds, max(SHORTEST_SECONDS, seconds - OFFSET_SECONDS))


class Prober:
    """Takes live views."""

    def __init__(self, given: Surroundings) -> None:
        """Keep what readers need; they are made anew for every look."""
        self._given = given

    def look(self, cluster: Cluster, seconds: float) -> ClusterView:
        """Read all that is read from here of a cluster, in `seconds` plus `GRACE_SECONDS`."""
        return self._observe(cluster, own_host_readers(cluster, self._given), seconds)

    def look_at_host(self, cluster: Cluster, host: Host, seconds: float) -> HostView:
        """Read everything of one host once, in at most `seconds` plus `GRACE_SECONDS`."""
        reader = host_reader(cluster, host, self._given)
        return self._observe(cluster, (reader,), seconds).host(host.name)

    def _observe(
        self, cluster: Cluster, readers: tuple[HostReads, ...], seconds: float
    ) -> ClusterView:
        clock = self._given.clock
        return observe(cluster, readers, deadline_in(clock, seconds), clock, GRACE_SECONDS)
