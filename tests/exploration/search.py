"""A search through all states of a site and its remediators, fewest faults first. Pure.

What heals or goes on costs nothing, a fault costs one; all states that can be reached with so
many faults are visited before any that needs one more, so each is visited once, and the first
breach that is found is one of the fewest faults. A state has no history: two ways that lead to
the same truth, the same memory and the same journal are one state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from tests.exploration import truth
from tests.exploration.loop import Actor, Loop, killed, tick
from tests.exploration.truth import BEGINNINGS, FAULT, FREE, Hosts

TURNS = 12
STEPS = 60


class State(NamedTuple):
    """Everything: the truth, and every remediator."""

    hosts: Hosts
    actors: tuple[Actor, ...]


_Layer = dict[State, State | None]
"""States to be visited, and from which each was reached."""


@dataclass
class Explored:
    """What was explored. faults: how often each was tried. depth: the longest shortest way.

    breaches: what the first broken step breaks, empty if nothing; way: the steps that lead there.
    complete: every state that `budget` faults can reach was visited.
    """

    states: int = 0
    transitions: int = 0
    depth: int = 0
    settled: int = 0
    complete: bool = False
    faults: Counter[str] = field(default_factory=Counter)
    by_faults: list[int] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    way: list[str] = field(default_factory=list)


class Search:
    """Explores one site. loops: one remediator each."""

    def __init__(self, loops: tuple[Loop, ...]) -> None:
        self._loops = loops
        self._came_from: _Layer = {}
        self._sound: set[tuple[State, tuple[int, ...]]] = set()
        self._pool: dict[object, object] = {}

    def explore(
        self,
        budget: int,
        most_states: int,
        beginnings: Iterable[str] = tuple(BEGINNINGS),
        *,
        settle: bool = True,
    ) -> Explored:
        """Visit what `budget` faults can reach, at most `most_states` states.

        beginnings: names of `BEGINNINGS`; what is wrong in them counts as no fault.
        settle: from every state, let everything answer again and see that it ends right.
        """
        told = Explored()
        layer: _Layer = dict.fromkeys(self._begin(beginnings))
        for spent in range(budget + 1):
            layer = self._closure(layer, told, most_states, settle=settle, last=spent == budget)
            told.by_faults.append(told.states - sum(told.by_faults))
            if told.breaches or told.states >= most_states:
                return told
        told.complete = True
        return told

    def _closure(
        self, layer: _Layer, told: Explored, most_states: int, *, settle: bool, last: bool
    ) -> _Layer:
        """Visit all that these states reach without a fault; return what one more reaches."""
        beyond: _Layer = {}
        frontier = layer
        while frontier:
            following: _Layer = {}
            told.depth += 1
            for state, parent in frontier.items():
                if state in self._came_from:
                    continue
                if told.states >= most_states:
                    return beyond
                self._came_from[state] = parent
                told.states += 1
                self._expand(state, told, following, None if last else beyond)
                if settle and not told.breaches and not self.ends_right(state, told):
                    self._breach(told, ["5: it does not end with the primary's rules"], state)
                if told.breaches:
                    return beyond
            frontier = following
        return beyond

    def _expand(
        self, state: State, told: Explored, following: _Layer, beyond: _Layer | None
    ) -> None:
        """Take every step from a state. beyond: None where no more faults are allowed."""
        for what, cost, after in self.following(state):
            told.transitions += 1
            if self._failed(told, state, what):
                return
            if cost == FAULT:
                told.faults[what] += 1
            reached = following if cost == FREE else beyond
            if reached is not None and after not in self._came_from and after not in reached:
                reached[self._pooled(after)] = state
        self._failed(told, state, "its last step")

    def _begin(self, names: Iterable[str]) -> Iterator[State]:
        """Yield the sites with these names, with either host in either place."""
        actors = tuple(Actor(order=loop.order) for loop in self._loops)
        for one, two in (BEGINNINGS[name] for name in names):
            for hosts in ((one, two), (two, one)):
                yield State(hosts, self._surviving(hosts, actors))

    def following(self, state: State) -> Iterator[tuple[str, int, State]]:
        """Yield what may happen next: what, its cost, the state afterwards."""
        hosts, actors = state
        for what, cost, changed in truth.befall(hosts):
            yield what, cost, State(changed, self._surviving(changed, actors))
        for index, (loop, actor) in enumerate(zip(self._loops, actors, strict=True)):
            for what, cost, changed, acted in loop.steps(hosts, actor):
                yield what, cost, State(changed, _with(actors, index, acted))
            if actor.phase != "dead":
                yield (
                    "remediator is killed",
                    FAULT,
                    State(hosts, _with(actors, index, killed(actor))),
                )
        yield "a second passes", FREE, State(truth.tick(hosts), tuple(map(tick, actors)))

    def _surviving(self, hosts: Hosts, actors: tuple[Actor, ...]) -> tuple[Actor, ...]:
        """A remediator on a node dies with it."""
        return tuple(
            killed(actor) if loop.own is not None and not hosts[loop.own].alive else actor
            for loop, actor in zip(self._loops, actors, strict=True)
        )

    def _pooled(self, state: State) -> State:
        """Return an equal state whose parts are shared, to save memory."""
        pool = self._pool
        hosts = tuple(pool.setdefault(host, host) for host in state.hosts)
        actors = tuple(pool.setdefault(actor, actor) for actor in state.actors)
        return State(pool.setdefault(hosts, hosts), pool.setdefault(actors, actors))  # type: ignore[arg-type]

    def ends_right(self, state: State, told: Explored | None = None) -> bool:
        """Tell whether it ends right once everything answers, whoever is first to act."""
        turns = {tuple(range(len(self._loops))), tuple(reversed(range(len(self._loops))))}
        for hosts in truth.healed(state.hosts):
            for order in turns:
                if told is not None:
                    told.settled += 1
                if not self._settles(State(hosts, state.actors), order):
                    return False
        return True

    def _settles(self, state: State, order: tuple[int, ...]) -> bool:
        passed = []
        for _ in range(TURNS):
            if (state, order) in self._sound:
                break
            after = self._turn(state, order)
            if after == state and _is_right(state.hosts):
                break
            state = after
            passed.append((state, order))
        else:
            return False
        self._sound.update(passed)
        return True

    def _turn(self, state: State, order: tuple[int, ...]) -> State:
        """Let each remediator finish a look in turn, without a fault; then a second passes."""
        hosts, actors = state
        for index in order:
            for _ in range(STEPS):
                step = next(self._loops[index].steps(hosts, actors[index]), None)
                if step is None:
                    break
                _, _, hosts, acted = step
                actors = _with(actors, index, acted)
                if acted.phase == "idle":
                    break
        return State(truth.drained(truth.tick(hosts)), tuple(map(tick, actors)))

    def _failed(self, told: Explored, state: State, what: str) -> bool:
        found = [breach for loop in self._loops for breach in loop.found]
        if found:
            self._breach(told, found, state)
            told.way.append(f"then: {what}")
        return bool(found)

    def _breach(self, told: Explored, breaches: list[str], state: State) -> None:
        told.breaches = breaches
        way: list[State] = [state]
        while (before := self._came_from[way[-1]]) is not None:
            way.append(before)
        way.reverse()
        told.way = [f"at the beginning: {way[0].hosts}"]
        for before, after in pairwise(way):
            what = next(what for what, _, each in self.following(before) if each == after)
            told.way.append(f"{what}: {after.hosts} {after.actors}")


def _with(actors: tuple[Actor, ...], index: int, actor: Actor) -> tuple[Actor, ...]:
    return (*actors[:index], actor, *actors[index + 1 :])


def _is_right(hosts: Hosts) -> bool:
    return all(host.port == ("E" if host.mode == "P" else "D") for host in hosts)
