"""The metrics: whole expositions against golden files, and each rule that a file cannot show.

`SIPNLB_WRITE_GOLDEN=1` writes the golden files anew; look at the difference before you keep it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cluster.config_model import Cluster
from cluster.model import (
    ClusterView,
    HostView,
    NlbParams,
    NodeState,
    NodeStatus,
    PortState,
    Problem,
    Reason,
    SipMode,
    SipStatus,
)
from exporter.board import Board, ModeHistory
from exporter.collector import families
from tests.unit import exporter_samples as samples

GOLDEN = Path(__file__).parents[1] / "golden"
HISTORY = {
    ("porto", "porto-1"): ModeHistory(SipMode.PRIMARY, samples.BEGIN.plus(-90).utc, 4),
    ("porto", "porto-2"): ModeHistory(SipMode.BACKUP, samples.BEGIN.plus(-60).utc, 3),
}


class Fixed(Collector):
    def __init__(
        self,
        cluster: Cluster,
        view: ClusterView,
        history: Mapping[tuple[str, str], ModeHistory] | None,
    ) -> None:
        self._arguments = [(cluster, view)], samples.BEGIN, "1.2.3", history

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield from families(*self._arguments)


def exposition(
    view: ClusterView,
    history: Mapping[tuple[str, str], ModeHistory] | None = HISTORY,
    cluster: Cluster | None = None,
) -> str:
    """Return the text that a scrape would get."""
    registry = CollectorRegistry()
    registry.register(Fixed(cluster or samples.cluster(), view, history))
    return generate_latest(registry).decode()


def sample_lines(view: ClusterView, name: str, **options: object) -> list[str]:
    """Return the lines of one metric."""
    text = exposition(view, **options)  # type: ignore[arg-type]
    return [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]


def assert_golden(name: str, actual: str) -> None:
    """Hold a text against its golden file."""
    file = GOLDEN / name
    if os.environ.get("SIPNLB_WRITE_GOLDEN"):
        file.write_text(actual, "utf-8")
    assert file.read_text("utf-8") == actual


def dead_host() -> HostView:
    """Return porto-1 whose machine is gone."""
    timeout = Problem(Reason.TIMEOUT, "http://10.7.0.11:8090/serverx did not answer in time")
    late = Problem(Reason.TIMEOUT, "nlb was still running after 3.0 s")
    rule = samples.cluster().rules[0]
    return HostView(
        "porto-1",
        (samples.sip(SipMode.UNKNOWN, problem=timeout),),
        samples.node(NodeState.UNKNOWN, problem=late),
        ((rule, samples.port(PortState.UNKNOWN, problem=late)),),
        samples.params(problem=late),
    )


def unreadable_port() -> HostView:
    """Return porto-2 whose port rule answers in unknown words."""
    words = Problem(Reason.UNKNOWN_TEXT, "no phrase matches the state of the rule")
    rule = samples.cluster().rules[0]
    reading = samples.port(PortState.UNKNOWN, problem=words)
    return replace(samples.backup(), ports=((rule, reading),))


def stale() -> ClusterView:
    """Return the healthy pair after the loops have stood still for 100 s."""
    board = Board([samples.healthy()], samples.limits)
    return board.snapshot(samples.BEGIN.plus(100)).views[0]


def test_a_healthy_pair_is_published_whole() -> None:
    """The whole exposition of a healthy pair is what the golden file says."""
    assert_golden("healthy_pair.metrics", exposition(samples.healthy()))


def test_a_dead_host_is_unknown_and_costs_the_other_nothing() -> None:
    """A host that does not answer is unknown with its reason; the other one is published whole."""
    assert_golden("dead_host.metrics", exposition(samples.view(dead_host(), samples.backup())))


def test_an_unreadable_port_is_unknown_beside_a_known_node() -> None:
    """A port state in unknown words is unknown; mode and node of the host stay known."""
    view = samples.view(samples.primary(), unreadable_port())
    assert_golden("unreadable_port.metrics", exposition(view))


def test_stale_readings_are_published_as_unknown() -> None:
    """Once the readings are too old no value is published any more, only that they are stale."""
    assert_golden("stale.metrics", exposition(stale()))


def test_a_probe_publishes_neither_changes_nor_since() -> None:
    """Without a history there are no counters of mode changes and no since-times."""
    text = exposition(samples.healthy(), history=None)
    assert "sip_server_mode_changes_total" not in text
    assert "sip_server_mode_since_timestamp_seconds" not in text


def test_a_mode_that_was_never_known_has_no_since_time() -> None:
    """Before the mode was first read the change counter is 0 and the since-time is absent."""
    history = dict.fromkeys(HISTORY, ModeHistory())
    view = samples.view(dead_host(), samples.backup())
    assert sample_lines(view, "sip_server_mode_changes_total", history=history) == [
        'sip_server_mode_changes_total{cluster="porto",host="porto-1"} 0.0',
        'sip_server_mode_changes_total{cluster="porto",host="porto-2"} 0.0',
    ]
    assert sample_lines(view, "sip_server_mode_since_timestamp_seconds", history=history) == []


def test_several_sources_are_published_one_by_one() -> None:
    """With two sources of one kind each has its own label, and the effective mode is the first
    that knows it.
    """
    silent = samples.sip(SipMode.UNKNOWN, problem=Problem(Reason.UNREACHABLE, "refused"))
    two = replace(samples.primary(), sip=(silent, samples.sip(SipMode.BACKUP)))
    assert sample_lines(samples.view(two), "sip_server_up") == [
        'sip_server_up{cluster="porto",host="porto-1",source="http"} 0.0',
        'sip_server_up{cluster="porto",host="porto-1",source="http_2"} 1.0',
    ]
    assert sample_lines(samples.view(two), "sip_server_source_mode") == [
        f'sip_server_source_mode{{cluster="porto",host="porto-1",mode="{mode}",source="{source}"}} '
        f"{value}"
        for source, mode, value in [
            ("http", "primary", "0.0"),
            ("http", "backup", "0.0"),
            ("http", "unknown", "1.0"),
            ("http_2", "primary", "0.0"),
            ("http_2", "backup", "1.0"),
            ("http_2", "unknown", "0.0"),
        ]
    ]
    assert sample_lines(samples.view(two), "sip_server_mode")[1] == (
        'sip_server_mode{cluster="porto",host="porto-1",mode="backup"} 1.0'
    )


def test_what_only_a_later_source_tells_is_published() -> None:
    """A program that prints modes knows nothing of links; the page beside it does."""
    plain = samples.sip(SipMode.PRIMARY, source="exec")
    plain = replace(plain, value=SipStatus(SipMode.PRIMARY, scs_connected=True))
    page = samples.sip(SipMode.PRIMARY)
    page = replace(page, value=replace(page.value, scs_connected=False))
    view = samples.view(replace(samples.primary(), sip=(plain, page)))
    names = ("ha_link_up", "scs_connected", "service_available", "ready_for_switchover")
    assert [sample_lines(view, f"sip_server_{name}") for name in names] == [
        [f'sip_server_{name}{{cluster="porto",host="porto-1"}} {value}']
        for name, value in zip(names, ("1.0", "0.0", "1.0", "0.0"), strict=True)
    ]


def test_a_single_source_has_no_series_of_its_own_mode() -> None:
    """Where there is one source only, its mode is the host's mode and is not repeated."""
    assert sample_lines(samples.healthy(), "sip_server_source_mode") == []


