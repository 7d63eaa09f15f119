"""Journal rows of the remediator → the times of one transition. Pure.

Relies on the journal's API: ``kind``, ``at``, ``ended_at``, ``verb``, ``host``, ``outcome``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ROUNDING = timedelta(milliseconds=1)
"""The journal writes whole milliseconds, so a row may seem that much older than it is."""


@dataclass(frozen=True, slots=True)
class Times:
    """Moments in UTC of one transition, None where it did not come to that."""

    alert: datetime | None
    action: datetime | None
    verified: datetime | None


def times(rows: Iterable[dict[str, Any]], since: datetime, primary: str) -> Times:
    """Find the alert, the first action and its verification at or after `since`.

    rows: of the cluster's journal, oldest first. primary: the new primary, whose enable
    counts as verification; where it needed none, the first action that was verified.
    """
    begun = [row for row in rows if moment(row["at"]) >= since - ROUNDING]
    actions = [row for row in begun if row["kind"] == "action"]
    verified = [row for row in actions if row["outcome"] == "verified" and row["ended_at"]]
    enables = [row for row in verified if row["verb"] == "enable" and row["host"] == primary]
    return Times(
        alert=_first(row["at"] for row in begun if row["kind"] == "alert"),
        action=_first(row["at"] for row in actions),
        verified=_first(row["ended_at"] for row in enables or verified),
    )


def came_before(
    rows: Iterable[dict[str, Any]], began: datetime, since: datetime, primary: str
) -> tuple[str, ...]:
    """Name what came after a workflow began but before `since`, and not again after it.

    Of ``alert``, ``action`` and ``verified``, in this order. The remediator looks a second
    time by itself, so it may act before the mode change is through.
    """
    kept = list(rows)
    later = times(kept, since, primary)
    all_of_it = times(kept, began, primary)
    return tuple(
        name
        for name, before, after in (
            ("alert", all_of_it.alert, later.alert),
            ("action", all_of_it.action, later.action),
            ("verified", all_of_it.verified, later.verified),
        )
        if before is not None and after is None
    )


def is_all_verified(rows: Iterable[dict[str, Any]], since: datetime) -> bool:
    """Tell whether no action that began at or after `since` is still open."""
    return all(
        row["outcome"] is not None
        for row in rows
        if row["kind"] == "action" and moment(row["at"]) >= since - ROUNDING
    )


def moment(text: str) -> datetime:
    """Read a moment as the journal writes it: ISO 8601, UTC."""
    return datetime.fromisoformat(text)


def _first(texts: Iterable[str]) -> datetime | None:
    return min((moment(text) for text in texts), default=None)
