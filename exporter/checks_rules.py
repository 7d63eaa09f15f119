"""Checks of the port rules as one host reports them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.model import ALL_VIPS, PortRule, ReportedRule
from exporter.checks_subject import OfHost
from exporter.findings import Verdict, right, unknown, wrong

WITH_DATAGRAMS = frozenset({"udp", "both"})


def rule_as_configured(of: OfHost) -> Iterator[Verdict]:
    """Say whether each configured rule is there, exactly as configured.

    A command switches a whole rule: one that is wider would switch foreign traffic with it, so
    the remediator sends none (interlock ``rule_differs``).
    """
    reported = of.params.rules or ()
    for rule in of.cluster.rules:
        if any(each.rule == rule for each in reported):
            yield right(f"{rule.port}: {rule}")
            continue
        near = [str(each.rule) for each in reported if _overlaps(each.rule, rule)]
        if near:
            yield wrong(
                f"{rule.port}: configured is {rule}, the host has {' and '.join(near)}",
                "write it into port_rules exactly as the host has it, if all of its ports are "
                "SIP's; else split the rule in NLB Manager: nothing is switched until they match",
            )
        else:
            yield wrong(
                f"{rule.port}: the host has no such rule, so NLB's default host takes the traffic",
                f"add the rule {rule} in NLB Manager, the same on every host, or put port_rules "
                "right",
            )


def filtering_mode(of: OfHost) -> Iterator[Verdict]:
    """Say whether enabled and disabled decide who takes the traffic of each rule."""
    for rule, reported in _pairs(of):
        match reported.mode:
            case "multiple":
                yield right(f"{rule.port}: multiple hosts")
            case "single":
                yield wrong(
                    f"{rule.port}: single host, so that NLB's handling priority decides",
                    "set filtering mode multiple hosts on every host, so that only enabled and "
                    "disabled decide",
                )
            case _:
                yield wrong(
                    f"{rule.port}: filtering mode {reported.mode}, which blocks the port",
                    "set filtering mode multiple hosts on every host: no enable opens it as it is",
                )


def affinity(of: OfHost) -> Iterator[Verdict]:
    """Say whether the parts of one datagram go to one host.

    documented: nlbmgr help, no affinity None with UDP or Both, because of fragments.
    """
    for rule, reported in _pairs(of):
        if reported.mode != "multiple":
            continue
        with_datagrams = reported.protocol in WITH_DATAGRAMS
        if not reported.affinity:
            if with_datagrams:
                yield unknown(f"{rule.port}: not told", "see in NLB Manager that it is single")
        elif reported.affinity == "none" and with_datagrams:
            yield wrong(
                f"{rule.port}: none, with protocol {reported.protocol}",
                "set affinity single on every host: without it the fragments of a long SIP "
                "datagram may go to different hosts while two are enabled",
            )
        else:
            yield right(f"{rule.port}: {reported.affinity}")


def _pairs(of: OfHost) -> Iterator[tuple[PortRule, ReportedRule]]:
    """Yield each configured rule with the reported rules that have any of its ports."""
    for rule in of.cluster.rules:
        for reported in of.params.rules or ():
            if _overlaps(reported.rule, rule):
                yield rule, reported


def _overlaps(one: PortRule, other: PortRule) -> bool:
    same_vip = one.vip == other.vip or ALL_VIPS in {one.vip, other.vip}
    return same_vip and one.start <= other.end and other.start <= one.end
