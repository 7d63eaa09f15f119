"""The product's own functions behind compact values. Nothing of them is copied here.

A reading of a host is written as `Seen`; it is made into a `HostView` of the product, given to
`plan`, `own_part`, `why_blocked`, `judge` and `OverlapSeen`, and what they say is written small
again. Every answer is a pure function of its question, so it is asked once and remembered.
`Parts` names the functions, so that a seeded mistake can stand in for one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import NamedTuple

from cluster.clock import Instant
from cluster.model import (
    ClusterView,
    HostView,
    NlbParams,
    NodeState,
    NodeStatus,
    PortRule,
    PortState,
    PortStatus,
    Problem,
    Reading,
    Reason,
    ReportedRule,
    SipMode,
    SipStatus,
)
from remediator.evidence import ActionOutcome, judge
from remediator.interlocks import INTERLOCKS, Block, Circumstances, Interlock, why_blocked
from remediator.overlap import OverlapSeen
from remediator.own_part import own_part
from remediator.planner import Action, ActionVerb, Decision, Order, Unknowns, plan
from remediator.switch_answer import Sent

MAX_AGE = 2
SETTLE = 2
VERIFY = 2
OLD = MAX_AGE + 1
"""Ages in ticks of one second, as far as they are told apart: `OLD` is too old to act on."""

NAMES = ("quito-1", "quito-2")
RULE = PortRule("all", 5080, 5081, "udp")
WIDER = PortRule("all", 5000, 5999, "udp")
NOW = Instant(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), 1000.0)
MODES = {"P": SipMode.PRIMARY, "B": SipMode.BACKUP, "U": SipMode.UNKNOWN}
PORTS = {
    "E": PortState.ENABLED,
    "D": PortState.DISABLED,
    "G": PortState.DRAINING,
    "U": PortState.UNKNOWN,
}
NODES = {"S": NodeState.CONVERGED, "X": NodeState.STOPPED, "U": NodeState.UNKNOWN}
CONNECTED = {"T": True, "F": False, "?": None}


class Seen(NamedTuple):
    """What was read of a host. scs, rule: T, F, or ? where nothing tells. Ages in ticks."""

    mode: str = "U"
    port: str = "U"
    node: str = "U"
    scs: str = "?"
    rule: str = "?"
    mode_age: float = 0
    port_age: float = 0
    age: float = 0


class Command(NamedTuple):
    """An action written small. letter: E enable, D disable. as_configured: names our rule."""

    letter: str
    host: int
    as_configured: bool = True


class Said(NamedTuple):
    """What a round of a look comes to.

    command: what may be carried out now. alarm: a reason that a sound table never needs.
    blocked: actions were planned and none may be carried out. overlap: see `Product.decide`.
    """

    command: Command | None
    alarm: str
    blocked: bool
    disables: bool
    overlap: int


@dataclass(frozen=True)
class Parts:
    """The functions that are explored, and two habits of the loop that a mistake may break."""

    plan: Callable[..., Decision] = plan
    own_part: Callable[[Decision, frozenset[str]], Decision] = own_part
    interlocks: tuple[Interlock, ...] = INTERLOCKS
    judge: Callable[[Action, HostView, Sent], ActionOutcome] = judge
    overlap: type[OverlapSeen] = OverlapSeen
    sends_late: bool = False
    repeats_intent: bool = False


def _reading(value: object, asked: Instant) -> Reading[object]:
    unread = value == type(value)()
    return Reading(
        value, "explored", asked, asked, 0.0, Problem(Reason.TIMEOUT, "lost") if unread else None
    )


@cache
def host_view(index: int, seen: Seen, now: Instant = NOW) -> HostView:
    """Make the product's view of a host. now: from when on the ages count back."""
    reported = {"T": RULE, "F": WIDER}.get(seen.rule)
    params = NlbParams()
    if reported is not None:
        given = (reported.vip, reported.start, reported.end, reported.protocol)
        rules = (ReportedRule(*given, "multiple", None, None, "single"),)
        params = NlbParams(rules=rules, clusters=1)
    mode = SipStatus(MODES[seen.mode], scs_connected=CONNECTED[seen.scs])
    port, node = PortStatus(PORTS[seen.port]), NodeStatus(NODES[seen.node])
    asked = now.plus(-seen.age)
    return HostView(
        NAMES[index],
        (_reading(mode, now.plus(-seen.mode_age)),),  # type: ignore[arg-type]
        _reading(node, asked),  # type: ignore[arg-type]
        ((RULE, _reading(port, now.plus(-seen.port_age))),),  # type: ignore[arg-type]
        _reading(params, asked),  # type: ignore[arg-type]
    )


def view_of(seen: tuple[Seen, Seen], look_age: int) -> ClusterView:
    """Make the product's view of the pair. look_age: ticks since the look began."""
    hosts = tuple(host_view(index, each) for index, each in enumerate(seen))
    return ClusterView("quito", (RULE,), hosts, NOW.plus(-look_age), NOW)


BOTH = (Seen("P", "E", "S"), Seen("P", "E", "S"))
NEITHER = (Seen(), Seen())


class Product:
    """What the product says, under one policy, with one set of parts."""

    def __init__(self, parts: Parts, unknowns: Unknowns) -> None:
        self._parts = parts
        self._unknowns = unknowns
        self.decide = lru_cache(maxsize=None)(self._decide)
        self.judge = lru_cache(maxsize=None)(self._judge)

    def _decide(
        self, seen: tuple[Seen, Seen], look_age: int, order: str, overlap: int, peer: int | None
    ) -> Said:
        """Plan on a view. order: e or d. peer: the host that is never commanded, or None.

        overlap: ticks since several primaries were last seen side by side, -1 for never.
        """
        view = view_of(seen, look_age)
        memory = self._parts.overlap()
        if overlap >= 0:
            memory.note(view_of(BOTH, overlap))
        memory.note(view)
        remembered = bool(memory.still_primary(view_of(NEITHER, look_age), 1000.0))
        overlap = -1 if not remembered else look_age if len(view.primaries) > 1 else overlap
        called = Order.ENABLE_FIRST if order == "e" else Order.DISABLE_FIRST
        decision = self._parts.plan(
            view,
            order=called,
            unknowns=self._unknowns,
            still_primary=memory.still_primary(view, float(SETTLE)),
        )
        peers = frozenset() if peer is None else frozenset({NAMES[peer]})
        decision = self._parts.own_part(decision, peers)
        alarm, blocked, command = "", bool(decision.actions), None
        for action in decision.actions:
            block = self._block(action, view, called)
            if block is None:
                command, blocked = _small(action), False
                break
            if block.hold in {"unsafe", "bug"}:
                alarm = str(block)
        disables = any(a.verb is ActionVerb.DISABLE for a in decision.actions)
        return Said(command, alarm, blocked, disables, overlap)

    def _block(self, action: Action, view: ClusterView, order: Order) -> Block | None:
        given = Circumstances(action, view, NOW, float(MAX_AGE), order)
        return why_blocked(given, self._parts.interlocks)

    def _judge(self, command: Command, seen: Seen, sent: Sent) -> ActionOutcome:
        """Say how an action stands by a reading of its host after the command."""
        verb = ActionVerb.ENABLE if command.letter == "E" else ActionVerb.DISABLE
        action = Action(verb, NAMES[command.host], RULE)
        return self._parts.judge(action, host_view(command.host, seen), sent)


def _small(action: Action) -> Command:
    letter = "E" if action.verb is ActionVerb.ENABLE else "D"
    return Command(letter, NAMES.index(action.host), action.rule == RULE)
