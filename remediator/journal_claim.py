"""Edge: keeps a second remediator off a journal."""

from __future__ import annotations

import sqlite3

from remediator.journal_file import place_of
from remediator.journal_store import JournalError


def claim(url: str) -> sqlite3.Connection:
    """Keep every other remediator off this journal for as long as the connection is open.

    Two of them would act side by side. The claim is a lock on a file beside the journal and
    ends with the process, however it ends. Raises `JournalError` if another holds it.
    """
    file = place_of(url) + ".lock"
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(file, timeout=0.5, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if connection is not None:
            connection.close()
        if not isinstance(error, sqlite3.OperationalError):
            raise JournalError(
                url,
                f"the journal cannot be claimed: {error}",
                f"remove {file} while no remediator runs",
            ) from error
        if "locked" in str(error):
            raise JournalError(
                url, "another remediator uses this journal", "stop it, or name another file"
            ) from error
        raise JournalError(
            url, f"the journal cannot be opened: {error}", "make its folder, and see its rights"
        ) from error
    return connection
