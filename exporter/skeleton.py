"""What NLB reports of hosts → a skeleton of ``clusters.yml``. Pure.

What NLB cannot know stands as a key without a value and a comment that begins with ``TODO``, so
that ``--config.check`` refuses the file, with its line, until a person has written it. Nothing is
guessed. Text of hosts stands in it only where it is of a safe form.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cluster.model import ALL_VIPS, NlbParams, ReportedRule

SIP_PORTS = (5060, 5061)
"""documented: RFC 3261, section 19.1.2 (5060, and 5061 over TLS)."""

COMMENT_COLUMN = 42
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HEAD = """\
# Skeleton of clusters.yml, made of what NLB reports. Every key stands in clusters.example.yml.
# Delete clusters that have no SIP Server, write what is missing where TODO stands, then check the
# file and the hosts:
#   sipnlb-exporter --config.file=clusters.yml --config.check
#   sipnlb-exporter --config.file=clusters.yml check

clusters:"""


@dataclass(frozen=True, slots=True)
class Report:
    """What one host reports of one NLB cluster.

    is_here: the host is this machine. members: host ids it sees, None if it was not asked.
    """

    params: NlbParams
    is_here: bool = False
    members: tuple[int, ...] | None = None


def skeleton(reports: tuple[Report, ...]) -> str:
    """Return the text of a configuration with the clusters of all reports, in order."""
    by_cluster: dict[str | None, list[Report]] = {}
    for report in reports:
        by_cluster.setdefault(report.params.cluster_ip, []).append(report)
    lines = [_HEAD]
    for cluster_ip, hosts in by_cluster.items():
        lines += _cluster(cluster_ip, tuple(hosts))
    return "\n".join(lines) + "\n"


def _cluster(cluster_ip: str | None, reports: tuple[Report, ...]) -> Iterator[str]:
    cluster_ip = cluster_ip if _is_address(cluster_ip) else None
    rules, others = _sip_rules(reports)
    vips = {rule.vip for rule in rules} - {ALL_VIPS}
    virtual_ip = {0: cluster_ip, 1: next(iter(vips), None)}.get(len(vips))
    name = None if cluster_ip is None else "nlb-" + cluster_ip.replace(":", "-")
    yield ""
    yield _known("  - name", name, "label in metrics and alerts; choose one that people know")
    yield _known("    virtual_ip", virtual_ip, "address that callers use")
    yield _known("    cluster_ip", cluster_ip, "NLB primary IP")
    yield _operation_mode(reports)
    if rules:
        yield _line("    port_rules:", "switched as a whole; see that all of its ports are SIP's")
        yield from (f"      - {_rule(rule)}" for rule in rules)
    else:
        yield _todo("    port_rules", "the rules that SIP Server's callers use, the same on all")
    yield from (f"      # also on a host: {_rule(rule)}" for rule in others)
    yield "    hosts:"
    for report in reports:
        yield from _host(report)
    for host_id in _unseen(reports):
        yield "      # of this host nothing was read; 'nlb params' on it tells more"
        yield from _host(Report(NlbParams(host_id=host_id)))


def _sip_rules(
    reports: tuple[Report, ...],
) -> tuple[tuple[ReportedRule, ...], tuple[ReportedRule, ...]]:
    """Return the rules with SIP's ports if all hosts have the same, and every other rule."""
    seen = dict.fromkeys(rule for report in reports for rule in report.params.rules or ())
    rules = {rule.rule: rule for rule in seen}
    of_sip = {
        frozenset(rule.rule for rule in report.params.rules or () if _has_sip(rule))
        for report in reports
    }
    chosen = next(iter(of_sip)) if len(of_sip) == 1 else frozenset()
    return (
        tuple(rule for key, rule in rules.items() if key in chosen),
        tuple(rule for key, rule in rules.items() if key not in chosen),
    )


def _has_sip(rule: ReportedRule) -> bool:
    return any(rule.start <= port <= rule.end for port in SIP_PORTS)


def _host(report: Report) -> Iterator[str]:
    params = report.params
    name = params.host_name if _NAME.fullmatch(params.host_name or "") else None
    where = "dedicated address on the NLB adapter, or that of its second network card"
    yield _known("      - name", name, "label of the host in metrics and alerts")
    yield _known("        host_id", params.host_id, "NLB host priority")
    yield _known("        address", params.dedicated_ip, where)
    if report.is_here:
        yield _line("        runner: {type: local}", "this machine")
    else:
        yield _todo("        runner", "how it is reached: local, ssh, winrm or peer")
    yield "        sip_server:"
    yield _todo("          application", "name of its Application object")
    yield "          sources:"
    yield "            - type: http"
    yield _todo("              url", "http://HOST:HTTP-PORT/serverx, or another source")


def _unseen(reports: tuple[Report, ...]) -> list[int | None]:
    """Return the ids of hosts that are not among the reports; a pair has two hosts at least."""
    there = {report.params.host_id for report in reports}
    members = {member for report in reports for member in report.members or ()}
    unseen: list[int | None] = [*sorted(members - there)]
    return unseen or ([None] if len(reports) < 2 else [])


def _operation_mode(reports: tuple[Report, ...]) -> str:
    """Write the operation mode if all hosts report the same; else say what they report."""
    told = sorted({report.params.operation_mode or "nothing" for report in reports})
    if told == ["nothing"] or len(told) > 1:
        return _todo("    operation_mode", f"the same on all; hosts report {', '.join(told)}")
    return _known("    operation_mode", told[0], "as all hosts report it")


def _is_address(text: str | None) -> bool:
    """Tell whether it is an address without a zone, which may hold any characters."""
    try:
        ipaddress.ip_address(text or "")
    except ValueError:
        return False
    return "%" not in (text or "")


def _known(key: str, value: str | int | None, about: str) -> str:
    if value is None:
        return _todo(key, about)
    return _line(f"{key}: {value}" if isinstance(value, int) else f'{key}: "{value}"', about)


def _todo(key: str, about: str) -> str:
    return _line(f"{key}:", f"TODO: {about}")


def _line(text: str, comment: str) -> str:
    return f"{text:<{COMMENT_COLUMN}} # {comment}"


def _rule(rule: ReportedRule) -> str:
    return f'{{vip: "{rule.vip}", start: {rule.start}, end: {rule.end}, protocol: {rule.protocol}}}'
