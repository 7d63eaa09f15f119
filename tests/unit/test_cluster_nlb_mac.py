"""The hardware address that an NLB cluster takes from its IP."""

from __future__ import annotations

import pytest

from cluster.nlb.mac import derived_mac, plain_mac


@pytest.mark.parametrize(
    ("mode", "mac"),
    [
        ("unicast", "02-bf-c0-a8-02-0b"),
        ("multicast", "03-bf-c0-a8-02-0b"),
        ("igmp_multicast", "01-00-5e-7f-02-0b"),
    ],
)
def test_the_address_follows_from_ip_and_operation_mode(mode: str, mac: str) -> None:
    """192.168.2.11 is the documented example."""
    assert derived_mac("192.168.2.11", mode) == mac


def test_of_ipv6_no_rule_is_known() -> None:
    """Nothing is guessed."""
    assert derived_mac("fd00::100", "multicast") is None


@pytest.mark.parametrize("text", ["3:BF:0a:7:0:64", "03-bf-0A-07-00-64", " 03:bf:0a:07:00:64\r"])
def test_an_address_is_compared_in_one_form(text: str) -> None:
    """Windows writes hyphens, Linux colons, some without leading zeros."""
    assert plain_mac(text) == "03-bf-0a-07-00-64"


@pytest.mark.parametrize(
    "text", ["", "None", "03bf0a070064", "03-bf-0a-07-00", "zz-bf-0a-07-00-64"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    """It is not compared."""
    assert plain_mac(text) is None
