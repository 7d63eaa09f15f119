"""The reading loops: when they read, that they stop, and what they write to the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cluster.clock import Deadline, Instant
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
    SipMode,
    SipStatus,
)
from exporter.board import Board
from exporter.readings import Kind, keys_of, unknown_value, with_reading
from exporter.watch import ReadingLoop, Watch
from tests.unit import exporter_samples as samples
from tests.unit.exporter_samples import FakeClock

LOOK_SECONDS = 10
"""How long a test waits for a thread before it fails; nothing waits that long when it works."""


class Log:
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **values: Any) -> None:
        """Keep an INFO line."""
        self.lines.append(("info", event, {k: v for k, v in values.items() if v is not None}))

    def warning(self, event: str, **values: Any) -> None:
        """Keep a WARNING line."""
        self.lines.append(("warning", event, {k: v for k, v in values.items() if v is not None}))


def loop_times(durations: list[float], refresh: float = 2.0) -> tuple[list[float], list[float]]:
    """Run a loop whose readings take the given times; return when each began, and its waits."""
    clock, stop = FakeClock(), threading.Event()
    began: list[float] = []
    left = list(durations)

    def read(_: Deadline) -> Reading[SipStatus]:
        began.append(clock.now().seconds_since(samples.BEGIN))
        clock.move(left.pop(0))
        if not left:
            stop.set()
        return samples.sip(SipMode.BACKUP)

    loop = ReadingLoop(
        read,
        lambda _reading, _now: None,
        refresh_seconds=refresh,
        timeout_seconds=3.0,
        clock=clock,
        stop=stop,
    )
    loop.run()
    return began, clock.waits


def test_readings_begin_at_every_refresh_whatever_they_take() -> None:
    """The time that a reading takes does not shift the next one."""
    began, waits = loop_times([0.25, 1.5, 0.5, 0.5])
    assert (began, waits) == ([0.0, 2.0, 4.0, 6.0], [1.75, 0.5, 1.5])


def test_after_a_slow_reading_the_next_begins_at_once_and_none_is_made_up_for() -> None:
    """A reading of 7 s at a refresh of 2 s is followed at once by one, not by three."""
    began, waits = loop_times([7.0, 0.5, 0.5, 0.5])
    assert (began, waits) == ([0.0, 7.0, 9.0, 11.0], [1.5, 1.5])


def test_each_reading_has_the_configured_time() -> None:
    """A reading gets its deadline from the moment it begins."""
    clock, stop = FakeClock(), threading.Event()
    deadlines: list[float] = []

    def read(deadline: Deadline) -> Reading[SipStatus]:
        deadlines.append(deadline.remaining(clock.now()))
        clock.move(0.5)
        return samples.sip(SipMode.BACKUP)

    clock.stop_after_waits = 3
    ReadingLoop(
        read,
        lambda _reading, _now: None,
        refresh_seconds=4.0,
        timeout_seconds=3.0,
        clock=clock,
        stop=stop,
    ).run()
    assert deadlines == [3.0, 3.0, 3.0]


def test_a_reading_that_was_under_way_at_the_stop_is_not_published() -> None:
    """What a stopped reading brings is half done and must not be taken for a failure."""
    published: list[Instant] = []
    clock, stop = FakeClock(), threading.Event()

    def read(_: Deadline) -> Reading[SipStatus]:
        stop.set()
        return samples.sip(SipMode.UNKNOWN, problem=Problem(Reason.TIMEOUT, "killed"))

    ReadingLoop(
        read,
        lambda _reading, now: published.append(now),
        refresh_seconds=1.0,
        timeout_seconds=1.0,
        clock=clock,
        stop=stop,
    ).run()
    assert published == []


class FakeReader:
    """A host whose readings are given; each waits until the test lets it go."""

    def __init__(self, view: HostView, cluster: str = "porto") -> None:
        self.cluster = cluster
        self.host = view.host
        self.rules: tuple[PortRule, ...] = tuple(rule for rule, _ in view.ports)
        self.view = view
        self.calls: list[str] = []
        self.under_way: dict[str, int] = {}
        self.most_under_way = 0
        self.go = threading.Event()
        self._lock = threading.Lock()

    def sip(self, source_index: int, _deadline: Deadline) -> Reading[SipStatus]:
        """Read a mode."""
        return self._read(f"sip{source_index}", lambda: self.view.sip[source_index])

    def node(self, _deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node."""
        return self._read("node", lambda: self.view.node)

    def port(self, rule: PortRule, _deadline: Deadline) -> Reading[PortStatus]:
        """Read a port."""
        return self._read(f"port {rule.port}", lambda: self.view.port(rule))

    def params(self, _deadline: Deadline) -> Reading[NlbParams]:
        """Read the parameters."""
        return self._read("params", lambda: self.view.params)

    def _read(self, name: str, answer: Callable[[], Reading[Any]]) -> Reading[Any]:
        with self._lock:
            self.calls.append(name)
            self.under_way[name] = self.under_way.get(name, 0) + 1
            self.most_under_way = max(self.most_under_way, self.under_way[name])
        assert self.go.wait(LOOK_SECONDS)
        with self._lock:
            self.under_way[name] -= 1
        return answer()


