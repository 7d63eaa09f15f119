"""Text of the NLB utility, form by form. Wording as in tests/data/nlb/README.md."""

from __future__ import annotations

import pytest

from cluster.errors import ConfigError
from cluster.model import NodeState, NodeStatus, PortState, PortStatus, Problem, Reason
from cluster.nlb.output import (
    Parsed,
    PortAnswer,
    decode,
    parse_query,
    parse_queryport,
    parse_result,
)
from cluster.nlb.phrases import load, parse
from cluster.runners.request import CommandResult

TABLES = load()
HEAD = "Cluster 10.7.0.100\nHost 3 has entered a converging state 12 time(s) since joining\n"


@pytest.mark.parametrize(
    ("line", "state", "is_default", "members"),
    [
        (
            "Host 3 converged as DEFAULT with the following host(s) as part of the cluster:\n3, 7",
            NodeState.CONVERGED,
            True,
            (3, 7),
        ),
        (
            "Host 3 converged with the following hosts as part of the cluster: 3,7",
            NodeState.CONVERGED,
            False,
            (3, 7),
        ),
        (
            "Host 3 converged with the following host(s) as part of the cluster:\n\n3,\n7, 3\n",
            NodeState.CONVERGED,
            False,
            (3, 7),
        ),
        (
            "Host 3 converged with the following host(s) as part of the cluster:\n3\nend\n",
            NodeState.CONVERGED,
            False,
            (3,),
        ),
        (
            "Host 3 converging with the following host(s) as part of the cluster:",
            NodeState.CONVERGING,
            False,
            (),
        ),
        ("Host 3 converging with nobody", NodeState.CONVERGING, False, ()),
        ("Host 3 (PORTO1) is draining", NodeState.DRAINING, False, None),
        ("host 3 is stopped", NodeState.STOPPED, False, None),
        ("Host 3 is suspended, and stopped", NodeState.SUSPENDED, False, None),
        ("Host 3: the network is disconnected", NodeState.DISCONNECTED, False, None),
    ],
)
def test_each_node_state_is_read(
    line: str, state: NodeState, is_default: bool, members: tuple[int, ...] | None
) -> None:
    """State, default host and members are read from the last line that begins with Host N."""
    expected = NodeStatus(state, "10.7.0.100", 3, is_default, members, 12, 1)
    assert parse_query(HEAD + line, TABLES) == Parsed((expected,))


def test_a_member_list_that_is_none_is_unknown() -> None:
    """A bit map or other words where the members should stand leave them unknown, and say so."""
    text = HEAD + "Host 3 converged with the following host(s) as part of the cluster:\n0x0088\n"
    expected = NodeStatus(NodeState.CONVERGED, "10.7.0.100", 3, False, None, 12, 1)
    problem = "cluster 10.7.0.100: the member list '0x0088' is not a list of host ids"
    assert parse_query(text, TABLES) == Parsed((expected,), (problem,))


def test_the_line_of_convergence_is_no_state() -> None:
    """The sub-line that it is still converging, also beside a converged line, decides nothing."""
    text = (
        "Host 3 has entered has entered a converging state 2 time(s) since joining the cluster\n"
        "  and is still in a state of convergence.\n"
    )
    expected = NodeStatus(convergences=2, clusters=1)
    problem = (
        "no line begins as one about a host; last line: 'and is still in a state of convergence.'"
    )
    assert parse_query(text, TABLES) == Parsed((expected,), (problem,))


