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
from cluster.nlb.cim_dialect import DEFAULT_SCRIPTS, CimDialect
from cluster.nlb.cim_query import CimQuery
from cluster.nlb.dialect import Dialect, TextDialect
from cluster.nlb.query import NlbQuery
from cluster.runners.request import Runner
from cluster.surroundings import Surroundings

REMOTE_NLB_PROGRAM = r"C:\Windows\System32\nlb.exe"
REMOTE_POWERSHELL_PROGRAM = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
"""On a host that is asked over a network, whatever this machine is (documented: the tools are in
%SystemRoot%\\System32). Written out, since not every shell expands a variable."""


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

    dialect: Callable[[Cluster, Host, Surroundings], Dialect]
    reads: Callable[[Cluster, Host, Runner, Dialect, Surroundings], NlbReads]
    sources: tuple[str, str, str]


def _program(host: Host, local: Callable[[], str], remote: str) -> str:
    return host.nlb.program or (local() if host.runner.type == "local" else remote)


def _text_dialect(_: Cluster, host: Host, given: Surroundings) -> Dialect:
    program = _program(host, programs.default_nlb_program, REMOTE_NLB_PROGRAM)
    file = host.nlb.phrases_file
    tables = given.shared.get(("phrases", file), lambda: phrases.load(file))
    return TextDialect(program, tables, host.nlb.code_page)


def _text_reads(
    cluster: Cluster, host: Host, runner: Runner, dialect: Dialect, _: Surroundings
) -> NlbReads:
    assert isinstance(dialect, TextDialect)
    return NlbQuery(runner, dialect.phrases, cluster.nlb_ip, host.host_id, dialect.code_page)


def _cim_dialect(cluster: Cluster, host: Host, _: Surroundings) -> Dialect:
    program = _program(host, programs.default_powershell_program, REMOTE_POWERSHELL_PROGRAM)
    scripts = host.nlb.scripts or DEFAULT_SCRIPTS
    return CimDialect(program, scripts, cluster.nlb_ip, host.host_id)


def _cim_reads(
    cluster: Cluster, host: Host, runner: Runner, _: Dialect, given: Surroundings
) -> NlbReads:
    return CimQuery(runner, cluster.nlb_ip, host.host_id, given.clock)


BACK_ENDS: dict[str, BackEnd] = {
    "nlb": BackEnd(_text_dialect, _text_reads, ("nlb query", "nlb queryport", "nlb params")),
    "cim": BackEnd(_cim_dialect, _cim_reads, ("cim node", "cim port", "cim params")),
}
