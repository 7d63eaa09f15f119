"""What one simulated host remembers of the last change, as ``ActionNumber.ps1`` keeps it. Pure.

The words are those of ``remediator/windows/ActionNumber.ps1``, which are ours.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class ActionNumbers:
    """Refuses a change that is older than the last one seen."""

    def __init__(self) -> None:
        """Begin with none seen, as on a new host."""
        self._last, self._command = 0, ""

    def refusal(self, number: str, command: str) -> str | None:
        """Return why a change is refused; else keep its number and return None.

        Raises ValueError for what is no number of a change.
        """
        if not _NUMBER.fullmatch(number):
            raise ValueError(f"{number!r} is no number of a change")
        given = int(number)
        if given < self._last:
            return f"the host has seen a later command, number {self._last}; this one has {given}"
        if given == self._last and command != self._command:
            return f"the host has seen another command with the same number {given}"
        self._last, self._command = given, command
        return None
