"""Holds RELIABILITY.md and SECURITY.md to the tests that they name."""

from __future__ import annotations

import re

import pytest

from tests.project.rules import ROOT

NAMED = re.compile(r"`(test_[a-z0-9_]+)`")
SUFFERINGS = (
    "acting on a resolved alert",
    "the same alert run twice side by side",
    "a run that crashed and blocked all later ones",
    "missing evidence counted as success",
    "thirty identical runs after an inconclusive one",
    "a re-fire shortly after a good repair",
    "a handler slower than Alertmanager's patience",
    "an alert that resolves and fires again unseen",
    "a notification that only the second Alertmanager has",
    "after a healed partition nobody re-asserts",
)


def _defined() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {
        name
        for file in files
        for name in re.findall(r"^def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("document", ["RELIABILITY.md", "SECURITY.md"])
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    """What is said to be shown by a test is shown by one."""
    named = set(NAMED.findall((ROOT / document).read_text("utf-8")))

    assert named
    assert named - _defined() == set()


@pytest.mark.parametrize("suffering", SUFFERINGS)
def test_each_suffering_of_others_has_its_tests(suffering: str) -> None:
    """The table of RELIABILITY.md has a row for each, with at least one test."""
    text = (ROOT / "RELIABILITY.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith(f"| {suffering} |")]

    assert [bool(NAMED.search(row)) for row in rows] == [True]
