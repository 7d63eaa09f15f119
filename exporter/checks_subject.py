"""What checks are made of: a host or a cluster as configured, and as it was just read. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.config_model import Cluster, Config, Host
from cluster.model import ClusterView, HostView, NlbParams, Reading
from cluster.neighbour_table import Neighbour
from cluster.sip.options import SipAnswer


@dataclass(frozen=True, slots=True)
class OfHost:
    """One host."""

    config: Config
    cluster: Cluster
    host: Host
    view: HostView

    @property
    def params(self) -> NlbParams:
        """What the host's driver reports; empty if it could not be read."""
        return self.view.params.value


@dataclass(frozen=True, slots=True)
class OfCluster:
    """All hosts of a cluster.

    neighbour: how this machine reaches the virtual IP. answer: what the virtual IP answered,
    None where it was not asked.
    """

    cluster: Cluster
    view: ClusterView
    neighbour: Neighbour | None
    answer: Reading[SipAnswer] | None = None
