"""What a neighbour table says of an address. Linux texts were captured with iproute2 6.1."""

from __future__ import annotations

import pytest

from cluster.neighbour_table import Neighbour, parse_arp, parse_iproute

STATIC = '[{"dst":"10.0.0.100","dev":"d0","lladdr":"03:bf:0a:00:00:64","state":["PERMANENT"]}]'
LEARNED = '[{"dst":"10.0.0.100","dev":"d0","lladdr":"02:bf:0a:00:00:64","state":["STALE"]}]'
FAILED = '[{"dst":"10.0.0.100","dev":"d0","state":["FAILED"]}]'
DIRECT = '[{"dst":"10.0.0.100","dev":"d0","prefsrc":"10.0.0.1","flags":[],"uid":0,"cache":[]}]'
ROUTED = '[{"dst":"10.0.0.100","gateway":"10.9.0.254","dev":"d0","prefsrc":"10.9.0.1","flags":[]}]'
OWN = '[{"type":"local","dst":"10.0.0.100","dev":"lo","prefsrc":"10.0.0.100","flags":[]}]'

# constructed, not captured: the layout of "arp -a", its words in another language
ARP = """
Schnittstelle: 10.0.0.1 --- 0x4
  Internetadresse       Physische Adresse     Typ
  10.0.0.100            03-bf-0a-00-00-64     statisch
  10.0.0.10             00-15-5d-01-02-03     dynamisch
"""


@pytest.mark.parametrize(
    ("entries", "route", "neighbour"),
    [
        (STATIC, DIRECT, Neighbour("03-bf-0a-00-00-64", True, None, False)),
        (LEARNED, DIRECT, Neighbour("02-bf-0a-00-00-64", False, None, False)),
        (FAILED, DIRECT, Neighbour(None, None, None, False)),
        ("[]", ROUTED, Neighbour(None, None, "10.9.0.254", False)),
        ("[]", OWN, Neighbour(None, None, None, True)),
        ("", "", Neighbour(None, None, None, False)),
    ],
    ids=["static", "learned", "failed", "routed", "own", "no-route"],
)
def test_linux_tells_entry_router_and_own_address(
    entries: str, route: str, neighbour: Neighbour
) -> None:
    """Each state of the table as iproute2 writes it."""
    assert parse_iproute(entries, route) == neighbour


@pytest.mark.parametrize("text", ["{}", "[1]", "no JSON", "[" * 100_000])
def test_what_is_not_the_json_of_iproute_tells_nothing(text: str) -> None:
    """An older ip without -j prints text."""
    assert parse_iproute(text, DIRECT) is None
    assert parse_iproute(STATIC, text) is None


def test_windows_tells_the_entry_whatever_its_language() -> None:
    """Only addresses are read; that of 10.0.0.10 is not taken for 10.0.0.100's."""
    assert parse_arp(ARP, "10.0.0.100") == Neighbour("03-bf-0a-00-00-64")
    assert parse_arp(ARP, "10.0.0.10") == Neighbour("00-15-5d-01-02-03")


@pytest.mark.parametrize(
    "text", ["", "Keine ARP-Einträge gefunden.", "10.0.0.100\n10.0.0.100 static"]
)
def test_windows_without_an_entry_tells_none(text: str) -> None:
    """A line without a hardware address is no entry."""
    assert parse_arp(text, "10.0.0.100") == Neighbour()