def test_several_clusters_give_several_blocks() -> None:
    """Each NLB cluster on the host has its own block; one that says nothing stays unknown."""
    text = (
        HEAD + "Host 3 is stopped\nCluster sip.example (10.8.0.200)\nnothing\nCluster [FE80::1]\n"
    )
    assert parse_query(text, TABLES) == Parsed(
        (
            NodeStatus(NodeState.STOPPED, "10.7.0.100", 3, False, None, 12, 3),
            NodeStatus(cluster_ip="10.8.0.200", clusters=3),
            NodeStatus(cluster_ip="fe80::1", clusters=3),
        ),
        (
            "cluster 10.8.0.200: no line begins as one about a host; last line: 'nothing'",
            "cluster fe80::1: no line begins as one about a host; last line: ''",
        ),
    )


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("  \r\n", Reason.NO_OUTPUT, "the utility printed nothing"),
        (
            "x\nNLB is not installed on this system or you\ndo not have sufficient privileges to\n",
            Reason.NOT_INSTALLED_OR_DENIED,
            "x NLB is not installed on this system or you do not have sufficient privileges to",
        ),
        (
            "banner\nAccess is denied.\n",
            Reason.NOT_INSTALLED_OR_DENIED,
            "Access is denied.",
        ),
        (
            "Did not receive response from the cluster.",
            Reason.UNREACHABLE,
            "Did not receive response from the cluster.",
        ),
    ],
)
def test_what_the_utility_refuses_is_a_failure(text: str, reason: Reason, said: str) -> None:
    """An answer that says that nothing could be done is no state but a failure, for any verb."""
    problem = Problem(reason, said)
    expected: Parsed[object] = Parsed((), (str(problem),), problem)
    assert parse_query(text, TABLES) == expected
    assert parse_queryport(text, TABLES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Rule is enabled\nPackets: Accepted=1234, Dropped=56",
            PortStatus(PortState.ENABLED, 1234, 56),
        ),
        ("Rule is enabled", PortStatus(PortState.ENABLED)),
        ("Rule is draining\nAccepted = 7", PortStatus(PortState.DRAINING, 7)),
        ("Rule is disabled\nPackets: Accepted=1, Dropped=2", PortStatus(PortState.DISABLED)),
        ("Cannot find port 5099 among the valid rules", PortStatus(PortState.NOT_FOUND)),
    ],
)
def test_each_port_state_is_read(text: str, expected: PortStatus) -> None:
    """State and counters are read; counters only while the host handles the rule."""
    assert parse_queryport(text, TABLES) == Parsed((PortAnswer(None, expected),))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "banner\nRegel ist aktiv\n\n",
            "no phrase matches the state of the rule; last line: 'Regel ist aktiv'",
        ),
        (
            "Rule is enabled\nRule is disabled",
            "it says several states at once: 'Rule is enabled', 'Rule is disabled'",
        ),
        (
            "Rule is not enabled",
            "the state is not plainly stated in 'Rule is not enabled'",
        ),
    ],
)
def test_what_is_not_clear_is_unknown(text: str, problem: str) -> None:
    """Unknown, contradicting or negated words are never taken for a state."""
    assert parse_queryport(text, TABLES) == Parsed((), (problem,))
    assert parse_queryport("Cluster 10.7.0.100\n" + text, TABLES) == Parsed(
        (PortAnswer("10.7.0.100", PortStatus()),), (f"cluster 10.7.0.100: {problem}",)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Traffic handling for specified port rule(s) enabled.", CommandResult.OK),
        ("The rule is already enabled", CommandResult.ALREADY),
        ("Cannot find port 5099 among the valid rules", CommandResult.NOT_FOUND),
        ("The host is stopped", CommandResult.STOPPED),
        ("The host is suspended", CommandResult.SUSPENDED),
        ("The rule is draining", CommandResult.DRAINING),
        ("Guten Tag", CommandResult.UNKNOWN),
        ("", CommandResult.UNKNOWN),
    ],
)
def test_answers_to_a_command_are_classified(text: str, expected: CommandResult) -> None:
    """What a command answered is kept for the record as one of seven words."""
    assert parse_result(text, TABLES) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"l\x84uft\r\r\n2\r3\n4", "l\u00e4uft\n2\n3\n4"),
        (b"\xff\xfeA\x00\r\x00\n\x00", "A\n"),
        (b"\xef\xbb\xbfA\xff", "A\ufffd"),
    ],
)
def test_bytes_become_text_with_plain_line_ends(raw: bytes, expected: str) -> None:
    """Code page or byte order mark decide the letters; every line end is one."""
    assert decode(raw, "cp437") == expected


@pytest.mark.parametrize(
    "line",
    [
        "The rule for port 5070 is disabled and can be enabled with the command",
        "Rule 5070: disabled (last enabled 10:00)",
        "Port rule 5070 cannot be enabled while the node is stopped.",
        "It is not known whether the rule is enabled.",
        "Rule 5070 enabled: no",
        "The rule is no longer enabled",
        "The rule isn't enabled",
        "Failed to determine if the port rule is enabled or disabled.",
        "Unable to query the port rule: WMI is disabled",
    ],
)
def test_a_port_state_is_read_from_a_plain_statement_only(line: str) -> None:
    """A false "enabled" would permit closing the other host: doubt is unknown."""
    assert parse_queryport(line, TABLES) == Parsed(
        (), (f"the state is not plainly stated in {line!r}",)
    )


@pytest.mark.parametrize("line", ["Port rule 5070 is enabled.", "rule 5070: ENABLED"])
def test_plain_statements_may_be_worded_otherwise(line: str) -> None:
    """The wording is assumed, so that more than one is understood."""
    assert [block.status.state for block in parse_queryport(line, TABLES).blocks] == [
        PortState.ENABLED
    ]


def test_a_node_that_has_not_converged_is_not_in_the_cluster() -> None:
    """Only a plain statement makes a node part of its cluster."""
    text = "Cluster 10.7.0.100\nHost 3 has not converged with the following host(s):\n3\n"
    parsed = parse_query(text, TABLES)
    assert [block.state for block in parsed.blocks] == [NodeState.UNKNOWN]
    assert parsed.problems == (
        "cluster 10.7.0.100: the state is not plainly stated in "
        "'Host 3 has not converged with the following host(s):'",
    )


def test_a_site_may_say_how_its_lines_begin() -> None:
    """A Windows of another language is read with the site's own phrases before the built-in ones."""
    site = parse(
        "host_lines:\n  - {pattern: '^Knoten (?P<id>[0-9]+)', source: ours}\n"
        "node_states:\n  - {state: converged, default: true, pattern: 'als STANDARD', source: ours}\n",
        "ours.yml",
    ).before(TABLES)
    text = "Cluster 10.7.0.100\nKnoten 3 konvergiert als STANDARD mit:\n3, 7\n"
    status = parse_query(text, site).blocks[0]
    assert (status.state, status.host_id, status.members) == (NodeState.CONVERGED, 3, (3, 7))


def test_a_host_line_without_its_id_is_refused() -> None:
    """The mistake is named with its place."""
    with pytest.raises(ConfigError) as refused:
        parse("host_lines:\n  - {pattern: '^Knoten', source: ours}\n", "ours.yml")
    assert str(refused.value) == (
        "ours.yml: 1 problem\n  line 2, host_lines[0]: the pattern needs a group (?P<id>...) for "
        "the host id"
    )
