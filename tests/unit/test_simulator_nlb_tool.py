"""The simulated NLB utility prints what the fact sheets document, to the byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cluster.model import PortState, ReportedRule
from simulator.description import SiteDescription, usual_cluster
from simulator.faults import HostFaults, NlbFault
from simulator.knobs import quick
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import NodeRun
from simulator.nlb_params import mac, rule_table
from simulator.nlb_tool import GARBAGE, NlbTool, ToolAnswer
from simulator.tool_text import HELP, ExitProfile, ToolProfile, windows_time
from simulator.world import World

BEGAN = datetime(2024, 5, 20, 23, 59, 58)  # noqa: DTZ001 # what a host's own clock shows
ONE, TWO = "sip-east-1", "sip-east-2"
WITH = "with the following host(s) as part of the cluster:"
PLAIN = ToolProfile(line_end="\n")
OLD = ToolProfile(version="2.4", line_end="\n")


class Bench:
    """A site of one cluster with its utility."""

    def __init__(self, profile: ToolProfile = PLAIN, *, foreign: bool = False) -> None:
        self.world = World(SiteDescription((usual_cluster(0, foreign=foreign),), quick()))
        self.world.advance(9.0)
        self.tool = NlbTool(self.world, profile, BEGAN)

    @property
    def nlb(self) -> NlbCluster:
        """The cluster's NLB."""
        return self.world.clusters["sip-east"].nlb

    def call(self, *arguments: str, host: str = ONE, name: str = "nlb") -> ToolAnswer:
        """Run the utility on a host."""
        return self.tool.call("sip-east", host, name, arguments)

    def text(self, *arguments: str, host: str = ONE, name: str = "nlb") -> str:
        """Run the utility; return its output as text."""
        return self.call(*arguments, host=host, name=name).output.decode("ascii")

    def fault(self, fault: NlbFault) -> None:
        """Let the first host's utility do wrong."""
        self.world.clusters["sip-east"].hosts[ONE].faults = HostFaults(nlb=fault)


def test_query_of_a_healthy_default_host() -> None:
    """V2.6 names host, time of the last convergence and members."""
    assert Bench().text("query") == (
        "NLB Cluster Control Utility V2.6\n"
        "Cluster 10.0.0.100\n"
        "Host 1 (SIP-EAST-1) has entered a converging state 1 time(s) since joining the cluster\n"
        "  and the last convergence completed at approximately: 5/20/2024 11:59:58 PM\n"
        "Host 1 (SIP-EAST-1) converged as DEFAULT with the following host(s) as part of the "
        "cluster:\n"
        "1, 2\n"
    )


def test_query_of_v24_prints_the_documented_words() -> None:
    """V2.4 says WLBS under both names and doubles its words as the public sample does."""
    bench = Bench(OLD)
    bench.nlb.converge(TWO)
    bench.nlb.nodes[TWO].members.clear()
    assert bench.text("query", host=TWO) == (
        "WLBS Cluster Control Utility V2.4 (c) 1997-2003 Microsoft Corporation.\n"
        "Cluster 10.0.0.100\n"
        "Host 2 has entered has entered a converging state 2 time(s) since joining the cluster\n"
        "  and is still in a state of convergence.\n"
        "Host 2 converging with the following host(s) as part of the cluster:\n"
    )


@pytest.mark.parametrize(
    ("run", "last_line"),
    [
        (NodeRun.CONVERGED, f"Host 2 (SIP-EAST-2) converged {WITH}"),
        (NodeRun.DRAINING, f"Host 2 (SIP-EAST-2) draining {WITH}"),
        (NodeRun.STOPPED, "Host 2 (SIP-EAST-2) is stopped."),
        (NodeRun.SUSPENDED, "Host 2 (SIP-EAST-2) is suspended."),
        (NodeRun.DISCONNECTED, "Host 2 (SIP-EAST-2) is disconnected."),
    ],
)
def test_query_names_each_state(run, last_line) -> None:
    """The last line about the host tells its state."""
    bench = Bench()
    bench.nlb.nodes[TWO].run = run
    lines = [line for line in bench.text("query", host=TWO).splitlines() if "Host" in line]
    assert lines[-1] == last_line


