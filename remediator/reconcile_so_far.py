"""What a look that has not ended has done so far, from rows of the journal as the API shows them.

Pure. Rows come from another program: whatever they are, there are words for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHOWN_ACTIONS = 2
"""The last one that ended, which says why, and the one that is under way."""


def so_far(rows: object) -> str:
    """Say what the running look has done. rows: of the cluster, newest first."""
    if not isinstance(rows, list):
        return "nothing is told of it"
    found = [row for row in rows if isinstance(row, dict)]
    running = (row for row in found if row.get("kind") == "decision" and row.get("outcome") is None)
    look = next(running, {"id": None})
    actions = [
        row
        for row in found
        if row.get("kind") == "action" and row.get("parent") == look["id"] is not None
    ]
    return _actions(actions[:SHOWN_ACTIONS]) or "it has sent no command"


def _actions(newest_first: Sequence[dict[str, Any]]) -> str:
    return "; ".join(_action(row) for row in reversed(newest_first))


def _action(row: dict[str, Any]) -> str:
    given = row.get("detail")
    detail = given if isinstance(given, dict) else {}
    outcome = row.get("outcome")
    came = "under way" if outcome is None else detail.get("failed") or outcome
    action = f"{row.get('verb')} {row.get('port')} on {row.get('host')}"
    return f"try {detail.get('attempt')} of {action}: {came}"
