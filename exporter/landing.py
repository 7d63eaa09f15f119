"""What the landing page says of each cluster and host, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.clock import Instant
from cluster.config_model import Cluster
from cluster.model import REASON_TEXT, ClusterView, HostView, Reading, Reason
from cluster.sip.options import SipAnswer
from exporter.readings import keys_of, label_of, reading_of
from exporter.verdict import Rank, Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Row:
    """One host as a row of the page. age_seconds: of its oldest reading, None before the first."""

    host: str
    mode: str
    node: str
    ports: tuple[tuple[str, str], ...]
    age: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One cluster on the page. service: what its virtual IP answers, None where nobody asks."""

    cluster: Cluster
    verdict: Verdict
    service: Verdict | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """The latest answer of a virtual IP.

    since: when the first question was sent that was answered (or not) as the latest.
    """

    answer: Reading[SipAnswer]
    since: Instant


def part_of(cluster: Cluster, view: ClusterView, service: Service | None, now: Instant) -> Part:
    """Return what is shown of a cluster, its hosts in configured order.

    service: None before the first question, or where no probe is configured.
    """
    seen = {host.host for host in view.hosts}
    elsewhere = tuple(host.name for host in cluster.hosts if host.name not in seen)
    return Part(
        cluster,
        verdict_of(view, elsewhere),
        None if cluster.service_probe is None else _service(service, now),
        tuple(_row(host, now) for host in view.hosts),
    )


def _service(service: Service | None, now: Instant) -> Verdict:
    """Say what the virtual IP answers; SipVirtualIpUnanswered is the alert of the same."""
    if service is None:
        return Verdict(Rank.UNKNOWN, "not asked yet")
    answer, since = service.answer, service.since
    if answer.problem is not None and answer.problem.reason is Reason.STALE:
        return Verdict(Rank.UNKNOWN, f"not asked since {_moment(answer.asked)}")
    if answer.value.is_serving:
        return Verdict(Rank.RIGHT, f"{answer.value} to {answer.command}")
    told = f"{answer.value} to {answer.command}"
    told += " since" if answer.value.code is None else "; no service since"
    return Verdict(Rank.WRONG, f"{told} {_moment(since)} ({now.seconds_since(since):.0f} s)")


def _moment(instant: Instant) -> str:
    return f"{instant.utc:%Y-%m-%d %H:%M:%S} UTC"


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
