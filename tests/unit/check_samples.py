"""The made-up cluster ``porto`` as checks see it, and what they said in one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from cluster.config import parse
from cluster.config_model import Config
from cluster.model import (
    ClusterView,
    HostView,
    NlbParams,
    NodeStatus,
    PortState,
    Problem,
    Reading,
    Reason,
)
from cluster.neighbour_table import Neighbour
from exporter.checks_subject import OfCluster, OfHost
from exporter.findings import Mark, Verdict
from tests.unit import exporter_samples as samples

MAC = "03-bf-0a-07-00-64"
SIGNS = {Mark.RIGHT: "✓", Mark.WRONG: "✗", Mark.UNKNOWN: "?", Mark.ELSEWHERE: "!"}
PEER = (
    (
        """runner: {type: local}
        sip_server:
          application: SIP_P
          sources: [{type: http, url: "http://10.7.0.11:8090/serverx", lag: 4s}]""",
        "runner: {type: peer, url: 'http://192.168.7.11:9876'}\n        sip_server: {application: SIP_P}",
    ),
)
"""The change that makes porto-1 a peer."""

SSH = "runner: {type: ssh, read: {user: looks}, act: {user: switches}}"
DEAD = Problem(Reason.TIMEOUT, "still running after 5.0 s")


def config(*changes: tuple[str, str]) -> Config:
    """Return the configuration of porto with texts replaced, each at its first place."""
    text = samples.CONFIG
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse(text, "clusters.yml")


def of_host(
    *,
    view: HostView | None = None,
    params: dict[str, Any] | None = None,
    node: dict[str, Any] | None = None,
    config: Config | None = None,
    host: int = 0,
) -> OfHost:
    """Return a host of porto, healthy but for what is given."""
    config = config or samples.config()
    seen = view or healthy().hosts[host]
    seen = replace(
        seen,
        params=replace(seen.params, value=replace(seen.params.value, **(params or {}))),
        node=replace(seen.node, value=replace(seen.node.value, **(node or {}))),
    )
    return OfHost(config, config.clusters[0], config.clusters[0].hosts[host], seen)


def healthy() -> ClusterView:
    """Return the view of the healthy pair, each host with its own id."""
    first, second = samples.primary(), samples.backup()
    own = replace(second.params, value=replace(second.params.value, host_id=7))
    return samples.view(first, replace(second, params=own))


def of_cluster(
    *hosts: HostView, neighbour: Neighbour | None = None, config: Config | None = None
) -> OfCluster:
    """Return porto with those hosts, healthy where none are given."""
    view = samples.view(*hosts) if hosts else healthy()
    return OfCluster((config or samples.config()).clusters[0], view, neighbour)


def failed(view: HostView, problem: Problem) -> HostView:
    """Return the host with every NLB reading failed in one way."""
    node: Reading[NodeStatus] = replace(view.node, value=NodeStatus(), problem=problem)
    ports = tuple(
        (rule, samples.port(PortState.UNKNOWN, problem=problem)) for rule, _ in view.ports
    )
    params = replace(view.params, value=NlbParams(), problem=problem)
    return replace(view, node=node, ports=ports, params=params)


def said(verdicts: Iterable[Verdict]) -> list[str]:
    """Return each verdict as ``SIGN text → advice``."""
    return [
        f"{SIGNS[each.mark]} {each.text}" + (f" → {each.advice}" if each.advice else "")
        for each in verdicts
    ]


def told(check: Callable[[OfHost], Iterable[Verdict]], **given: Any) -> list[str]:
    """Run a check of a host."""
    return said(check(of_host(**given)))
