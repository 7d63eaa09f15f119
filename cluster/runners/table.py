"""The table of runners: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from cluster.config_model import Host
from cluster.errors import ClusterError
from cluster.nlb.cim_dialect import CimDialect
from cluster.nlb.dialect import Dialect
from cluster.runners.local import LocalRunner
from cluster.runners.request import Runner
from cluster.runners.winrm import WinrmRunner
from cluster.runners.winrm_calls import Parameters
from cluster.surroundings import Surroundings


def _local(_: Host, dialect: Dialect, given: Surroundings) -> Runner:
    return LocalRunner(dialect.argv, given.clock, given.permit, given.group)


def _ssh(host: Host, dialect: Dialect, given: Surroundings) -> Runner:
    try:
        from cluster.runners.ssh import make_runner  # noqa: PLC0415 - needs an optional extra
    except ModuleNotFoundError as error:
        raise ClusterError(
            host.name,
            f"runner ssh needs the library {error.name}",
            "install sipnlb with its extra ssh, as in pip install '.[ssh]'",
        ) from None
    return make_runner(host, dialect, given)


def _winrm(host: Host, dialect: Dialect, given: Surroundings) -> Runner:
    node: Parameters = ()
    if isinstance(dialect, CimDialect):
        node = (("ClusterIp", dialect.cluster_ip), ("HostId", str(dialect.host_id)))
    return WinrmRunner(host, dialect.name, given, node)


RUNNERS: dict[str, Callable[[Host, Dialect, Surroundings], Runner]] = {
    "local": _local,
    "ssh": _ssh,
    "winrm": _winrm,
}
"""By ``runner.type``. A runner is made without asking the host anything. ``peer`` is none of
them: a host that is only read (`cluster.host_reader`) has nothing that could be commanded."""