def test_query_of_a_converging_host_says_that_it_is_not_over() -> None:
    """A host that converges has no time of a last convergence."""
    bench = Bench()
    bench.nlb.converge(ONE)
    assert bench.text("query").splitlines()[3] == "  and is still in a state of convergence."


def test_queryport_counts_only_while_the_rule_is_handled() -> None:
    """An enabled rule has counters, a disabled one has none."""
    bench = Bench()
    bench.nlb.nodes[ONE].rules[0].accepted = 1234
    bench.nlb.nodes[ONE].rules[0].dropped = 56
    assert bench.text("queryport", "5061") == (
        "NLB Cluster Control Utility V2.6\nCluster 10.0.0.100\n"
        "Retrieving state for port rule 5061\n"
        "Rule is enabled\nPackets: Accepted=1234, Dropped=56\n"
    )
    assert bench.text("queryport", "ALL:5060", host=TWO) == (
        "NLB Cluster Control Utility V2.6\nCluster 10.0.0.100\n"
        "Retrieving state for port rule 5060\nRule is disabled\n"
    )
    bench.nlb.nodes[TWO].rules[0].state = PortState.DRAINING
    assert bench.text("queryport", "ALL", host=TWO).splitlines()[2:] == [
        "Retrieving state for port rule ALL",
        "Rule is draining",
        "Packets: Accepted=0, Dropped=0",
    ]
    bench.nlb.stop(ONE)
    assert bench.text("queryport", "5060").splitlines()[3:] == ["Rule is enabled"]


def test_a_port_without_a_rule_is_not_found() -> None:
    """Both reading and switching say that no rule holds the port, with status 1."""
    for command in ("queryport", "enable", "disable", "drain"):
        answer = Bench().call(command, "5062")
        assert answer.output.decode().splitlines()[-1] == (
            "Cannot find port 5062 among the valid rules"
        )
        assert answer.exit_status == 1
    bench = Bench()
    bench.nlb.nodes[ONE].rules.clear()
    assert bench.text("disable", "ALL").splitlines()[-1] == (
        "Cannot find port ALL among the valid rules"
    )


@pytest.mark.parametrize(
    ("before", "call", "said", "status"),
    [
        (None, ("enable", "5060"), "Traffic handling for specified port rule(s) enabled.", 0),
        (
            None,
            ("disable", "5060"),
            "Traffic handling for specified port rule(s) is already disabled.",
            0,
        ),
        ("stop", ("enable", "5060"), "The port rule was left as it is: the host is stopped.", 1),
        (
            "suspend",
            ("enable", "5060"),
            "The port rule was left as it is: the host is suspended.",
            1,
        ),
        (
            "drainstop",
            ("disable", "5060"),
            "The port rule was left as it is: the host is draining.",
            1,
        ),
        (None, ("start",), "Nothing to do: the host is in this state already.", 0),
        (None, ("stop",), "Cluster operations stopped.", 0),
        ("stop", ("start",), "Cluster operations started.", 0),
        ("stop", ("drainstop",), "The host is stopped.", 1),
        (None, ("drainstop",), "Connections are draining; the host stops afterwards.", 0),
        ("drainstop", ("start",), "Draining was interrupted.", 1),
        (None, ("suspend",), "Cluster operations suspended.", 0),
        ("suspend", ("resume",), "Cluster operations resumed.", 0),
        ("suspend", ("start",), "The host is suspended.", 1),
        (None, ("reload",), "The parameters were read again.", 0),
    ],
)
def test_operations_say_their_result(before, call, said, status) -> None:
    """Every documented result has a sentence and a status of its own."""
    bench = Bench()
    if before:
        bench.call(before, host=TWO)
    assert bench.call(*call, host=TWO) == ToolAnswer(
        f"NLB Cluster Control Utility V2.6\nCluster 10.0.0.100\n{said}\n".encode(), status
    )


