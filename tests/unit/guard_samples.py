"""Views at chosen moments, and what a guard is asked, for the unit tests of guards."""

from __future__ import annotations

from dataclasses import replace

from cluster.clock import Instant
from cluster.model import ClusterView, HostView, NodeState, PortState, SipMode
from remediator.interlocks import Block, Circumstances
from remediator.planner import Action, ActionVerb, Order
from tests.unit import remediator_samples as samples

MODES = {"p": SipMode.PRIMARY, "b": SipMode.BACKUP, "?": SipMode.UNKNOWN}


def at(seconds: float) -> Instant:
    """Return a moment, in seconds since the beginning."""
    return samples.BEGIN.plus(seconds)


def host(number: int, mode: str, port: PortState = PortState.DISABLED) -> HostView:
    """Return a view of ``quito-NUMBER``; mode: p, b or ?."""
    return samples.host(f"quito-{number}", MODES[mode], port)


def pair(modes: str, seconds: float = 0.0, name: str = "quito") -> ClusterView:
    """Return a view of a pair with these modes, such as ``pb``, that began at a moment."""
    made = samples.view(*(host(number, mode) for number, mode in enumerate(modes, 1)), name=name)
    return replace(made, began=at(seconds), ended=at(seconds + 0.0625))


def unread(seconds: float = 0.0, number: int = 1) -> HostView:
    """Return a view of a host of which no reading succeeded."""
    made = samples.host(f"quito-{number}", SipMode.UNKNOWN, PortState.UNKNOWN, NodeState.UNKNOWN)
    return replace(made, params=samples.params())


def asked(view: ClusterView, seconds: float | None = None) -> Circumstances:
    """Return what a guard is asked about a view, at its end or at a moment."""
    now = view.ended if seconds is None else at(seconds)
    action = Action(ActionVerb.ENABLE, view.hosts[0].host, samples.RULE)
    return Circumstances(action, view, now, 2.0, Order.ENABLE_FIRST)


def said(block: Block | None) -> tuple[str, str, float | None] | None:
    """Return a block as plain values."""
    return None if block is None else (str(block.hold), block.text, block.again_seconds)
