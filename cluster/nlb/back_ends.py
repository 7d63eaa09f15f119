"""The table of back ends: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cluster import programs
from cluster.clock import Deadline
from cluster.config_model import Cluster, Host
from cluster.model import NlbParams, NodeStatus, PortRule, PortStatus, Reading
from cluster.nlb import phrases
from cluster.nlb.dialect import Dialect, TextDialect
from cluster.nlb.query import NlbQuery
from cluster.runners.request import Runner
from cluster.surroundings import Surroundings


class NlbReads(Protocol):
    """What can be read of a host's NLB; a failure is a reading with a problem."""

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state."""

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of one port rule."""

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters and rules."""


@dataclass(frozen=True, slots=True)
class BackEnd:
    """One back end.

    dialect: how a host is spoken to; raises `cluster.errors.ClusterError` if a file of its
    configuration cannot be used. reads: what can be read through a runner that speaks it.
    sources: what its readings of node, ports and params are called.
    """

    dialect: Callable[[Host, Surroundings], Dialect]
    reads: Callable[[Cluster, Host, Runner, Dialect], NlbReads]
    sources: tuple[str, str, str]


def _text_dialect(host: Host, given: Surroundings) -> Dialect:
    program = host.nlb.program or programs.default_nlb_program()
    file = host.nlb.phrases_file
    tables = given.shared.get(("phrases", file), lambda: phrases.load(file))
    return TextDialect(program, tables, host.nlb.code_page)


def _text_reads(cluster: Cluster, host: Host, runner: Runner, dialect: Dialect) -> NlbReads:
    assert isinstance(dialect, TextDialect)
    return NlbQuery(runner, dialect.phrases, cluster.nlb_ip, host.host_id, dialect.code_page)


BACK_ENDS: dict[str, BackEnd] = {
    "nlb": BackEnd(_text_dialect, _text_reads, ("nlb query", "nlb queryport", "nlb params")),
}