def test_an_enable_switches_the_whole_rule() -> None:
    """A port names the rule that holds it, also with the cluster named."""
    bench = Bench()
    bench.call("disable", "5061", "10.0.0.100")
    assert bench.nlb.nodes[ONE].rules[0].state is PortState.DISABLED
    bench.call("enable", "5060", "sip-east.example.test")
    assert bench.nlb.nodes[ONE].rules[0].state is PortState.ENABLED


def test_params_prints_the_documented_layout() -> None:
    """Names, padding and the table of rules are as in the public sample."""
    lines = Bench(OLD).text("params", "ALL", host=TWO).splitlines()
    assert lines[:4] == [
        "WLBS Cluster Control Utility V2.4 (c) 1997-2003 Microsoft Corporation.",
        "Cluster 10.0.0.100",
        "Retrieving parameters",
        "Current time              = 5/21/2024 12:00:07 AM",
    ]
    assert [
        line
        for line in lines
        if line.startswith(
            (
                "HostName",
                "HostPriority",
                "Cluster",
                "Multicast",
                "IGMP",
                "Alive",
                "Host",
                "Dedicated",
                "TeamID",
                "RemoteControlE",
            )
        )
    ][1:] == [
        "HostName                  = sip-east-2",
        "HostPriority              = 2",
        "ClusterIPAddress          = 10.0.0.100",
        "ClusterNetworkMask        = 255.255.255.0",
        "DedicatedIPAddress        = 10.1.0.12",
        "DedicatedNetworkMask      = 255.255.255.0",
        "ClusterName               = sip-east.example.test",
        "ClusterNetworkAddress     = 02-bf-0a-00-00-64",
        "MulticastSupportEnable    = DISABLED",
        "IGMPSupport               = DISABLED",
        "MulticastARPEnable        = ENABLED",
        "AliveMsgPeriod            = 1000",
        "AliveMsgTolerance         = 5",
        "ClusterModeOnStart        = STARTED",
        "HostState                 = STARTED",
        "RemoteControlEnabled      = DISABLED",
        "TeamID                    =",
    ]
    assert lines[-11:] == [
        "",
        "PortRules (1):",
        "",
        "      VIP       Start  End  Prot   Mode   Pri Load Affinity",
        "--------------- ----- ----- ---- -------- --- ---- --------",
        "All              5060  5061 Both Multiple      Eql None",
        "",
        "Statistics:",
        "",
        "Number of active connections        = 0",
        "Number of descriptors allocated     = 0",
    ]


def test_the_table_of_rules_shows_every_kind_of_rule() -> None:
    """Single host rules have a priority, weighted ones a load, disabled ones neither."""
    rules = [
        ReportedRule("10.0.0.101", 0, 65535, "tcp", "single", 7, None, ""),
        ReportedRule("all", 80, 443, "udp", "multiple", None, 35, "class c"),
        ReportedRule("all", 21, 21, "both", "disabled", None, None, ""),
    ]
    assert rule_table(rules)[4:] == [
        "10.0.0.101          0 65535 TCP  Single     7",
        "All                80   443 UDP  Multiple       35 Class C",
        "All                21    21 Both Disabled",
    ]


@pytest.mark.parametrize(
    ("mode", "address", "multicast", "igmp"),
    [
        ("multicast", "03-bf-0a-00-00-64", "ENABLED", "DISABLED"),
        ("igmp_multicast", "01-00-5e-7f-00-64", "ENABLED", "ENABLED"),
    ],
)
def test_params_shows_the_operation_mode(mode, address, multicast, igmp) -> None:
    """Switches and hardware address follow the operation mode; display prints 0 and 1."""
    bench = Bench()
    bench.nlb.description = replace(bench.nlb.description, operation_mode=mode)
    text = bench.text("params")
    assert f"ClusterNetworkAddress     = {address}\n" in text
    assert f"MulticastSupportEnable    = {multicast}\n" in text
    assert f"IGMPSupport               = {igmp}\n" in text
    shown = bench.text("display")
    assert "MulticastSupportEnable    = 1\n" in shown
    assert f"IGMPSupport               = {int(igmp == 'ENABLED')}\n" in shown