def unread_view(*hosts: HostView) -> ClusterView:
    """Return a view of which nothing was read."""
    never = Problem(Reason.NEVER_READ, "")
    blank = []
    for host in hosts:
        for key in keys_of(host):
            source = "http" if key.kind is Kind.MODE else "nlb"
            reading = Reading(
                unknown_value(key.kind), source, samples.BEGIN, samples.BEGIN, problem=never
            )
            host = with_reading(host, key, reading)  # noqa: PLW2901 - built up key by key
        blank.append(host)
    return samples.view(*blank)


class TurnClock(FakeClock):
    """A clock on which every loop ends after its first reading."""

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Tell the loop that it was woken to stop."""
        self.waits.append(seconds)
        return True


def test_every_reading_of_every_host_has_a_loop_of_its_own() -> None:
    """All readings are asked side by side, each at its own pace; ready once all have answered."""
    readers = [FakeReader(samples.primary()), FakeReader(samples.backup())]
    board = Board([unread_view(samples.primary(), samples.backup())], samples.limits)
    clock, log = TurnClock(), Log()
    watch = Watch(readers, board, samples.pace, samples.timeout, clock, log)
    watch.start()
    assert not watch.is_ready()
    for reader in readers:
        reader.go.set()
    assert watch.join(LOOK_SECONDS)
    assert watch.is_ready()
    expected = ["node", "params", "port 5070", "sip0"]
    assert [sorted(reader.calls) for reader in readers] == [expected, expected]
    assert sorted(clock.waits) == [2.0, 2.0, 5.0, 5.0, 5.0, 5.0, 30.0, 30.0]
    assert board.snapshot(samples.BEGIN).views == (samples.healthy(),)


def test_stopping_ends_every_loop() -> None:
    """After the stop no loop begins another reading."""
    reader = FakeReader(samples.primary())
    board = Board([unread_view(samples.primary())], samples.limits)
    watch = Watch([reader], board, samples.pace, samples.timeout, FakeClock(), Log())
    watch.start()
    watch.stop()
    reader.go.set()
    assert watch.join(LOOK_SECONDS)
    assert reader.most_under_way == 1


def test_a_loop_that_hangs_is_told() -> None:
    """Where a reading does not come back, waiting for the loops says so instead of waiting on."""
    reader = FakeReader(samples.primary())
    board = Board([unread_view(samples.primary())], samples.limits)
    watch = Watch([reader], board, samples.pace, samples.timeout, TurnClock(), Log())
    watch.start()
    assert not watch.join(0)
    reader.go.set()
    assert watch.join(LOOK_SECONDS)


def test_two_source_hosts_have_a_loop_for_each_source() -> None:
    """The mode is read from each source separately."""
    host = samples.primary()
    two = replace(host, sip=(host.sip[0], samples.sip(SipMode.BACKUP)))
    reader = FakeReader(two)
    board = Board([unread_view(two)], samples.limits)
    watch = Watch([reader], board, samples.pace, samples.timeout, TurnClock(), Log())
    reader.go.set()
    watch.start()
    assert watch.join(LOOK_SECONDS)
    assert sorted(reader.calls) == ["node", "params", "port 5070", "sip0", "sip1"]


@pytest.mark.parametrize(
    ("changed", "level", "event", "values"),
    [
        (
            {"sip": (samples.sip(SipMode.BACKUP),)},
            "info",
            "mode changed",
            {"reading": "mode_http", "before": "primary", "after": "backup"},
        ),
        (
            {"node": samples.node(NodeState.STOPPED)},
            "info",
            "node state changed",
            {"reading": "node", "before": "converged", "after": "stopped"},
        ),
        (
            {
                "ports": (
                    (
                        samples.cluster().rules[0],
                        samples.port(
                            PortState.UNKNOWN, problem=Problem(Reason.NO_OUTPUT, "nothing")
                        ),
                    ),
                )
            },
            "warning",
            "reading fails",
            {
                "reading": "port_5070",
                "before": "enabled",
                "after": "unknown",
                "reason": "no_output",
                "problem": "nothing",
            },
        ),
        ({}, None, None, {}),
    ],
)
def test_one_line_is_written_for_what_changed(
    changed: dict[str, Any], level: str | None, event: str | None, values: dict[str, str]
) -> None:
    """A changed state is an INFO line, a reading that begins to fail a WARNING; else silence."""
    reader = FakeReader(replace(samples.primary(), **changed))
    board = Board([samples.view(samples.primary())], samples.limits)
    log = Log()
    watch = Watch([reader], board, samples.pace, samples.timeout, TurnClock(), log)
    reader.go.set()
    watch.start()
    assert watch.join(LOOK_SECONDS)
    durations = {"mode_http": 0.125, "node": 0.25, "port_5070": 0.375}
    expected = []
    if event is not None:
        where = {"cluster": "porto", "host": "porto-1"}
        took = {"duration_seconds": durations[values["reading"]]}
        expected = [(level, event, {**where, **values, **took})]
    assert expected == log.lines
