"""Lets the steps of incidents happen to a simulated site. Pure: the world's time is the caller's.

What cannot be done at that moment, because another incident was first, is left out: whoever is
dead cannot die. What an incident began with a host, it ends with the same host.
"""

from __future__ import annotations

from dataclasses import replace

from cluster.model import SipMode
from simulator.faults import NlbFault, PageFault
from simulator.management_layer import NotPossibleError
from simulator.nlb_node import PortVerb
from simulator.world import ClusterRun, World
from tests.soak.incident import Do, Incident, Role, Step

_HANDS = {Do.ENABLE: PortVerb.ENABLE, Do.DISABLE: PortVerb.DISABLE, Do.DRAIN: PortVerb.DRAIN}


class Play:
    """Plays on one world. hands: whether other hands switch a port at this moment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names = tuple(world.clusters)
        self._meant: dict[tuple[int, Role], str] = {}
        self._faults: dict[str, list[tuple[int, Step]]] = {}
        self.hands = False

    def cluster_of(self, incident: Incident) -> str:
        """Return the name of the cluster that an incident befalls."""
        return self._names[incident.cluster]

    def do(self, incident: Incident, step: Step) -> None:
        """Let a step happen to its cluster; steps around the site are not for here."""
        cluster = self._world.clusters[self.cluster_of(incident)]
        try:
            if step.role is Role.NEITHER:
                self._to_cluster(cluster, step)
            for host in self._hosts(cluster, incident, step.role):
                self._to_host(cluster, host, incident, step)
        except NotPossibleError:
            return

    def _hosts(self, cluster: ClusterRun, incident: Incident, role: Role) -> tuple[str, ...]:
        if role is Role.NEITHER:
            return ()
        names = tuple(cluster.hosts)
        if role is Role.BOTH:
            return names
        if (incident.number, role) not in self._meant:
            primary = cluster.sole_primary() or cluster.management.primary or names[0]
            other = next(name for name in names if name != primary)
            self._meant[incident.number, Role.PRIMARY] = primary
            self._meant[incident.number, Role.BACKUP] = other
        return (self._meant[incident.number, role],)

    @staticmethod
    def _to_cluster(cluster: ClusterRun, step: Step) -> None:
        if step.do is Do.SWITCHOVER:
            cluster.management.switch_over()
        elif step.do is Do.ENFORCE:
            cluster.management.enforce()
        elif step.do in {Do.SPLIT, Do.HEAL}:
            split = step.do is Do.SPLIT
            cluster.split({name: n if split else 0 for n, name in enumerate(cluster.hosts)})

    def _to_host(self, cluster: ClusterRun, name: str, incident: Incident, step: Step) -> None:
        do, nlb = step.do, cluster.nlb
        if do is Do.FAIL:
            cluster.fail(name)
        elif do is Do.RESTART:
            cluster.restart(name)
        elif do is Do.DISCONNECT:
            cluster.disconnect(name)
        elif do is Do.RECONNECT:
            cluster.reconnect(name)
        elif do is Do.FORCE:
            cluster.force(name, SipMode(step.what))
        elif do is Do.STOP:
            nlb.stop(name)
        elif do is Do.SUSPEND:
            nlb.suspend(name)
        elif do is Do.START:
            nlb.resume(name)
            nlb.start(name)
        elif do in _HANDS:
            self._by_hand(cluster, name, _HANDS[do])
        else:
            self._fault(cluster, name, incident, step)

    def _by_hand(self, cluster: ClusterRun, name: str, verb: PortVerb) -> None:
        self.hands = True
        try:
            cluster.nlb.operate(name, verb, None, cluster.description.configured[0].start)
        finally:
            self.hands = False

    def _fault(self, cluster: ClusterRun, name: str, incident: Incident, step: Step) -> None:
        """Begin a fault, or end it; of several the latest that has not ended shows."""
        faults = self._faults.setdefault(name, [])
        if step.do in {Do.CLEAR_NLB, Do.CLEAR_PAGE}:
            ended = {Do.PAGE} if step.do is Do.CLEAR_PAGE else {Do.NLB, Do.NLB_LATENCY}
            faults[:] = [f for f in faults if f[0] != incident.number or f[1].do not in ended]
        else:
            faults.append((incident.number, step))
        latest = {each.do: each for _, each in faults}
        host = cluster.hosts[name]
        nlb, late, page = (latest.get(do) for do in (Do.NLB, Do.NLB_LATENCY, Do.PAGE))
        host.faults = replace(
            host.faults,
            nlb=NlbFault(nlb.what) if nlb else NlbFault.NONE,
            nlb_latency_seconds=late.seconds if late else 0.0,
            page=PageFault(page.what) if page else PageFault.NONE,
        )
