"""Text of ``nlb params`` → the parameters of an NLB cluster on one host. Pure.

documented: complete for V2.4 (UCMDB NLB discovery script). ``display`` prints 0 and 1 where
``params`` prints DISABLED and ENABLED (documented: tech-archive 2008-04); both are read.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace

from cluster.model import ALL_VIPS, NlbParams, ReportedRule
from cluster.nlb.output import Parsed, failure_in, split_blocks
from cluster.nlb.phrases import Phrases

_SETTING = re.compile(r"^\s*([A-Za-z][A-Za-z ]{0,60}?)\s*=\s*(.*?)\s*$")
_RULES_HEADING = re.compile(r"^\s*PortRules\s*\((\d{1,5})\)", re.IGNORECASE)
_DASHES = re.compile(r"^\s*-{2,}(?:\s+-{2,}){6,}\s*$")
_SWITCH = {"enabled": True, "1": True, "disabled": False, "0": False}
_COLUMNS = 8


def parse_params(text: str, phrases: Phrases) -> Parsed[NlbParams]:
    """Read ``nlb params``: one `NlbParams` a cluster on the host."""
    failure = failure_in(text, phrases)
    if failure is not None:
        return Parsed(failure=failure, problems=(str(failure),))
    blocks, problems = [], []
    for cluster_ip, lines in split_blocks(text):
        params, found = _block(cluster_ip, lines)
        if params is not None:
            blocks.append(params)
        named = f"cluster {cluster_ip}: " if cluster_ip else ""
        problems += [named + problem for problem in found]
    count = len(blocks)
    return Parsed(tuple(replace(block, clusters=count) for block in blocks), tuple(problems))


def _block(cluster_ip: str | None, lines: list[str]) -> tuple[NlbParams | None, list[str]]:
    settings = {
        match[1].lower(): match[2] for line in lines if (match := _SETTING.match(line)) is not None
    }
    rules, problems = _rules(lines)
    if not settings and rules is None:
        return None, ["no 'Name = value' line and no table of port rules"]
    params = NlbParams(
        cluster_ip=cluster_ip or settings.get("clusteripaddress"),
        host_id=_number(settings, "hostpriority"),
        operation_mode=_operation_mode(settings),
        mac=settings.get("clusternetworkaddress", "").lower() or None,
        remote_control=_switch(settings, "remotecontrolenabled"),
        heartbeat_period_ms=_number(settings, "alivemsgperiod"),
        heartbeat_tolerance=_number(settings, "alivemsgtolerance"),
        host_state=settings.get("hoststate", "").lower() or None,
        rules=rules,
        host_name=settings.get("hostname") or None,
        dedicated_ip=_address(settings, "dedicatedipaddress"),
        local_time=settings.get("current time") or None,
    )
    named = {
        "HostPriority": params.host_id,
        "MulticastSupportEnable": params.operation_mode,
        "ClusterNetworkAddress": params.mac,
        "RemoteControlEnabled": params.remote_control,
        "AliveMsgPeriod": params.heartbeat_period_ms,
        "AliveMsgTolerance": params.heartbeat_tolerance,
        "HostState": params.host_state,
    }
    problems += [
        f"{name} is missing or unreadable" for name, value in named.items() if value is None
    ]
    return params, problems


def _number(settings: dict[str, str], name: str) -> int | None:
    text = settings.get(name, "")
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def _address(settings: dict[str, str], name: str) -> str | None:
    """Return an address; None where there is none, printed as 0.0.0.0 (assumed)."""
    try:
        address = ipaddress.ip_address(settings.get(name, "").partition("%")[0])
    except ValueError:
        return None
    return None if address.is_unspecified else str(address)


def _switch(settings: dict[str, str], name: str) -> bool | None:
    return _SWITCH.get(settings.get(name, "").lower())


def _operation_mode(settings: dict[str, str]) -> str | None:
    multicast = _switch(settings, "multicastsupportenable")
    igmp = _switch(settings, "igmpsupport")
    if multicast is None:
        return None
    if not multicast:
        return "unicast"
    return "igmp_multicast" if igmp else "multicast"


def _rules(lines: list[str]) -> tuple[tuple[ReportedRule, ...] | None, list[str]]:
    """Read the table; None unless every announced rule was read.

    A rule that is silently lost could hide that a command would switch more than it should.
    """
    heading = next((m for line in lines if (m := _RULES_HEADING.match(line)) is not None), None)
    if heading is None:
        return None, ["no line 'PortRules (N):'"]
    announced = int(heading[1])
    dashes = next((n for n, line in enumerate(lines) if _DASHES.match(line)), None)
    if dashes is None:
        return (
            ((), []) if announced == 0 else (None, ["the table of port rules has no dashes line"])
        )
    bounds = [match.span() for match in re.finditer(r"-+", lines[dashes])]
    rules, unread = [], []
    for line in lines[dashes + 1 : dashes + 1 + announced]:
        rule = _rule_by_columns(line, bounds) or _rule_by_blanks(line)
        if rule is None:
            unread.append(line.strip())
        else:
            rules.append(rule)
    if len(rules) == announced:
        return tuple(rules), []
    shown = "; first that is not a rule: " + repr(unread[0]) if unread else ""
    return None, [f"{announced} port rules announced, {len(rules)} readable{shown}"]


def _rule_by_columns(line: str, bounds: list[tuple[int, int]]) -> ReportedRule | None:
    """Cut a row where the dashes say (documented: columns of 15, 5, 5, 4, 8, 3, 4, rest)."""
    if len(bounds) != _COLUMNS:
        return None
    starts = [begin for begin, _ in bounds]
    cells = [
        line[begin : (starts[number + 1] if number + 1 < len(starts) else len(line))].strip()
        for number, begin in enumerate(starts)
    ]
    return _rule(cells)


def _rule_by_blanks(line: str) -> ReportedRule | None:
    """Read a row whose address is wider than its column, as an IPv6 address is (assumed)."""
    words = line.split()
    if len(words) < 5:
        return None
    head, rest = words[:5], words[5:]
    priority = rest.pop(0) if head[4].lower() == "single" and rest else ""
    load = rest.pop(0) if rest and (rest[0].isdigit() or rest[0].lower() == "eql") else ""
    return _rule([*head, priority, load, " ".join(rest)])


def _rule(cells: list[str]) -> ReportedRule | None:
    """Make a rule of a row's eight cells, or None if one of them is not what it should be."""
    vip, start, end, protocol, mode, priority, load, affinity = cells
    sound = (
        re.fullmatch(r"\[?[0-9A-Fa-f.:]{2,45}\]?", vip) is not None or vip.lower() == ALL_VIPS
    ) and all(re.fullmatch(r"\d{1,5}", text) and int(text) <= 65535 for text in (start, end))
    sound = sound and protocol.lower() in {"tcp", "udp", "both"}
    sound = sound and mode.lower() in {"multiple", "single", "disabled"}
    sound = sound and re.fullmatch(r"\d{0,3}", priority) is not None
    sound = sound and re.fullmatch(r"\d{0,3}|eql", load, re.IGNORECASE) is not None
    if not sound:
        return None
    return ReportedRule(
        vip=vip.strip("[]").lower(),
        start=int(start),
        end=int(end),
        protocol=protocol.lower(),
        mode=mode.lower(),
        priority=int(priority) if priority else None,
        load=int(load) if load.isdecimal() else None,
        affinity=affinity.lower(),
        load_is_equal=load.lower() == "eql",
    )
