"""Captured output → what the product makes of it, as plain data for JSON. Pure.

How a user checks an unknown Windows version. What cannot be read is null and has a line
under ``problems``. What is merely not printed in that state (counters of a rule that is not
handled, the load of a single-host rule) is null without one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from cluster.model import (
    NlbParams,
    NodeState,
    NodeStatus,
    PortState,
    ReportedRule,
    SipMode,
)
from cluster.nlb.cim import CimCluster, parse_state
from cluster.nlb.output import HANDLING, PortAnswer, decode, parse_query, parse_queryport
from cluster.nlb.params import parse_params
from cluster.nlb.phrases import Phrases
from cluster.sip import mlcmd
from cluster.sip.serverx import parse_serverx
from exporter.explanation_log import explain_log
from exporter.recording import explain_recording

Explanation = dict[str, Any]
_XML_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
IN_CLUSTER = frozenset({NodeState.CONVERGED, NodeState.CONVERGING})


class Kind(StrEnum):
    """What was captured."""

    QUERY = "nlb-query"
    QUERYPORT = "nlb-queryport"
    PARAMS = "nlb-params"
    CIM = "cim"
    SERVERX = "serverx"
    MLCMD = "mlcmd"
    LOG = "log"
    RECORDING = "recording"


def explain(kind: Kind, raw: bytes, phrases: Phrases, code_page: str) -> Explanation:
    """Read a captured output. Never raises for what stands in it."""
    if kind is Kind.SERVERX:
        return _serverx(raw)
    if kind is Kind.CIM:
        return _cim(raw)
    if kind is Kind.MLCMD:
        return _mlcmd(raw)
    if kind is Kind.LOG:
        return explain_log(raw, code_page)
    if kind is Kind.RECORDING:
        return explain_recording(
            raw, phrases, code_page, lambda of, bare, page: explain(Kind(of), bare, phrases, page)
        )
    text = decode(raw, code_page)
    readers = {Kind.QUERY: _query, Kind.QUERYPORT: _queryport, Kind.PARAMS: _params}
    return readers[kind](text, phrases)


def says_something(explanation: Explanation) -> bool:
    """Tell whether anything but problems was read; of a recording, any capture."""
    if "not_understood" in explanation:
        return any(each["understood"] for each in explanation["captures"])
    return any(_has_value(value) for key, value in explanation.items() if key != "problems")


def _has_value(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_value, value.values()))
    if isinstance(value, list):
        return any(map(_has_value, value))
    return value is not None


def _query(text: str, phrases: Phrases) -> Explanation:
    parsed = parse_query(text, phrases)
    problems = list(parsed.problems)
    for block in parsed.blocks:
        problems += _unread(block.cluster_ip, _missing_of_node(block))
    return {"clusters": [_node(block) for block in parsed.blocks], "problems": problems}


def _node(status: NodeStatus) -> Explanation:
    return {
        "cluster_ip": status.cluster_ip,
        "host_id": status.host_id,
        "node_state": _word(status.state),
        "is_default": status.is_default,
        "members": None if status.members is None else list(status.members),
        "convergences": status.convergences,
    }


def _missing_of_node(status: NodeStatus) -> list[str]:
    missing = [] if status.cluster_ip else ["no line 'Cluster ADDRESS' names the cluster"]
    if status.convergences is None and status.state in IN_CLUSTER:
        missing.append("no line tells how often it began to converge")
    return missing


def _queryport(text: str, phrases: Phrases) -> Explanation:
    parsed = parse_queryport(text, phrases)
    problems = list(parsed.problems)
    for block in parsed.blocks:
        problems += _unread(block.cluster_ip, _missing_of_port(block))
    blocks = [{"cluster_ip": block.cluster_ip, **_port(block)} for block in parsed.blocks]
    first = _port(parsed.blocks[0]) if parsed.blocks else _port(None)
    return _with_others(first, blocks, problems)


def _port(answer: PortAnswer | None) -> Explanation:
    status = answer.status if answer else None
    return {
        "port_state": _word(status.state) if status else None,
        "accepted": status.accepted if status else None,
        "dropped": status.dropped if status else None,
    }


def _missing_of_port(answer: PortAnswer) -> list[str]:
    status = answer.status
    if status.state not in HANDLING:
        return []
    counters = {"accepted": status.accepted, "dropped": status.dropped}
    return [f"no count of {name} packets" for name, value in counters.items() if value is None]


def _params(text: str, phrases: Phrases) -> Explanation:
    parsed = parse_params(text, phrases)
    problems = list(parsed.problems)
    for block in parsed.blocks:
        if block.cluster_ip is None:
            problems += ["ClusterIPAddress is missing or unreadable"]
    blocks = [_parameters(block) for block in parsed.blocks]
    first = blocks[0] if blocks else _parameters(NlbParams())
    return _with_others(first, blocks, problems)


def _parameters(params: NlbParams) -> Explanation:
    return {
        "host_id": params.host_id,
        "cluster_ip": params.cluster_ip,
        "operation_mode": params.operation_mode,
        "mac": params.mac,
        "remote_control": params.remote_control,
        "heartbeat_period_ms": params.heartbeat_period_ms,
        "heartbeat_tolerance": params.heartbeat_tolerance,
        "host_state": params.host_state,
        "rules": None if params.rules is None else [_rule(rule) for rule in params.rules],
    }


def _rule(rule: ReportedRule) -> Explanation:
    equal = rule.load_is_equal and rule.mode == "multiple"
    return {
        "vip": rule.vip,
        "start": rule.start,
        "end": rule.end,
        "protocol": rule.protocol,
        "mode": rule.mode,
        "priority": rule.priority,
        "load": "equal" if equal else rule.load,
        "affinity": rule.affinity or None,
    }


def _with_others(first: Explanation, blocks: list[Explanation], problems: list[str]) -> Explanation:
    """Show the first block, and all of them where there are several."""
    if len(blocks) < 2:
        return {**first, "problems": problems}
    said = f"the output speaks of {len(blocks)} clusters: the first stands here, all under clusters"
    return {**first, "clusters": blocks, "problems": [said, *problems]}


def _cim(raw: bytes) -> Explanation:
    parsed = parse_state(raw)
    blocks = [_cim_cluster(block) for block in parsed.blocks]
    unread = CimCluster(NodeStatus(), NlbParams(), None, ())
    return _with_others(
        blocks[0] if blocks else _cim_cluster(unread), blocks, list(parsed.problems)
    )


def _cim_cluster(cluster: CimCluster) -> Explanation:
    """Show one NLB cluster as node and parameters are shown; cim tells no members."""
    rules = cluster.rules
    return {
        "cluster_ip": cluster.cluster_ip,
        "host_id": cluster.node.host_id,
        "node_state": _word(cluster.node.state),
        "is_default": cluster.node.is_default,
        "operation_mode": cluster.params.operation_mode,
        "mac": cluster.params.mac,
        "remote_control": cluster.params.remote_control,
        "heartbeat_period_ms": cluster.params.heartbeat_period_ms,
        "heartbeat_tolerance": cluster.params.heartbeat_tolerance,
        "rules": None
        if rules is None
        else [{**_rule(rule.reported), "port_state": _word(rule.state)} for rule in rules],
    }


def _serverx(raw: bytes) -> Explanation:
    status, problems, _ = parse_serverx(_as_utf8(raw))
    return {
        "mode": None if status.mode is SipMode.UNKNOWN else str(status.mode),
        "ha_link_up": status.ha_link_up,
        "scs_connected": status.scs_connected,
        "service_available": status.service_available,
        "ready_for_switchover": status.ready_for_switchover,
        "application": status.application,
        "problems": list(problems),
    }


def _mlcmd(raw: bytes) -> Explanation:
    listing = mlcmd.parse_mlcmd(mlcmd.decode(raw))
    nothing = () if listing.records else ("no line 'Application: NAME'",)
    return {
        "applications": [
            {
                "application": record.application or None,
                "dbid": record.dbid,
                "status": None if record.status is None else str(record.status),
                "mode": None if record.mode is SipMode.UNKNOWN else str(record.mode),
            }
            for record in listing.records
        ],
        "problems": [*nothing, *listing.problems],
    }


def _as_utf8(raw: bytes) -> bytes:
    """Undo what saving a page with a shell does to it.

    PowerShell's ``>`` writes UTF-16 with a byte order mark, whatever the page declares of
    itself, and an empty line may stand before the page (assumed).
    """
    if not raw.startswith(UTF16_MARKS):
        return raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    return _XML_DECLARATION.sub("", raw.decode("utf-16", errors="replace"), count=1).encode()


def _word(state: NodeState | PortState) -> str | None:
    return None if state in {NodeState.UNKNOWN, PortState.UNKNOWN} else str(state)


def _unread(cluster_ip: str | None, missing: list[str]) -> list[str]:
    return [f"cluster {cluster_ip}: {text}" if cluster_ip else text for text in missing]