@pytest.mark.parametrize(("command", "word"), [("stop", "STOPPED"), ("suspend", "SUSPENDED")])
def test_params_shows_the_host_state(command, word) -> None:
    """A node out of service shows so in its parameters."""
    bench = Bench()
    bench.call(command)
    assert f"HostState                 = {word}\n" in bench.text("params")


def test_ip2mac_prints_the_three_addresses() -> None:
    """All hardware addresses come from the cluster's address."""
    assert Bench().text("ip2mac", "10.0.0.100", name="wlbs") == (
        "WLBS Cluster Control Utility V2.6\n"
        "Cluster 10.0.0.100\n"
        "Cluster:            10.0.0.100\n"
        "Unicast MAC:        02-bf-0a-00-00-64\n"
        "Multicast MAC:      03-bf-0a-00-00-64\n"
        "IGMP Multicast MAC: 01-00-5e-7f-00-64\n"
    )
    assert mac("192.168.2.11", "unicast") == "02-bf-c0-a8-02-0b"


def test_several_clusters_give_several_blocks() -> None:
    """Without a cluster argument all instances on the host answer, and are all switched."""
    bench = Bench(foreign=True)
    lines = bench.text("queryport", "5060").splitlines()
    assert [line for line in lines if line.startswith(("Cluster", "Rule"))] == [
        "Cluster 10.0.0.100",
        "Rule is enabled",
        "Cluster 10.0.0.200",
        "Rule is enabled",
    ]
    assert bench.call("disable", "5060").exit_status == 0
    foreign = bench.world.clusters["sip-east"].foreign[0]
    assert foreign.nodes[ONE].named(None, 5060)[0].state is PortState.DISABLED
    assert bench.text("queryport", "5060", "10.0.0.200").count("Cluster 10") == 1


@pytest.mark.parametrize(
    "cluster", ["10.0.0.100:1", "sip-east.example.test:sip-east-2", "10.0.0.100 GLOBAL", "GLOBAL"]
)
def test_remote_control_gets_no_response(cluster) -> None:
    """Other hosts are never reached through a host: nothing is switched."""
    bench = Bench()
    answer = bench.call("disable", "5060", *cluster.split())
    assert answer.output.decode().splitlines()[1:] == ["Did not receive response from the cluster."]
    assert bench.nlb.nodes[ONE].rules[0].state is PortState.ENABLED


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "A command is missing."),
        (("enable",), "enable needs a port."),
        (("queryport", "sip"), "queryport needs a port."),
        (("enable", "65536"), "65536 is no port."),
        (("destroy", "5060"), "destroy is no command."),
        (("query", "10.9.9.9"), "10.9.9.9 is no cluster of this host."),
    ],
)
def test_wrong_use_is_said_and_changes_nothing(arguments, said) -> None:
    """What the utility does not understand it says, with status 1."""
    answer = Bench().call(*arguments)
    assert (answer.output.decode().splitlines()[1], answer.exit_status) == (said, 1)


def test_help_says_that_it_is_a_stand_in() -> None:
    """The help text is the simulator's own."""
    assert Bench().text("help", name="wlbs") == (
        "WLBS Cluster Control Utility V2.6\n\n" + HELP.format(name="WLBS")
    )


