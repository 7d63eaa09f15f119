"""What persons said for a time that is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from remediator.expiry import expire
from remediator.journal_schema import Kind
from remediator.pauses import Pauses
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_service import Site

ADA = {"who": "ada", "address": "10.7.7.7"}


def test_what_is_over_is_written_down_while_the_program_runs(tmp_path: Path) -> None:
    """Not before its time; a pause that stands on is left alone."""
    site = Site(tmp_path)
    for cluster, seconds in (("lima", 20), ("quito", 90)):
        until = samples.BEGIN.utc + timedelta(seconds=seconds)
        Pauses(site.journal, site.clock).pause(cluster, ADA, "works", until)
    site.service._stop.set()  # so that the loop does not wait for its next round
    site.service._expiry_loop()
    assert [row.cluster for row in site.journal.open_rows(Kind.PAUSE)] == ["lima", "quito"]

    site.clock.move(21)  # an end is told in whole seconds
    site.service._expiry_loop()
    assert [row.cluster for row in site.journal.open_rows(Kind.PAUSE)] == ["quito"]
    site.close()


def test_a_journal_that_does_not_answer_ends_nothing_and_is_no_bug(tmp_path: Path) -> None:
    """What is over is over all the same; its row is ended once the journal answers."""
    site = Site(tmp_path)
    with closing(sqlite3.connect(site.file)) as connection:
        connection.execute("ALTER TABLE journal RENAME TO away")

    with capture_logs() as lines:
        expire(site.config, site.journal, site.clock)
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("expiry not recorded", "debug")
    ]
    with closing(sqlite3.connect(site.file)) as connection:
        connection.execute("ALTER TABLE away RENAME TO journal")
    site.close()
