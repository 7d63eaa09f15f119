"""Checks of the hosts of a cluster together, and of this machine's way to its virtual IP. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.config_model import Cluster
from cluster.model import REASON_TEXT, HostView, NodeState, PortRule, PortState, SipMode
from cluster.nlb.mac import ASSUMED_MODES, derived_mac, plain_mac
from exporter.checks_subject import OfCluster
from exporter.findings import Verdict, elsewhere, right, unknown, wrong

SEE_HOST = "see what is said of that host"


def one_primary(of: OfCluster) -> Iterator[Verdict]:
    """Say whether exactly one SIP Server is primary."""
    primaries = [host.host for host in of.view.primaries]
    unread = [host.host for host in of.view.hosts if host.mode is SipMode.UNKNOWN]
    if len(primaries) > 1:
        yield wrong(
            f"{' and '.join(primaries)} are primary",
            "normal for a second in a switchover: check again; if it stays, see to the "
            "Management Layer: nothing is switched until one is primary",
        )
    elif not primaries and not unread:
        yield wrong(
            "every SIP Server is backup",
            "make one primary with the Management Layer: nothing is switched until then",
        )
    elif not primaries:
        yield unknown(
            f"none seen, and the mode of {' and '.join(unread)} is not known",
            "see to its mode sources",
        )
    elif unread:
        yield unknown(
            f"{primaries[0]} is; the mode of {' and '.join(unread)} is not known",
            "see to its mode sources",
        )
    else:
        yield right(f"{primaries[0]} is primary, every other host backup")


def port_follows(of: OfCluster) -> Iterator[Verdict]:
    """Say of each rule whether the primary alone takes its traffic."""
    for rule in of.view.rules:
        yield _port(of, rule)


def _port(of: OfCluster, rule: PortRule) -> Verdict:
    named = f"{rule.port}: "
    enabled = [host.host for host in of.view.hosts if host.port_state(rule) is PortState.ENABLED]
    unread = [host.host for host in of.view.hosts if host.port_state(rule) is PortState.UNKNOWN]
    primaries = [host.host for host in of.view.primaries]
    on = " and ".join(enabled) or "no host"
    if unread:
        return unknown(f"{named}the state on {' and '.join(unread)} is not known", SEE_HOST)
    if len(primaries) != 1:
        return unknown(f"{named}enabled on {on}, and no one primary", "see 'one primary'")
    if enabled == primaries:
        return right(f"{named}enabled on {on}, the primary, alone")
    return wrong(
        f"{named}enabled on {on}; the primary is {primaries[0]}",
        f"sipnlb-remediator with policy.level enforce puts it right; by hand: 'nlb enable "
        f"{rule.port_spec}' on {primaries[0]}, then 'nlb disable {rule.port_spec}' on the others",
    )


def rules_alike(of: OfCluster) -> Iterator[Verdict]:
    """Say whether all hosts have the same rules, as NLB wants it.

    documented: KB Q193599, number, types, ranges, protocols and modes; else convergence never
    ends. Handling priority and load may differ.
    """
    told = {
        host.host: sorted(
            f"{rule.rule} {rule.mode} {rule.affinity}".rstrip() for rule in host.params.value.rules
        )
        for host in of.view.hosts
        if host.params.value.rules is not None
    }
    if len(told) < len(of.view.hosts):
        unread = [host.host for host in of.view.hosts if host.host not in told]
        yield unknown(f"the rules of {' and '.join(unread)} are not read", SEE_HOST)
        return
    first, *others = told
    different = [name for name in others if told[name] != told[first]]
    for name in different:
        mine, theirs = told[first], told[name]
        only_first = [rule for rule in mine if rule not in theirs]
        only_other = [rule for rule in theirs if rule not in mine]
        yield wrong(
            f"{first} alone has {_list(only_first)}; {name} alone has {_list(only_other)}",
            "make them the same in NLB Manager: hosts with different rules never converge",
        )
    if not different:
        count = len(told[first])
        yield right(f"{count} rule{'s' if count != 1 else ''}, the same on every host")


def host_ids(of: OfCluster) -> Iterator[Verdict]:
    """Say whether every host reports an id of its own, the configured one."""
    configured = {host.name: host.host_id for host in of.cluster.hosts}
    told = {host.host: _host_id(host) for host in of.view.hosts}
    unread = [name for name, number in told.items() if number is None]
    if unread:
        yield unknown(f"the host id of {' and '.join(unread)} is not read", SEE_HOST)
    elif told == configured:
        yield right(f"{', '.join(str(number) for number in told.values())}, as configured")
    else:
        yield wrong(
            ", ".join(f"{name} reports {number}" for name, number in told.items()),
            "put host_id right; if two hosts report one id, give one another host priority in "
            "NLB Manager: they never converge as it is",
        )


def not_split(of: OfCluster) -> Iterator[Verdict]:
    """Say whether the nodes form one cluster: one default host.

    documented: KB 812870, Q197863; where heartbeats are lost each node is its own default host.
    """
    defaults = [host.host for host in of.view.hosts if host.node.value.is_default]
    known = [host for host in of.view.hosts if host.node_state is not NodeState.UNKNOWN]
    untold = [host.host for host in known if host.node.value.is_default is None]
    if len(defaults) > 1:
        yield wrong(
            f"{' and '.join(defaults)} are both default host: the cluster is split",
            "the nodes do not hear each other's heartbeats: look at switch, VLAN and adapters",
        )
    elif len(known) < len(of.view.hosts):
        unread = [host.host for host in of.view.hosts if host not in known]
        yield unknown(f"the node of {' and '.join(unread)} is not known", SEE_HOST)
    elif untold:
        yield unknown(
            f"{' and '.join(untold)} does not say whether it is the default host",
            "check again once converged",
        )
    elif defaults:
        yield right(f"one default host, {defaults[0]}")
    else:
        yield unknown("no node says that it is the default host", "check again once converged")


def neighbour_entry(of: OfCluster) -> Iterator[Verdict]:
    """Say whether this machine maps the virtual IP to the cluster's hardware address.

    Of multicast clusters alone: there the address is one that routers and some systems do not
    learn (documented: KB Q193602, multicast may need static ARP entries on routers).
    """
    mode = of.cluster.operation_mode
    wanted = derived_mac(of.cluster.nlb_ip, mode)
    if mode == "unicast" or wanted is None or of.cluster.simulated:
        return  # of a simulated cluster this machine has no address
    reported = {plain_mac(host.params.value.mac or "") for host in of.view.hosts} - {None}
    if mode in ASSUMED_MODES and len(reported) == 1:
        wanted = next(iter(reported)) or wanted
    static = f"a static entry {of.cluster.virtual_ip} → {wanted}"
    if of.neighbour is None:
        yield unknown(
            "the neighbour table of this machine could not be read",
            f"see with 'ip neigh' or 'arp -a' whether it maps {of.cluster.virtual_ip} to {wanted}",
        )
    elif of.neighbour.is_own:
        return
    elif of.neighbour.mac == wanted:
        static_or_not = {True: ", static", False: ", learned", None: ""}
        kind = static_or_not[of.neighbour.is_static]
        yield right(f"{of.cluster.virtual_ip} is {wanted} here{kind}")
    elif of.neighbour.mac is not None:
        yield wrong(
            f"{of.cluster.virtual_ip} is {of.neighbour.mac} here, the cluster's is {wanted}",
            f"does another machine have the address? If not, {_how(of, wanted)}",
        )
    elif of.neighbour.gateway is not None:
        yield elsewhere(
            f"{of.cluster.virtual_ip} is behind the router {of.neighbour.gateway}",
            f"that router may need {static}: many do not learn a multicast address; this machine "
            "needs nothing",
        )
    else:
        yield unknown(
            f"no entry for {of.cluster.virtual_ip} on this machine",
            f"ping it and check again; if there is still none, {_how(of, wanted)}",
        )


def probed_from_outside(of: OfCluster) -> Iterator[Verdict]:
    """Say whether OPTIONS to the virtual IP would be answered by the machine that sends it.

    The address is bound on every node (assumed: so its own network stack answers, NLB or not).
    """
    here = [host.name for host in of.cluster.hosts if host.runner.type == "local"]
    if of.cluster.service_probe is None or not hears_itself(of.cluster):
        return
    yield wrong(
        f"{' and '.join(here)} is this machine: a node that asks the virtual IP answers itself",
        "leave service_probe out here, and have it asked by an exporter outside the cluster",
    )


def hears_itself(cluster: Cluster) -> bool:
    """Tell whether this machine is a node, so that it would answer its own question."""
    return not cluster.simulated and any(host.runner.type == "local" for host in cluster.hosts)


def virtual_ip_answers(of: OfCluster) -> Iterator[Verdict]:
    """Say whether a SIP service answers behind the virtual IP, where that was asked."""
    answer = of.answer
    if answer is None:
        return
    if answer.value.is_serving:
        yield right(f"{answer.command}: {answer.value} within {answer.duration_seconds():.2f} s")
        return
    problem = answer.problem
    why = f": {problem.text or REASON_TEXT[problem.reason]}" if problem is not None else ""
    yield wrong(
        f"{answer.command}: {answer.value}{why}",
        "callers have no service if nobody answers them either: is the primary's port enabled, "
        "and are transport, address and port of service_probe those that callers use?",
    )


def _how(of: OfCluster, mac: str) -> str:
    address = of.cluster.virtual_ip
    linux = f"ip neigh replace {address} lladdr {mac.replace('-', ':')} dev INTERFACE nud permanent"
    windows = f"netsh interface ipv4 add neighbors INTERFACE {address} {mac}"
    return f"make a static entry (Linux: {linux}; Windows: {windows})"


def _host_id(host: HostView) -> int | None:
    """Return the id that the host reports by either reading."""
    told = host.params.value.host_id
    return host.node.value.host_id if told is None else told


def _list(rules: list[str]) -> str:
    return ", ".join(rules) or "nothing"
