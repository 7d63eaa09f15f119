"""What befalls the journal's file while the program stands, or before it starts.

Without its journal nothing is done, the webhook is answered with 503 and ``/-/ready`` says why;
when it is mended the program goes on. The disk that fills is in `tests.crash.test_small_disk`.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from remediator.journal import JournalError
from remediator.rows import Hold
from tests.crash.standing import Standing

MEND = (
    "if it is the right file, stop the program, move the file and its -wal aside, start it again; "
    "RUNNING.md says what that loses"
)


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    """A program on a healthy pair."""
    made = Standing(tmp_path)
    made.start()
    yield made
    made.stop()


def is_refused(standing: Standing, why: str) -> None:
    """See that after a switchover nothing is taken and nothing is done, and why."""
    standing.switch_over()
    assert standing.post() == (503, why)
    assert standing.get("/-/ready") == (503, f"not ready: {why}\n")
    assert standing.get("/api/v1/clusters")[0] == 503
    assert standing.get("/metrics")[0] == 200
    assert "\nsipnlb_remediator_journal_up 0.0\n" in standing.get("/metrics")[1]
    assert standing.look() is Hold.JOURNAL_UNWRITABLE
    assert standing.does_nothing()


def test_a_deleted_file_is_missed_and_taken_again_when_it_is_put_back(standing: Standing) -> None:
    """What would be written into a file without a name is lost; so nothing is done."""
    away = standing.file.with_name("away.db")
    standing.file.rename(away)
    is_refused(standing, f"the journal's file {standing.file} is gone")
    assert not standing.file.exists()

    away.rename(standing.file)
    standing.ends_right()


@pytest.mark.parametrize("beside", ["", "-wal", ".lock"])
def test_after_a_deleted_file_a_start_makes_everything_anew(
    standing: Standing, beside: str
) -> None:
    """The journal, its log, or what keeps a second remediator off it: a restart begins anew."""
    file = standing.file.with_name(standing.file.name + beside)
    assert standing.post()[0] == 200
    file.unlink()
    is_refused(standing, f"the journal's file {file} is gone")

    standing.restart()
    standing.ends_right()


def test_another_file_in_its_place_is_not_written(standing: Standing) -> None:
    """A backup that was put there while it ran is taken up by a restart, and not before."""
    copy = standing.file.with_name("copy.db")
    shutil.copy(standing.file, copy)
    copy.replace(standing.file)
    is_refused(standing, f"the journal's file {standing.file} is not the one that was opened")

    standing.restart()
    standing.ends_right()


def test_a_log_that_sqlite_itself_took_away_is_not_missed(tmp_path: Path) -> None:
    """With the last connection the log goes; the next start makes a new one."""
    standing = Standing(tmp_path)
    for _ in range(2):
        standing.start()
        standing.stop()
        assert not standing.file.with_name("journal.db-wal").exists()
    standing.start()
    standing.switch_over()
    standing.ends_right()
    standing.stop()


def _text(file: Path) -> None:
    file.write_text("clusters: and a text that is much longer than any header\n" * 40)


def _zeroed_header(file: Path) -> None:
    file.write_bytes(bytes(100) + file.read_bytes()[100:])


def _truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:6000])


def _garbage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:8192] = bytes(range(256)) * 16
    file.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no database": (_text, "the journal does not answer: file is not a database"),
    "zeroed header": (_zeroed_header, "the journal does not answer: file is not a database"),
    "truncated": (_truncated, "the journal does not answer: database disk image is malformed"),
    "garbage": (_garbage, "the journal is damaged: *** in database main ***"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_at_the_start_and_moved_aside(
    tmp_path: Path, damage: str
) -> None:
    """The error names the file, what is wrong and how to mend it; a new journal serves as well."""
    standing = Standing(tmp_path)
    standing.start()
    standing.stop()
    do, why = DAMAGES[damage]
    do(standing.file)
    before = standing.file.read_bytes()
    standing.switch_over()

    with pytest.raises(JournalError) as caught:
        standing.start()
    told = str(caught.value)
    assert told.startswith(f"sqlite:///{standing.file}: {why}")
    assert told.endswith(f" ({MEND})")
    assert standing.file.read_bytes() == before
    assert standing.does_nothing()

    standing.file.rename(tmp_path / "damaged.db")
    standing.start()
    standing.ends_right()
    standing.stop()


def test_a_database_of_others_is_refused_or_left_alone(tmp_path: Path) -> None:
    """A file of another program keeps what is in it, whatever else is put beside that."""
    standing = Standing(tmp_path)
    with closing(sqlite3.connect(standing.file)) as connection:
        connection.execute("CREATE TABLE schema_version (theirs TEXT)")
        connection.execute("INSERT INTO schema_version VALUES ('of another program')")
        connection.commit()
    with pytest.raises(JournalError) as caught:
        standing.start()

    assert (
        caught.value.problem
        == "the journal does not answer: no such column: schema_version.version"
    )
    with closing(sqlite3.connect(standing.file)) as connection:
        rows = connection.execute("SELECT theirs FROM schema_version").fetchall()
    assert rows == [("of another program",)]


def test_a_lock_file_that_is_no_lock_is_told(tmp_path: Path) -> None:
    """What keeps a second remediator off is a file of its own, and may be damaged as well."""
    standing = Standing(tmp_path)
    lock = tmp_path / "journal.db.lock"
    lock.write_text("not a lock, and longer than a header of SQLite would be: " * 3)
    with pytest.raises(JournalError) as caught:
        standing.start()

    assert str(caught.value) == (
        f"sqlite:///{standing.file}: the journal cannot be claimed: file is not a database "
        f"(remove {lock} while no remediator runs)"
    )


GARBLE = {
    "garbled detail": "UPDATE journal SET detail = '{\"why\": '",
    "detail that is no object": "UPDATE journal SET detail = '[1]'",
    "no text": "UPDATE journal SET detail = CAST(x'7b22ff' AS TEXT)",
    "unknown kinds": "UPDATE journal SET kind = 'of_a_later_version' WHERE kind = 'decision'",
    "no times": "UPDATE journal SET starts_at = 'yesterday', at = '?', last_at = ''",
    "texts for numbers": "UPDATE journal SET number = 'high', count = 'many'",
    "a number without end": "UPDATE journal SET number = 9223372036854775807",
}


@pytest.mark.parametrize("garble", GARBLE)
def test_damaged_rows_stop_nobody(standing: Standing, garble: str) -> None:
    """Rows that cannot be understood are shown as they are; alerts are taken and ports follow."""
    standing.switch_over()
    standing.ends_right()
    with closing(sqlite3.connect(standing.file, timeout=10)) as connection:
        assert connection.execute(GARBLE[garble]).rowcount > 0
        connection.execute("UPDATE journal SET outcome = NULL WHERE kind = 'alert'")
        connection.commit()
    for path in ("/api/v1/journal", "/api/v1/clusters", "/metrics", "/-/ready"):
        assert standing.get(path)[0] == 200, path
    standing.site.happen_back()

    standing.ends_right()
    assert standing.look() is None
    standing.restart()
    assert standing.look() is None
