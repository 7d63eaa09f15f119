"""Checks of one NLB node and its driver. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from cluster.config_model import Cluster, Host
from cluster.config_runners import PeerSettings, SshSettings
from cluster.config_sources import HttpSource
from cluster.model import ALL_VIPS, NodeState
from cluster.nlb.mac import ASSUMED_MODES, derived_mac, plain_mac
from exporter.checks_subject import OfHost
from exporter.findings import Verdict, elsewhere, right, unknown, wrong

QUARTER_SECONDS = 900
"""Every time zone in use is whole quarters of an hour from UTC."""

CLOCK_SECONDS = 5
"""How far a clock may be off before it is said."""

_MEND_STATE = {
    NodeState.CONVERGING: "wait ten seconds and check again; if it stays, rules or host ids "
    "differ between the hosts (events 17, 20, 21, 66, 67 of Microsoft-Windows-NLB)",
    NodeState.STOPPED: "start the node when it may take traffic (nlb start): sipnlb never does",
    NodeState.SUSPENDED: "resume and start the node (nlb resume, nlb start): sipnlb never does",
    NodeState.DRAINING: "it takes no new traffic; start the node again when it may (nlb start)",
    NodeState.DISCONNECTED: "look at the cable and the adapter of the cluster",
}


def one_nlb_cluster(of: OfHost) -> Iterator[Verdict]:
    """Say whether a command would reach one NLB cluster alone."""
    clusters = max(of.view.node.value.clusters, of.params.clusters)
    wide = [rule.port for rule in of.cluster.rules if rule.vip == ALL_VIPS]
    if of.host.is_peer:
        return  # it is commanded by its own remediator, with a back end of its own
    if clusters > 1 and wide and not of.host.nlb.names_cluster:
        yield wrong(
            f"the host is in {clusters} NLB clusters, and nlb.exe would switch "
            f"{', '.join(wide)} in all of them",
            "set nlb.backend to cim, which selects one, or give the rule an address of its own "
            "in NLB Manager and in port_rules: nothing is switched as it is",
        )
    elif clusters < 1:
        yield unknown("the host does not tell in how many", "see what nlb query prints")
    else:
        yield right("in 1" if clusters == 1 else f"in {clusters}, and only one is switched")


def converged(of: OfHost) -> Iterator[Verdict]:
    """Say whether the node takes part in its cluster."""
    state = of.view.node_state
    if state is NodeState.CONVERGED:
        yield right("converged")
    else:
        yield wrong(f"the node is {state}", _MEND_STATE.get(state, "see what nlb query prints"))


def members(of: OfHost) -> Iterator[Verdict]:
    """Say whether the node sees exactly the configured hosts."""
    seen = of.view.node.value.members
    wanted = {host.host_id for host in of.cluster.hosts}
    if not seen and of.view.node.source == "cim node":
        yield elsewhere(
            "back end cim does not tell which hosts the node sees",
            f"see with 'nlb query' on the host that it sees {_ids(wanted)} and no other",
        )
        return
    if not seen:
        yield unknown("the node does not list its members", "see what nlb query prints")
        return
    missing, more = wanted - set(seen), set(seen) - wanted
    if missing:
        yield wrong(
            f"sees {_ids(seen)}, not {_ids(missing)}",
            "is that host up and its node started? If it is, the heartbeats do not arrive: look "
            "at switch, VLAN and adapter of the cluster",
        )
    if more:
        yield wrong(
            f"sees {_ids(more)}, which no host of clusters.yml has",
            "add that host to clusters.yml, or remove it from the NLB cluster: it takes SIP "
            "traffic, and its port follows nothing",
        )
    if not missing and not more:
        yield right(f"sees {_ids(seen)}")


def operation_mode(of: OfHost) -> Iterator[Verdict]:
    """Say whether the cluster operates as configured."""
    told, wanted = of.params.operation_mode, of.cluster.operation_mode
    if told is None:
        yield unknown("the host does not tell it", "see what nlb params prints")
    elif told == wanted:
        yield right(wanted)
    else:
        yield wrong(
            f"{told}, configured is {wanted}",
            "put operation_mode right, or the cluster in NLB Manager if the host is wrong",
        )


def cluster_mac(of: OfHost) -> Iterator[Verdict]:
    """Say whether the cluster's hardware address is the one that its IP gives."""
    mode = of.params.operation_mode or of.cluster.operation_mode
    wanted = derived_mac(of.cluster.nlb_ip, mode)
    told = plain_mac(of.params.mac or "")
    if wanted is None:
        return
    if told is None:
        yield unknown("the host does not tell it", "see what nlb params prints")
    elif told == wanted:
        yield right(told)
    elif mode in ASSUMED_MODES:
        yield unknown(
            f"{told}; {wanted} was expected, by a rule that is not documented",
            "compare with 'nlb ip2mac' on the host, and use what the host says in switches",
        )
    else:
        yield wrong(
            f"{told}; {of.cluster.nlb_ip} gives {wanted}",
            "is cluster_ip the NLB primary IP? If it is, somebody set the address by hand: make "
            "sure that all hosts, switches and static entries have the same",
        )


