"""Short soaks, and programs that are wrong: whatever the judge must see, it sees.

The long ones are ``make soak``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog

from cluster.clock import Instant
from cluster.config_model import Cluster
from cluster.model import ClusterView, HostView
from remediator.executor import Executor
from remediator.interlocks import Block
from remediator.look_result import LookResult
from remediator.planner import Action, ActionVerb, Decision
from remediator.rows import Hold
from tests.exploration.real_loop import dropped
from tests.soak.kinds import kinds
from tests.soak.report import Report
from tests.soak.schedule import draw
from tests.soak.virtual_soak import Driven, Plan, soak

SEED = 41


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Say nothing of thousands of looks."""
    before = structlog.get_config()
    structlog.configure(processors=[dropped])
    yield
    structlog.configure(**before)


class _OpensTheBackup(Executor):
    """Opens and closes the ports of the wrong host, whatever forbids it."""

    def _plan(self, look: Any, view: ClusterView) -> Decision:
        decision = super()._plan(look, view)
        names = [host.host for host in view.hosts]
        swapped = []
        for finding in decision.findings:
            action = finding.action
            if action is not None:
                other = next(name for name in names if name != action.host)
                action = replace(action, host=other)
            swapped.append(replace(finding, action=action))
        return Decision(tuple(swapped))

    def _why_not(self, *_: Any) -> Block | None:
        return None


class _ClosesThePrimary(Executor):
    """Closes the primary's port where another host's is to be closed, without interlocks."""

    def _plan(self, look: Any, view: ClusterView) -> Decision:
        decision = super()._plan(look, view)
        return Decision(
            tuple(
                replace(f, action=Action(ActionVerb.DISABLE, view.primaries[0].host, f.action.rule))
                if f.action is not None and f.action.verb is ActionVerb.DISABLE
                else f
                for f in decision.findings
            )
        )

    def _why_not(self, *_: Any) -> Block | None:
        return None


class _RemembersViews(Executor):
    """Takes a view of up to twenty seconds ago for a fresh one."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._fresh, self._kept = self._observe, dict[str, ClusterView]()
        self._observe = self._remembered

    def _remembered(self, cluster: Cluster, hosts: tuple[str, ...] | None) -> ClusterView:
        kept, now = self._kept.get(cluster.name), self._clock.now()
        if kept is None or now.seconds_since(kept.ended) > 20.0:
            kept = self._kept[cluster.name] = self._fresh(cluster, hosts)
            return kept
        self._clock.wait(0.05, Event())
        return replace(
            kept, began=now, ended=now, hosts=tuple(_renewed(h, now) for h in kept.hosts)
        )


class _NeverCloses(Executor):
    """Leaves every port open that is open."""

    def _why_not(self, look: Any, view: ClusterView, decision: Decision, action: Action) -> Any:
        if action.verb is ActionVerb.DISABLE:
            return Block(Hold.UNSAFE, "seeded mistake")
        return super()._why_not(look, view, decision, action)


class _ForgetsAlerts(Driven):
    """Never writes what became of an alert."""

    def _end_alerts(self, alerts: Any, result: LookResult) -> None:
        """End none."""


def _renewed(host: HostView, now: Instant) -> HostView:
    """Return an old view of a host as if it had been read now."""

    def renew(reading: Any) -> Any:
        return replace(reading, asked=now, answered=now)

    return HostView(
        host.host,
        tuple(renew(reading) for reading in host.sip),
        renew(host.node),
        tuple((rule, renew(reading)) for rule, reading in host.ports),
        renew(host.params),
    )


def _soak(folder: Path, lag: float = 0.0, **plan: Any) -> Report:
    return soak(Plan(SEED, lag=lag, **plan), folder)


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    """What was found once can be played again."""
    assert draw(SEED, 3, 3600.0) == draw(SEED, 3, 3600.0)
    assert draw(SEED, 3, 3600.0) != draw(SEED + 1, 3, 3600.0)


def test_a_schedule_has_every_kind_some_of_them_at_the_same_time_and_ends_in_time() -> None:
    """Nothing of the table is left out for its weight, and incidents meet."""
    incidents = draw(SEED, 4, 8 * 3600.0)
    drawn = Counter(incident.kind for incident in incidents)

    assert set(drawn) == set(kinds())
    assert all(incident.until <= 8 * 3600.0 for incident in incidents)
    met = [
        one
        for one in incidents
        for other in incidents
        if one.cluster == other.cluster and one.at < other.at <= one.until
    ]
    assert len(met) > len(incidents) / 10


@pytest.mark.parametrize("lag", [0.0, 10.0])
def test_an_hour_of_incidents_ends_as_it_is_to(tmp_path: Path, lag: float) -> None:
    """No wrong action, no time without service by us, every alert with an outcome."""
    made = _soak(tmp_path, lag, clusters=1, seconds=1800.0)

    assert made.broken() == []
    assert len(made.fates) > 20
    assert made.alerts_accepted > 20


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    """A run is a pure function of its plan: the same commands at the same moments."""
    runs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        runs.append(_soak(tmp_path / name, clusters=1, seconds=400.0))

    assert runs[0].commands == runs[1].commands
    assert runs[0].lines() == runs[1].lines()


@pytest.mark.parametrize(
    ("executor", "found"),
    [
        (_OpensTheBackup, ["an enable to a host that is not primary"]),
        (_ClosesThePrimary, ["a disable of a primary", "without service by a command of ours"]),
        (_RemembersViews, ["an enable to a host that is not primary"]),
        (_NeverCloses, ["not right in time"]),
    ],
)
def test_a_wrong_program_is_found(
    tmp_path: Path, executor: type[Executor], found: list[str]
) -> None:
    """What breaks the invariants of a remediation does not pass the judge."""
    only = ("SIP Servers flap", "switchover")

    made = _soak(tmp_path, clusters=1, seconds=400.0, calm=60.0, only=only, executor=executor)

    broken = "\n".join(made.broken())
    assert [sentence for sentence in found if sentence not in broken] == [], broken


def test_alerts_without_an_outcome_are_found(tmp_path: Path) -> None:
    """A record that leaves an accepted alert open does not pass either."""
    made = _soak(tmp_path, clusters=1, seconds=300.0, calm=60.0, service=_ForgetsAlerts)

    assert any("accepted alerts without an outcome" in each for each in made.broken())
