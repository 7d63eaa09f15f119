"""Rows as they stand in the table, also where they are damaged."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.journal_schema import JournalRow, Kind, row_of


def row(kind: str = "action", detail: Any = '{"why": "w"}') -> JournalRow:
    """Read a row that says nothing else."""
    return row_of({"id": 7, "at": "2031-05-06T07:08:09.010Z", "kind": kind, "detail": detail})


def test_a_row_is_read_as_it_was_written() -> None:
    """A known kind, and an object of particulars."""
    assert row() == JournalRow(7, "2031-05-06T07:08:09.010Z", Kind.ACTION, detail={"why": "w"})


def test_a_kind_of_another_version_stays_the_text_that_it_is() -> None:
    """A row that this program does not know does not keep it from reading the others."""
    assert row(kind="eclipse").kind == "eclipse"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [('{"why": ', '{"why": '), ("[1, 2]", "[1, 2]"), (None, "None"), ("x" * 300, "x" * 200)],
    ids=["cut off", "no object", "nothing", "long"],
)
def test_damaged_particulars_are_shown_as_they_stand(stored: Any, shown: str) -> None:
    """What is no JSON object any more is still there to be read by a person."""
    assert row(detail=stored).detail == {"damaged": shown}
