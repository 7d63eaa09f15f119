"""The words: freshness, the effective mode, and what serving means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.clock import Deadline
from cluster.model import (
    REASON_TEXT,
    NodeState,
    PortRule,
    PortState,
    Problem,
    Reason,
    ReportedRule,
    SipMode,
)
from tests.unit import exporter_samples as samples

RULE = samples.cluster().rules[0]


def test_age_counts_from_the_request() -> None:
    """A reading that took long is that much older."""
    reading = replace(samples.sip(SipMode.PRIMARY), asked=samples.BEGIN.plus(-7))
    assert reading.age_seconds(samples.BEGIN) == 7.0
    assert reading.duration_seconds() == pytest.approx(6.625)


def test_a_problem_is_one_line() -> None:
    """Reason and particulars, or the reason alone."""
    assert str(Problem(Reason.BUSY, "since 8:15")) == "busy: since 8:15"
    assert str(Problem(Reason.BUSY, "")) == "busy"


def test_every_reason_has_words() -> None:
    """No reason is shown to people as its label only."""
    assert set(REASON_TEXT) == set(Reason)


def test_a_rule_is_named_as_the_utility_wants_it() -> None:
    """A rule of all virtual IPs is named by port, another one by address and port."""
    named = PortRule("10.7.0.100", 5070, 5071, "udp")
    assert (RULE.port_spec, named.port_spec) == ("5070", "10.7.0.100:5070")
    assert (RULE.port, str(named)) == ("5070", "10.7.0.100 5070-5071 udp")


def test_a_reported_rule_has_the_configured_part() -> None:
    """What configuration names can be compared with what the host reports."""
    reported = ReportedRule("all", 5070, 5071, "udp", "single", 4, None, "")
    assert reported.rule == RULE


def test_the_first_source_that_knows_decides() -> None:
    """An unknown first source gives way to a known second; if none knows, the first is shown."""
    unknown = samples.sip(SipMode.UNKNOWN, problem=Problem(Reason.TIMEOUT, "late"))
    backup = samples.sip(SipMode.BACKUP)
    host = replace(samples.primary(), sip=(unknown, backup))
    assert (host.effective_sip, host.mode) == (backup, SipMode.BACKUP)
    assert replace(host, sip=(unknown, unknown)).effective_sip is unknown


@pytest.mark.parametrize("node", list(NodeState))
@pytest.mark.parametrize("port", list(PortState))
def test_serving_needs_port_and_node(node: NodeState, port: PortState) -> None:
    """Only an enabled port on a node that is converged or converging takes traffic."""
    host = replace(samples.primary(), node=samples.node(node), ports=((RULE, samples.port(port)),))
    expected = port is PortState.ENABLED and node in {NodeState.CONVERGED, NodeState.CONVERGING}
    assert expected == host.is_serving(RULE)


def test_a_host_has_all_its_readings() -> None:
    """Every source, the node, every port and the parameters."""
    host = samples.primary()
    assert host.readings() == (host.sip[0], host.node, host.ports[0][1], host.params)


def test_a_view_finds_hosts_and_primaries() -> None:
    """Hosts are found by name, primaries by their mode; other names are an error."""
    view = samples.healthy()
    assert view.host("porto-2") == samples.backup()
    assert view.primaries == (samples.primary(),)
    with pytest.raises(KeyError):
        view.host("porto-3")


def test_a_deadline_runs_out_and_no_further() -> None:
    """What is left is never negative; of two deadlines the earlier one holds."""
    deadline = Deadline(samples.BEGIN.monotonic + 2.0)
    assert deadline.remaining(samples.BEGIN) == 2.0
    assert deadline.remaining(samples.BEGIN.plus(5)) == 0.0
    later = Deadline(samples.BEGIN.monotonic + 3.0)
    assert deadline.earliest(later) is deadline
    assert later.earliest(deadline) is deadline
