"""What a view will call for in the end: its actions, and those that follow once they are done.

Pure. For a person who is asked to approve: the table gives one step at a time (enable, then, when
that is read, disable), and nobody wants to be asked between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cluster.model import ClusterView, HostView, PortRule, PortStatus, Reading
from remediator.planner import Action, Decision


def foresee(
    view: ClusterView, decision: Decision, decide: Callable[[ClusterView], Decision]
) -> tuple[Action, ...]:
    """Return all actions, in their order, if each is obeyed and nothing else happens.

    decision: what the table says of the view. decide: the table, for the views that follow.
    """
    foreseen: list[Action] = []
    while True:
        further = [action for action in decision.actions if action not in foreseen]
        if not further:
            return tuple(foreseen)
        foreseen += further
        view = _obeyed(view, further)
        decision = decide(view)


def _obeyed(view: ClusterView, actions: list[Action]) -> ClusterView:
    """Return the view as it would be after actions."""
    hosts = tuple(
        _switched(host, {each.rule: each for each in actions if each.host == host.host})
        for host in view.hosts
    )
    return replace(view, hosts=hosts)


def _switched(host: HostView, actions: dict[PortRule, Action]) -> HostView:
    ports = tuple((rule, _read(reading, actions.get(rule))) for rule, reading in host.ports)
    return replace(host, ports=ports)


def _read(reading: Reading[PortStatus], action: Action | None) -> Reading[PortStatus]:
    if action is None:
        return reading
    return replace(reading, value=replace(reading.value, state=action.wanted), problem=None)
