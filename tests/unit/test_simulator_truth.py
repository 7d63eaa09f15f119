"""The site's truth says whether exactly the primary's ports are enabled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cluster.model import PortRule, PortState
from simulator.control_client import state_lines
from simulator.description import usual_site
from simulator.knobs import quick
from simulator.nlb_node import PortVerb
from simulator.truth import cluster_json, port_state, why_not_right
from simulator.world import ClusterRun, World

BEGAN = datetime(2024, 5, 20, 8, 15, 2, 250000, tzinfo=UTC)
ONE, TWO = "sip-east-1", "sip-east-2"


def site() -> tuple[World, ClusterRun]:
    """Return a site of one cluster, 10 seconds old."""
    world = World(usual_site(1, quick()))
    world.advance(10.0)
    return world, world.clusters["sip-east"]


def test_a_sound_cluster_is_right() -> None:
    """At the beginning nothing is wrong."""
    assert why_not_right(site()[1]) is None


def test_an_enabled_backup_is_named() -> None:
    """Both ports enabled is not right."""
    _, cluster = site()
    cluster.nlb.operate(TWO, PortVerb.ENABLE, None, 5060)
    assert why_not_right(cluster) == "port 5060 is enabled on sip-east-2, which is backup"


def test_a_closed_primary_is_named() -> None:
    """No port enabled is not right."""
    _, cluster = site()
    cluster.nlb.operate(ONE, PortVerb.DISABLE, None, 5060)
    assert why_not_right(cluster) == "port 5060 is disabled on sip-east-1, which is primary"


def test_without_one_primary_nothing_is_right() -> None:
    """During the overlap of a switchover there is no primary."""
    _, cluster = site()
    cluster.management.switch_over()
    assert why_not_right(cluster) == "there is not exactly one primary"


def test_a_cut_off_host_counts_only_if_it_is_to() -> None:
    """What nobody can command is left out where that is asked for."""
    world, cluster = site()
    cluster.disconnect()
    world.advance(30.0)
    cluster.nlb.operate(TWO, PortVerb.ENABLE, None, 5060)
    assert why_not_right(cluster, leave_out_cut_off=True) is None
    assert why_not_right(cluster) == "sip-east-1 is cut off and still believes it is primary"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PortRule("all", 5060, 5061, "both"), PortState.ENABLED),
        (PortRule("10.0.0.100", 5061, 5061, "udp"), PortState.ENABLED),
        (PortRule("all", 5070, 5071, "tcp"), PortState.NOT_FOUND),
    ],
)
def test_a_rule_is_found_by_its_first_port(rule, expected) -> None:
    """The state of a rule that the host does not have is not found."""
    assert port_state(site()[1], ONE, rule) is expected


def test_the_state_for_people_and_for_programs() -> None:
    """After a failure both forms show what is and what happened."""
    world, cluster = site()
    cluster.fail()
    cluster.disconnect(TWO)
    world.advance(11.0)
    state = cluster_json(world, "sip-east", BEGAN)
    assert (state["simulated"], state["primary"], state["ended_right"]) == (True, None, False)
    assert state["events"][0] == {
        "at": "2024-05-20T08:15:12.250Z",
        "at_seconds": 10.0,
        "host": ONE,
        "what": "SIP Server process died",
        "number": None,
    }
    assert state["hosts"][0] == {
        "name": ONE,
        "host_id": 1,
        "address": "10.1.0.11",
        "connected": True,
        "partition": 0,
        "process": "dead",
        "process_id": None,
        "mode": "unknown",
        "scs_connected": True,
        "node_state": "converged",
        "is_default": True,
        "members": [1, 2],
        "ports": [
            {
                "vip": "all",
                "start": 5060,
                "end": 5061,
                "protocol": "both",
                "state": "enabled",
                "accepted": 0,
                "dropped": 0,
            }
        ],
        "faults": {
            "nlb": "none",
            "nlb_latency_seconds": 0.0,
            "page": "none",
            "page_latency_seconds": 0.0,
            "log": "none",
        },
    }
    assert state_lines(state) == [
        "SIMULATED cluster sip-east, virtual IP 10.0.0.100",
        "primary: none or several; ports: there is not exactly one primary",
        "host             network  process  mode     node               members  ports",
        "sip-east-1       up       dead     unknown  converged default  1,2      5060 enabled",
        "sip-east-2       cut off  running  backup   converged          1,2      5060 disabled",
        "08:15:12.250  sip-east-1       SIP Server process died",
        "08:15:12.250  sip-east-2       host lost its network",
        "08:15:12.750  sip-east-1       Management Layer lost it",
    ]
