"""Text of `nlb params`. Names and columns documented, rows partly assumed (tests/data/nlb)."""

from __future__ import annotations

import pytest

from cluster.model import NlbParams, Problem, Reason, ReportedRule
from cluster.nlb.output import Parsed
from cluster.nlb.params import parse_params
from cluster.nlb.phrases import load

TABLES = load()
SETTINGS = """Cluster 10.7.0.100
HostPriority = 3
ClusterNetworkAddress = 02-BF-0A-07-00-64
MulticastSupportEnable = {multicast}
IGMPSupport = {igmp}
AliveMsgPeriod = 1000
AliveMsgTolerance = 5
HostState = STARTED
RemoteControlEnabled = {remote}
"""
DASHES = "--------------- ----- ----- ---- -------- --- ---- --------\n"


def sound(rules: str = "PortRules (0):\n", **words: str) -> str:
    """Return an output without a problem."""
    return SETTINGS.format(**{"multicast": "0", "igmp": "0", "remote": "0", **words}) + rules


def read(text: str) -> tuple[NlbParams, tuple[str, ...]]:
    """Return the only block and the problems."""
    parsed = parse_params(text, TABLES)
    assert len(parsed.blocks) == 1
    return parsed.blocks[0], parsed.problems


@pytest.mark.parametrize(
    ("words", "mode", "remote"),
    [
        ({"multicast": "DISABLED", "igmp": "ENABLED", "remote": "ENABLED"}, "unicast", True),
        ({"multicast": "ENABLED", "igmp": "DISABLED", "remote": "disabled"}, "multicast", False),
        ({"multicast": "1", "igmp": "1", "remote": "1"}, "igmp_multicast", True),
        ({"multicast": "1", "igmp": "?"}, "multicast", False),
    ],
)
def test_switches_are_read_as_words_and_digits(
    words: dict[str, str], mode: str, remote: bool
) -> None:
    """`params` prints words where `display` prints digits; both are read."""
    assert read(sound(**words)) == (
        NlbParams("10.7.0.100", 3, mode, "02-bf-0a-07-00-64", remote, 1000, 5, "started", (), 1),
        (),
    )


def row(
    vip: str, start: int, end: int, protocol: str, mode: str, priority: str, load_: str, rest: str
) -> str:
    """Return a row in the documented columns."""
    return (
        f"{vip:<15} {start:>5} {end:>5} {protocol:<4} {mode:<8} {priority:>3} {load_:>4} {rest}\n"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            row("All", 5070, 5071, "Both", "Multiple", "", "Eql", "Single"),
            ReportedRule("all", 5070, 5071, "both", "multiple", None, None, "single", True),
        ),
        (
            row("10.7.0.100", 80, 443, "TCP", "Multiple", "", "30", "Class C"),
            ReportedRule("10.7.0.100", 80, 443, "tcp", "multiple", None, 30, "class c"),
        ),
        (
            row("All", 0, 65535, "UDP", "Single", "4", "", ""),
            ReportedRule("all", 0, 65535, "udp", "single", 4, None, ""),
        ),
        (
            "All                 7     8 Both Disabled\n",
            ReportedRule("all", 7, 8, "both", "disabled", None, None, ""),
        ),
        (
            "[FE80:0:0:0:0:0:0:1234] 5070 5071 UDP Single 4\n",
            ReportedRule("fe80:0:0:0:0:0:0:1234", 5070, 5071, "udp", "single", 4, None, ""),
        ),
        (
            "FE80:0:0:0:0:0:0:1234 5070 5071 UDP Multiple Eql None\n",
            ReportedRule(
                "fe80:0:0:0:0:0:0:1234", 5070, 5071, "udp", "multiple", None, None, "none", True
            ),
        ),
        (
            "FE80:0:0:0:0:0:0:1234 5070 5071 UDP Disabled\n",
            ReportedRule("fe80:0:0:0:0:0:0:1234", 5070, 5071, "udp", "disabled", None, None, ""),
        ),
    ],
)
def test_rows_are_read_by_columns_or_by_blanks(line: str, expected: ReportedRule) -> None:
    """A row is cut under the dashes; one whose address is wider than its column, at blanks."""
    params, problems = read(sound("PortRules (1):\n\n heading\n" + DASHES + line))
    assert (params.rules, problems) == ((expected,), ())


