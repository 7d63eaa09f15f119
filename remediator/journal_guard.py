"""Edge: the interlock against acting without a record.

Every intent is written before its command anyway; this one says so before anything is begun. It
never stands by itself: whoever asks tries again whether a row can be written.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.model import ClusterView
from remediator.interlocks import Block, Circumstances
from remediator.journal import Journal
from remediator.rows import Hold


@dataclass(frozen=True, slots=True)
class JournalGuard:
    """The guard `journal_unwritable`."""

    journal: Journal

    def note(self, view: ClusterView) -> None:
        """Take nothing from a view."""

    def why_not(self, given: Circumstances) -> Block | None:
        """Block while the last row could not be written, and none can be now."""
        del given
        why = self.journal.why_unwritable() if self.journal.last_write_failed else None
        return None if why is None else Block(Hold.JOURNAL_UNWRITABLE, why)