def test_a_host_that_is_cut_off_never_answers() -> None:
    """A call to a host without network hangs, as a remote call would."""
    bench = Bench()
    bench.world.clusters["sip-east"].disconnect(ONE)
    assert bench.call("query") == ToolAnswer(hangs=True)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (NlbFault.HANG, ToolAnswer(hangs=True)),
        (NlbFault.GARBAGE, ToolAnswer(GARBAGE)),
        (NlbFault.EMPTY, ToolAnswer()),
        (
            NlbFault.DENIED,
            ToolAnswer(
                b"NLB is not installed on this system or you do not have sufficient privileges to "
                b"administer the cluster.\n",
                1,
            ),
        ),
        (
            NlbFault.NO_EFFECT,
            ToolAnswer(
                b"NLB Cluster Control Utility V2.6\nCluster 10.0.0.100\n"
                b"Traffic handling for specified port rule(s) disabled.\n",
            ),
        ),
    ],
)
def test_a_faulted_utility_changes_nothing(fault, expected) -> None:
    """These faults leave the port as it was."""
    bench = Bench()
    bench.fault(fault)
    assert bench.call("disable", "5060") == expected
    assert bench.nlb.nodes[ONE].rules[0].state is PortState.ENABLED


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (NlbFault.HANG_AFTER, ToolAnswer(hangs=True)),
        (
            NlbFault.EXIT_1,
            ToolAnswer(
                b"NLB Cluster Control Utility V2.6\nCluster 10.0.0.100\n"
                b"Traffic handling for specified port rule(s) disabled.\n",
                1,
            ),
        ),
    ],
)
def test_some_faults_hide_what_was_done(fault, expected) -> None:
    """These faults only change what is said of it."""
    bench = Bench()
    bench.fault(fault)
    assert bench.call("disable", "5060") == expected
    assert bench.nlb.nodes[ONE].rules[0].state is PortState.DISABLED


def test_an_unknown_language_keeps_banner_and_numbers() -> None:
    """A localisation that nobody knows has no word of the known ones."""
    bench = Bench()
    bench.fault(NlbFault.FOREIGN)
    lines = bench.call("queryport", "5060").output.decode("cp437").splitlines()
    assert lines[0] == "NLB Cluster Control Utility V2.6"
    assert lines[2].endswith(" 5060")
    assert not any(word in line for line in lines[1:] for word in ("Rule", "enabled", "Cluster"))


def test_the_denied_line_of_v24_names_wlbs() -> None:
    """V2.4 says WLBS under both names, also here (documented)."""
    bench = Bench(OLD)
    bench.fault(NlbFault.DENIED)
    assert bench.text("query").startswith("WLBS is not installed on this system or you do not")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (ExitProfile.ZERO, [0, 0, 0, 0]),
        (ExitProfile.ONE, [0, 0, 1, 1]),
        (ExitProfile.WMI, [1000, 1001, 1004, 1]),
    ],
)
def test_the_exit_status_follows_the_profile(profile, expected) -> None:
    """Each profile gives ok, already, not found and wrong use a status."""
    bench = Bench(ToolProfile(exit_profile=profile))
    calls = [("disable", "5060"), ("disable", "5060"), ("disable", "1"), ("destroy",)]
    assert [bench.call(*call).exit_status for call in calls] == expected


def test_line_ends_and_code_page_are_those_of_the_profile() -> None:
    """Lines end as the profile says; what the code page lacks is a question mark."""
    profile = ToolProfile(line_end="\r\r\n", code_page="cp437")
    assert profile.encode(["über", "Ш"]) == b"\x81ber\r\r\n?\r\r\n"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2024, 5, 20, 8, 15, 2), "5/20/2024 8:15:02 AM"),  # noqa: DTZ001
        (datetime(2024, 11, 3, 0, 5, 9), "11/3/2024 12:05:09 AM"),  # noqa: DTZ001
        (datetime(2024, 11, 3, 12, 0, 0), "11/3/2024 12:00:00 PM"),  # noqa: DTZ001
    ],
)
def test_times_are_written_as_us_english_windows_does(moment, expected) -> None:
    """Twelve hour clock, no leading zeros in month, day and hour."""
    assert windows_time(moment) == expected
