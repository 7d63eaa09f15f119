"""Guards with a memory, over all that may be seen: never too early, never for ever."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.config_interlocks import Damping as Settings
from cluster.model import PortState
from remediator.damping import LONGEST_STEADY_SECONDS, STEADY_SECONDS, Damping
from remediator.go_regex import CannotTellError, matches
from remediator.silence_match import SilencesTold, told
from remediator.tilt import LONGEST_SECONDS, Tilt
from tests.unit import remediator_samples as samples
from tests.unit.guard_samples import asked, at, host, pair, unread

MODES = st.sampled_from(["pb", "bp", "bb", "pp", "?b", "p?", "b?", "?p", "??"])
STEPS = st.lists(st.tuples(MODES, st.floats(0.0, 30.0)), min_size=1, max_size=60)
FLIPS = st.builds(
    lambda flips, window: Settings.model_validate({"flips": flips, "window": f"{window}s"}),
    st.integers(1, 9),
    st.integers(1, 900),
)


@given(FLIPS, STEPS)
@settings(deadline=None, max_examples=300)
def test_damping_holds_only_who_changes_too_often_and_for_a_minute(
    damped_from: Settings, steps: Any
) -> None:
    """Never before the free changes are used up; never who was the only primary for a minute.

    The minute need not be one: what lies between two views is his unless the first of them says
    otherwise.
    """
    damping, seconds = Damping(damped_from), 0.0
    primary, alone, flips, before = None, 0.0, 0, ""
    for modes, pause in steps:
        seconds += pause
        view = pair(modes, seconds)
        damping.note(view)
        alone += pause if before.count("p") == 1 else 0.0
        before = modes
        if modes.count("p") != 1:
            continue
        sole = view.primaries[0].host
        if sole != primary:
            flips += primary is not None
            primary, alone = sole, 0.0
        if damping.why_not(asked(view)) is not None:
            assert flips > damped_from.flips
            assert alone < LONGEST_STEADY_SECONDS + 1e-6
            assert damping.is_damped("quito", view.began)


@given(FLIPS, STEPS)
@settings(deadline=None, max_examples=300)
def test_damping_is_never_a_freeze(damped_from: Settings, steps: Any) -> None:
    """Whatever happened: a primary that every view shows for a minute is followed."""
    damping, seconds = Damping(damped_from), 0.0
    for modes, pause in steps:
        seconds += pause
        damping.note(pair(modes, seconds))
    for pause in (0.0, 20.0, 40.0):
        damping.note(pair("bp", seconds + pause))
    view = pair("bp", seconds + LONGEST_STEADY_SECONDS)
    damping.note(view)
    assert damping.why_not(asked(view)) is None


@given(FLIPS, st.integers(1, 60))
@settings(deadline=None, max_examples=50)
def test_what_flips_without_end_is_followed_no_more(damped_from: Settings, seconds: int) -> None:
    """Once the free ones are used up, a primary that lasts less than 5 s is never followed."""
    damping, followed = Damping(damped_from), 0
    step = 0.01 * seconds / 60
    for number in range(200):
        view = pair("pb" if number % 2 else "bp", number * step)
        damping.note(view)
        followed += damping.why_not(asked(view)) is None
    free_again = 200 * step * damped_from.flips / damped_from.window
    assert 200 * step < STEADY_SECONDS
    assert followed <= 1 + damped_from.flips + free_again


PORTS = st.sampled_from([PortState.ENABLED, PortState.DISABLED, PortState.UNKNOWN])


@given(st.lists(st.tuples(MODES, PORTS, PORTS, st.floats(0.0, 4.0), st.booleans()), max_size=40))
@settings(deadline=None, max_examples=500)
def test_tilt_ends_by_two_looks_that_agree_or_by_ten_seconds(steps: Any) -> None:
    """Whatever is seen after a stall: never before the one, never later than the other."""
    tilt = Tilt({"quito": frozenset({"quito-1", "quito-2"})})
    tilt.tick(at(0.0))
    assert tilt.tick(at(5.0)) is not None
    seconds, before, ended, lasts = 5.0, None, 5.0, False
    for modes, one, two, pause, blind in steps:
        seconds += min(pause, 1.75)
        tilt.tick(at(seconds))
        hosts = (host(1, modes[0], one), host(2, modes[1], two))
        if blind:
            hosts = (unread(number=1), unread(number=2))
        view = replace(pair(modes, seconds), hosts=hosts)
        tilt.note(view)
        if blind:
            before, lasts = None, True
        elif lasts:
            ended, lasts = seconds, False
        incomplete = blind or "?" in modes or PortState.UNKNOWN in {one, two}
        seen = None if incomplete else (modes, one, two)
        agree, before = seen is not None and seen == before, seen
        late = not lasts and seconds + 0.0625 - ended >= LONGEST_SECONDS
        over = tilt.why_not(asked(view)) is None
        assert over == (agree or late)
        assert over != tilt.is_tilted("quito", view.ended)
        if over:
            return


@given(st.text(max_size=600), st.text(max_size=300))
@settings(deadline=None, max_examples=1000)
def test_any_expression_is_told_or_cannot_be(pattern: str, text: str) -> None:
    """No other error, whoever wrote it."""
    with suppress(CannotTellError):
        assert isinstance(matches(pattern, text), bool)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
SHAPES = st.fixed_dictionaries(
    {
        "id": JSON,
        "status": st.just({"state": "active"}) | JSON,
        "createdBy": JSON,
        "comment": JSON,
        "endsAt": JSON,
        "matchers": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["cluster", "host", "x"]) | JSON,
                    "value": st.sampled_from(["quito", ".*", "(a*)*", "["]) | JSON,
                    "isRegex": JSON | st.booleans(),
                    "isEqual": JSON | st.booleans(),
                }
            ),
            max_size=3,
        )
        | JSON,
    }
)
ALERTS = st.fixed_dictionaries(
    {
        "labels": st.fixed_dictionaries({"cluster": JSON, "remediate": st.just("true")}) | JSON,
        "status": st.fixed_dictionaries({"silencedBy": JSON}) | JSON,
    }
)


@given(st.lists(SHAPES | JSON, max_size=4) | JSON, st.lists(ALERTS | JSON, max_size=4) | JSON)
@settings(deadline=None, max_examples=300)
def test_any_answer_is_read_or_refused(silences: Any, alerts: Any) -> None:
    """Whatever JSON comes as an answer: what it tells, or one named error."""
    clusters = samples.config().clusters
    try:
        found = told(silences, alerts, clusters)
    except ValueError:
        return
    assert isinstance(found, SilencesTold)
    assert set(found.silenced) <= {"quito", "lima"}
    assert all(str(each).isprintable() for each in found.silenced.values())
