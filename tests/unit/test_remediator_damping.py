"""When a primary that changes too often is followed: never at once, never never."""

from __future__ import annotations

import pytest

from cluster.config_interlocks import Damping as Settings
from remediator.damping import Damping
from remediator.interlocks import Block
from tests.unit.guard_samples import asked, at, pair, said

SETTINGS = Settings.model_validate({"flips": 3, "window": "90s"})
"""One flip in 30 s becomes free again."""


@pytest.fixture
def damping() -> Damping:
    """Return a guard that has seen nothing."""
    return Damping(SETTINGS)


def see(damping: Damping, modes: str, seconds: float, name: str = "quito") -> Block | None:
    """Let it see a view, and ask it."""
    view = pair(modes, seconds, name)
    damping.note(view)
    return damping.why_not(asked(view))


def flip(damping: Damping, count: int, seconds: float = 0.0, every: float = 0.25) -> float:
    """Let the primary be seen and then change so many times; return the last moment."""
    see(damping, "pb", seconds)
    for number in range(1, count + 1):
        see(damping, "bp" if number % 2 else "pb", seconds + number * every)
    return seconds + count * every


def test_the_free_flips_are_followed_at_once(damping: Damping) -> None:
    """Three changes in a row are followed, each at once; nothing is damped."""
    see(damping, "pb", 0.0)
    assert [see(damping, modes, n / 4) for n, modes in enumerate(("bp", "pb", "bp"), 1)] == [
        None
    ] * 3
    assert not damping.is_damped("quito", at(0.75))


def test_one_flip_more_waits_five_seconds_and_says_so(damping: Damping) -> None:
    """The hold tells how many, since when, and when it ends; it is looked at again until then."""
    flip(damping, 3)
    block = see(damping, "pb", 1.0)
    assert said(block) == (
        "damped",
        "the primary changed 4 times since 2024-06-11T21:47:03.500Z; quito-1 is followed once it "
        "has been the only primary for 5 s, not before 2024-06-11T21:47:09.250Z",
        2.0,
    )
    assert damping.is_damped("quito", at(1.0))
    assert said(see(damping, "pb", 5.5)) == (*said(block)[:2], 0.4375)  # type: ignore[index]
    assert see(damping, "pb", 6.0) is None


@pytest.mark.parametrize(
    ("flips", "seconds"), [(3, 0), (4, 5), (5, 10), (6, 20), (7, 40), (8, 60), (9, 60), (80, 60)]
)
def test_the_wait_doubles_up_to_a_minute(damping: Damping, flips: int, seconds: float) -> None:
    """However many flips: a primary that then stays is followed within a minute."""
    last = flip(damping, flips, every=0.001)
    modes = "bp" if flips % 2 else "pb"
    if seconds:
        assert see(damping, modes, last + seconds - 0.125) is not None
    assert see(damping, modes, last + seconds) is None


def test_flips_become_free_again_one_after_the_other(damping: Damping) -> None:
    """After 30 s one more is followed at once, after 90 s three; never more than that."""
    last = flip(damping, 3)
    assert see(damping, "pb", last + 30.0) is None
    assert see(damping, "bp", last + 30.25) is not None
    quiet = last + 30.25 + 10 * 90.0
    assert [see(damping, modes, quiet + n) for n, modes in enumerate(("pb", "bp", "pb"))] == [
        None
    ] * 3
    assert see(damping, "bp", quiet + 3.0) is not None


def test_what_is_overdrawn_ends_with_time(damping: Damping) -> None:
    """Two flips too many are paid back by 60 s."""
    flip(damping, 5, every=0.0)
    assert damping.is_damped("quito", at(59.875))
    assert not damping.is_damped("quito", at(60.0))
    assert see(damping, "bp", 10.0) is None  # the wait after two too many is 10 s


def test_a_count_begins_anew_when_all_flips_are_free(damping: Damping) -> None:
    """What the hold tells is the present trouble, not that of last week."""
    flip(damping, 6, every=0.0)
    flip(damping, 4, 100_000.0, every=0.0)
    block = see(damping, "pb", 100_000.5)
    assert block is not None
    assert block.text.startswith("the primary changed 4 times since 2024-06-13T01:33:43.250Z; ")


@pytest.mark.parametrize(
    "between",
    [
        pytest.param("bb", id="it is backup for a moment"),
        pytest.param("pp", id="two are primary for a moment"),
    ],
)
def test_a_contradiction_costs_the_time_that_it_lasts(damping: Damping, between: str) -> None:
    """What was waited before it still counts: 4 s of 5 s, a second lost, one more to go."""
    flip(damping, 4, every=0.0)
    damping.note(pair(between, 4.0))
    damping.note(pair(between, 4.5))
    assert said(see(damping, "pb", 5.0)) == (
        "damped",
        "the primary changed 4 times since 2024-06-11T21:47:03.250Z; quito-1 is followed once it "
        "has been the only primary for 5 s, not before 2024-06-11T21:47:09.250Z",
        0.9375,
    )
    assert see(damping, "pb", 5.875) is not None
    assert see(damping, "pb", 6.0) is None


def test_contradictions_that_come_again_and_again_freeze_nothing(damping: Damping) -> None:
    """Every other view shows two primaries: half the time counts, so it is followed after 120 s."""
    seconds = flip(damping, 9, every=0.0)
    while see(damping, "bp", seconds) is not None:
        damping.note(pair("pp", seconds + 1.0))
        seconds += 2.0
        assert seconds < 200.0
    assert seconds == 120.0


def test_a_host_that_cannot_be_read_for_a_moment_says_nothing(damping: Damping) -> None:
    """One lost reading does not begin the wait anew, and is no flip."""
    flip(damping, 4, every=0.0)
    damping.note(pair("?b", 4.0))
    damping.note(pair("??", 4.5))
    assert see(damping, "pb", 5.0) is None


@pytest.mark.parametrize("between", ["bb", "?b", "b?", "pp", "??"])
def test_a_primary_that_comes_back_has_not_flipped(damping: Damping, between: str) -> None:
    """From one known host to another: to nobody and back is none, however often."""
    for number in range(20):
        see(damping, "pb", number)
        damping.note(pair(between, number + 0.5))
    assert see(damping, "pb", 30.0) is None
    assert damping.of["quito"].count == 0


def test_a_change_through_nobody_is_one_flip(damping: Damping) -> None:
    """A crash with its successor counts once."""
    see(damping, "pb", 0.0)
    damping.note(pair("?b", 1.0))
    see(damping, "?p", 2.0)
    assert damping.of["quito"].count == 1


def test_the_beginning_is_no_flip(damping: Damping) -> None:
    """The first primary that is seen has changed from nobody known."""
    damping.note(pair("??", 0.0))
    assert see(damping, "pb", 1.0) is None
    assert damping.of["quito"].count == 0
    assert not damping.is_damped("lima", at(1.0))


def test_each_cluster_has_its_own_flips(damping: Damping) -> None:
    """One that flaps damps no other."""
    flip(damping, 9)
    assert see(damping, "pb", 3.0, "lima") is None
    assert see(damping, "bp", 3.5, "lima") is None
    assert see(damping, "pb", 3.5) is not None
