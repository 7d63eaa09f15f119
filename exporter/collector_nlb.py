"""The ``nlb_*`` metrics. Pure. By hand: ``nlb query``, ``nlb queryport PORT``, ``nlb params``."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.model import NodeState, PortState
from cluster.nlb.output import HANDLING
from exporter.measures import Measure, Sample, Subject, if_known, state_set

UNKNOWN_TEXT = "unknown"
"""Value of a label that the host does not tell."""


def _members(subject: Subject) -> tuple[Sample, ...]:
    members = subject.view.node.value.members
    return if_known(None if members is None else len(members))


def _is_default(subject: Subject) -> tuple[Sample, ...]:
    node = subject.view.node.value
    return if_known(None if node.state is NodeState.UNKNOWN else node.is_default)


def _port_state(subject: Subject) -> Iterator[Sample]:
    for rule, reading in subject.view.ports:
        yield from state_set(PortState, reading.value.state, rule.port)


def _packets(subject: Subject) -> Iterator[Sample]:
    for rule, reading in subject.view.ports:
        status = reading.value
        for result, count in (("accepted", status.accepted), ("dropped", status.dropped)):
            if status.state in HANDLING and count is not None:
                yield (rule.port, result), float(count)


def _rules(subject: Subject) -> Iterator[Sample]:
    reported = (
        (rule.vip, str(rule.start), str(rule.end), rule.protocol, rule.mode, rule.affinity)
        for rule in subject.view.params.value.rules or ()
    )
    # A host that names a rule twice must not make the whole exposition unreadable.
    for labels in dict.fromkeys(reported):
        yield labels, 1.0


def _cluster_info(subject: Subject) -> Iterator[Sample]:
    params = subject.view.params.value
    if params.operation_mode is not None or params.mac is not None:
        yield (params.operation_mode or UNKNOWN_TEXT, params.mac or UNKNOWN_TEXT), 1.0


def _as_configured(subject: Subject) -> tuple[Sample, ...]:
    mode = subject.view.params.value.operation_mode
    return if_known(None if mode is None else mode == subject.cluster.operation_mode)


MEASURES = (
    Measure(
        "nlb_up",
        "1 if the NLB utility answered and told the node's state, else 0.",
        lambda subject: if_known(subject.view.node.problem is None),
    ),
    Measure(
        "nlb_node_state",
        "State of the NLB node: 1 for the present one; unknown if it cannot be read or the "
        "reading is too old.",
        lambda subject: state_set(NodeState, subject.view.node_state),
        ("state",),
    ),
    Measure(
        "nlb_node_members",
        "Hosts that this node sees in its cluster, itself included.",
        _members,
    ),
    Measure(
        "nlb_node_default",
        "1 if this node says that it is the default host, else 0; two of them in one cluster "
        "mean that it is split.",
        _is_default,
    ),
    Measure(
        "nlb_port_state",
        "State of the port rule on this host: 1 for the present one. port: first port of the "
        "rule. not_found: the host has no rule for it; unknown: it cannot be read.",
        _port_state,
        ("port", "state"),
    ),
    Measure(
        "nlb_port_packets_total",
        "Packets of the port rule as NLB counts them; only while the host handles the rule.",
        _packets,
        ("port", "result"),
    ),
    Measure(
        "nlb_port_rule_info",
        "A port rule as the host reports it; always 1.",
        _rules,
        ("vip", "start", "end", "protocol", "filtering_mode", "affinity"),
    ),
    Measure(
        "nlb_cluster_info",
        "How the NLB cluster operates, as the host reports it; always 1.",
        _cluster_info,
        ("operation_mode", "mac"),
    ),
    Measure(
        "nlb_operation_mode_as_configured",
        "1 if the host's operation mode is the configured one, 0 if it is another.",
        _as_configured,
    ),
    Measure(
        "nlb_remote_control_enabled",
        "1 if NLB remote control is on, which lets others on the network switch ports, else 0.",
        lambda subject: if_known(subject.view.params.value.remote_control),
    ),
)
