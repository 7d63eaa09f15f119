"""Whether the journal can be written, and what becomes of clusters that are gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from remediator.journal import Journal, JournalError
from remediator.journal_schema import Kind
from tests.unit import remediator_samples as samples


def test_a_failed_write_is_remembered_until_one_succeeds(tmp_path: Path) -> None:
    """A disk that can be read and not written must not look sound: the gauge follows writes."""
    file = tmp_path / "journal.db"
    journal = Journal(f"sqlite:///{file}", samples.FakeClock())
    assert journal.last_write_failed is False
    with closing(sqlite3.connect(file)) as other:
        other.execute(
            "create trigger full before insert on journal begin select raise(abort, 'full'); end"
        )
        other.commit()

    with pytest.raises(JournalError):
        journal.probe()
    assert (journal.last_write_failed, journal.rows()) == (True, [])

    with closing(sqlite3.connect(file)) as other:
        other.execute("drop trigger full")
        other.commit()
    journal.probe()
    assert (journal.last_write_failed, journal.rows()) == (False, [])
    journal.close()


def test_open_rows_of_a_cluster_that_is_gone_are_ended(tmp_path: Path) -> None:
    """Nobody will look at it again, so that nothing of it stays open for ever."""
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}", samples.FakeClock())
    for name in ("quito", "lima"):
        journal.open_note(Kind.PERSON, name, "", "bug", "a bug")

    journal.close_unknown({"lima"})

    assert {row.cluster: row.outcome for row in journal.rows()} == {
        "quito": "not_configured",
        "lima": None,
    }
    journal.close()
