"""Whether the readings of a host are of that host at all. Pure.

The state of a port says nothing of whose it is. Where the same utility answers for another
host or cluster, as node and parameters tell, its port states are not this host's either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cluster.model import (
    HostView,
    NlbParams,
    NodeStatus,
    PortStatus,
    Problem,
    Reading,
    Reason,
    SipStatus,
)

FOREIGN = frozenset({Reason.OTHER_HOST, Reason.OTHER_CLUSTER})


def own_readings_only(view: HostView) -> HostView:
    """Return the view; everything of NLB in it unknown if another host or cluster answered."""
    foreign = next(
        (
            reading.problem
            for reading in (view.node, view.params)
            if reading.problem is not None and reading.problem.reason in FOREIGN
        ),
        None,
    )
    if foreign is None:
        return view
    return replace(
        view,
        node=_unknown(view.node, NodeStatus(), foreign),
        params=_unknown(view.params, NlbParams(), foreign),
        ports=tuple(
            (rule, _unknown(reading, PortStatus(), foreign)) for rule, reading in view.ports
        ),
    )


def of_application(reading: Reading[SipStatus], application: str) -> Reading[SipStatus]:
    """Return the reading; unknown if the source names another SIP Server."""
    named = reading.value.application
    if named is None or named == application:
        return reading
    text = f"configured is application {application!r}, the answer is of {named[:80]!r}"
    return _unknown(reading, SipStatus(), Problem(Reason.OTHER_APPLICATION, text))


def _unknown(reading: Reading[Any], value: Any, problem: Problem) -> Reading[Any]:
    """Return the reading without its value; a problem of its own stays."""
    return replace(reading, value=value, problem=reading.problem or problem)
