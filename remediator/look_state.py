"""What one look has to remember between its rounds. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import Any

from cluster.clock import Instant
from cluster.config_model import Cluster
from remediator.looks import Trigger
from remediator.planner import Action, ActionVerb, Order
from remediator.rows import Hold


@dataclass(slots=True)
class LookState:
    """One look, from its first view to its result.

    remediation: the open journal row of its actions, None before the first. stale_views: views
    that were too old before a command could leave. verified: actions that were read back.
    unsettled: since when each reason to hold has been watched. unread_since: since when the rules
    that an action needs could not be read.
    """

    cluster: Cluster
    trigger: Trigger
    stop: Event
    order: Order
    began: Instant
    remediation: int | None = None
    began_with: dict[str, Any] = field(default_factory=dict)
    unsettled: dict[Hold, Instant] = field(default_factory=dict)
    unread_since: Instant | None = None
    unanswered_since: Instant | None = None
    disabling_since: Instant | None = None
    stale_views: int = 0
    actions: int = 0
    verified: set[Action] = field(default_factory=set)

    def done(self, action: Action) -> bool:
        """Note a verified action; return whether it had been verified before: changed back."""
        again = action in self.verified
        opposite = ActionVerb.DISABLE if action.verb is ActionVerb.ENABLE else ActionVerb.ENABLE
        self.verified.add(action)
        self.verified.discard(Action(opposite, action.host, action.rule))
        return again
