"""Whatever stands in captured texts and files, `check` and `clusters` say something sound."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.config import parse
from cluster.errors import ConfigError
from cluster.neighbour_table import parse_arp, parse_iproute
from cluster.nlb import phrases
from cluster.nlb.mac import plain_mac
from cluster.nlb.output import decode
from cluster.nlb.params import parse_params
from cluster.strict_yaml import parse as parse_yaml
from exporter.checks import cluster_findings
from exporter.checks_prometheus import prometheus_findings
from exporter.findings import Mark
from exporter.skeleton import Report, skeleton
from tests.unit import check_samples as check
from tests.unit import exporter_samples as samples

TABLES = phrases.load()
PARAMS = (Path(__file__).parents[1] / "data" / "nlb" / "params_healthy.txt").read_bytes()
LINES = PARAMS.splitlines(keepends=True)
odd = st.sampled_from(
    [b'"', b"#", b"\n", b"\x85", b"\x0b", b": ", b"{", b"'", b"\t", b"\xff", b"= "]
)
keys = st.sampled_from(
    [
        "scrape_configs",
        "job_name",
        "global",
        "scrape_interval",
        "static_configs",
        "labels",
        "relabel_configs",
        "target_label",
        "action",
        "honor_labels",
        "cluster",
        "host",
    ]
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(max_size=3), inner),
    max_leaves=20,
)


@st.composite
def params(draw: st.DrawFn) -> bytes:
    """Take sound parameters and put odd bytes into values of some lines."""
    lines = list(LINES)
    for _ in range(draw(st.integers(0, 5))):
        number = draw(st.integers(0, len(lines) - 1))
        name, equals, _ = lines[number].partition(b"=")
        value = b"".join(draw(st.lists(odd | st.binary(max_size=4), max_size=4)))
        lines[number] = name + equals + b" " + value + b"\r\n"
    return b"".join(lines)


@settings(deadline=None)
@given(raw=params(), page=st.sampled_from(["cp437", "cp1252", "utf-8", "cp932"]))
def test_a_skeleton_is_yaml_whatever_the_hosts_print(raw: bytes, page: str) -> None:
    """Nothing that a host prints becomes a key, and loading it ends in a verdict."""
    blocks = parse_params(decode(raw, page), TABLES).blocks
    text = skeleton(tuple(Report(block) for block in blocks))
    document = parse_yaml(text)
    assert not document.problems
    for cluster in document.data["clusters"] or () if isinstance(document.data, dict) else ():
        assert set(cluster) == {
            *("name", "virtual_ip", "cluster_ip", "operation_mode", "port_rules", "hosts")
        }
    with contextlib.suppress(ConfigError):
        parse(text, "clusters.yml")


@settings(deadline=None)
@given(raw=params())
def test_whatever_a_host_reports_every_check_has_a_verdict(raw: bytes) -> None:
    """No check raises, and each line that is not right says what to do."""
    healthy = check.healthy()
    for block in parse_params(decode(raw, "cp437"), TABLES).blocks:
        told = {name: getattr(block, name) for name in block.__slots__}
        of = check.of_host(params=told)
        view = samples.view(of.view, healthy.hosts[1])
        for each in cluster_findings(of.config, of.cluster, view, None):
            assert each.verdict.text
            assert bool(each.verdict.advice) is (each.verdict.mark is not Mark.RIGHT)


@settings(deadline=None)
@given(document=plain)
def test_any_document_in_place_of_prometheus_configuration_has_a_verdict(document: Any) -> None:
    """A file of another program is told, not stumbled over."""
    assert {each.check for each in prometheus_findings(document)} == {
        "sipnlb-exporter",
        "sipnlb-remediator",
    }


@settings(deadline=None)
@given(first=st.text(max_size=60), second=st.text(max_size=60))
def test_any_text_in_place_of_a_neighbour_table_is_read(first: str, second: str) -> None:
    """It tells a hardware address in one form, or none."""
    for found in (parse_iproute(first, second), parse_arp(first + second, "10.0.0.100")):
        assert found is None or found.mac is None or plain_mac(found.mac) == found.mac
