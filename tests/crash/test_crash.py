"""Some of the kills of ``make crash``, in a process of their own that may fork; no seeded mistake lives.

`tests.crash.__main__` says what is killed and what must hold afterwards.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.integration.running import ROOT

pytestmark = pytest.mark.integration

SECONDS = 120


def crash(*arguments: str) -> tuple[int, str]:
    """Run a part; return its exit status and what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.crash", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=SECONDS,
        check=False,
    )
    if "NoTracingError" in ended.stderr:
        why = "this system lets nobody trace his own child"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    return ended.returncode, ended.stdout + ended.stderr


def number(said: str, what: str) -> int:
    """Return the number that stands before a word."""
    found = re.search(rf"([\d,]+) {what}", said)
    assert found is not None, said
    return int(found[1].replace(",", ""))


def test_a_kill_at_a_boundary_loses_nothing_and_repeats_nothing() -> None:
    """Every few boundaries of a switchover that an alert tells of."""
    status, said = crash("boundaries", "--beginning", "switchover", "--only-every", "8")

    assert (status, said.rstrip().endswith("nothing broken")) == (0, True), said
    assert number(said, "kills") > 15


def test_kills_at_drawn_moments_lose_nothing_and_repeat_nothing() -> None:
    """One to four kills a run, from outside, from any beginning."""
    status, said = crash("drawn", "--runs", "8")

    assert (status, said.rstrip().endswith("nothing broken")) == (0, True), said
    assert number(said, "kills") > 8


def test_a_kill_in_the_middle_of_a_write_leaves_all_of_it_or_nothing() -> None:
    """Every few system calls of each kind of transaction."""
    status, said = crash("writes", "--only-every", "9")

    assert (status, said.rstrip().endswith("nothing broken")) == (0, True), said
    assert number(said, "kills") > 50


def test_a_damaged_journal_does_no_harm() -> None:
    """Some drawn damages, while the program stands and before a start."""
    status, said = crash("damage", "--damages", "6")

    assert (status, said.rstrip().endswith("nothing broken")) == (0, True), said


def test_the_real_process_killed_in_remediations_ends_right() -> None:
    """On a simulated site, with webhooks, until a few kills have fallen."""
    status, said = crash("program", "--kills", "3")

    assert (status, said.rstrip().endswith("nothing broken")) == (0, True), said
    assert number(said, "kills") >= 3


def test_each_seeded_mistake_is_found() -> None:
    """A wrong program breaks the sentence it should at one of the telling boundaries."""
    status, said = crash("mistakes", "--only-every", "2")

    assert status == 0, said
    assert (said.count(": found"), said.count("MISSED")) == (6, 0)
