"""The real `Executor`, `Actor`, `LookRecord` and `Journal` in a world that may do anything.

What `tests.exploration.loop` writes down as steps is here the program itself. It asks the world
at every turn (a host to be read, a command, a row of the journal, a moment to wait); each time
`Choices` says what happens: nothing, or one of everything that may befall a site, a reading, a
command, the process. One way through is one run; other ways are other choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from cluster.clock import Deadline, Instant
from cluster.config_model import Cluster, Remediator
from cluster.model import ClusterView
from cluster.runners.request import CommandResult
from remediator.acting import Actor
from remediator.executor import Executor
from remediator.journal import Journal
from remediator.journal_schema import Intent
from remediator.looks import Trigger
from remediator.planner import Action, ActionVerb, Unknowns
from remediator.switch_answer import Sent, SwitchAnswer
from tests.exploration import truth
from tests.exploration.invariants import Leaving, broken, unproved
from tests.exploration.loop import HOW, answers, observe
from tests.exploration.product import NAMES, NOW, RULE, Command, Seen, host_view
from tests.exploration.truth import BEGINNINGS, Hosts
from tests.unit import remediator_samples as samples

READING_SECONDS = 0.05
STALL_SECONDS = 3.0
LOOKS = 3
CALM_LOOKS = 12
CALM_SECONDS = 310.0
EVER_SECONDS = 30 * 86400.0
POLICY = {"level": "enforce", "settle": "2s"}


class Killed(BaseException):
    """The process ends here; nothing of the product may catch it."""


def dropped(*_: Any) -> Any:
    """Take a log line and say nothing: a processor of structlog for thousands of looks."""
    raise structlog.DropEvent


@dataclass
class Choices:
    """What happens at which question: place → which of the possibilities; 0 where not named.

    sizes: how many possibilities there were at each place. chosen: those that were not the first.
    """

    given: Mapping[int, int]
    sizes: list[int] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    calm: bool = False

    def take(self, possible: Sequence[Any]) -> Any:
        """Return one possibility. Its first member is its name."""
        if self.calm:
            return possible[0]
        wanted = self.given.get(len(self.sizes), 0)
        self.sizes.append(len(possible))
        taken = possible[wanted if wanted < len(possible) else 0]
        if taken is not possible[0]:
            self.chosen.append(taken[0])
        return taken


@dataclass
class World:
    """The site, its clock, and what is found broken. It is what observes and what switches."""

    hosts: Hosts
    choices: Choices
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=lambda: [Seen(), Seen()])
    looked: float = 0.0
    side_by_side: float | None = None
    intents: dict[int, str] = field(default_factory=dict)
    meant: dict[int, Command] = field(default_factory=dict)
    level: str = "enforce"

    def now(self) -> Instant:
        """Return this moment."""
        return NOW.plus(self.seconds)

    def wait(self, seconds: float, wake: Event) -> bool:
        """Let time pass, and anything happen."""
        self.seconds += seconds
        self.happen()
        return wake.is_set()

    def happen(self) -> None:
        """Let nothing, or one thing, happen to the site or to the process."""
        possible: list[tuple[str, Hosts | None]] = [("nothing", None)]
        possible += [(what, after) for what, _, after in truth.befall(self.hosts)]
        possible += [("remediator stands still", None), ("remediator is killed", None)]
        what, after = self.choices.take(possible)
        if what == "remediator is killed":
            raise Killed
        if what == "remediator stands still":
            self.seconds += STALL_SECONDS
        if after is not None:
            self.hosts = after

    def observe(self, _: Cluster, names: tuple[str, ...] | None) -> ClusterView:
        """Read some hosts or all, one after the other, with anything between."""
        began = self.seconds
        views = []
        for index, name in enumerate(NAMES):
            if names is None or name in names:
                self.happen()
                _what, _cost, seen = self.choices.take(observe(self.hosts[index], True))
                self.seen[index] = seen
                views.append(host_view.__wrapped__(index, seen, NOW.plus(began)))
                self.seconds += READING_SECONDS
        if names is None:
            self.looked = began
            modes = {seen.mode for seen in self.seen}
            if "B" in modes:
                self.side_by_side = None
            elif modes == {"P"}:
                self.side_by_side = began
        return ClusterView("quito", (RULE,), tuple(views), NOW.plus(began), self.now())

    def carry_out(
        self,
        _: str,
        action: Action,
        number: int,
        timeout_seconds: float,
        send_before: Deadline,
    ) -> SwitchAnswer:
        """Send a command as `remediator.switch` does, and see whether it may be sent."""
        self.happen()
        if send_before.remaining(self.now()) <= 0:
            return SwitchAnswer(Sent.TOO_LATE, "nlb")
        letter = "E" if action.verb is ActionVerb.ENABLE else "D"
        command = Command(letter, NAMES.index(action.host), action.rule == RULE)
        self._check(command)
        self.commands.append(str(action))
        given = tuple(answers(self.hosts[command.host], command, True))
        _, _, host, how = self.choices.take(given)
        self.hosts = truth.with_host(self.hosts, command.host, host)
        self.seconds += timeout_seconds if how == "n" else READING_SECONDS
        self.happen()
        return SwitchAnswer(HOW[how], "nlb", CommandResult.UNKNOWN)

    def _check(self, command: Command) -> None:
        since = self.seconds - self.looked
        aged = [
            seen._replace(
                mode_age=seen.mode_age + since if seen.mode != "U" else 0,
                port_age=seen.port_age + since if seen.port != "U" else 0,
                age=seen.age + since if seen != Seen() else 0,
            )
            for seen in self.seen
        ]
        both = -1.0 if self.side_by_side is None else self.seconds - self.side_by_side
        opened = [number for number, state in self.intents.items() if state != "ended"]
        intent = self.intents[opened[0]] if len(opened) == 1 else ""
        leaving = Leaving(
            command,
            (aged[0], aged[1]),
            since,
            "e",
            Unknowns(),
            None,
            both,
            intent,
            False,
        )
        self.broken += broken(leaving)
        if self.level != "enforce":
            self.broken.append("L: a command on a level that only observes")
        for number in opened:
            self.intents[number] = "s"


class WatchedJournal(Journal):
    """The real journal; the process may die before and after a row, and intents are counted."""

    world: World

    def open_action(self, *given: Any, **named: Any) -> Intent:
        """Write an intent; an older one must have ended."""
        self.world.happen()
        if any(state != "ended" for state in self.world.intents.values()):
            self.world.broken.append("6: an intent is opened while another is open")
        intent = super().open_action(*given, **named)
        self.world.intents[intent.id] = "o"
        letter = "E" if named["verb"] == "enable" else "D"
        self.world.meant[intent.id] = Command(letter, NAMES.index(named["host"]))
        return intent

    def end(self, ids: Iterable[int], outcome: str, **named: Any) -> int:
        """Write an outcome; success needs the reading after the command."""
        numbers = list(ids)
        for number in (each for each in numbers if each in self.world.intents):
            self.world.happen()
            if self.world.intents[number] == "ended":
                self.world.broken.append("6: an intent has two outcomes")
            command = self.world.meant[number]
            seen = self.world.seen[command.host]
            self.world.broken += unproved(command, outcome, seen)
            self.world.intents[number] = "ended"
        return super().end(numbers, outcome, **named)


class RealLoop:
    """Runs the real program through choices, one journal for all runs."""

    def __init__(
        self, folder: Path, level: str = "enforce", executor: type[Executor] = Executor
    ) -> None:
        """Wire it. executor: the real one, or one with a seeded mistake."""
        self._executor = executor
        self._sizes: dict[str, list[int]] = {}
        self._settings = Remediator.model_validate({"policy": {**POLICY, "level": level}})
        self._level = level
        self._metrics = samples.metrics(CollectorRegistry(), samples.config())
        self._cluster = samples.cluster()
        nothing = World(BEGINNINGS["healthy"], Choices({}))
        self._journal = WatchedJournal(f"sqlite:///{folder / 'journal.db'}", nothing)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def single_deviations(self, beginning: str) -> Iterator[dict[int, int]]:
        """Yield every choice that differs from the undisturbed run in one place."""
        undisturbed = self.run(beginning, {})
        for place, size in enumerate(undisturbed.choices.sizes):
            for other in range(1, size):
                yield {place: other}

    def some_deviations(self, beginning: str, random: Random) -> dict[int, int]:
        """Return a choice that differs in two to five places, drawn at random."""
        if beginning not in self._sizes:
            self._sizes[beginning] = self.run(beginning, {}).choices.sizes
        sizes = self._sizes[beginning]
        places = random.sample(range(len(sizes)), min(len(sizes), random.randint(2, 5)))
        return {place: random.randrange(1, max(2, sizes[place])) for place in places}

    def run(self, beginning: str, given: Mapping[int, int]) -> World:
        """Look some times while anything happens, then let everything answer, and look on.

        What is found broken stands in the world that is returned.
        """
        choices = Choices(given)
        world = World(BEGINNINGS[beginning], choices, level=self._level)
        self._journal.close_unknown(())
        self._journal.prune(-EVER_SECONDS)
        self._journal.world = world
        self._journal._clock = world
        executor = self._started(world)
        for _ in range(LOOKS):
            executor = self._look(world, executor)
            world.seconds += 1.0
        choices.calm = True
        if self._level == "enforce":
            self._calm_down(world, executor)
        return world

    def _calm_down(self, world: World, executor: Executor) -> None:
        world.hosts = next(truth.healed(world.hosts))
        for _ in range(CALM_LOOKS):
            executor = self._look(world, executor)
            world.hosts = truth.drained(truth.tick(world.hosts))
            if all(host.port == ("E" if host.mode == "P" else "D") for host in world.hosts):
                break
            world.seconds += CALM_SECONDS
        else:
            world.broken.append(f"5: it does not end right: {world.hosts}")
        self._look(world, executor)
        if any(state != "ended" for state in world.intents.values()):
            world.broken.append("6: an intent is left without an outcome")

    def _look(self, world: World, executor: Executor) -> Executor:
        """Look once; a program that was killed is started anew."""
        try:
            executor.look(self._cluster, Trigger.ALERT, Event())
        except Killed:
            return self._started(world)
        return executor

    def _started(self, world: World) -> Executor:
        actor = Actor(self._settings, world, world.observe, world, self._journal, self._metrics)
        return self._executor(
            self._settings, world, world.observe, actor, self._journal, self._metrics, Random(7)
        )