def test_packets_are_absent_while_the_rule_is_not_handled() -> None:
    """Packet counters exist for an enabled or draining rule only, each one only if printed."""
    rule = samples.cluster().rules[0]

    def lines(state: PortState, counts: tuple[int | None, int | None]) -> list[str]:
        host = replace(samples.primary(), ports=((rule, samples.port(state, counts=counts)),))
        return sample_lines(samples.view(host), "nlb_port_packets_total")

    assert lines(PortState.DISABLED, (7, 8)) == []
    assert lines(PortState.DRAINING, (7, None)) == [
        'nlb_port_packets_total{cluster="porto",host="porto-1",port="5070",result="accepted"} 7.0'
    ]


def test_a_rule_that_is_reported_twice_gives_one_series() -> None:
    """A host that names a rule twice must not make the exposition invalid."""
    reading = samples.params()
    rules = reading.value.rules
    assert rules is not None
    twice = replace(reading, value=replace(reading.value, rules=(rules[0], rules[0])))
    view = samples.view(replace(samples.primary(), params=twice))
    assert sample_lines(view, "nlb_port_rule_info") == [
        (
            'nlb_port_rule_info{affinity="single",cluster="porto",end="5071",'
            'filtering_mode="multiple",host="porto-1",protocol="udp",start="5070",vip="all"} 1.0'
        )
    ]


