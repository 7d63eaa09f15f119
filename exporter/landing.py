"""What the landing page says of each host, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.clock import Instant
from cluster.model import REASON_TEXT, ClusterView, HostView, Reason
from exporter.readings import keys_of, label_of, reading_of


@dataclass(frozen=True, slots=True)
class Row:
    """One host as a row of the page. age_seconds: of its oldest reading, None before the first."""

    host: str
    mode: str
    node: str
    ports: tuple[tuple[str, str], ...]
    age: str
    problems: tuple[str, ...]


def rows_of(view: ClusterView, now: Instant) -> tuple[Row, ...]:
    """Return the rows of a cluster, in configured order."""
    return tuple(_row(host, now) for host in view.hosts)


def _row(host: HostView, now: Instant) -> Row:
    return Row(
        host=host.host,
        mode=str(host.mode),
        node=str(host.node_state),
        ports=tuple((rule.port, str(reading.value.state)) for rule, reading in host.ports),
        age=_age(host, now),
        problems=tuple(_problems(host)),
    )


def _age(host: HostView, now: Instant) -> str:
    """Say how old the oldest reading of mode, node and ports is; parameters are read rarely."""
    quick = (*host.sip, host.node, *(reading for _, reading in host.ports))
    if any(r.problem is not None and r.problem.reason is Reason.NEVER_READ for r in quick):
        return "not read yet"
    return f"{max(0.0, *(reading.age_seconds(now) for reading in quick)):.1f} s"


def _problems(host: HostView) -> list[str]:
    found = []
    for key in keys_of(host):
        problem = reading_of(host, key).problem
        if problem is not None:
            text = REASON_TEXT[problem.reason]
            more = f": {problem.text}" if problem.text and problem.text != text else ""
            found.append(f"{label_of(host, key)}: {text}{more}")
    return found
