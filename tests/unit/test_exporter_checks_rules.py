"""Checks of port rules."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.model import ReportedRule
from exporter import checks_rules as rules
from tests.unit import check_samples as check


def reported(*changes: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with rules, each the configured one but for its changes."""
    usual: dict[str, Any] = {
        "vip": "all",
        "start": 5070,
        "end": 5071,
        "protocol": "udp",
        "mode": "multiple",
    }
    usual |= {"priority": None, "load": None, "affinity": "single"}
    return {"rules": tuple(ReportedRule(**(usual | change)) for change in changes)}


def test_a_rule_is_there_exactly_as_configured() -> None:
    """Others beside it do not matter."""
    params = reported({"start": 80, "end": 443}, {})
    assert check.told(rules.rule_as_configured, params=params) == ["✓ 5070: all 5070-5071 udp"]


def test_a_wider_rule_would_switch_foreign_traffic() -> None:
    """The remediator sends nothing then."""
    assert check.told(rules.rule_as_configured, params=reported({"end": 5090})) == [
        "✗ 5070: configured is all 5070-5071 udp, the host has all 5070-5090 udp → write it into port_rules "
        "exactly as the host has it, if all of its ports are SIP's; else split the rule in NLB Manager: nothing "
        "is switched until they match"
    ]


@pytest.mark.parametrize(
    "others", [(), ({"start": 80, "end": 443},), ({"start": 5072, "end": 5079},)]
)
def test_without_a_rule_the_default_host_takes_the_traffic(
    others: tuple[dict[str, Any], ...],
) -> None:
    """It is told how to add it."""
    assert check.told(rules.rule_as_configured, params=reported(*others)) == [
        "✗ 5070: the host has no such rule, so NLB's default host takes the traffic → add the rule all 5070-5071 "
        "udp in NLB Manager, the same on every host, or put port_rules right"
    ]


def test_a_rule_of_another_address_is_not_near() -> None:
    """10.7.0.9's rule has nothing to do with 10.7.0.100's."""
    config = check.config(("vip: all", "vip: 10.7.0.100"))
    found = check.told(
        rules.rule_as_configured, params=reported({"vip": "10.7.0.9"}), config=config
    )
    assert found[0].startswith("✗ 5070: the host has no such rule")


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("multiple", "✓ 5070: multiple hosts"),
        (
            "single",
            "✗ 5070: single host, so that NLB's handling priority decides → set filtering mode multiple hosts on "
            "every host, so that only enabled and disabled decide",
        ),
        (
            "disabled",
            "✗ 5070: filtering mode disabled, which blocks the port → set filtering mode multiple hosts on every "
            "host: no enable opens it as it is",
        ),
    ],
)
def test_only_multiple_hosts_lets_the_port_state_decide(mode: str, found: str) -> None:
    """Each filtering mode has its line."""
    assert check.told(rules.filtering_mode, params=reported({"mode": mode})) == [found]


NONE = " → set affinity single on every host: without it the fragments of a long SIP datagram may go to different hosts while two are enabled"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, ["✓ 5070: single"]),
        ({"affinity": ""}, ["? 5070: not told → see in NLB Manager that it is single"]),
        ({"affinity": "", "protocol": "tcp"}, []),
        ({"affinity": "none"}, ["✗ 5070: none, with protocol udp" + NONE]),
        ({"affinity": "none", "protocol": "both"}, ["✗ 5070: none, with protocol both" + NONE]),
        ({"affinity": "none", "protocol": "tcp"}, ["✓ 5070: none"]),
        ({"mode": "single", "affinity": ""}, []),
    ],
)
def test_affinity_none_is_not_for_datagrams(change: dict[str, Any], found: list[str]) -> None:
    """A rule that is not of multiple hosts has none."""
    assert check.told(rules.affinity, params=reported(change)) == found


def test_without_any_rule_nothing_is_said_of_modes() -> None:
    """The check of the rule has said it."""
    assert check.told(rules.filtering_mode, params={"rules": None}) == []
