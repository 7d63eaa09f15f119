"""The remediation loop in steps, so that anything may happen between any two of them. Pure.

A step is what a remediator does at once: read one host, decide, write the intent, send, read
back, write the outcome. What is decided is the product's (`tests.exploration.product`); the
order of the steps is that of `remediator.executor` and `remediator.acting`, which
`tests.exploration.real_loop` explores themselves. A look may begin at any moment: an alert, a
hold and a routine look are all only reasons to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

from cluster.clock import Deadline
from remediator.evidence import ActionOutcome
from remediator.planner import DEFAULT_UNKNOWNS, Unknowns
from remediator.switch_answer import Sent
from tests.exploration.invariants import Leaving, broken, unproved
from tests.exploration.product import (
    MAX_AGE,
    NEITHER,
    NOW,
    OLD,
    SETTLE,
    VERIFY,
    Command,
    Parts,
    Product,
    Seen,
)
from tests.exploration.truth import FAULT, FREE, OTHER_MODE, Host, Hosts, commanded, with_host

FORGOTTEN = SETTLE + OLD
HOW = {"a": Sent.ANSWERED, "n": Sent.NO_ANSWER, "u": Sent.NOT_SENT}
FINAL = frozenset({ActionOutcome.VERIFIED, ActionOutcome.WORLD_CHANGED})


class Actor(NamedTuple):
    """A remediator: where it stands, and all that it remembers.

    phase: dead, idle, read0, read1, decide, send, frozen (between the last check and the
    command), back (the command has left, its effect is being read).
    look_age: ticks since its look began. order, disabling: of this look (`_plan` of the
    executor). overlap: what `OverlapSeen` remembers; side_by_side: the same by our own count.
    intent: what the journal holds open, which survives a kill: o written, s sent, k left by a
    dead process that may have sent it, else empty.
    """

    phase: str = "idle"
    seen: tuple[Seen, Seen] = NEITHER
    look_age: int = 0
    order: str = "e"
    disabling: int = -1
    overlap: int = -1
    side_by_side: int = -1
    command: Command | None = None
    how: str = ""
    since: int = 0
    intent: str = ""


Step = tuple[str, int, Hosts, Actor]


@cache
def observe(host: Host, from_afar: bool) -> tuple[tuple[str, int, Seen], ...]:
    """Return what a reading of a host may say: the truth first, then what may be wrong with it."""
    return tuple(_readings(host, from_afar))


def _readings(host: Host, from_afar: bool) -> Iterator[tuple[str, int, Seen]]:
    if not host.alive or (host.cut and from_afar):
        yield "host does not answer", FREE, Seen()
        return
    scs = "?" if host.mode == "U" else "T" if host.scs else "F"
    true = Seen(host.mode, host.port, host.node, scs, "T" if host.rule else "F")
    yield "host is read", FREE, true
    yield "reading of the host is lost", FAULT, Seen()
    yield "reading of the port is lost", FAULT, true._replace(port="U")
    yield "reading of the node is lost", FAULT, true._replace(node="U")
    yield "reading of the rules is lost", FAULT, true._replace(rule="?")
    turned = "ED".replace(host.port, "")[0]
    yield "reading of the port is old", FAULT, true._replace(port=turned, port_age=OLD)
    if host.mode == "U":
        yield "reading of the mode is old", FAULT, true._replace(mode="P", mode_age=OLD)
        return
    yield "reading of the mode is lost", FAULT, true._replace(mode="U", scs="?")
    turned = OTHER_MODE[host.mode]
    yield "reading of the mode is old", FAULT, true._replace(mode=turned, mode_age=OLD)
    yield "SCS is not told", FAULT, true._replace(scs="?")
    if host.before:
        yield "source lags behind the mode", FAULT, true._replace(mode=host.before)


def answers(host: Host, command: Command, from_afar: bool) -> Iterator[tuple[str, int, Host, str]]:
    """Yield what becomes of a command: what, cost, the host afterwards, how far it got."""
    late = host._replace(late="".join(sorted({*host.late, command.letter})))
    if not host.alive or (host.cut and from_afar):
        yield "command reaches nobody", FREE, host, "n"
        if host.alive:
            yield "command is under way for long", FAULT, late, "n"
        return
    obeyed = commanded(host, command.letter)
    yield "command is obeyed", FREE, obeyed, "a"
    yield "command is obeyed without an answer", FAULT, obeyed, "n"
    yield "command fails", FAULT, host, "a"
    yield "command is not sent", FAULT, host, "u"
    yield "command hangs", FAULT, late, "n"


def _older(seen: Seen) -> Seen:
    """Age what was read; what could not be read has no age."""
    return seen._replace(
        mode_age=min(seen.mode_age + 1, OLD) if seen.mode != "U" else 0,
        port_age=min(seen.port_age + 1, OLD) if seen.port != "U" else 0,
        age=min(seen.age + 1, OLD) if seen != Seen() else 0,
    )


@lru_cache(maxsize=200_000)
def tick(actor: Actor) -> Actor:
    """Let one second pass for a remediator."""
    reads = actor.phase not in {"idle", "dead", "back"}
    return actor._replace(
        seen=(_older(actor.seen[0]), _older(actor.seen[1])) if reads else NEITHER,
        look_age=min(actor.look_age + 1, OLD) if reads else 0,
        disabling=min(actor.disabling + 1, VERIFY) if actor.disabling >= 0 else -1,
        overlap=_passing(actor.overlap),
        side_by_side=_passing(actor.side_by_side),
        since=min(actor.since + 1, VERIFY) if actor.phase == "back" else 0,
    )


def _passing(ticks: int) -> int:
    return ticks + 1 if 0 <= ticks < FORGOTTEN else -1


def killed(actor: Actor) -> Actor:
    """Return what is left of a remediator whose process died: what the journal holds."""
    if not actor.intent:
        return Actor("dead")
    return Actor("dead", command=actor.command, intent="k")


@dataclass
class Loop:
    """Steps of one remediator. own: the only host it commands; None where it commands all."""

    parts: Parts
    own: int | None = None
    order: str = "e"
    unknowns: Unknowns = DEFAULT_UNKNOWNS
    found: list[str] = field(default_factory=list)
    product: Product = field(init=False)

    def __post_init__(self) -> None:
        self.product = Product(self.parts, self.unknowns)

    def steps(self, hosts: Hosts, actor: Actor) -> Iterator[Step]:
        """Yield what the remediator may do next; without faults the first is what it does.

        What a step breaks is added to `found`.
        """
        match actor.phase:
            case "dead":
                yield from self._start(hosts, actor)
            case "idle":
                began = actor._replace(phase="read0", order=self.order, disabling=-1)
                yield "look begins", FREE, hosts, began
            case "read0" | "read1":
                yield from self._read(hosts, actor)
            case "decide":
                yield "decision", FREE, hosts, self._decide(actor)
            case "send" | "frozen":
                yield from self._send(hosts, actor)
            case "back":
                yield from self._read_back(hosts, actor)

    def _start(self, hosts: Hosts, actor: Actor) -> Iterator[Step]:
        if self.own is not None and not hosts[self.own].alive:
            return
        if self.parts.repeats_intent and actor.command is not None:
            yield "remediator starts", FREE, hosts, actor._replace(phase="send")
        else:
            yield "remediator starts", FREE, hosts, actor._replace(phase="idle")

    def _read(self, hosts: Hosts, actor: Actor) -> Iterator[Step]:
        index = int(actor.phase[-1])
        after = "read1" if index == 0 else "decide"
        for what, cost, seen in observe(hosts[index], index != self.own):
            both = (seen, actor.seen[1]) if index == 0 else (actor.seen[0], seen)
            yield what, cost, hosts, actor._replace(phase=after, seen=both)

    def _decide(self, actor: Actor) -> Actor:
        """Close what a dead process left open, note the overlap, plan, pass the interlocks."""
        order = "e" if actor.disabling - actor.look_age >= VERIFY else actor.order
        peer = None if self.own is None else 1 - self.own
        said = self.product.decide(actor.seen, actor.look_age, order, actor.overlap, peer)
        if said.alarm:
            self.found.append(f"A: the table needs its last interlock: {said.alarm}")
        disabling = actor.disabling
        if order == "d" and said.disables and disabling < 0:
            disabling = actor.look_age
        memory = Actor(overlap=said.overlap, side_by_side=_side_by_side(actor))
        look = memory._replace(order=order, disabling=disabling)
        if said.command is not None:
            return look._replace(
                phase="send",
                seen=actor.seen,
                look_age=actor.look_age,
                command=said.command,
                intent="o",
            )
        if said.blocked and order == "d":
            return look._replace(phase="read0", order="e")
        return memory

    def _send(self, hosts: Hosts, actor: Actor) -> Iterator[Step]:
        assert actor.command is not None
        frozen = actor.phase == "frozen"
        since = NOW.plus(-actor.look_age)
        left = Deadline(since.monotonic + MAX_AGE).remaining(NOW)
        if left <= 0 and not frozen and not self.parts.sends_late:
            yield "command is too late", FREE, hosts, _looks_again(actor)
            return
        self.found += broken(self._leaving(actor))
        index = actor.command.host
        sent = Actor(
            "back",
            order=actor.order,
            disabling=actor.disabling,
            overlap=actor.overlap,
            side_by_side=actor.side_by_side,
            command=actor.command,
            intent="s",
        )
        for what, cost, host, how in answers(hosts[index], actor.command, index != self.own):
            yield what, cost, with_host(hosts, index, host), sent._replace(how=how)
        if not frozen:
            yield (
                "remediator freezes before the command",
                FAULT,
                hosts,
                actor._replace(phase="frozen"),
            )

    def _leaving(self, actor: Actor) -> Leaving:
        assert actor.command is not None
        return Leaving(
            actor.command,
            actor.seen,
            actor.look_age,
            actor.order,
            self.unknowns,
            self.own,
            actor.side_by_side,
            actor.intent,
            actor.phase == "frozen",
        )

    def _read_back(self, hosts: Hosts, actor: Actor) -> Iterator[Step]:
        """Read the commanded host; until it is as wanted, or too long, nothing changes."""
        assert actor.command is not None
        index = actor.command.host
        for what, cost, seen in observe(hosts[index], index != self.own):
            outcome = self.product.judge(actor.command, seen, HOW[actor.how])
            if outcome in FINAL or actor.since >= VERIFY or actor.how == "u":
                self.found += unproved(actor.command, outcome, seen)
                yield f"{what} after the command", cost, hosts, _looks_again(actor)


def _side_by_side(actor: Actor) -> int:
    modes = {seen.mode for seen in actor.seen}
    return actor.look_age if modes == {"P"} else -1 if "B" in modes else actor.side_by_side


def _looks_again(actor: Actor) -> Actor:
    """Close the intent; the look goes on with a new view."""
    return Actor(
        "read0",
        order=actor.order,
        disabling=actor.disabling,
        overlap=actor.overlap,
        side_by_side=actor.side_by_side,
    )
