"""What is told of a look that has not ended in time."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.reconcile_so_far import so_far

LOOK = {"id": 7, "kind": "decision", "outcome": None}


def action(attempt: int, outcome: str | None, parent: int = 7, **detail: Any) -> dict[str, Any]:
    """Return an action's row as the API shows it."""
    return {
        "kind": "action",
        "parent": parent,
        "verb": "enable",
        "host": "quito-2",
        "port": "5080",
        "outcome": outcome,
        "detail": {"attempt": attempt, **detail},
    }


def test_the_last_try_and_the_one_under_way_are_told() -> None:
    """With the reason of the one that has ended; older ones are in the journal."""
    rows = [
        action(3, None),
        action(2, "not_followed", failed="the host said no"),
        action(1, "no_answer", failed="silence"),
        LOOK,
        action(9, "verified", parent=6),
    ]
    assert so_far(rows) == (
        "try 2 of enable 5080 on quito-2: the host said no; "
        "try 3 of enable 5080 on quito-2: under way"
    )


def test_what_was_verified_is_told_by_its_outcome() -> None:
    """It has no reason."""
    assert so_far([action(1, "verified"), LOOK]) == "try 1 of enable 5080 on quito-2: verified"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "it has sent no command"),
        ([LOOK, action(1, "verified", parent=6)], "it has sent no command"),
        ([action(1, "verified", parent=6), {**LOOK, "outcome": "held"}], "it has sent no command"),
        (None, "nothing is told of it"),
        ("rows", "nothing is told of it"),
        ([None, 3, {"kind": "action"}, {}], "it has sent no command"),
        (
            [{**action(1, None), "detail": None, "verb": None}, LOOK],
            "try None of None 5080 on quito-2: under way",
        ),
    ],
)
def test_whatever_the_rows_are_there_are_words(rows: object, words: str) -> None:
    """A look that has not begun to act, and what is no journal."""
    assert so_far(rows) == words
