"""The simulated PowerShell prints documented numbers, obeys as the script does, and can fail."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from cluster.model import PortRule, PortState
from cluster.nlb.cim_dialect import DEFAULT_SCRIPTS, START, CimDialect
from cluster.runners.request import Request, Verb
from simulator.cim_tool import CimTool
from simulator.description import SiteDescription, set_up_as, usual_cluster
from simulator.faults import HostFaults, NlbFault
from simulator.knobs import quick
from simulator.nlb_cluster import NlbCluster
from simulator.nlb_node import NodeRun
from simulator.nlb_tool import GARBAGE, ToolAnswer
from simulator.world import World

BEGAN = datetime(2024, 5, 20, 23, 59, 50)  # noqa: DTZ001 # what a host's own clock shows
ONE, TWO = "sip-east-1", "sip-east-2"
SIP = PortRule("all", 5060, 5061, "both")
KNOBS = replace(quick(), heartbeat_seconds=0.9, heartbeat_tolerance=6)
GUID = "{00000000-0000-0000-0000-000000000001}"


class Bench:
    """A site of one cluster with its PowerShell."""

    def __init__(self, *, foreign: bool = False, remote_control: bool = False) -> None:
        described = set_up_as(
            usual_cluster(0, foreign=foreign),
            operation_mode="igmp_multicast",
            affinity="single",
            remote_control=remote_control,
        )
        self.world = World(SiteDescription((described,), KNOBS))
        self.world.advance(9.0)
        self.tool = CimTool(self.world, BEGAN)
        self.number = 1938420000000

    @property
    def nlb(self) -> NlbCluster:
        """The cluster's NLB."""
        return self.world.clusters["sip-east"].nlb

    def call(self, *arguments: str, host: str = ONE) -> ToolAnswer:
        """Start PowerShell on a host."""
        return self.tool.call("sip-east", host, "powershell", arguments)

    def read(self, host: str = ONE) -> Any:
        """Start the read-out on a host; return what it prints."""
        return self.ask(Request(Verb.QUERY), host)

    def ask(self, request: Request, host: str = ONE, cluster_ip: str = "10.0.0.100") -> Any:
        """Start what the product starts; return what it prints."""
        host_id = 1 if host == ONE else 2
        if request.changes and request.number is None:
            self.number += 1
            request = replace(request, number=self.number)
        argv = CimDialect("ps", DEFAULT_SCRIPTS, cluster_ip, host_id).argv(request)
        answer = self.call(*argv[1:], host=host)
        document = json.loads(answer.output)
        failed = not {"error", "refused"}.isdisjoint(document)
        assert (answer.exit_status, answer.output[-2:]) == (int(failed), b"\r\n")
        return document

    def fault(self, fault: NlbFault) -> None:
        """Let the first host's PowerShell do wrong."""
        self.world.clusters["sip-east"].hosts[ONE].faults = HostFaults(nlb=fault)


def test_the_read_out_has_the_documented_numbers() -> None:
    """Names and numbers of root/MicrosoftNLB, and the host's own clock."""
    assert Bench().read() == {
        "schema": 1,
        "local_time": "2024-05-20T23:59:59",
        "nodes": [
            {
                "ComputerName": "SIP-EAST-1",
                "HostPriority": 1,
                "DedicatedIPAddress": "10.1.0.11",
                "StatusCode": 1008,
                "AdapterGuid": GUID,
            }
        ],
        "cluster_settings": [
            {
                "AdapterGuid": GUID,
                "ClusterIPAddress": "10.0.0.100",
                "ClusterMACAddress": "01-00-5e-7f-00-64",
                "MulticastSupportEnabled": True,
                "IGMPSupport": True,
                "RemoteControlEnabled": False,
            }
        ],
        "node_settings": [
            {"AdapterGuid": GUID, "AliveMessagePeriod": 900, "AliveMessageTolerance": 6}
        ],
        "port_rules": [
            {
                "AdapterGuid": GUID,
                "VirtualIpAddress": "255.255.255.255",
                "StartPort": 5060,
                "EndPort": 5061,
                "Protocol": 3,
                "FilteringMode": 2,
                "Priority": 1,
                "EqualLoad": True,
                "LoadWeight": 50,
                "Affinity": 1,
                "PortState": 1,
            }
        ],
    }


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (NodeRun.STOPPED, 1005),
        (NodeRun.CONVERGING, 1006),
        (NodeRun.CONVERGED, 1007),
        (NodeRun.DRAINING, 1009),
        (NodeRun.SUSPENDED, 1013),
        (NodeRun.DISCONNECTED, 1014),
    ],
)
def test_each_state_has_its_status_code(run: NodeRun, code: int) -> None:
    """A converged node that is not the default host is 1007."""
    bench = Bench()
    bench.nlb.nodes[TWO].run = run
    assert bench.read(TWO)["nodes"][0]["StatusCode"] == code


