"""Interlocks with a memory: of the views before, of what persons said, of a lease. Pure.

An interlock of `remediator.interlocks` knows one view and nothing else. A guard is told of every
view, and answers by the same interface: why an action is not carried out, or None. One that
raises blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cluster.model import ClusterView
from remediator.interlocks import INTERLOCKS, Block, Circumstances, why_blocked
from remediator.planner import Decision


class Guard(Protocol):
    """One reason not to act that needs a memory. Called from many threads, one a cluster."""

    def note(self, view: ClusterView) -> None:
        """Take in a view; called for every one, before it is planned on."""

    def why_not(self, given: Circumstances) -> Block | None:
        """Return why the action is not carried out, or None."""


class Told(Protocol):
    """What wants to know every plan, not only those that it may block."""

    def planned(self, view: ClusterView, decision: Decision) -> None:
        """Take in what is planned on a view; called for every one, after it was noted."""


@dataclass(frozen=True, slots=True)
class Guards:
    """All interlocks, in the order in which they are asked.

    first: what a person or the whole site says; it is the better reason to tell. last: what
    makes sense only for an action that nothing else forbids.
    """

    first: tuple[Guard, ...] = ()
    last: tuple[Guard, ...] = ()
    told: tuple[Told, ...] = ()

    def note(self, view: ClusterView) -> None:
        """Tell every guard of a view."""
        for guard in (*self.first, *self.last):
            guard.note(view)

    def planned(self, view: ClusterView, decision: Decision) -> None:
        """Tell of a plan those that want to know."""
        for each in self.told:
            each.planned(view, decision)

    def why_not(self, given: Circumstances) -> Block | None:
        """Return the first reason not to act, or None."""
        first = tuple(guard.why_not for guard in self.first)
        last = tuple(guard.why_not for guard in self.last)
        return why_blocked(given, (*first, *INTERLOCKS, *last))
