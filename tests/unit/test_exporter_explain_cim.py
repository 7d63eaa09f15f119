"""`explain cim`: the whole JSON of a read-out, of one or several NLB clusters, or of none."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

from exporter import explain

DATA = Path(__file__).parents[1] / "data" / "cim"
RULE = {
    "vip": "all",
    "start": 5070,
    "end": 5071,
    "protocol": "udp",
    "mode": "multiple",
    "priority": None,
    "load": "equal",
    "affinity": "single",
}


def explained(raw: bytes) -> tuple[int, Any]:
    """Run the sub-command; return status and the JSON."""
    parser = argparse.ArgumentParser()
    explain.add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    status = explain.run(parser.parse_args(["cim", "-"]), io.BytesIO(raw), out, err)
    assert err.getvalue() == ""
    return status, json.loads(out.getvalue())


def test_a_sound_read_out_is_shown_whole() -> None:
    """Node, parameters, and each rule with its state; what cim never tells is not there."""
    assert explained((DATA / "state_healthy.json").read_bytes()) == (
        0,
        {
            "cluster_ip": "10.7.0.100",
            "host_id": 3,
            "node_state": "converged",
            "is_default": False,
            "operation_mode": "multicast",
            "mac": "03-bf-0a-07-00-64",
            "remote_control": False,
            "heartbeat_period_ms": 1100,
            "heartbeat_tolerance": 6,
            "rules": [
                RULE | {"port_state": "enabled"},
                {
                    "vip": "10.7.0.100",
                    "start": 80,
                    "end": 443,
                    "protocol": "tcp",
                    "mode": "single",
                    "priority": 4,
                    "load": None,
                    "affinity": None,
                    "port_state": "disabled",
                },
                {
                    "vip": "all",
                    "start": 7000,
                    "end": 7100,
                    "protocol": "both",
                    "mode": "multiple",
                    "priority": None,
                    "load": 30,
                    "affinity": "none",
                    "port_state": "draining",
                },
            ],
            "problems": [],
        },
    )


def test_several_clusters_are_all_shown() -> None:
    """The first stands here, and all under clusters."""
    status, found = explained((DATA / "state_two_clusters.json").read_bytes())
    assert (status, found["cluster_ip"], found["node_state"]) == (0, "10.8.0.200", "converging")
    assert [
        (each["cluster_ip"], each["host_id"], each["rules"][0]["port_state"])
        for each in found["clusters"]
    ] == [("10.8.0.200", 9, "enabled"), ("10.7.0.100", 3, "disabled")]
    assert found["problems"] == [
        "the output speaks of 2 clusters: the first stands here, all under clusters"
    ]


def test_a_number_of_no_document_is_null_and_said() -> None:
    """That is what a capture of an unknown Windows is for."""
    raw = (DATA / "state_healthy.json").read_bytes()
    raw = raw.replace(b"1007", b"4711").replace(b'"PortState":1', b'"PortState":9')
    status, found = explained("\ufeff".encode("utf-16-le") + raw.decode().encode("utf-16-le"))
    assert (status, found["node_state"]) == (0, None)
    assert found["rules"][0] == RULE | {"port_state": None}
    assert found["problems"] == [
        "cluster 10.7.0.100: StatusCode 4711 is not documented",
        "cluster 10.7.0.100: rule all 5070-5071 udp: PortState 9 is not documented",
    ]


def test_a_read_out_that_failed_says_why() -> None:
    """Everything is null and the exit status says that nothing was read."""
    status, found = explained((DATA / "denied.json").read_bytes())
    assert status == 1
    assert found.pop("problems") == ["not_installed_or_denied: access denied: Zugriff verweigert"]
    assert set(found.values()) == {None}
