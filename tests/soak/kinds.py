"""The kinds of incidents: what happens in each, drawn from a random source, and its right end. Pure.

Each kind is a function from a random source to its steps, and a line in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from remediator.rows import Hold
from tests.soak.incident import Do, Ended, Notices, Role, Step

Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. weight: how often it is drawn, against the others."""

    steps: Callable[[Random], Steps]
    endings: frozenset[Ended]
    holds: frozenset[Hold] = frozenset()
    slow: bool = False
    weight: int = 2


REPAIRED, HELD, BY_ITSELF = Ended.REPAIRED, Ended.HELD, Ended.BY_ITSELF
ALWAYS = frozenset({Hold.TILT, Hold.DAMPED})
"""Whatever happens often enough, or all at once, may call for these."""

NODE = frozenset({Hold.PRIMARY_NODE_NOT_SERVING, Hold.ACTION_FAILED})
"""A node that is out of the cluster takes neither traffic nor commands."""

NOT_READ = frozenset(
    {
        Hold.PORT_UNREADABLE,
        Hold.FENCE_PENDING,
        Hold.PRIMARY_NOT_SEEN,
        Hold.RULE_UNREAD,
        Hold.PRIMARY_NODE_NOT_SERVING,
        Hold.VIEW_TOO_OLD,
        Hold.ACTION_FAILED,
    }
)
LOST = frozenset(
    {Hold.FENCE_PENDING, Hold.PRIMARY_NOT_SEEN, Hold.TWO_PRIMARIES, Hold.PRIMARY_WITHOUT_SCS}
)
MODES = frozenset({Hold.NO_PRIMARY, Hold.TWO_PRIMARIES, Hold.PRIMARY_NOT_SEEN})


def _pair(
    first: Do, second: Do, role: Role, least: float, most: float
) -> Callable[[Random], Steps]:
    """Return what begins and ends on one host after a drawn time."""

    def steps(random: Random) -> Steps:
        return (Step(0.0, first, role), Step(random.uniform(least, most), second, role))

    return steps


def _switchover(_: Random) -> Steps:
    return (Step(0.0, Do.SWITCHOVER),)


def _flapping(random: Random) -> Steps:
    """Several switchovers, each soon after the other."""
    times = [0.0]
    for _ in range(random.randint(3, 9)):
        times.append(times[-1] + random.uniform(1.5, 8.0))
    return tuple(Step(at, Do.SWITCHOVER) for at in times)


def _flapping_crash(random: Random) -> Steps:
    """A SIP Server that dies and is started again, several times."""
    steps: list[Step] = []
    at = 0.0
    for _ in range(random.randint(2, 5)):
        steps.append(Step(at, Do.FAIL, Role.PRIMARY))
        at += random.uniform(2.0, 10.0)
        steps.append(Step(at, Do.RESTART, Role.PRIMARY))
        at += random.uniform(2.0, 10.0)
    return tuple(steps)


def _split(random: Random) -> Steps:
    """NLB's heartbeats are lost, with a switchover meanwhile in half of them."""
    long = random.uniform(8.0, 120.0)
    steps = [Step(0.0, Do.SPLIT), Step(long, Do.HEAL)]
    if random.random() < 0.5:
        steps.append(Step(random.uniform(0.0, long), Do.SWITCHOVER))
    return tuple(steps)


def _unreachable(random: Random) -> Steps:
    """One host cannot be read or commanded from here, though it lives."""
    role = random.choice((Role.PRIMARY, Role.BACKUP))
    long = random.uniform(5.0, 120.0)
    return (
        Step(0.0, Do.NLB, role, "hang"),
        Step(0.0, Do.PAGE, role, "hang"),
        Step(random.uniform(0.5, long), Do.SWITCHOVER),
        Step(long, Do.CLEAR_NLB, role),
        Step(long, Do.CLEAR_PAGE, role),
    )


def _nlb(*faults: str) -> Callable[[Random], Steps]:
    """Return what a utility that fails in one of these ways does to a switchover."""

    def steps(random: Random) -> Steps:
        role = random.choice((Role.PRIMARY, Role.BACKUP, Role.BOTH))
        long = random.uniform(5.0, 90.0)
        return (
            Step(0.0, Do.NLB, role, random.choice(faults)),
            Step(random.uniform(0.1, long * 0.7), Do.SWITCHOVER),
            Step(long, Do.CLEAR_NLB, role),
        )

    return steps


