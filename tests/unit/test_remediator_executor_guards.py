"""The loop with its guards: what is followed of a primary that flaps, and what after a stall."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cluster.clock import Clock
from cluster.config_model import Config
from cluster.model import ClusterView, PortState, SipMode
from remediator.guards import Guards
from remediator.journal import Journal
from remediator.look_result import Ending, LookResult
from remediator.looks import LookBoard, Trigger
from remediator.make_guards import Wired, wire
from remediator.planner import Decision
from remediator.rows import Hold
from tests.unit.fake_pair import CLUSTER, Bench, FakeHost, bench


@dataclass
class Kept:
    """Makes the guards of the program, and keeps them for the test."""

    wired: list[Wired] = field(default_factory=list)

    def __call__(self, config: Config, clock: Clock, journal: Journal) -> Guards:
        """Make them."""
        made = wire(config, clock, journal)
        self.wired.append(made)
        return made.guards


def site(tmp_path: Path, kept: Kept | None = None, **settings: object) -> Bench:
    """Return a healthy pair, its first host primary."""
    one = FakeHost(SipMode.PRIMARY, PortState.ENABLED)
    two = FakeHost(SipMode.BACKUP, PortState.DISABLED)
    return bench(tmp_path, one, two, guards=kept or Kept(), **settings)


def swap(made: Bench) -> None:
    """Let the other host become primary."""
    made.one().mode, made.two().mode = made.two().mode, made.one().mode


def look_until(made: Bench, seconds: float) -> list[LookResult]:
    """Look as the service does, each hold again when it wants it, until a moment."""
    board, clock, results = LookBoard(), made.pair.clock, []
    while clock.seconds < seconds:
        result = made.look(Trigger.HOLD)
        results.append(result)
        if result.hold is None:
            clock.wait(0.5, made.stop)
        else:
            delay = board.held(CLUSTER.name, result.hold, 0.0, result.again_seconds)
            clock.wait(delay, made.stop)
    return results


def test_a_primary_that_flaps_is_followed_six_times_and_then_when_it_stays(tmp_path: Path) -> None:
    """A change every three seconds for a minute moves the port six times, not twenty; what stays
    is followed within a minute, and the port is where the primary is.
    """
    made = site(tmp_path)
    made.pair.events = [(3.0 * number, lambda: swap(made)) for number in range(1, 20)]

    results = look_until(made, 3.0 * 20)
    flapping = [verb for _, verb, _ in made.actions()]
    assert flapping.count("enable") == flapping.count("disable") == 6
    assert {result.hold for result in results} == {None, Hold.DAMPED}
    assert made.ports() == (PortState.ENABLED, PortState.DISABLED)

    began = made.pair.clock.seconds
    results = look_until(made, began + 65.0)
    assert results[-1].ending is Ending.RIGHT
    assert made.ports() == (PortState.DISABLED, PortState.ENABLED)
    (followed,) = [r for r in results if r.ending is Ending.REMEDIATED]
    waited = followed.view.ended.seconds_since(results[0].view.began)
    assert 50.0 < waited < 60.0 + 1.0


def test_a_hold_that_knows_its_end_is_looked_at_then(tmp_path: Path) -> None:
    """Five seconds after the change that was too many the port follows, not with the next of the
    pauses that holds have otherwise.
    """
    made = site(tmp_path, policy={"damping": {"flips": 1, "window": "1h"}})
    made.pair.events = [(1.0, lambda: swap(made)), (2.0, lambda: swap(made))]

    results = look_until(made, 10.0)

    (held, *_) = [r for r in results if r.hold is Hold.DAMPED]
    last = [r for r in results if r.ending is Ending.REMEDIATED][-1]
    assert made.ports() == (PortState.ENABLED, PortState.DISABLED)
    assert 5.0 <= last.view.ended.seconds_since(held.view.began) < 5.75


def test_what_was_seen_before_a_stall_is_not_acted_on(tmp_path: Path) -> None:
    """The process stood still after its view: the look ends as tilt, the second after it acts."""
    kept = Kept()
    made = site(tmp_path, kept)
    (wired,) = kept.wired
    swap(made)
    wired.tilt.tick(made.pair.clock.now())
    made.pair.look_seconds = 4.0

    result = made.look()

    assert (result.ending, result.hold) == (Ending.HELD, Hold.TILT)
    assert result.again_seconds == 0.25
    assert made.pair.commands == []
    made.pair.look_seconds = 0.05
    assert made.look(Trigger.HOLD).hold is Hold.TILT
    assert made.look(Trigger.HOLD).ending is Ending.REMEDIATED


def test_every_plan_is_told_and_after_its_view_was_noted(tmp_path: Path) -> None:
    """Also those in which nothing is to be done, which no interlock is asked about."""
    told: list[tuple[str, int]] = []

    class Recorder:
        def note(self, view: ClusterView) -> None:
            """Write it down."""
            told.append((f"noted {len(view.primaries)}", 0))

        def planned(self, view: ClusterView, decision: Decision) -> None:
            """Write it down."""
            told.append((view.cluster, len(decision.actions)))

        def why_not(self, given: object) -> None:
            """Block nothing."""

    recorder = Recorder()
    made = bench(
        tmp_path,
        FakeHost(SipMode.PRIMARY, PortState.DISABLED),
        FakeHost(SipMode.BACKUP, PortState.DISABLED),
        guards=lambda *_: Guards((recorder,), told=(recorder,)),
    )
    made.look()
    assert told == [("noted 1", 0), ("sip-west", 1), ("noted 1", 0), ("sip-west", 0)]
