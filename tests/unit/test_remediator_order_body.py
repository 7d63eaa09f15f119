"""What a request that operates may say: each refusal names what is wrong and how to write it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator import order_body as body
from remediator.refused import RefusedError
from remediator.web_operate import ACKNOWLEDGE, APPROVE, PAUSE, RESUME

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
LINE = "one line, at most 300 characters"


def refused(given: Any, keys: Any = None) -> tuple[int, str, str]:
    """Return status, problem and hint of a body that is refused."""
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    with pytest.raises(RefusedError) as error:
        body.order(data, keys or PAUSE)
    return error.value.status, error.value.problem, error.value.hint


def test_a_whole_order_is_read() -> None:
    """Every key of every route, with what it means."""
    given = {
        "cluster": "quito",
        "all": True,
        "reason": "  a new card, née Ω  ",
        "for": "90m",
        "until": "2031-05-06T17:30+02:00",
        "who": "ada",
    }
    assert body.order(json.dumps(given).encode(), PAUSE) == {
        "cluster": "quito",
        "all": True,
        "reason": "a new card, née Ω",
        "for": 5400.0,
        "until": datetime(2031, 5, 6, 15, 30, tzinfo=UTC),
        "who": "ada",
    }
    assert body.order(b'{"id": 17, "all": true}', RESUME) == {"id": 17, "all": True}
    assert body.order(b'{"id": 18}', APPROVE) == {"id": 18}
    assert body.order(b'{"text": "known"}', ACKNOWLEDGE) == {"text": "known"}
    assert body.order(b"{}", PAUSE) == {}


KEYS = "send a JSON object; its keys are cluster, all, reason, for, until, who"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (b"", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff", "the body is not JSON: "),
        (b"[" * 100_000, "the body is nested too deeply"),
        (b"[]", "the body is not a JSON object"),
        (b'"x"', "the body is not a JSON object"),
        (b'{"for": "1h", "for": "2h"}', "the body is not JSON: a key is given twice"),
        ({"clusters": "quito"}, "unknown key 'clusters'"),
        ({"x" * 99: 1}, f"unknown key '{'x' * 40}'"),
        ({"id": 5}, "unknown key 'id'"),
    ],
)
def test_what_is_no_object_of_known_keys_is_refused(given: Any, problem: str) -> None:
    """400, with the keys that there are."""
    status, said, hint = refused(given)
    assert (status, hint) == (400, KEYS)
    assert said.startswith(problem)


@pytest.mark.parametrize(
    ("key", "value", "problem", "hint"),
    [
        ("reason", 5, "reason is not a text", LINE),
        ("reason", None, "reason is not a text", LINE),
        ("reason", ["x"], "reason is not a text", LINE),
        ("reason", "   ", "reason is empty", LINE),
        ("reason", "x" * 301, "reason has 301 characters", LINE),
        ("who", "x" * 81, "who has 81 characters", "one line, at most 80 characters"),
        *[
            (
                "reason",
                f"a{sign}b",
                "reason has a sign that cannot be shown",
                "letters, digits, signs and blanks only",
            )
            for sign in ("\n", "\r", "\x00", "\x1b", "\x7f", "\u202e", "\u2028", "\ud800", "\t")
        ],
        ("all", False, "all is not true", "leave it away, or write true"),
        ("all", 1, "all is not true", "leave it away, or write true"),
        *[
            (
                "for",
                value,
                "for is no duration",
                "a whole number and a unit, s, m, h or d: 90m, 2h, 1d",
            )
            for value in (7200, "2", "2 h", "-2h", "1.5h", "2w", "", "٢h", "9" * 10 + "d", None)
        ],
        (
            "for",
            "0h",
            "for is no time at all",
            "a whole number and a unit, s, m, h or d: 90m, 2h, 1d",
        ),
        *[
            (
                "until",
                value,
                "until is no time",
                "a time with its zone: 2031-05-06T17:30:00Z, or 2031-05-06T17:30+02:00",
            )
            for value in (5, "tomorrow", "", None, "0001-01-01T00:00:00+23:59", "2031-05-06T25:00Z")
        ],
        (
            "until",
            "2031-05-06T17:30:00",
            "until has no zone",
            "a time with its zone: 2031-05-06T17:30:00Z, or 2031-05-06T17:30+02:00",
        ),
    ],
)
def test_a_value_that_is_none_is_refused(key: str, value: Any, problem: str, hint: str) -> None:
    """400, with what is wrong with it and how it is written."""
    assert refused({key: value}) == (400, problem, hint)


@pytest.mark.parametrize("value", [0, -1, 2**63, "17", 17.5, 1e300, float("inf"), True, None])
def test_an_id_is_that_of_a_row(value: Any) -> None:
    """A whole number, 1 or more, that a journal can have."""
    assert refused({"id": value}, APPROVE) == (
        400,
        "id is no id of a row",
        "it is a whole number, 1 or more",
    )


def test_a_whole_number_may_be_written_with_a_point() -> None:
    """JSON has one sort of number: some programs write 17 as 17.0."""
    assert body.row_id("id", 17.0) == 17


def test_exactly_one_of_two_is_to_be_given() -> None:
    """Neither none nor both."""
    for given, said in (({}, "neither"), ({"for": 1, "until": 2}, "more than one")):
        with pytest.raises(RefusedError) as error:
            body.one_of(given, "for", "until")
        assert (error.value.problem, error.value.hint) == (
            f"{said} of for and until is given",
            "give one of for, until",
        )
    assert body.one_of({"until": NOW}, "for", "until") == "until"


def test_what_is_needed_is_asked_for() -> None:
    """With the reason why."""
    with pytest.raises(RefusedError) as error:
        body.needed({}, "reason", "say why")
    assert (error.value.status, str(error.value)) == (400, "order: reason is missing (say why)")
    assert body.needed({"reason": "x"}, "reason", "say why") == "x"


def test_the_end_is_told_by_a_time_or_a_duration() -> None:
    """One of the two; what no calendar has is refused."""
    assert body.until({"for": 90.0}, NOW) == NOW + timedelta(seconds=90)
    assert body.until({"until": NOW}, NOW) == NOW
    with pytest.raises(RefusedError) as error:
        body.until({"for": 999_999_999 * 86400.0}, NOW)
    assert (error.value.problem, error.value.hint) == ("for is too long", "7d is the longest")