def _slow_nlb(random: Random) -> Steps:
    """The utility takes half a second to six seconds for each call."""
    role = random.choice((Role.PRIMARY, Role.BACKUP, Role.BOTH))
    long = random.uniform(5.0, 90.0)
    return (
        Step(0.0, Do.NLB_LATENCY, role, seconds=random.choice((0.3, 0.8, 1.4, 2.5, 6.0))),
        Step(random.uniform(0.1, long * 0.7), Do.SWITCHOVER),
        Step(long, Do.CLEAR_NLB, role),
    )


def _page(*faults: str) -> Callable[[Random], Steps]:
    """Return what a statistics page that fails in one of these ways does to a switchover."""

    def steps(random: Random) -> Steps:
        role = random.choice((Role.PRIMARY, Role.BACKUP, Role.BOTH))
        long = random.uniform(5.0, 90.0)
        return (
            Step(0.0, Do.PAGE, role, random.choice(faults)),
            Step(random.uniform(0.1, long * 0.7), Do.SWITCHOVER),
            Step(long, Do.CLEAR_PAGE, role),
        )

    return steps


def _forced(role: Role, mode: str) -> Callable[[Random], Steps]:
    """Return what a mode that nobody ordered does; the Management Layer ends it."""

    def steps(random: Random) -> Steps:
        return (
            Step(0.0, Do.FORCE, role, mode),
            Step(random.uniform(1.0, 60.0), Do.ENFORCE),
        )

    return steps


def _dual_unread(random: Random) -> Steps:
    """Two primaries, and the page of the first one fails meanwhile."""
    at = random.uniform(3.0, 20.0)
    return (
        Step(0.0, Do.FORCE, Role.BACKUP, "primary"),
        Step(at, Do.PAGE, Role.PRIMARY, random.choice(("http_500", "hang", "refused"))),
        Step(at + random.uniform(1.0, 3.0), Do.CLEAR_PAGE, Role.PRIMARY),
        Step(at + random.uniform(4.0, 30.0), Do.ENFORCE),
    )


def _hands(*changes: tuple[Do, Role]) -> Callable[[Random], Steps]:
    """Return what somebody else does to ports, one after the other."""

    def steps(random: Random) -> Steps:
        return tuple(
            Step(index * random.uniform(0.0, 3.0), do, role)
            for index, (do, role) in enumerate(changes)
        )

    return steps


def _node_away(first: Do, role: Role) -> Callable[[Random], Steps]:
    return _pair(first, Do.START, role, 3.0, 90.0)


def _notices(what: Notices) -> Callable[[Random], Steps]:
    """Return what happens to notifications while a cluster has a switchover, and another."""

    def steps(random: Random) -> Steps:
        first = random.uniform(0.5, 5.0)
        second = first + random.uniform(2.0, 40.0)
        return (
            Step(0.0, Do.NOTICES, what=what),
            Step(first, Do.SWITCHOVER),
            Step(second, Do.SWITCHOVER),
            Step(second + random.uniform(1.0, 20.0), Do.CLEAR_NOTICES),
        )

    return steps


def _down(first: Do, second: Do) -> Callable[[Random], Steps]:
    """Return what a program of the road that is away does to a switchover."""

    def steps(random: Random) -> Steps:
        long = random.uniform(2.0, 45.0)
        return (
            Step(0.0, first),
            Step(random.uniform(0.1, long), Do.SWITCHOVER),
            Step(long, second),
        )

    return steps


def _kind(
    steps: Callable[[Random], Steps],
    *endings: Ended,
    holds: frozenset[Hold] = frozenset(),
    slow: bool = False,
    weight: int = 2,
) -> Kind:
    return Kind(steps, frozenset(endings), holds | ALWAYS, slow, weight)