def test_other_dashes_than_documented_leave_the_blanks() -> None:
    """Where there are not eight columns the row is still read at its blanks."""
    rule = "All 5070 5071 UDP Multiple 30 Single\n"
    params, _ = read(sound("PortRules (1):\n" + "---- " * 7 + "\n" + rule))
    assert params.rules == (ReportedRule("all", 5070, 5071, "udp", "multiple", None, 30, "single"),)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "no line 'PortRules (N):'"),
        ("PortRules (2):\nAll\n", "the table of port rules has no dashes line"),
        (
            "PortRules (2):\n" + DASHES + row("All", 1, 2, "TCP", "Multiple", "", "", "None"),
            "2 port rules announced, 1 readable; first that is not a rule: ''",
        ),
        (
            "PortRules (2):\n" + DASHES.rstrip("\n"),
            "2 port rules announced, 0 readable",
        ),
        (
            "PortRules (1):\n" + DASHES + row("All", 1, 70000, "TCP", "Multiple", "", "", ""),
            (
                "1 port rules announced, 0 readable; first that is not a rule: "
                "'All                 1 70000 TCP  Multiple'"
            ),
        ),
        (
            "PortRules (1):\n" + DASHES + row("All", 1, 2, "ICMP", "Multiple", "", "", ""),
            (
                "1 port rules announced, 0 readable; first that is not a rule: "
                "'All                 1     2 ICMP Multiple'"
            ),
        ),
        (
            "PortRules (1):\n" + DASHES + row("All", 1, 2, "TCP", "Several", "", "", ""),
            (
                "1 port rules announced, 0 readable; first that is not a rule: "
                "'All                 1     2 TCP  Several'"
            ),
        ),
        (
            "PortRules (1):\n" + DASHES + "FE80:0:0:0:0:0:0:1234 1 2 UDP Multiple 1000 None\n",
            (
                "1 port rules announced, 0 readable; first that is not a rule: "
                "'FE80:0:0:0:0:0:0:1234 1 2 UDP Multiple 1000 None'"
            ),
        ),
        (
            "PortRules (1):\n" + DASHES + row("sip", 1, 2, "TCP", "Single", "x", "", ""),
            (
                "1 port rules announced, 0 readable; first that is not a rule: "
                "'sip                 1     2 TCP  Single     x'"
            ),
        ),
    ],
)
def test_a_table_that_is_not_whole_is_unknown(table: str, problem: str) -> None:
    """Rules are given only if every announced one was read: a lost one could be the wider."""
    params, problems = read(sound(table))
    assert (params.rules, problems) == (None, (f"cluster 10.7.0.100: {problem}",))


def test_settings_without_a_cluster_line_name_it_themselves() -> None:
    """Without the line Cluster ADDRESS the setting ClusterIPAddress tells it."""
    text = sound().replace("Cluster 10.7.0.100", "ClusterIPAddress = 10.7.0.101")
    assert read(text)[0].cluster_ip == "10.7.0.101"


def test_what_is_missing_is_named() -> None:
    """Each value that is missing or unreadable is unknown and has its problem."""
    params, problems = read("HostPriority = three\nPortRules (0):\n")
    assert params == NlbParams(rules=(), clusters=1)
    assert problems == tuple(
        f"{name} is missing or unreadable"
        for name in (
            "HostPriority",
            "MulticastSupportEnable",
            "ClusterNetworkAddress",
            "RemoteControlEnabled",
            "AliveMsgPeriod",
            "AliveMsgTolerance",
            "HostState",
        )
    )


def test_what_is_no_params_output_gives_nothing() -> None:
    """Other text is named as such; a refusal is a failure."""
    assert parse_params("Guten Tag", TABLES) == Parsed(
        (), ("no 'Name = value' line and no table of port rules",)
    )
    silent = Problem(Reason.NO_OUTPUT, "the utility printed nothing")
    assert parse_params("", TABLES) == Parsed((), (str(silent),), silent)


@pytest.mark.parametrize(
    ("printed", "address"),
    [
        ("10.7.0.11", "10.7.0.11"),
        ("0.0.0.0", None),
        ("fe80::11%7", "fe80::11"),
        ("keine", None),
        ("", None),
    ],
)
def test_the_dedicated_address_is_an_address_or_none(printed: str, address: str | None) -> None:
    """Of an address with a zone the address is kept."""
    params, _ = read(sound() + f"DedicatedIPAddress = {printed}\n")
    assert params.dedicated_ip == address


def test_name_and_time_of_the_host_are_kept_as_printed() -> None:
    """A host that prints neither has none."""
    params, problems = read(sound() + "HostName = porto1\nCurrent time = 20.05.2024 08:15:02\n")
    assert (params.host_name, params.local_time) == ("porto1", "20.05.2024 08:15:02")
    assert problems == ()
    params, problems = read(sound())
    assert (params.host_name, params.local_time, problems) == (None, None, ())
