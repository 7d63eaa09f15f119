"""The simulated site as one state machine. Pure: the time is passed in.

Wires hosts, NLB clusters, SIP Servers and Management Layer together, and is the truth that
faces show and the demonstration is judged by. No socket, process, file or clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.model import PortState, SipMode
from simulator.agenda import Agenda, Event, EventLog
from simulator.description import ClusterDescription, HostDescription, SiteDescription
from simulator.faults import HostFaults, MlcmdFaults
from simulator.knobs import Knobs
from simulator.management_layer import ManagementLayer, NotPossibleError
from simulator.nlb_cluster import NlbCluster
from simulator.sip_server import SipServer

OPERATIONS = ("switchover", "fail", "restart", "disconnect", "reconnect")
"""What can be done to a cluster, by the names of commands and of the control API."""


@dataclass(slots=True)
class HostRun:
    """A host at this moment.

    group: its network partition, 0 where there is none. asked_from_itself: whether all who ask
    it run on it, so that they get their answers without a network too.
    """

    description: HostDescription
    server: SipServer
    connected: bool = True
    group: int = 0
    faults: HostFaults = field(default_factory=HostFaults)
    asked_from_itself: bool = False

    @property
    def can_be_asked(self) -> bool:
        """Whether questions to it arrive."""
        return self.connected or self.asked_from_itself


class ClusterRun:
    """One cluster of the site at this moment."""

    def __init__(
        self, description: ClusterDescription, knobs: Knobs, agenda: Agenda, events: EventLog
    ) -> None:
        """Begin sound: first host primary and alone enabled, the others backup and disabled."""
        self.description = description
        self._agenda, self._events, self._knobs = agenda, events, knobs
        self.hosts = {
            host.name: HostRun(
                host,
                SipServer(
                    host.name,
                    host.application,
                    agenda.now,
                    SipMode.PRIMARY if index == 0 else SipMode.BACKUP,
                ),
            )
            for index, host in enumerate(description.hosts)
        }
        self.nlb = self._nlb_cluster(description, 0)
        self.foreign = tuple(
            self._nlb_cluster(description, number + 1) for number in range(len(description.foreign))
        )
        self.management = ManagementLayer(
            description.name,
            {name: host.server for name, host in self.hosts.items()},
            knobs=knobs,
            agenda=agenda,
            events=events,
            reachable=lambda host: self.hosts[host].connected,
        )
        self._disable_backups()
        self.primary_since = agenda.now
        self._primary = self.sole_primary()

    def _nlb_cluster(self, description: ClusterDescription, number: int) -> NlbCluster:
        nlb = (description.nlb, *description.foreign)[number]
        return NlbCluster(
            nlb,
            description.hosts,
            description.name,
            knobs=self._knobs,
            agenda=self._agenda,
            events=self._events,
            linked=self._linked,
        )

    def _disable_backups(self) -> None:
        for name, node in self.nlb.nodes.items():
            if self.hosts[name].server.mode is not SipMode.PRIMARY:
                for run in node.rules:
                    node.switch(run, PortState.DISABLED)

    def _linked(self, one: str, other: str) -> bool:
        """Whether two hosts hear each other; a host and itself: whether it is on the network."""
        first, second = self.hosts[one], self.hosts[other]
        return first.connected and second.connected and first.group == second.group

    @property
    def nlb_clusters(self) -> tuple[NlbCluster, ...]:
        """All NLB clusters that the hosts are in, the pair's own first."""
        return (self.nlb, *self.foreign)

    def sole_primary(self) -> str | None:
        """Return the host that alone is primary among those on the network, or None."""
        primaries = [
            name
            for name, host in self.hosts.items()
            if host.connected and host.server.mode is SipMode.PRIMARY
        ]
        return primaries[0] if len(primaries) == 1 else None

    def note_primary(self) -> None:
        """Keep since when the present sole primary is that."""
        primary = self.sole_primary()
        if primary != self._primary:
            self._primary, self.primary_since = primary, self._agenda.now
            if primary is not None:
                self._events.add(self.description.name, primary, "is the only primary now")

    def host(self, name: str) -> HostRun:
        """Return a host. Raises `NotPossibleError` if the cluster has none of that name."""
        try:
            return self.hosts[name]
        except KeyError:
            known = ", ".join(self.hosts)
            raise NotPossibleError(
                f"no host {name!r} in {self.description.name}; it has {known}"
            ) from None

    # -- what people and fate do

    def fail(self, name: str | None = None) -> str:
        """Let a SIP Server process die, by default the primary's; return the host."""
        host = self.host(name or self._believed_primary())
        if not host.server.is_running:
            raise NotPossibleError(f"no SIP Server runs on {host.description.name}")
        host.server.exit()
        self._events.add(self.description.name, host.description.name, "SIP Server process died")
        self.management.process_exited(host.description.name)
        return host.description.name

    def restart(self, name: str | None = None) -> str:
        """Launch the SIP Server on a host, by default where none runs; return the host."""
        dead = [host for host, run in self.hosts.items() if not run.server.is_running]
        if name is None and not dead:
            raise NotPossibleError("every SIP Server of the cluster runs")
        host = self.host(name or dead[0])
        if host.server.is_running:
            raise NotPossibleError(f"the SIP Server on {host.description.name} runs already")
        self._agenda.after(self._knobs.start_seconds, lambda: self._started(host))
        return host.description.name

    def _started(self, host: HostRun) -> None:
        if host.server.is_running:
            return
        host.server.launch(self._agenda.now)
        self._events.add(
            self.description.name, host.description.name, "SIP Server process started as backup"
        )
        self.management.process_started(host.description.name)

    def disconnect(self, name: str | None = None) -> str:
        """Cut a host off the network, by default the primary's; return the host."""
        host = self.host(name or self._believed_primary())
        if not host.connected:
            raise NotPossibleError(f"{host.description.name} is cut off already")
        return self._set_network(host, connected=False)

    def reconnect(self, name: str | None = None) -> str:
        """Give a host its network back, by default the one cut off; return the host."""
        cut_off = [host for host, run in self.hosts.items() if not run.connected]
        if name is None and not cut_off:
            raise NotPossibleError("every host of the cluster is on the network")
        host = self.host(name or cut_off[0])
        if host.connected:
            raise NotPossibleError(f"{host.description.name} is on the network")
        return self._set_network(host, connected=True)

    def force(self, name: str, mode: SipMode) -> str:
        """Let a SIP Server take a mode that nobody ordered, until `enforce`; return the host."""
        host = self.host(name)
        if not host.server.is_running:
            raise NotPossibleError(f"no SIP Server runs on {name}")
        host.server.learn(self._agenda.now, mode=mode)
        self._events.add(self.description.name, name, f"SIP Server is {mode} without an order")
        return name

    def _set_network(self, host: HostRun, *, connected: bool) -> str:
        name = host.description.name
        host.connected = connected
        what = "network is back" if connected else "host lost its network"
        self._events.add(self.description.name, name, what)
        for nlb in self.nlb_clusters:
            nlb.links_changed()
        self.management.network_changed(name)
        return name

    def split(self, groups: dict[str, int]) -> None:
        """Put hosts into network partitions that do not hear each other; all 0 heals it."""
        for name, group in groups.items():
            self.host(name).group = group
        self._events.add(self.description.name, "", "NLB heartbeats: partitions changed")
        for nlb in self.nlb_clusters:
            nlb.links_changed()

    def _believed_primary(self) -> str:
        if self.management.primary is None:
            raise NotPossibleError("there is no primary; name a host")
        return self.management.primary