@pytest.mark.parametrize(
    ("state", "number"),
    [
        (PortState.NOT_FOUND, 0),
        (PortState.ENABLED, 1),
        (PortState.DISABLED, 2),
        (PortState.DRAINING, 3),
    ],
)
def test_each_port_state_has_its_number(state: PortState, number: int) -> None:
    """0 to 3, as the class documents them."""
    bench = Bench()
    bench.nlb.nodes[ONE].rules[0].state = state
    assert bench.read()["port_rules"][0]["PortState"] == number


def test_a_rule_of_one_address_with_a_weight_is_printed_whole() -> None:
    """Single host and weight have numbers of their own."""
    bench = Bench()
    run = bench.nlb.nodes[ONE].rules[0]
    run.rule = replace(
        run.rule, vip="10.0.0.101", protocol="tcp", mode="single", priority=7, load=30, affinity=""
    )
    found = bench.read()["port_rules"][0]
    assert [
        found[name]
        for name in (
            "VirtualIpAddress",
            "Protocol",
            "FilteringMode",
            "Priority",
            "EqualLoad",
            "LoadWeight",
        )
    ] == ["10.0.0.101", 1, 1, 7, False, 30]


def test_remote_nodes_show_only_under_remote_control() -> None:
    """They come after the own node, with status 0."""
    nodes = Bench(remote_control=True).read(TWO)["nodes"]
    assert [(node["ComputerName"], node["StatusCode"], node["AdapterGuid"]) for node in nodes] == [
        ("SIP-EAST-2", 1007, GUID),
        ("SIP-EAST-1", 0, None),
    ]


def test_a_change_moves_the_rule_of_the_named_cluster_alone() -> None:
    """The other NLB cluster has a rule of the same ports, which stays."""
    bench = Bench(foreign=True)
    disable = Request(Verb.DISABLE, SIP)
    assert bench.ask(disable) == {"schema": 1, "method": "DisableEx", "ReturnValue": 1000}
    assert bench.ask(disable)["ReturnValue"] == 1001
    states = [
        (rule["AdapterGuid"][-3:-1], rule["StartPort"], rule["PortState"])
        for rule in bench.read()["port_rules"]
    ]
    assert states == [("01", 5060, 2), ("02", 80, 1), ("02", 5060, 1)]
    assert bench.ask(Request(Verb.ENABLE, SIP))["method"] == "EnableEx"


@pytest.mark.parametrize(
    ("run", "number"),
    [(NodeRun.STOPPED, 1005), (NodeRun.DRAINING, 1009), (NodeRun.SUSPENDED, 1013)],
)
def test_a_node_that_takes_no_operation_says_its_number(run: NodeRun, number: int) -> None:
    """The results that EnableEx documents."""
    bench = Bench()
    bench.nlb.nodes[ONE].run = run
    assert bench.ask(Request(Verb.DISABLE, SIP))["ReturnValue"] == number


@pytest.mark.parametrize(
    ("rule", "host", "cluster_ip", "message"),
    [
        (SIP, ONE, "10.9.9.9", "this host has 0 NLB clusters 10.9.9.9"),
        (
            replace(SIP, end=5090),
            ONE,
            "10.0.0.100",
            "this host has no rule all 5060-5090 both in cluster 10.0.0.100",
        ),
    ],
)
def test_a_change_that_is_not_exactly_this_is_refused(
    rule: PortRule, host: str, cluster_ip: str, message: str
) -> None:
    """Another cluster or another rule: nothing is switched."""
    bench = Bench()
    told = bench.ask(Request(Verb.DISABLE, rule), host, cluster_ip)
    assert told["error"] == {"message": message, "category": "OperationStopped", "code": None}
    assert bench.read()["port_rules"][0]["PortState"] == 1


def test_a_change_for_another_host_is_refused() -> None:
    """The host priority says whose command it is."""
    request = Request(Verb.DISABLE, SIP, number=7)
    argv = CimDialect("ps", DEFAULT_SCRIPTS, "10.0.0.100", 2).argv(request)
    told = json.loads(Bench().call(*argv[1:]).output)
    assert told["error"]["message"] == "this host's priority is 1, not 2"


def test_a_change_older_than_the_last_one_is_refused() -> None:
    """Each host remembers its own; what only failed is remembered too, what was wrong is not."""
    bench = Bench()
    later, earlier = (Request(Verb.DISABLE, SIP, number=number) for number in (43, 41))
    wrong = replace(later, rule=replace(SIP, end=5090), number=99)
    assert "error" in bench.ask(wrong)
    assert bench.ask(later)["ReturnValue"] == 1000
    assert bench.ask(earlier) == {
        "schema": 1,
        "refused": "the host has seen a later command, number 43; this one has 41",
    }
    assert bench.ask(replace(earlier, verb=Verb.ENABLE))["refused"].startswith("the host has seen")
    assert bench.read()["port_rules"][0]["PortState"] == 2
    assert bench.ask(earlier, TWO)["ReturnValue"] == 1001