def test_what_the_parameters_do_not_tell_is_absent_or_unknown() -> None:
    """Parameters in which only the MAC was readable give an info with an unknown mode."""
    reading = replace(samples.params(), value=NlbParams(mac="02-bf-0a-07-00-64"))
    view = samples.view(replace(samples.primary(), params=reading))
    assert sample_lines(view, "nlb_cluster_info") == [
        (
            'nlb_cluster_info{cluster="porto",host="porto-1",mac="02-bf-0a-07-00-64",'
            'operation_mode="unknown"} 1.0'
        )
    ]
    for absent in (
        "nlb_operation_mode_as_configured",
        "nlb_remote_control_enabled",
        "nlb_port_rule_info",
    ):
        assert sample_lines(view, absent) == []


def test_another_operation_mode_than_configured_is_told() -> None:
    """A host in unicast where multicast is configured is not as configured."""
    reading = samples.params()
    unicast = replace(reading, value=replace(reading.value, operation_mode="unicast", mac=None))
    view = samples.view(replace(samples.primary(), params=unicast))
    assert sample_lines(view, "nlb_operation_mode_as_configured") == [
        'nlb_operation_mode_as_configured{cluster="porto",host="porto-1"} 0.0'
    ]
    assert sample_lines(view, "nlb_cluster_info") == [
        (
            'nlb_cluster_info{cluster="porto",host="porto-1",mac="unknown",'
            'operation_mode="unicast"} 1.0'
        )
    ]


def test_an_empty_member_list_counts_no_member() -> None:
    """A converging node that sees nobody has 0 members; one that tells no list has no series."""
    seen = replace(
        samples.node(NodeState.CONVERGING), value=NodeStatus(NodeState.CONVERGING, members=())
    )
    untold = replace(seen, value=NodeStatus(NodeState.STOPPED, is_default=False))
    assert sample_lines(
        samples.view(replace(samples.primary(), node=seen)), "nlb_node_members"
    ) == ['nlb_node_members{cluster="porto",host="porto-1"} 0.0']
    assert (
        sample_lines(samples.view(replace(samples.primary(), node=untold)), "nlb_node_members")
        == []
    )


@pytest.mark.parametrize("simulated", [True, False])
def test_only_simulated_clusters_say_so(simulated: bool) -> None:
    """A simulated cluster has a series of its own; a real one has none."""
    cluster = samples.config(simulated=simulated).clusters[0]
    expected = ['sipnlb_cluster_simulated{cluster="porto"} 1.0'] if simulated else []
    assert expected == sample_lines(samples.healthy(), "sipnlb_cluster_simulated", cluster=cluster)


def test_a_reading_that_was_never_taken_has_no_age() -> None:
    """Before the first reading there is no age and no duration, and the problem says why."""
    never = replace(samples.node(NodeState.UNKNOWN), problem=Problem(Reason.NEVER_READ, ""))
    view = samples.view(replace(samples.primary(), node=never))
    assert not [x for x in sample_lines(view, "sipnlb_reading_age_seconds") if '"node"' in x]
    assert not [x for x in sample_lines(view, "sipnlb_reading_duration_seconds") if '"node"' in x]
    assert sample_lines(view, "sipnlb_reading_problem") == [
        (
            'sipnlb_reading_problem{cluster="porto",host="porto-1",reading="node",'
            'reason="never_read"} 1.0'
        )
    ]


def test_a_clock_that_went_back_gives_no_negative_age() -> None:
    """A reading from the future is 0 seconds old."""
    ahead = samples.node(NodeState.CONVERGED, ago=-3.0)
    view = samples.view(replace(samples.primary(), node=ahead))
    assert [x for x in sample_lines(view, "sipnlb_reading_age_seconds") if '"node"' in x] == [
        'sipnlb_reading_age_seconds{cluster="porto",host="porto-1",reading="node"} 0.0'
    ]
