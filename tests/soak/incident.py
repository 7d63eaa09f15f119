"""What an incident is: steps at times, what may be held meanwhile, how it is to end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from remediator.rows import Hold


class Do(StrEnum):
    """One thing that happens, to a host, to a cluster, or to what stands around the site.

    CLEAR_*: ends what the same incident began there. ENFORCE: the Management Layer puts modes
    that nobody ordered back. NOTICES: what happens to notifications from now on, by `Step.what`.
    """

    SWITCHOVER = "switchover"
    FAIL = "fail"
    RESTART = "restart"
    DISCONNECT = "disconnect"
    RECONNECT = "reconnect"
    SPLIT = "split"
    HEAL = "heal"
    FORCE = "force"
    ENFORCE = "enforce"
    STOP = "stop"
    START = "start"
    SUSPEND = "suspend"
    ENABLE = "enable"
    DISABLE = "disable"
    DRAIN = "drain"
    NLB = "nlb"
    NLB_LATENCY = "nlb_latency"
    CLEAR_NLB = "clear_nlb"
    PAGE = "page"
    CLEAR_PAGE = "clear_page"
    NOTICES = "notices"
    CLEAR_NOTICES = "clear_notices"
    PROMETHEUS_DOWN = "prometheus_down"
    PROMETHEUS_UP = "prometheus_up"
    ALERTMANAGER_DOWN = "alertmanager_down"
    ALERTMANAGER_UP = "alertmanager_up"


AROUND = frozenset(
    {
        Do.NOTICES,
        Do.CLEAR_NOTICES,
        Do.PROMETHEUS_DOWN,
        Do.PROMETHEUS_UP,
        Do.ALERTMANAGER_DOWN,
        Do.ALERTMANAGER_UP,
    }
)
"""What does not happen to a cluster but to the road of all alerts."""


class Notices(StrEnum):
    """What becomes of a notification on its way to the remediator."""

    SOUND = "sound"
    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"
    SHUFFLED = "shuffled"


class Role(StrEnum):
    """Which host a step means, as the cluster is when the incident first names it.

    NEITHER: the step concerns no host. BOTH: all of them.
    """

    PRIMARY = "primary"
    BACKUP = "backup"
    BOTH = "both"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens `after` seconds from the incident's beginning.

    what: the fault's or mode's name where `do` needs one. seconds: of a latency.
    """

    after: float
    do: Do
    role: Role = Role.NEITHER
    what: str = ""
    seconds: float = 0.0


class Ended(StrEnum):
    """How an incident ended.

    REPAIRED: commands of ours put it right. HELD: something was held, with its reason, and all
    was right when the reason had gone. BY_ITSELF: no command was called for. LATE: it was not
    right within the bound, although nothing stood against it.
    """

    REPAIRED = "repaired"
    HELD = "held, then right"
    BY_ITSELF = "right by itself"
    LATE = "not right in time"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that befalls one cluster.

    number: in the schedule, from 0. at: seconds since the site began. cluster: its number.
    endings, holds: what is right for it; holds are reasons that may be given meanwhile.
    slow: whether commands may fail in it, so that the next try can be minutes away.
    """

    number: int
    kind: str
    at: float
    cluster: int
    steps: tuple[Step, ...]
    endings: frozenset[Ended]
    holds: frozenset[Hold]
    slow: bool

    @property
    def until(self) -> float:
        """When its last step happens, in seconds since the site began."""
        return self.at + max(step.after for step in self.steps)
