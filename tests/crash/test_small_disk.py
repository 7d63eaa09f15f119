"""The journal's disk is full or may not be written: nothing is done, and then it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import ROOT

pytestmark = pytest.mark.integration

RealPart = Callable[[str], Path]
FULL = "the journal does not answer: database or disk is full"


def play(case: str, folder: Path, real_part: RealPart) -> Any:
    """Play a case of `tests.crash.small_disk` on a disk of its own."""
    ended = subprocess.run(
        [
            *(str(real_part("unshare")), "--mount", "--map-root-user", sys.executable),
            *("-m", "tests.crash.small_disk", case, str(folder)),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    if "unshare failed" in ended.stderr or "Operation not permitted" in ended.stderr:
        why = "this system lets nobody make a disk of his own: " + ended.stderr.strip()
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_on_a_full_disk_nothing_is_done_until_there_is_room(
    tmp_path: Path, real_part: RealPart
) -> None:
    """The webhook is told to come again; with room it is taken and the ports follow."""
    assert play("full", tmp_path, real_part) == {
        "webhook": [503, FULL],
        "ready": [503, f"not ready: {FULL}\n"],
        "hold": "journal_unwritable",
        "does nothing": True,
        "right": True,
    }


def test_a_disk_that_fills_under_a_command_costs_no_second_one(
    tmp_path: Path, real_part: RealPart
) -> None:
    """The outcome cannot be written, so nothing follows; with room it is closed from a reading."""
    assert play("full_between", tmp_path, real_part) == {
        "webhook": 200,
        "hold": "journal_unwritable",
        "commands": 1,
        "ready": [503, f"not ready: {FULL}\n"],
        "actions": [["quito-2", "enable", "found_done"], ["quito-1", "disable", "verified"]],
        "right": True,
    }


def test_a_journal_that_may_not_be_written_is_no_start(tmp_path: Path, real_part: RealPart) -> None:
    """The error names the file; once the disk may be written the same journal is taken up."""
    assert play("read_only", tmp_path, real_part) == {
        "said": "sqlite:///DISK/journal.db: the journal does not answer: unable to open "
        "database file (see disk space and rights)",
        "does nothing": True,
    }
