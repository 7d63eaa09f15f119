"""What may stand in ``clusters.yml``, as frozen types. Pure.

Each field's description is its reference: `tests/project` holds the sample file against
it. Durations are texts with a unit (``250ms``, ``2s``, ``10m``, ``400d``), kept in seconds.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cluster.config_heartbeat import Heartbeat
from cluster.config_interlocks import AtOnce, Damping
from cluster.config_journal import Journal
from cluster.config_runners import PeerSettings, RunnerSettings
from cluster.config_section import ClientCredentials, Section
from cluster.config_service import ServiceProbe
from cluster.config_sources import SourceSettings
from cluster.config_values import (
    Address,
    AutoOrDuration,
    AutoOrPositiveDuration,
    CodePage,
    Duration,
    FilePath,
    HttpUrl,
    Name,
    OwnFile,
    Port,
    PositiveDuration,
    Vip,
)
from cluster.config_web import Access, RemediatorWeb
from cluster.model import PortRule


class Nlb(Section):
    """How the NLB utility of a host is asked."""

    backend: Literal["nlb", "cim"] = Field(
        "nlb", description="nlb: text of nlb.exe/wlbs.exe; cim: numbers of root/MicrosoftNLB"
    )
    program: FilePath | None = Field(
        None,
        description="path of the utility; default: %SystemRoot%\\System32\\nlb.exe; "
        "with cim: of powershell.exe",
    )
    code_page: CodePage = Field(
        "cp437", description="console code page in which the utility prints, as Python names it"
    )
    phrases_file: OwnFile | None = Field(
        None, description="phrases of this site, tried before the built-in ones"
    )
    scripts: FilePath | None = Field(
        None,
        description="folder on the host with the scripts of cim; "
        "default: C:\\Program Files\\SipNlb",
    )

    @property
    def refresh(self) -> float:
        """Least seconds between two readings where no other pace is set: PowerShell is dear."""
        return 5.0 if self.backend == "cim" else 0.0

    @property
    def names_cluster(self) -> bool:
        """Whether a change names the NLB cluster, so that no other one of the host is touched."""
        return self.backend == "cim"


class SipServer(Section):
    """The SIP Server on a host."""

    application: str = Field(min_length=1, description="name of its Application object")
    sources: tuple[SourceSettings, ...] = Field(
        (), description="where its mode is read; the first that knows it decides; none on a peer"
    )


class Host(Section):
    """One NLB node with its SIP Server."""

    name: Name = Field(description="label of the host in metrics and alerts")
    host_id: int = Field(ge=1, le=32, description="NLB host priority, unique in the cluster")
    address: Address = Field(description="dedicated address, never the virtual IP")
    runner: RunnerSettings = Field(description="where requests to the host are carried out")
    nlb: Nlb = Field(default_factory=Nlb, description="how its NLB utility is asked")
    sip_server: SipServer = Field(description="the SIP Server on it")

    @property
    def is_peer(self) -> bool:
        """Whether it is only read, through the exporter that runs on it."""
        return isinstance(self.runner, PeerSettings)

    @property
    def largest_lag(self) -> float:
        """Seconds by which its slowest mode source may lag."""
        if isinstance(self.runner, PeerSettings):
            return self.runner.lag
        return max((source.lag for source in self.sip_server.sources), default=0.0)


class Rule(Section):
    """A port rule, exactly as the host reports it."""

    vip: Vip = Field(description="all, or the virtual IP that the rule names")
    start: Port = Field(description="first port")
    end: Port = Field(description="last port")
    protocol: Literal["tcp", "udp", "both"] = Field(description="tcp, udp or both")

    @model_validator(mode="after")
    def _ordered(self) -> Rule:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is below start {self.start}")
        return self

    @property
    def port_rule(self) -> PortRule:
        """The rule as the model knows it."""
        return PortRule(self.vip, self.start, self.end, self.protocol)


class Cluster(Section):
    """An NLB cluster with its SIP Server pair."""

    name: Name = Field(description="label of the cluster in metrics and alerts")
    virtual_ip: Address = Field(description="address that callers use")
    cluster_ip: Address | None = Field(
        None, description="NLB primary IP, where it differs from virtual_ip"
    )
    operation_mode: Literal["unicast", "multicast", "igmp_multicast"] = Field(
        "unicast", description="checked against the host"
    )
    simulated: bool = Field(
        False, description="true where the hosts are sipnlb-simulator's; shown wherever it matters"
    )
    port_rules: tuple[Rule, ...] = Field(min_length=1, description="the rules that follow the mode")
    hosts: tuple[Host, ...] = Field(min_length=2, description="the nodes")
    service_probe: ServiceProbe | None = Field(
        None, description="SIP OPTIONS to the virtual IP; default: none is sent"
    )

    @property
    def nlb_ip(self) -> str:
        """The IP under which NLB reports the cluster."""
        return self.cluster_ip or self.virtual_ip

    @property
    def rules(self) -> tuple[PortRule, ...]:
        """The port rules as the model knows them."""
        return tuple(rule.port_rule for rule in self.port_rules)

    @property
    def largest_lag(self) -> float:
        """Seconds by which the slowest mode source of the cluster may lag."""
        return max(host.largest_lag for host in self.hosts)

    @property
    def own_hosts(self) -> tuple[Host, ...]:
        """The hosts that are read and commanded from here; all but peers."""
        return tuple(host for host in self.hosts if not host.is_peer)

    @property
    def peers(self) -> frozenset[str]:
        """Names of the hosts that are only read, through the exporter that runs on each."""
        return frozenset(host.name for host in self.hosts if host.is_peer)


class Refresh(Section):
    """How often the exporter reads each host."""

    sip_server: PositiveDuration = Field(1.0, description="mode of the SIP Server")
    nlb: AutoOrPositiveDuration = Field(
        None,
        description="node state and port states; auto (the default): 1s local, "
        "5s over a network or with cim",
    )
    params: PositiveDuration = Field(60.0, description="parameters and rules of the driver")


class Exporter(Section):
    """Settings of sipnlb-exporter."""

    refresh: Refresh = Field(default_factory=Refresh, description="how often each host is read")
    timeout: PositiveDuration = Field(2.0, description="how long one reading may take")
    state_directory: FilePath | None = Field(
        None,
        description="folder in which the place in SIP Server logs is kept over a restart; "
        "default: it is not kept",
    )
    web: Access = Field(
        default_factory=Access,
        description="what callers of its API (peers) must show; needed beyond loopback",
    )


class Alertmanager(ClientCredentials):
    """An Alertmanager that is asked for firing repair alerts, and with which credentials."""

    url: HttpUrl = Field(description="its external address, without /api")


class Policy(Section):
    """What the remediator may do, and in which order."""

    level: Literal["observe", "approve", "enforce"] = Field(
        "observe",
        description="observe: decide and record, touch nothing; approve: act once a person has "
        "approved the actions; enforce: act",
    )
    approve_within: PositiveDuration = Field(
        600.0,
        description="how long a person is asked, and how long an approval may be used, at least "
        "2m; only with level approve",
    )
    order: Literal["enable_first", "disable_first"] = Field(
        "enable_first", description="enable the primary's port before disabling others, or after"
    )
    unknown_peer: Literal["disable", "leave"] = Field(
        "disable", description="what becomes of an enabled port on a host of unknown mode"
    )
    unknown_scs: Literal["hold", "disable"] = Field(
        "hold",
        description="the same, where no source of the primary tells whether it is connected to SCS",
    )
    settle: AutoOrDuration = Field(
        None,
        description="how long no or two primaries are watched before it holds; "
        "auto (the default): the largest lag of the cluster + 2s",
    )
    damping: Damping = Field(
        default_factory=Damping,
        description="how often the primary may change before a new one has to be steady",
    )
    at_once: AtOnce = Field(
        default_factory=AtOnce,
        description="how many clusters may call for actions before nothing new begins",
    )


class Remediator(Section):
    """Settings of sipnlb-remediator."""

    policy: Policy = Field(default_factory=Policy, description="what it may do")
    alertmanagers: tuple[Alertmanager, ...] = Field(
        (), description="Alertmanagers that are asked for firing repair alerts"
    )
    resync: PositiveDuration = Field(30.0, description="how often they are asked")
    routine_look: Duration = Field(
        60.0, description="how often a cluster is looked at where nothing calls for it; 0s: never"
    )
    web: RemediatorWeb = Field(
        default_factory=RemediatorWeb,
        description="what callers of its API must show; needed beyond loopback",
    )
    heartbeat: Heartbeat | None = Field(
        None, description="who is told that the road of alerts is open; default: nobody"
    )
    journal: Journal = Field(default_factory=Journal, description="the durable record")
    lease: PositiveDuration = Field(
        15.0,
        description="how long a replica may act on a cluster without the database's word; "
        "only where journal.url is a PostgreSQL",
    )
    look_timeout: PositiveDuration = Field(1.5, description="how long one look waits for readings")
    max_age: PositiveDuration = Field(
        2.0, description="how old a reading may be when the command that rests on it is sent"
    )
    command_timeout: PositiveDuration = Field(5.0, description="how long one command may take")
    verify_timeout: PositiveDuration = Field(
        10.0, description="how long a port may take to be read as switched after the command"
    )
    peer_wait: PositiveDuration = Field(
        10.0, description="how long a peer's own remediator is given to do its part"
    )
    attempts: int = Field(
        3, ge=1, le=10, description="tries of one action before a person is called"
    )
    workers: int = Field(32, ge=1, le=256, description="clusters that are looked at side by side")
    state_directory: FilePath | None = Field(
        None,
        description="folder in which the place in SIP Server logs is kept over a restart; "
        "default: it is not kept",
    )

    @model_validator(mode="after")
    def _look_within_age(self) -> Remediator:
        if self.look_timeout >= self.max_age:
            raise ValueError(
                "look_timeout must be shorter than max_age, else a reading is too old to act on "
                "whenever one host does not answer"
            )
        return self


class Config(Section):
    """The whole of ``clusters.yml``."""

    clusters: tuple[Cluster, ...] = Field(min_length=1, description="the clusters")
    exporter: Exporter = Field(default_factory=Exporter, description="sipnlb-exporter")
    remediator: Remediator = Field(default_factory=Remediator, description="sipnlb-remediator")

    @property
    def size(self) -> str:
        """How much it holds, in words: ``1 cluster, 2 hosts``."""
        clusters, hosts = len(self.clusters), sum(len(each.hosts) for each in self.clusters)
        return f"{clusters} cluster{'s' if clusters != 1 else ''}, {hosts} hosts"

    @property
    def peer_runners(self) -> tuple[PeerSettings, ...]:
        """How each peer is asked."""
        hosts = (host for cluster in self.clusters for host in cluster.hosts)
        return tuple(h.runner for h in hosts if isinstance(h.runner, PeerSettings))

    @property
    def asked(self) -> tuple[ClientCredentials, ...]:
        """Every server that the remediator asks with credentials of its own."""
        heartbeat = self.remediator.heartbeat
        watched = () if heartbeat is None else (heartbeat,)
        return (*self.remediator.alertmanagers, *self.peer_runners, *watched)

    def cluster(self, name: str) -> Cluster | None:
        """Return the cluster of that name, or None."""
        return next((cluster for cluster in self.clusters if cluster.name == name), None)
