"""One NLB cluster: who hears whom, who converges with whom, operations on one node. Pure.

Must not know SIP. Who takes a datagram is in `nlb_traffic`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cluster.model import PortState
from simulator.agenda import Agenda, EventLog
from simulator.description import HostDescription, NlbDescription
from simulator.knobs import Knobs
from simulator.nlb_node import (
    NlbNode,
    NodeRun,
    PortVerb,
    Result,
    RuleRun,
    run_rules,
)

_EVENT = {PortVerb.ENABLE: 23, PortVerb.DISABLE: 24, PortVerb.DRAIN: 39}
_WHOLE_EVENT = {PortVerb.ENABLE: 42, PortVerb.DISABLE: 43, PortVerb.DRAIN: 41}


@dataclass(frozen=True, slots=True, eq=False)
class _Wait:
    """A change that one host is about to notice. heard: that it hears another again."""

    heard: bool


class NlbCluster:
    """The nodes of one NLB cluster and the heartbeats between them.

    `linked` tells whether two hosts can hear each other over the network at this moment.
    `before_operation` and `after_operation` are called around every operation on a host's rules.
    """

    def __init__(
        self,
        description: NlbDescription,
        hosts: tuple[HostDescription, ...],
        cluster: str,
        *,
        knobs: Knobs,
        agenda: Agenda,
        events: EventLog,
        linked: Callable[[str, str], bool],
    ) -> None:
        """Begin with all nodes converged; the rule is enabled on the first host alone."""
        self.description = description
        self.cluster = cluster
        self._knobs, self._agenda, self._events = knobs, agenda, events
        self.linked = linked
        names = {host.name for host in hosts}
        self.nodes = {
            host.name: NlbNode(
                host.name,
                host.host_id,
                run_rules(description.rules),
                members=set(names),
                converged_at=agenda.now,
            )
            for host in hosts
        }
        self._waiting: dict[tuple[str, str], _Wait] = {}
        self._phase: dict[str, int] = dict.fromkeys(names, 0)
        self.before_operation: Callable[[str, PortVerb], None] = lambda _host, _verb: None
        self.after_operation: Callable[[str, PortVerb], None] = self.before_operation

    # -- heartbeats and convergence

    def hears(self, one: str, other: str) -> bool:
        """Tell whether `one` receives the heartbeats of `other`."""
        return (
            self.nodes[one].is_in_cluster
            and self.nodes[other].is_in_cluster
            and (one == other or self.linked(one, other))
        )

    def links_changed(self) -> None:
        """Begin the waits that follow a change of the network or of a node's state."""
        for one in self.nodes:
            for other in self.nodes:
                if one != other:
                    self._link_changed(one, other)

    def _link_changed(self, one: str, other: str) -> None:
        """Let `one` notice later that it hears `other` again, or no more."""
        node, heard = self.nodes[one], self.hears(one, other)
        wanted = heard if node.is_in_cluster and (other in node.members) is not heard else None
        waiting = self._waiting.get((one, other))
        if wanted is (waiting.heard if waiting else None):
            return  # a wait that has begun goes on, whatever else changes meanwhile
        if wanted is None:
            del self._waiting[one, other]
            return
        wait = _Wait(heard)
        self._waiting[one, other] = wait
        soon = heard or self._says_goodbye(one, other)
        knobs = self._knobs
        self._agenda.after(
            knobs.heartbeat_seconds if soon else knobs.heartbeat_loss_seconds,
            lambda: self._notice(one, other, wait),
        )

    def _says_goodbye(self, one: str, other: str) -> bool:
        """A node that stops in order leaves at once; one that is cut off only falls silent."""
        stopped = self.nodes[other].run in {NodeRun.STOPPED, NodeRun.SUSPENDED}
        return stopped and self.linked(one, other)

    def _notice(self, one: str, other: str, wait: _Wait) -> None:
        if self._waiting.get((one, other)) is not wait:
            return
        del self._waiting[one, other]
        members = self.nodes[one].members
        if wait.heard:
            members.add(other)
        else:
            members.discard(other)
        self.converge(one)

    def converge(self, host: str) -> None:
        """Let a node converge with those it has as members."""
        node = self.nodes[host]
        if node.run not in {NodeRun.CONVERGING, NodeRun.CONVERGED}:
            return
        node.run = NodeRun.CONVERGING
        node.convergences += 1
        self._events.add(self.cluster, host, f"NLB begins to converge with {self._ids(host)}", 27)
        self._await_convergence(host)

    def _await_convergence(self, host: str) -> None:
        self._phase[host] += 1
        token = self._phase[host]

        def converged() -> None:
            node = self.nodes[host]
            if self._phase[host] != token or node.run is not NodeRun.CONVERGING:
                return
            problem = self._why_not_converging(host)
            if problem is not None:
                what, number = problem
                self._events.add(self.cluster, host, what, number)
                self._await_convergence(host)
                return
            node.run = NodeRun.CONVERGED
            node.converged_at = self._agenda.now
            word, number = (" as default", 29) if self.is_default(host) else ("", 28)
            self._events.add(
                self.cluster, host, f"NLB converged{word} with {self._ids(host)}", number
            )

        self._agenda.after(max(self._knobs.convergence_seconds, 0.01), converged)

    def _why_not_converging(self, host: str) -> tuple[str, int] | None:
        """Documented: KB Q193599, rules that differ and equal priorities never converge."""
        mine = self.nodes[host]
        for other in sorted(mine.members - {host}):
            theirs = self.nodes[other]
            if theirs.host_id == mine.host_id:
                return f"NLB host priority {mine.host_id} is that of {other} too", 17
            if theirs.signature() != mine.signature():
                return f"NLB rules differ from those of {other}", 21
        return None

    def member_ids(self, host: str) -> tuple[int, ...]:
        """Return the host ids that a node sees in its cluster, in order."""
        return tuple(sorted(self.nodes[name].host_id for name in self.nodes[host].members))

    def _ids(self, host: str) -> str:
        return ", ".join(str(number) for number in self.member_ids(host)) or "nobody"

    def is_default(self, host: str) -> bool:
        """Whether a converged node is the default host: the lowest id among its own members."""
        node = self.nodes[host]
        return node.run is NodeRun.CONVERGED and node.host_id == min(self.member_ids(host))

    # -- operations on one host

    def operate(self, host: str, verb: PortVerb, vip: str | None, port: int | None) -> Result:
        """Enable, disable or drain the rules that `vip` and `port` name on one host."""
        self.before_operation(host, verb)
        node = self.nodes[host]
        result = node.operate(verb, vip, port)
        self.after_operation(host, verb)
        if result is Result.OK:
            whole = port is None
            number = (_WHOLE_EVENT if whole else _EVENT)[verb]
            what = "all rules" if whole else f"rule with port {port}"
            self._events.add(self.cluster, host, f"NLB {what}: {verb}", number)
            for run in node.named(vip, port):
                self._end_drain_later(node, run)
        elif result is Result.NOT_FOUND:
            self._events.add(self.cluster, host, f"NLB has no rule with port {port}", 25)
        elif result is Result.STOPPED:
            self._events.add(self.cluster, host, "NLB port operation while stopped", 26)
        return result

    def _end_drain_later(self, node: NlbNode, run: RuleRun) -> None:
        if run.state is not PortState.DRAINING:
            return

        def drained() -> None:
            if run.state is PortState.DRAINING:
                node.switch(run, PortState.DISABLED)

        self._agenda.after(self._knobs.drain_seconds, drained)

    def start(self, host: str) -> Result:
        """Start a node (documented: a suspended one must be resumed first)."""
        node = self.nodes[host]
        if node.run is NodeRun.SUSPENDED:
            return Result.SUSPENDED
        if node.run is NodeRun.DRAINING:
            node.run = NodeRun.CONVERGED
            self._events.add(self.cluster, host, "NLB draining interrupted", 45)
            return Result.DRAIN_STOP
        if node.run is not NodeRun.STOPPED:
            return Result.ALREADY
        node.run, node.members, node.convergences = NodeRun.CONVERGING, {host}, 0
        if self._knobs.rules_reenabled_after_restart:
            for run in node.rules:
                node.switch(run, PortState.ENABLED)
                what = f"NLB rule with port {run.rule.start}: enable"
                self._events.add(self.cluster, host, what, 23)
        self._events.add(self.cluster, host, "NLB started", 5)
        self.converge(host)
        self.links_changed()
        return Result.OK

    def stop(self, host: str) -> Result:
        """Stop a node; its rules keep their state."""
        node = self.nodes[host]
        if node.run in {NodeRun.SUSPENDED, NodeRun.STOPPED}:
            return Result.SUSPENDED if node.run is NodeRun.SUSPENDED else Result.ALREADY
        result = Result.DRAIN_STOP if node.run is NodeRun.DRAINING else Result.OK
        self._leave(host, NodeRun.STOPPED, "NLB stopped", 6)
        return result

    def drainstop(self, host: str) -> Result:
        """Refuse new traffic, then stop."""
        node = self.nodes[host]
        if node.run is NodeRun.SUSPENDED:
            return Result.SUSPENDED
        if node.run is NodeRun.STOPPED:
            return Result.STOPPED
        if node.run is NodeRun.DRAINING:
            return Result.ALREADY
        node.run = NodeRun.DRAINING
        self._events.add(self.cluster, host, "NLB begins to drain before it stops", 44)

        def drained() -> None:
            if node.run is NodeRun.DRAINING:
                self._leave(host, NodeRun.STOPPED, "NLB stopped", 6)

        self._agenda.after(self._knobs.drain_seconds, drained)
        return Result.OK

    def suspend(self, host: str) -> Result:
        """Stop a node and make it ignore all but resume and query (documented: cc782460)."""
        node = self.nodes[host]
        if node.run is NodeRun.SUSPENDED:
            return Result.ALREADY
        self._leave(host, NodeRun.SUSPENDED, "NLB suspended", 48)
        return Result.OK

    def resume(self, host: str) -> Result:
        """End a suspension; the node is then stopped (documented: Resume-NlbClusterNode)."""
        node = self.nodes[host]
        if node.run is not NodeRun.SUSPENDED:
            return Result.ALREADY
        node.run = NodeRun.STOPPED
        self._events.add(self.cluster, host, "NLB resumed", 47)
        return Result.OK

    def set_cable(self, host: str, *, plugged: bool) -> None:
        """Pull or plug the cable of the cluster adapter; the driver sees it at once."""
        node = self.nodes[host]
        if not plugged and node.is_in_cluster:
            self._leave(host, NodeRun.DISCONNECTED, "NLB adapter lost its link", None)
        elif plugged and node.run is NodeRun.DISCONNECTED:
            node.run, node.members = NodeRun.CONVERGING, {host}
            self.converge(host)
            self.links_changed()

    def _leave(self, host: str, run: NodeRun, what: str, number: int | None) -> None:
        node = self.nodes[host]
        node.run, node.members = run, set()
        self._phase[host] += 1
        self._events.add(self.cluster, host, what, number)
        self.links_changed()
