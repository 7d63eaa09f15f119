"""When the heartbeat is sent and the alarm raised, and that nothing that hangs holds them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from cluster.clock import Instant
from remediator.heartbeat import Pulse
from remediator.heartbeat_plan import Call, HeartbeatPlan, Road
from tests.unit.fake_pair import FakeClock

OPEN, CLOSED, UNTOLD = Road.OPEN, Road.CLOSED, Road.UNTOLD


def calls(road_at: Callable[[int], Road], seconds: int) -> list[tuple[int, str]]:
    """Return when a plan calls whom, asked each second."""
    plan = HeartbeatPlan()
    due = ((second, plan.due(road_at(second), 1000.0 + second)) for second in range(seconds))
    return [(second, call) for second, call in due if call is not None]


def test_a_heartbeat_goes_out_every_minute_while_the_road_is_open() -> None:
    """The first at once."""
    assert calls(lambda second: OPEN, 181) == [
        (0, "beat"),
        (60, "beat"),
        (120, "beat"),
        (180, "beat"),
    ]


def test_an_alarm_is_raised_at_once_and_every_five_minutes_until_it_passes() -> None:
    """Heartbeats begin again as soon as the road is open."""
    found = calls(lambda second: CLOSED if 70 <= second < 700 else OPEN, 722)
    assert found == [
        (0, "beat"),
        (60, "beat"),
        (70, "alarm"),
        (370, "alarm"),
        (670, "alarm"),
        (700, "beat"),
    ]


def test_nothing_is_said_before_the_first_watchdog_alert() -> None:
    """Whether the road is open is not known yet; the alarm has its own time."""
    assert calls(lambda second: UNTOLD if second < 90 else CLOSED, 100) == [(90, Call.ALARM)]


def test_a_road_that_opens_and_closes_does_not_ring_all_the_time() -> None:
    """A minute lies between two alarms."""
    found = calls(lambda second: CLOSED if second % 10 < 5 else OPEN, 125)
    assert [second for second, call in found if call == "alarm"] == [0, 60, 120]


@dataclass
class FakeService:
    """What is watched."""

    clock: FakeClock
    reasons: list[str] = field(default_factory=list)
    stopping: bool = False
    watchdog_seen: Instant | None = None

    def why_not_ready(self) -> list[str]:
        """Return what it is told to."""
        return self.reasons


class Bench:
    """A pulse whose calls are noted, on a clock that only the test moves."""

    def __init__(self, *configured: str) -> None:
        self.clock = FakeClock()
        self.service = FakeService(self.clock)
        self.called: list[str] = []
        self.problem: str | None = None
        self.trouble = ""
        self.hanging: list[Callable[[], None]] = []
        self._started = 0
        made = {name: self._call_of(name) for name in configured}
        self.pulse = Pulse(made, self.service, self.clock, self._start)

    def _call_of(self, name: str) -> Callable[[], str | None]:
        def call() -> str | None:
            self.called.append(name)
            if self.problem == "bug":
                raise ValueError("seven")
            return self.problem

        return call

    def _start(self, do: Callable[[], None]) -> None:
        """Run at once, or what is in trouble never. The first of a turn is the question."""
        self._started += 1
        is_call = self._started > 1
        if self.trouble == "no thread" and is_call:
            raise RuntimeError("can't start new thread")
        if (self.trouble == "call hangs" and is_call) or (
            self.trouble == "question hangs" and not self.hanging
        ):
            self.hanging.append(do)
        else:
            do()

    def turns(self, count: int = 1) -> list[str]:
        """Take turns of five seconds; return who was called."""
        self.called.clear()
        for _ in range(count):
            self._started = 0
            self.pulse.turn()
            self.clock.seconds += 5.0
        return list(self.called)

    def success(self) -> dict[str, float]:
        """Return what is published."""
        return {
            sample.labels["call"]: sample.value
            for metric in self.pulse.collect()
            for sample in metric.samples
        }


def test_an_open_road_is_told_outside_and_a_closed_one_by_both_alarms() -> None:
    """Each key that is configured, at its moments."""
    bench = Bench("url", "alarm_url", "alarm_command")
    assert bench.turns(2) == []
    bench.service.watchdog_seen = bench.clock.now()
    assert bench.turns(13) == ["url", "url"]
    bench.service.reasons = ["no watchdog alert for 181 s"]
    assert bench.turns(61) == ["alarm_url", "alarm_command"] * 2
    bench.service.reasons = []
    assert bench.turns() == ["url"]


@pytest.mark.parametrize(("names", "called"), [(("url",), []), (("alarm_url",), ["alarm_url"])])
def test_what_is_not_configured_is_not_called(names: tuple[str, ...], called: list[str]) -> None:
    """Each key stands alone."""
    bench = Bench(*names)
    bench.service.reasons = ["the disk is full"]
    assert bench.turns(2) == called


def test_a_program_that_is_being_stopped_raises_no_alarm() -> None:
    """Somebody wants it so, and the outside notices the silence in its own time."""
    bench = Bench("url", "alarm_url")
    bench.service.reasons, bench.service.stopping = ["it is stopping"], True
    assert bench.turns(20) == []


def test_a_program_that_cannot_say_whether_it_is_ready_is_not() -> None:
    """A journal that hangs must not keep the alarm from being raised."""
    bench = Bench("url", "alarm_url")
    bench.service.watchdog_seen = bench.clock.now()
    assert bench.turns() == ["url"]
    bench.trouble = "question hangs"
    assert bench.turns(6) == ["alarm_url"]
    assert len(bench.hanging) == 1
    bench.hanging[0]()
    assert bench.turns() == ["url"]


def test_a_call_that_hangs_is_a_failure_and_holds_up_nothing() -> None:
    """It is not made a second time while it is under way; when it comes back, the next is made."""
    bench = Bench("url")
    bench.service.watchdog_seen = bench.clock.now()
    bench.turns()
    bench.trouble = "call hangs"
    assert bench.turns(24) == []
    assert (len(bench.hanging), bench.success()) == (1, {"url": 0.0})
    bench.trouble = ""
    bench.hanging[0]()
    assert bench.success() == {"url": 1.0}
    assert bench.turns(12) == ["url"]


def test_how_each_call_ended_is_published() -> None:
    """Nothing of a call that was never made, and nothing at all where none is configured."""
    bench = Bench("url", "alarm_url")
    assert bench.success() == {}
    bench.service.watchdog_seen = bench.clock.now()
    bench.turns()
    assert bench.success() == {"url": 1.0}
    bench.problem = "http_status: HTTP status 503"
    bench.turns(13)
    assert bench.success() == {"url": 0.0}
    bench.problem, bench.service.reasons = "bug", ["x"]
    bench.turns()
    assert bench.success() == {"alarm_url": 0.0, "url": 0.0}
    assert list(Bench().pulse.collect()) == []
    assert bench.pulse.describe() == []


def test_without_a_thread_to_be_had_the_call_is_a_failure() -> None:
    """The next one is tried again."""
    bench = Bench("url")
    bench.service.watchdog_seen = bench.clock.now()
    bench.turns()
    bench.trouble = "no thread"
    assert bench.turns(12) == []
    assert bench.success() == {"url": 0.0}
    bench.trouble = ""
    assert bench.turns(12) == ["url"]
    assert bench.success() == {"url": 1.0}