def remote_control_off(of: OfHost) -> Iterator[Verdict]:
    """Say whether others on the network could switch ports."""
    match of.params.remote_control:
        case False:
            yield right("off")
        case True:
            yield wrong(
                "on: whoever reaches UDP 2504 and knows the password can switch ports",
                "turn it off in NLB Manager on every host; sipnlb does not use it, old control "
                "scripts with 'cluster:host' arguments may",
            )
        case _:
            yield unknown("the host does not tell it", "see what nlb params prints")


def second_network(of: OfHost) -> Iterator[Verdict]:
    """Say whether members must talk over an adapter that cannot carry it.

    documented: KB Q197864, members of a unicast cluster cannot reach each other over the NLB
    adapter, as all of them have its one hardware address.
    """
    if (of.params.operation_mode or of.cluster.operation_mode) != "unicast":
        return
    on_adapter = {of.cluster.virtual_ip, of.cluster.nlb_ip, of.params.dedicated_ip}
    for key, where in _ways_from_members(of.cluster, of.host):
        if where in on_adapter:
            yield wrong(
                f"{key} is {where}, on the NLB adapter: in unicast mode no other node reaches it",
                "give the host's address on its second network card",
            )
        elif not _is_address(where):
            yield unknown(
                f"{key} is by the name {where}",
                "write an address, so that it can be compared with the NLB adapter's",
            )
    if of.params.dedicated_ip is None:
        yield unknown("the host does not tell its dedicated address", "see what nlb params prints")
    elif of.host.address == of.params.dedicated_ip:
        yield elsewhere(
            f"address {of.host.address} is on the NLB adapter: other nodes cannot reach it",
            "sipnlb needs no way between nodes there, but see that HA link, LCA and SCS use the "
            "second network card",
        )
    else:
        yield right(f"address {of.host.address} is not on the NLB adapter")


def clock(of: OfHost) -> Iterator[Verdict]:
    """Say whether the host's clock agrees with this machine's, as far as it can be told.

    The host prints local time without its zone. Zones are whole quarters of an hour apart, so
    a rest beyond them is an error of the clock, and at least that large.
    """
    reading = of.view.params
    told = re.search(r"(?<!\d)\d{1,2}:(\d{2}):(\d{2})(?!\d)", of.params.local_time or "")
    if told is None:
        yield elsewhere(
            "the host does not tell its time",
            "compare its clock with this machine's: both should follow one time server",
        )
        return
    here = reading.asked.utc.timestamp() + reading.duration_seconds() / 2
    apart = (int(told[1]) * 60 + int(told[2]) - here) % QUARTER_SECONDS
    apart = min(apart, QUARTER_SECONDS - apart)
    if apart > CLOCK_SECONDS + reading.duration_seconds() / 2:
        yield wrong(
            f"at least {apart:.0f} s from this machine's",
            "let both follow one time server: times in records cannot be compared as it is",
        )
    else:
        yield right("agrees with this machine's, whatever its time zone")


def speed(of: OfHost) -> Iterator[Verdict]:
    """Say whether readings come in the time that a look of the remediator gives them."""
    limit = of.config.remediator.look_timeout
    read = [reading for reading in of.view.readings() if reading.problem is None]
    took = [reading.duration_seconds() for reading in read]
    if not took:
        return
    if max(took) < limit:
        yield right(f"slowest reading {max(took):.2f} s")
    else:
        yield unknown(
            f"slowest reading {max(took):.2f} s; a look waits {limit:.2f} s",
            "check again, as a first connection takes longer; if it stays, lengthen "
            "remediator.look_timeout and max_age, else nothing is ever known in a look",
        )


def _ways_from_members(cluster: Cluster, host: Host) -> Iterator[tuple[str, str]]:
    """Yield over which addresses another node of the cluster talks to this host, by key."""
    others = (other for other in cluster.hosts if other is not host)
    if host.runner.type == "local" or all(other.runner.type != "local" for other in others):
        return
    if isinstance(host.runner, PeerSettings):
        yield "runner.url", urlsplit(host.runner.url).hostname or ""
        return
    if isinstance(host.runner, SshSettings) and host.runner.address:
        yield "runner.address", host.runner.address
    else:
        yield "address", host.address
    for source in host.sip_server.sources:
        if isinstance(source, HttpSource):
            yield "url", urlsplit(source.url).hostname or ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ids(numbers: set[int] | tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in sorted(numbers))