class World:
    """The whole site. `advance` first, then look or act.

    watchers: called after every step, with `agenda.now` as its time.
    """

    def __init__(self, description: SiteDescription) -> None:
        """Begin at second 0 with every cluster sound."""
        self.description = description
        self.clusters: dict[str, ClusterRun] = {}
        self.agenda = Agenda(self.note_primaries)
        self.events = EventLog(self.agenda)
        self.watchers: list[Callable[[], None]] = []
        self.mlcmd_faults = MlcmdFaults()
        self.clusters = {
            cluster.name: ClusterRun(cluster, description.knobs, self.agenda, self.events)
            for cluster in description.clusters
        }

    @property
    def knobs(self) -> Knobs:
        """How the site behaves."""
        return self.description.knobs

    def advance(self, now: float) -> None:
        """Let everything happen that is due by `now`, seconds since the site began."""
        self.agenda.advance(now)
        self.note_primaries()

    def note_primaries(self) -> None:
        """Keep, for every cluster, since when its sole primary is that; let watchers look."""
        for cluster in self.clusters.values():
            cluster.note_primary()
        for watcher in self.watchers:
            watcher()

    def cluster(self, name: str) -> ClusterRun:
        """Return a cluster. Raises `NotPossibleError` if there is none of that name."""
        try:
            return self.clusters[name]
        except KeyError:
            known = ", ".join(self.clusters)
            raise NotPossibleError(f"no cluster {name!r} in this site; it has {known}") from None

    def events_of(self, name: str) -> tuple[Event, ...]:
        """Return the events of one cluster, oldest first."""
        return self.events.of(name)
