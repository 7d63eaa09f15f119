"""What persons said for a time that is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from remediator.expiry import expire
from remediator.pauses import Pauses
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_service import Site

ADA = {"who": "ada", "address": "10.7.7.7"}


def test_a_cluster_is_looked_at_as_soon_as_its_pause_is_over(tmp_path: Path) -> None:
    """Nobody waits for an alert or for the next look of a hold; another one is left alone."""
    site = Site(tmp_path)
    until = samples.BEGIN.utc + timedelta(seconds=20)
    Pauses(site.journal, site.clock).pause("lima", ADA, "works", until)
    site.service._stop.set()  # so that the loop does not wait for its next round
    site.service._expiry_loop()
    assert site.service.seconds_to_next_look("lima") is None

    site.clock.move(21)  # an end is told in whole seconds
    site.service._expiry_loop()
    assert site.service.seconds_to_next_look("lima") == 0.0
    assert site.service.seconds_to_next_look("quito") is None
    site.close()


def test_a_journal_that_does_not_answer_ends_nothing_and_is_no_bug(tmp_path: Path) -> None:
    """What is over is over all the same; its row is ended once the journal answers."""
    site = Site(tmp_path)
    with closing(sqlite3.connect(site.file)) as connection:
        connection.execute("ALTER TABLE journal RENAME TO away")

    with capture_logs() as lines:
        assert expire(site.config, site.journal, site.clock) == []
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("expiry not recorded", "debug")
    ]
    with closing(sqlite3.connect(site.file)) as connection:
        connection.execute("ALTER TABLE away RENAME TO journal")
    site.close()
