"""The real program with one thing going wrong at any of its turns, and programs that are wrong.

The long version, every single deviation of every beginning and thousands of several at once, is
``make explore``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import structlog

from cluster.model import ClusterView
from remediator.executor import Executor
from remediator.interlocks import Block
from remediator.planner import Decision
from remediator.record import LookRecord
from tests.exploration.real_loop import RealLoop, World, dropped
from tests.exploration.truth import BEGINNINGS

STRIDE = 7


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Say nothing of thousands of looks."""
    before = structlog.get_config()
    structlog.configure(processors=[dropped])
    yield
    structlog.configure(**before)


class _WithoutInterlocks(Executor):
    """Acts on whatever the table says."""

    def _why_not(self, *_: Any) -> Block | None:
        return None


class _WithoutOverlap(Executor):
    """Forgets between two looks and rounds who was primary beside whom."""

    def _plan(self, look: Any, view: ClusterView) -> Decision:
        self._overlap._seen.clear()
        return super()._plan(look, view)


class _Unrecorded(LookRecord):
    """Leaves open what a dead process left open."""

    def close_interrupted(self, view: ClusterView, own: int | None = None) -> None:
        """Close nothing."""


class _NeverCloses(Executor):
    """Begins anew without having closed the intents of the run before."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._record = _Unrecorded(self._journal, self._metrics, "enforce")


class _EnforcesAlways(Executor):
    """Takes no notice of the level."""

    def _next(self, look: Any, view: ClusterView, decision: Decision) -> Any:
        return (
            self._act(look, view, decision)
            if decision.actions
            else super()._next(look, view, decision)
        )


def runs(loop: RealLoop, beginning: str, stride: int) -> Iterator[World]:
    """Yield some of the runs in which one thing goes wrong."""
    for given in islice(loop.single_deviations(beginning), 0, None, stride):
        yield loop.run(beginning, given)


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_the_real_program_keeps_the_invariants_undisturbed(tmp_path: Path, beginning: str) -> None:
    """From every beginning it ends right, by commands that may be sent."""
    with closing(RealLoop(tmp_path)) as loop:
        world = loop.run(beginning, {})

    assert world.broken == []
    assert (world.commands == []) == (beginning in {"healthy", "two primaries", "no primary"})


def test_the_real_program_keeps_the_invariants_when_anything_goes_wrong(tmp_path: Path) -> None:
    """One fault, one change of the site or the end of the process at a turn of a switchover."""
    with closing(RealLoop(tmp_path)) as loop:
        found = [(world.choices.chosen, world.broken) for world in runs(loop, "switchover", STRIDE)]

    assert [each for each in found if each[1]] == []
    assert len(found) > 50
    assert {len(chosen) for chosen, _ in found} == {1}


def test_level_observe_sends_nothing_whatever_goes_wrong(tmp_path: Path) -> None:
    """The real program on the level that only observes, through the same."""
    with closing(RealLoop(tmp_path, level="observe")) as loop:
        worlds = list(runs(loop, "switchover", 3 * STRIDE))

    assert [(world.commands, world.broken) for world in worlds] == [([], [])] * len(worlds)
    assert len(worlds) > 5


@pytest.mark.parametrize(
    ("wrong", "beginning", "level", "mark"),
    [
        (_WithoutInterlocks, "switchover", "enforce", "F"),
        (_WithoutInterlocks, "switchover", "enforce", "R"),
        (_WithoutOverlap, "two primaries", "enforce", "O"),
        (_NeverCloses, "switchover", "enforce", "6"),
        (_EnforcesAlways, "switchover", "observe", "L"),
    ],
)
def test_a_program_with_a_seeded_mistake_is_found(
    tmp_path: Path, wrong: type[Executor], beginning: str, level: str, mark: str
) -> None:
    """A wrong executor breaks the sentence it should in one of the runs with one thing wrong."""
    with closing(RealLoop(tmp_path, level, wrong)) as loop:
        assert any(
            breach.startswith(f"{mark}: ")
            for world in runs(loop, beginning, 1)
            for breach in world.broken
        )
