"""When the remediator distrusts itself, and what ends that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cluster.clock import Instant
from cluster.model import ClusterView, PortState
from remediator.interlocks import Block
from remediator.tilt import Tilt
from tests.unit.guard_samples import asked, at, host, pair, said, unread

OWN = {"quito": frozenset({"quito-1", "quito-2"}), "lima": frozenset({"quito-1"})}


@pytest.fixture
def tilt() -> Tilt:
    """Return a guard that ticked at the beginning."""
    made = Tilt(OWN)
    assert made.tick(at(0.0)) is None
    return made


def see(tilt: Tilt, view: ClusterView, seconds: float | None = None) -> Block | None:
    """Let it see a view, and ask it; the ticking goes on meanwhile."""
    tilt.note(view)
    return tilt.why_not(asked(view, seconds))


def stalled(tilt: Tilt) -> None:
    """Let the program stand still for four seconds, until the fifth."""
    tilt.tick(at(1.0))
    assert tilt.tick(at(5.0)) == "this program stood still for 4.0 s"


def test_a_program_that_runs_is_trusted(tilt: Tilt) -> None:
    """Ticks that come in time, even if two seconds late, tilt nothing."""
    assert [tilt.tick(at(seconds)) for seconds in (0.25, 2.25, 4.25)] == [None] * 3
    assert see(tilt, pair("pb", 4.25)) is None
    assert not tilt.is_tilted("quito", at(4.25))


def test_after_a_stall_two_looks_that_agree_are_waited_for(tilt: Tilt) -> None:
    """The first look after it is only looked at; the second, if it is the same, is acted on."""
    stalled(tilt)
    assert said(see(tilt, pair("bp", 5.125))) == (
        "tilt",
        "this program stood still for 4.0 s, at 2024-06-11T21:47:08.250Z; "
        "two complete looks that agree are waited for, 10 s at most",
        0.25,
    )
    assert tilt.is_tilted("quito", at(5.25))
    assert see(tilt, pair("bp", 5.375)) is None
    assert not tilt.is_tilted("quito", at(5.5))
    assert tilt.is_tilted("lima", at(5.5))


def test_what_was_looked_at_before_the_end_of_a_stall_counts_for_nothing(tilt: Tilt) -> None:
    """A view that began before is old, in whole or in part."""
    stalled(tilt)
    tilt.note(pair("bp", 4.9375))
    assert see(tilt, pair("bp", 5.125)) is not None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(pair("pb", 5.25), id="another mode"),
        pytest.param(
            replace(pair("bp", 5.25), hosts=(host(1, "b", PortState.ENABLED), host(2, "p"))),
            id="another port state",
        ),
        pytest.param(pair("?p", 5.25), id="a mode that cannot be read"),
        pytest.param(
            replace(pair("bp", 5.25), hosts=(host(1, "b", PortState.UNKNOWN), host(2, "p"))),
            id="a port that cannot be read",
        ),
    ],
)
def test_looks_must_agree_one_after_the_other(tilt: Tilt, other: ClusterView) -> None:
    """A look that differs or is not complete begins the comparison anew."""
    stalled(tilt)
    for view in (pair("bp", 5.125), other, pair("bp", 5.375)):
        assert see(tilt, view) is not None
    assert see(tilt, pair("bp", 5.5)) is None


def test_two_looks_that_see_half_are_never_enough(tilt: Tilt) -> None:
    """A peer of unknown mode is exactly what a program that stood still may be wrong about."""
    stalled(tilt)
    assert see(tilt, pair("?p", 5.125)) is not None
    assert see(tilt, pair("?p", 5.25)) is not None


def test_only_hosts_read_from_here_must_be_complete(tilt: Tilt) -> None:
    """Beside a peer that cannot be read a node still goes on by what it reads itself."""
    stalled(tilt)
    assert see(tilt, pair("p?", 5.125, "lima")) is not None
    assert see(tilt, pair("p?", 5.25, "lima")) is None


def test_after_ten_seconds_it_goes_on_whatever_it_sees(tilt: Tilt) -> None:
    """A host that stays dead must not keep its successor shut."""
    stalled(tilt)
    for seconds in (6.0, 8.0, 10.0, 12.0, 14.0):
        tilt.tick(at(seconds))
        assert see(tilt, pair("?p", seconds)) is not None
    assert tilt.is_tilted("quito", at(14.9375))
    tilt.tick(at(14.9375))
    assert see(tilt, pair("?p", 14.9375), 15.0) is None
    assert not tilt.is_tilted("quito", at(15.0))
    tilt.note(pair("?p", 15.25))
    assert see(tilt, pair("?p", 15.5)) is None


def test_who_asks_right_after_a_stall_finds_it_too(tilt: Tilt) -> None:
    """A look that goes on before the ticking does must not act on what it planned before."""
    view = pair("pb", 0.5)
    tilt.note(view)
    assert said(tilt.why_not(asked(view, 3.5))) == (
        "tilt",
        "this program stood still for 3.5 s, at 2024-06-11T21:47:06.750Z; "
        "two complete looks that agree are waited for, 10 s at most",
        0.25,
    )


def test_without_ticking_nothing_is_a_stall() -> None:
    """Between two looks there may be an hour in which nobody asked."""
    tilt = Tilt(OWN)
    assert see(tilt, pair("pb", 0.0)) is None
    assert see(tilt, pair("pb", 3600.0)) is None


@pytest.mark.parametrize(
    ("jump", "text"),
    [
        pytest.param(2.5, "the clock jumped by +2.5 s", id="forward"),
        pytest.param(-3600.0, "the clock jumped by -3600.0 s", id="back"),
        pytest.param(2.0, None, id="not by more than two seconds"),
        pytest.param(-2.0, None, id="nor back"),
    ],
)
def test_a_clock_that_jumps_is_a_tilt(tilt: Tilt, jump: float, text: str | None) -> None:
    """Wall time against the time that passed; a machine that slept is one, too."""
    later = at(0.25)
    assert tilt.tick(Instant(later.utc + timedelta(seconds=jump), later.monotonic)) == text


def test_a_view_without_any_reading_is_a_tilt_while_it_lasts(tilt: Tilt) -> None:
    """However long nothing can be read; then two looks that agree, ten seconds at most."""
    blind = replace(pair("??"), hosts=(unread(number=1), unread(number=2)))
    first = see(tilt, replace(blind, began=at(0.5)), 0.75)
    assert said(first) == (
        "tilt",
        "nothing could be read of any host, at 2024-06-11T21:47:03.750Z; "
        "two complete looks that agree are waited for, 10 s at most",
        0.25,
    )
    for seconds in range(2, 60, 2):
        tilt.tick(at(seconds))
        assert said(see(tilt, replace(blind, began=at(seconds)), seconds)) == said(first)
    assert see(tilt, pair("bp", 59.0)) is not None
    assert tilt.is_tilted("quito", at(59.5))
    assert see(tilt, pair("bp", 59.75)) is None


def test_one_reading_is_enough_not_to_tilt(tilt: Tilt) -> None:
    """Half a view is the usual failure, which must be followed at once."""
    half = replace(pair("??", 0.5), hosts=(unread(number=1), host(2, "p")))
    assert see(tilt, half) is None


def test_everything_unread_after_a_stall_is_told_as_what_it_is(tilt: Tilt) -> None:
    """The later reason is the one that has to end."""
    stalled(tilt)
    blind = replace(pair("??", 5.5), hosts=(unread(number=1), unread(number=2)))
    block = see(tilt, blind, 5.75)
    assert block is not None
    assert block.text.startswith("nothing could be read of any host, at 2024-06-11T21:47:08.750Z")
