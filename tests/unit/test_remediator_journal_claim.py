"""One remediator to a journal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from remediator.journal import JournalError
from remediator.journal_claim import claim

ROOT = Path(__file__).resolve().parents[2]


def test_a_second_remediator_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    """Two of them on one journal would act side by side."""
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    held = claim(url)
    with pytest.raises(JournalError) as refused:
        claim(url)
    assert str(refused.value) == (
        f"{url}: another remediator uses this journal (stop it, or name another file)"
    )
    held.close()
    claim(url).close()


def test_another_name_of_the_file_is_the_same_journal(tmp_path: Path) -> None:
    """A link to it is claimed with it."""
    held = claim(f"sqlite:///{tmp_path / 'journal.db'}")
    link = tmp_path / "link.db"
    link.symlink_to("journal.db")
    with pytest.raises(JournalError) as refused:
        claim(f"sqlite:///{link}")
    assert refused.value.problem == "another remediator uses this journal"
    held.close()


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    """A killed remediator leaves no lock behind."""
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    program = (
        "import os, signal; from remediator.journal_claim import claim; "
        f"claim({url!r}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert ended.returncode == -9
    claim(url).close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error says what to make."""
    url = f"sqlite:///{tmp_path / 'nowhere' / 'journal.db'}"
    with pytest.raises(JournalError) as refused:
        claim(url)
    assert str(refused.value) == (
        f"{url}: the journal cannot be opened: unable to open database file (make its folder, and "
        "see its rights)"
    )
