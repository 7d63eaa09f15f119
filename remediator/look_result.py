"""What a look at a cluster came to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cluster.clock import Instant
from cluster.model import ClusterView
from remediator.looks import Trigger
from remediator.planner import Decision
from remediator.rows import Hold


class Ending(StrEnum):
    """How a look ended. The label ``outcome`` of the remediation counter.

    RIGHT: nothing was to be done. REMEDIATED: it was done and read back. HELD: something
    forbids to act or an action failed. OBSERVED: it would have acted; the level is observe.
    STOPPED: the program was told to stop; what is open is taken up at the next start.
    """

    RIGHT = "right"
    REMEDIATED = "remediated"
    HELD = "held"
    OBSERVED = "observed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LookResult:
    """What a look came to. hold, text: why nothing (more) is done; None and empty otherwise.

    virtual_ip: what it answered to OPTIONS, in words; None where it was not asked. again_seconds:
    of a hold that knows, when at the latest to look again.
    """

    ending: Ending
    view: ClusterView
    decision: Decision
    hold: Hold | None = None
    text: str = ""
    virtual_ip: str | None = None
    again_seconds: float | None = None

    @property
    def cause(self) -> tuple[str, ...]:
        """What a hold is about, in the same words at every look that finds the same."""
        decision = self.decision
        if decision.actions:
            return tuple(sorted(str(action) for action in decision.actions))
        return tuple(sorted(str(each) for each in decision.findings if each.hold == self.hold))


@dataclass(frozen=True, slots=True)
class LastLook:
    """How the last look at a cluster ended. result: None if it could not even be made.

    number: of the cluster's looks since the program started, from 1.
    """

    ended: Instant
    trigger: Trigger
    result: LookResult | None
    hold: Hold | None
    text: str
    number: int = 0
