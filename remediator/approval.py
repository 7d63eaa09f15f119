"""What a person is asked to approve, as the journal keeps it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cluster.clock import moment_of, utc_seconds_text
from remediator.journal_schema import JournalRow


class Standing(StrEnum):
    """How an open row of kind APPROVAL stands; its reason.

    WANTED: a person is asked. GRANTED: a person has said yes, and it may be carried out, once.
    """

    WANTED = "wanted"
    GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Approval:
    """Actions that are asked for, in their order, and why.

    who: gave it; empty while it is wanted. since, until: UTC.
    """

    id: int
    cluster: str
    standing: Standing
    actions: tuple[str, ...]
    why: str
    who: str
    since: datetime
    until: datetime

    @property
    def words(self) -> str:
        """Say what would be done, in one line."""
        return ", then ".join(self.actions)

    @property
    def record(self) -> dict[str, Any]:
        """The same as plain data. approved_by: None while it is wanted."""
        return {
            "id": self.id,
            "actions": list(self.actions),
            "why": self.why,
            "since": utc_seconds_text(self.since),
            "until": utc_seconds_text(self.until),
            "approved_by": self.who or None,
        }


def approval_of(row: JournalRow) -> Approval:
    """Read a row. Raises KeyError, TypeError or ValueError for one of other hands."""
    return Approval(
        row.id,
        row.cluster,
        Standing(row.reason),
        tuple(row.detail["actions"]),
        row.detail["why"],
        row.detail.get("who", ""),
        moment_of(row.at),
        moment_of(row.detail["until"]),
    )
