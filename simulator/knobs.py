"""How the simulated site behaves: every number and switch that can be turned. Pure.

Must not hold anything that changes while the site runs; that is in `world` and its parts.
The defaults are the documented figures; `quick()` shortens the waits that a demonstration
would only sit through.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Overlap(StrEnum):
    """What both SIP Servers are for a moment during a manual switchover.

    Documented: SCS 8.5.100.31 release note, both kinds, for about one second.
    """

    BACKUP_BACKUP = "backup-backup"
    PRIMARY_PRIMARY = "primary-primary"


@dataclass(frozen=True, slots=True)
class Knobs:
    """Times in seconds, 0 or more, and switches of a simulated site.

    heartbeat_seconds, heartbeat_tolerance: a silent host is missed after their product
        (documented: KB Q193601, 1 s and 5).
    convergence_seconds: from a change of membership to converged (documented: a published
        Get-NlbClusterDriverInfo history needs 10 s, KB Q232997 says about 3 s).
    rules_reenabled_after_restart: a node that starts handles all rules again
        (documented for NT4: KB Q193603; assumed for later versions).
    drain_seconds: how long existing TCP connections of a rule last once it drains (assumed).
    command_seconds: how long one call of the NLB utility takes (assumed).
    overlap, overlap_seconds: see `Overlap`.
    failure_seconds: from the exit of a process to the promotion of its peer (assumed).
    addp_seconds: until the Management Layer misses a host (assumed: 20 s or more at the
        recommended ADDP timeouts).
    return_seconds: until it sees a host that has returned (assumed).
    demotion_seconds: how long it lets two primaries stand (assumed, about 1 s).
    start_seconds: from the launch of a SIP Server to its first answer (assumed).
    readiness_seconds: from HA link up to ready for switchover (documented: 60 s).
    lag_seconds: how old the statistics page is when it is given (documented:
        operational-stat-timeout, 10 s).
    check_point_seconds: between two check points in a SIP Server's log (documented: an hour).
    """

    heartbeat_seconds: float = 1.0
    heartbeat_tolerance: int = 5
    convergence_seconds: float = 10.0
    rules_reenabled_after_restart: bool = True
    drain_seconds: float = 30.0
    command_seconds: float = 0.03
    overlap: Overlap = Overlap.BACKUP_BACKUP
    overlap_seconds: float = 1.0
    failure_seconds: float = 0.5
    addp_seconds: float = 20.0
    return_seconds: float = 0.5
    demotion_seconds: float = 1.0
    start_seconds: float = 1.0
    readiness_seconds: float = 60.0
    lag_seconds: float = 10.0
    check_point_seconds: float = 3600.0

    @property
    def heartbeat_loss_seconds(self) -> float:
        """Seconds after which a silent host is missed."""
        return self.heartbeat_seconds * self.heartbeat_tolerance


def quick(lag_seconds: float = 0.0) -> Knobs:
    """Return the knobs of the demonstration: convergence 3 s, host loss seen after 6 s.

    6 s, so that NLB's own heartbeat loss (5 s) still comes first, as on a real site.
    """
    return replace(
        Knobs(),
        convergence_seconds=3.0,
        addp_seconds=6.0,
        lag_seconds=lag_seconds,
        check_point_seconds=60.0,
    )
