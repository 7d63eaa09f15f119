"""Edge: deletes ended rows of a journal that are older than somebody wants to keep.

In portions, each a transaction: an intent waits for one of them at the most, and a database that
lets no statement take long lets each through.
"""

from __future__ import annotations

from sqlalchemy import delete, select

from remediator.journal_schema import JOURNAL
from remediator.journal_store import Store

PORTION = 1000


def prune(store: Store, oldest: str, most: int) -> int:
    """Delete up to about `most` ended rows last counted before a moment; return how many.

    Rows are numbered in the order in which they came: it ends where none is that old. Raises
    `JournalError`; portions before stay deleted.
    """
    columns, after, deleted = JOURNAL.c, 0, 0
    while deleted < most:
        query = select(columns.id, columns.at).where(columns.id > after)
        with store.read() as connection:
            rows = connection.execute(query.order_by(columns.id).limit(PORTION)).all()
        if not any(row.at < oldest for row in rows):
            break
        last = rows[-1].id
        chosen = columns.id.between(after + 1, last), columns.last_at < oldest
        with store.write() as connection:
            found = connection.execute(delete(JOURNAL).where(*chosen, columns.outcome.is_not(None)))
        after, deleted = last, deleted + found.rowcount
    return deleted