def kinds() -> dict[str, Kind]:
    """Return the table of kinds, by name."""
    primary, backup = Role.PRIMARY, Role.BACKUP
    every = (REPAIRED, HELD, BY_ITSELF)
    return {
        "switchover": _kind(_switchover, REPAIRED, weight=6),
        "SIP Server crash": _kind(
            _pair(Do.FAIL, Do.RESTART, primary, 5.0, 90.0), REPAIRED, weight=6
        ),
        "backup's crash": _kind(_pair(Do.FAIL, Do.RESTART, backup, 5.0, 90.0), BY_ITSELF),
        "host lost and back": _kind(
            _pair(Do.DISCONNECT, Do.RECONNECT, primary, 0.5, 150.0),
            *every,
            holds=LOST,
            slow=True,
            weight=6,
        ),
        "backup's host lost": _kind(
            _pair(Do.DISCONNECT, Do.RECONNECT, backup, 0.5, 150.0), BY_ITSELF, HELD, holds=LOST
        ),
        "NLB split": _kind(_split, REPAIRED, BY_ITSELF),
        "host not reached": _kind(_unreachable, *every, holds=NOT_READ | LOST, slow=True),
        "backup's node restarted": _kind(
            _pair(Do.STOP, Do.START, backup, 0.5, 20.0), REPAIRED, holds=NODE, weight=3
        ),
        "rules re-enabled by a reload": _kind(_hands((Do.ENABLE, backup)), REPAIRED),
        "primary's node stopped": _kind(
            _node_away(Do.STOP, primary),
            BY_ITSELF,
            HELD,
            holds=NODE,
        ),
        "primary's node suspended": _kind(
            _node_away(Do.SUSPEND, primary),
            BY_ITSELF,
            HELD,
            holds=NODE,
        ),
        "backup's node suspended": _kind(_node_away(Do.SUSPEND, backup), REPAIRED, holds=NODE),
        "nlb hangs": _kind(_nlb("hang"), *every, holds=NOT_READ, slow=True),
        "nlb obeys and never answers": _kind(_nlb("hang_after"), *every, holds=NOT_READ, slow=True),
        "nlb slow": _kind(_slow_nlb, *every, holds=NOT_READ, slow=True, weight=3),
        "nlb says OK, does nothing": _kind(
            _nlb("no_effect"), REPAIRED, HELD, holds=frozenset({Hold.ACTION_FAILED}), slow=True
        ),
        "nlb prints garbage": _kind(
            _nlb("garbage", "foreign", "empty"), *every, holds=NOT_READ, slow=True
        ),
        "nlb denied": _kind(_nlb("denied"), *every, holds=NOT_READ, slow=True),
        "nlb's exit status wrong": _kind(_nlb("exit_1"), REPAIRED),
        "SIP Servers flap": _kind(_flapping, *every, holds=MODES, weight=3),
        "SIP Server dies again and again": _kind(_flapping_crash, *every, holds=MODES | LOST),
        "two primaries": _kind(
            _forced(backup, "primary"), *every, holds=frozenset({Hold.TWO_PRIMARIES})
        ),
        "two primaries, one not read": _kind(_dual_unread, *every, holds=MODES | NOT_READ | LOST),
        "no primary": _kind(_forced(primary, "backup"), *every, holds=frozenset({Hold.NO_PRIMARY})),
        "mode source down": _kind(
            _page(
                "hang", "http_500", "refused", "truncated", "empty", "unknown_role", "absent_role"
            ),
            *every,
            holds=MODES | LOST,
            slow=True,
            weight=4,
        ),
        "mode source stale": _kind(_page("stale"), *every, holds=MODES | LOST, slow=True),
        "port closed by other hands": _kind(_hands((Do.DISABLE, primary)), REPAIRED),
        "port drained by other hands": _kind(_hands((Do.DRAIN, primary)), REPAIRED),
        "ports swapped by other hands": _kind(
            _hands((Do.ENABLE, backup), (Do.DISABLE, primary)), REPAIRED
        ),
        "Prometheus restarted": _kind(_down(Do.PROMETHEUS_DOWN, Do.PROMETHEUS_UP), REPAIRED),
        "Alertmanager restarted": _kind(_down(Do.ALERTMANAGER_DOWN, Do.ALERTMANAGER_UP), REPAIRED),
        **{
            f"notifications {what}": _kind(_notices(what), REPAIRED, BY_ITSELF)
            for what in Notices
            if what is not Notices.SOUND
        },
    }
