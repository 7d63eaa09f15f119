"""Which source decides where readings are of different ages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import Reading, SipMode, SipStatus
from exporter.precedence import SourceNews, deciding
from tests.unit import exporter_samples as samples

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
NOW = samples.BEGIN


def told(mode: SipMode, asked: float, lag: float = 0.0) -> Reading[SipStatus]:
    """Make a reading asked so many seconds after now, and answered half a second later."""
    return replace(
        samples.sip(mode),
        asked=NOW.plus(asked),
        answered=NOW.plus(asked + 0.5),
        lag_seconds=lag,
    )


def news(*readings: Reading[SipStatus]) -> SourceNews:
    """Return what is known of a source after these readings."""
    known = SourceNews()
    for reading in readings:
        known = known.after(reading)
    return known


@pytest.mark.parametrize(
    ("readings", "known"),
    [
        ((), SourceNews()),
        ((told(U, -9),), SourceNews()),
        ((told(P, -9),), SourceNews(P)),
        ((told(P, -9), told(P, -8)), SourceNews(P)),
        ((told(P, -9), told(B, -8)), SourceNews(B, NOW.plus(-8))),
        ((told(P, -9), told(B, -8, lag=3.0)), SourceNews(B, NOW.plus(-11))),
        ((told(P, -9), told(U, -8), told(P, -7)), SourceNews(P)),
        ((told(P, -9), told(U, -8), told(B, -7), told(B, -6)), SourceNews(B, NOW.plus(-7))),
    ],
)
def test_a_change_may_be_as_old_as_the_source_lags(
    readings: tuple[Reading[SipStatus], ...], known: SourceNews
) -> None:
    """The first mode is no change, and unknown in between neither hides nor makes one."""
    assert news(*readings) == known


@pytest.mark.parametrize(
    ("first", "second", "changed", "decides"),
    [
        pytest.param(told(P, -10), told(B, -1), -9.0, 1, id="changed-after-the-answer"),
        pytest.param(told(P, -10), told(B, -1), -9.5, None, id="at-the-answer"),
        pytest.param(told(P, -10), told(B, -1), -11.0, None, id="before-the-answer"),
        pytest.param(told(P, -10), told(B, -1), None, None, id="never-changed"),
        pytest.param(told(P, -10), told(P, -1), -2.0, None, id="agree"),
        pytest.param(told(P, -10), told(U, -1), -2.0, None, id="second-unknown"),
        pytest.param(told(U, -10), told(B, -1), -2.0, None, id="first-unknown"),
        pytest.param(told(U, -10), told(U, -1), None, None, id="nothing-known"),
    ],
)
def test_newer_news_of_a_later_source_decides(
    first: Reading[SipStatus],
    second: Reading[SipStatus],
    changed: float | None,
    decides: int | None,
) -> None:
    """Only if it is certain that the mode changed after the first source last answered."""
    since = None if changed is None else NOW.plus(changed)
    known = SourceNews(), SourceNews(second.value.mode, since)
    assert deciding((first, second), known) == decides


def test_the_first_that_has_newer_news_decides() -> None:
    """Among several later sources the order holds again."""
    sip = told(U, -3), told(P, -10), told(P, -2), told(B, -2), told(B, -1)
    changed = tuple(SourceNews(r.value.mode, NOW.plus(-2)) for r in sip)
    assert deciding(sip, changed) == 3
