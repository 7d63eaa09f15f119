"""What a reading after a command proves, and how views are shown in words. Pure."""

from __future__ import annotations

from enum import StrEnum

from cluster.model import (
    SERVING_NODE_STATES,
    ClusterView,
    HostView,
    PortState,
    Reading,
    SipMode,
)
from cluster.sip.agreement import disagreement
from cluster.sip.options import SipAnswer
from remediator.planner import Action, ActionVerb
from remediator.switch_answer import Sent


class ActionOutcome(StrEnum):
    """How an action ended. The label ``outcome`` of the action counter.

    VERIFIED: the port was read as wanted after the command (an enabled one on a node that
    serves). TOO_LATE: not sent, its readings had become too old before it could be; the
    cluster is looked at again at once. REFUSED: the host has seen a later command and did not
    carry it out. NOT_SENT, NO_ANSWER, NOT_FOLLOWED: it was not, and how
    far the command got.
    NOT_SERVING: enabled, on a node that takes no traffic. UNREADABLE: no reading since.
    WORLD_CHANGED: the mode it rested on changed meanwhile. FOUND_DONE, FOUND_NOT_DONE,
    FOUND_UNREADABLE: what was read after the program had died in the middle of it.
    """

    VERIFIED = "verified"
    TOO_LATE = "too_late"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    NOT_FOLLOWED = "not_followed"
    NOT_SERVING = "not_serving"
    UNREADABLE = "unreadable"
    WORLD_CHANGED = "world_changed"
    FOUND_DONE = "found_done"
    FOUND_NOT_DONE = "found_not_done"
    FOUND_UNREADABLE = "found_unreadable"


def judge(action: Action, after: HostView, sent: Sent) -> ActionOutcome:
    """Say how an action stands by a reading taken after its command.

    Of a command that was never sent, or was refused, no reading proves anything: what it shows is
    another's doing.
    """
    if sent is Sent.TOO_LATE:
        return ActionOutcome.TOO_LATE
    if sent is Sent.NOT_SENT:
        return ActionOutcome.NOT_SENT
    if sent is Sent.REFUSED:
        return ActionOutcome.REFUSED
    if after.mode is not SipMode.UNKNOWN and (after.mode is SipMode.PRIMARY) != (
        action.verb is ActionVerb.ENABLE
    ):
        return ActionOutcome.WORLD_CHANGED
    state = after.port_state(action.rule)
    if state is action.wanted:
        enabled = action.verb is ActionVerb.ENABLE
        if enabled and after.node_state not in SERVING_NODE_STATES:
            return ActionOutcome.NOT_SERVING
        return ActionOutcome.VERIFIED
    if state is PortState.UNKNOWN:
        return ActionOutcome.UNREADABLE
    if sent is Sent.NO_ANSWER:
        return ActionOutcome.NO_ANSWER
    return ActionOutcome.NOT_FOLLOWED


def describe_host(host: HostView) -> str:
    """Show a host in one line, as ``primary, node converged, 5060 enabled``.

    Where mode sources contradict each other: ``primary (http primary, exec backup), node …``.
    """
    told = disagreement(host)
    mode = str(host.mode) if told is None else f"{host.mode} ({told})"
    ports = [f"{rule.port_spec} {reading.value.state}" for rule, reading in host.ports]
    return ", ".join((mode, f"node {host.node_state}", *ports))


def describe(view: ClusterView) -> dict[str, str]:
    """Show every host of a view in one line each."""
    return {host.host: describe_host(host) for host in view.hosts}


def describe_answer(reading: Reading[SipAnswer]) -> str:
    """Show what a virtual IP answered in one line, as ``OPTIONS sip:…: 200 OK after 0.012 s``."""
    if reading.problem is not None:
        return f"{reading.command}: {reading.problem}"
    return f"{reading.command}: {reading.value} after {reading.duration_seconds():.3f} s"
