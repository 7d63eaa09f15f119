"""Edge: calls persons, by rows of the journal that are open until it is right or acknowledged.

Who acknowledges says that somebody knows, and silences nothing else: a new cause, or the same
once it has passed and come back, calls anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cluster import log
from remediator.journal import Journal
from remediator.journal_schema import JournalRow, Kind
from remediator.refused import RefusedError
from remediator.rows import Hold


@dataclass(frozen=True, slots=True)
class Persons:
    """Who is called, and what for. Methods raise `JournalError`."""

    journal: Journal

    def call(self, cluster: str, hold: Hold, text: str, cause: Sequence[str]) -> None:
        """Call for a person, unless somebody knows of this very cause.

        cause: what the hold is about; another one is another call.
        """
        persons = self.journal.open_rows(Kind.PERSON, cluster)
        known = self.journal.open_rows(Kind.ACKNOWLEDGEMENT, cluster)
        passed = [row.id for row in known if not _is(row, hold, cause)]
        acknowledged = len(passed) < len(known)
        same = [row.id for row in persons if _is(row, hold, cause)]
        if not same and not acknowledged:
            detail = {"text": text, "cause": list(cause)}
            self.journal.open_row(Kind.PERSON, cluster, detail, reason=hold)
        # Opened first and ended then: whoever looks between the two sees that one is called.
        if acknowledged:
            self.journal.end(same, "acknowledged")
        others = [row.id for row in persons if row.id not in same]
        self.journal.end([*passed, *others], "replaced")

    def passed(self, cluster: str, outcome: str) -> None:
        """End every call of a cluster, and what was acknowledged: it may call anew."""
        self.journal.close_notes(Kind.PERSON, cluster, outcome)
        self.journal.close_notes(Kind.ACKNOWLEDGEMENT, cluster, outcome)

    def know_of(self, cluster: str, hold: Hold) -> bool:
        """Tell whether a person was called for this and it has not passed, acknowledged or not."""
        rows = self.journal.open_rows(Kind.PERSON, cluster)
        rows += self.journal.open_rows(Kind.ACKNOWLEDGEMENT, cluster)
        return any(row.reason == hold for row in rows)

    def acknowledge(self, cluster: str, who: dict[str, str], text: str) -> list[JournalRow]:
        """End what a person is called for, as known; return it. who: as `Caller.record` has it.

        Raises `RefusedError` where nobody is called.
        """
        called = self.journal.open_rows(Kind.PERSON, cluster)
        if not called:
            known = self.journal.open_rows(Kind.ACKNOWLEDGEMENT, cluster)
            problem = f"nobody is called for {cluster}"
            hint = "; ".join(f"{row.reason} is acknowledged already" for row in known)
            raise RefusedError(409, problem, hint or "nothing of it needs a person")
        for row in called:
            said = {"cause": row.detail.get("cause", []), "text": text, **who}
            self.journal.open_row(
                Kind.ACKNOWLEDGEMENT, cluster, said, reason=row.reason, parent=row.id
            )
            detail = {**row.detail, "acknowledged": text, **who}
            self.journal.end([row.id], "acknowledged", detail=detail)
            log.get("remediator").info(
                "acknowledged", cluster=cluster, hold=row.reason, text=text, **who
            )
        return called


def _is(row: JournalRow, hold: Hold, cause: Sequence[str]) -> bool:
    return row.reason == hold and row.detail.get("cause") == list(cause)