def test_the_same_number_counts_again_for_the_same_command_alone() -> None:
    """A command that is sent twice is one command."""
    bench = Bench()
    disable = Request(Verb.DISABLE, SIP, number=43)
    assert [bench.ask(disable)["ReturnValue"] for _ in range(2)] == [1000, 1001]
    assert bench.ask(replace(disable, verb=Verb.ENABLE)) == {
        "schema": 1,
        "refused": "the host has seen another command with the same number 43",
    }


CHANGE = CimDialect("ps", "/s", "10.0.0.100", 1).argv(Request(Verb.DISABLE, SIP, number=7))[1:]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), b"simulated: PowerShell cannot run this\r\n"),
        (START, b"simulated: PowerShell cannot run this\r\n"),
        ((*START, "/s/Other.ps1"), b"simulated: PowerShell cannot run this\r\n"),
        ((*START[1:], "/s/Get-SipNlb.ps1"), b"simulated: PowerShell cannot run this\r\n"),
        ((*START, "/s/Get-SipNlb.ps1", "-All"), b"simulated: PowerShell cannot run this\r\n"),
        (CHANGE[:-2], b"simulated: a parameter is missing or wrong\r\n"),
        ((*CHANGE[:-1], "0"), b"simulated: a parameter is missing or wrong\r\n"),
        ((*CHANGE[:-1], "1e3"), b"simulated: a parameter is missing or wrong\r\n"),
        ((*CHANGE[:-1], "9" * 19), b"simulated: a parameter is missing or wrong\r\n"),
        ((*CHANGE, "-Force"), b"simulated: a parameter is not known\r\n"),
        ((*CHANGE, "-Force", "1"), b"simulated: a parameter is not known\r\n"),
        (
            tuple("drain" if text == "disable" else text for text in CHANGE),
            b"simulated: a parameter is not known\r\n",
        ),
    ],
)
def test_anything_but_the_two_scripts_is_refused(arguments: tuple[str, ...], words: bytes) -> None:
    """So that a command line which the real scripts would refuse is seen here too."""
    bench = Bench()
    assert bench.call(*arguments) == ToolAnswer(words, 1)
    assert bench.read()["port_rules"][0]["PortState"] == 1


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (NlbFault.HANG, ToolAnswer(hangs=True)),
        (NlbFault.GARBAGE, ToolAnswer(GARBAGE)),
        (NlbFault.EMPTY, ToolAnswer()),
        (
            NlbFault.DENIED,
            ToolAnswer(
                b'{"schema":1,"error":{"message":"Access denied","category":"PermissionDenied",'
                b'"code":2}}\r\n',
                1,
            ),
        ),
    ],
)
def test_a_fault_changes_nothing(fault: NlbFault, answer: ToolAnswer) -> None:
    """Hanging, babbling, silent or without rights: the rule stays as it is."""
    bench = Bench()
    bench.fault(fault)
    assert bench.call(*CHANGE) == answer
    assert bench.nlb.nodes[ONE].rules[0].state is PortState.ENABLED


@pytest.mark.parametrize(
    ("fault", "answer", "state"),
    [
        (NlbFault.HANG_AFTER, ToolAnswer(hangs=True), PortState.DISABLED),
        (
            NlbFault.NO_EFFECT,
            ToolAnswer(b'{"schema":1,"method":"DisableEx","ReturnValue":1000}\r\n'),
            PortState.ENABLED,
        ),
        (
            NlbFault.EXIT_1,
            ToolAnswer(b'{"schema":1,"method":"DisableEx","ReturnValue":1000}\r\n', 1),
            PortState.DISABLED,
        ),
    ],
)
def test_an_answer_may_differ_from_what_was_done(
    fault: NlbFault, answer: ToolAnswer, state: PortState
) -> None:
    """Only the reading afterwards tells."""
    bench = Bench()
    bench.fault(fault)
    assert bench.call(*CHANGE) == answer
    assert bench.nlb.nodes[ONE].rules[0].state is state


def test_another_windows_prints_numbers_that_nobody_knows() -> None:
    """The fault of foreign words has foreign numbers here."""
    bench = Bench()
    bench.fault(NlbFault.FOREIGN)
    found = bench.read()
    assert (found["nodes"][0]["StatusCode"], found["port_rules"][0]["PortState"]) == (4711, 4711)


def test_a_host_that_is_cut_off_does_not_answer() -> None:
    """Nothing comes back, as over a network."""
    bench = Bench()
    bench.world.clusters["sip-east"].hosts[ONE].connected = False
    assert bench.call(*CHANGE) == ToolAnswer(hangs=True)
