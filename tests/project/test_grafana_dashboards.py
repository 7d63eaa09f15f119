"""Holds the shipped dashboards and provisioning files against what sipnlb publishes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.project.contract import contract_series
from tests.project.promql import metric_names, selectors
from tests.project.queries import (
    DASHBOARDS,
    dashboard_queries,
    load_dashboard,
    panels,
)
from tests.project.rules import ROOT, load_yaml

PROVISIONING = ROOT / "grafana" / "provisioning"
PROMETHEUS_OWN = {"ALERTS"}
EACH = [
    pytest.param(panel, id=f"{path.stem}-{panel['title']}")
    for path in DASHBOARDS
    for panel in panels(load_dashboard(path))
]
STATES = {
    "Mode": {"unknown", "backup", "primary", "contradiction"},
    "Port": {"unknown", "enabled", "disabled", "draining", "rule not found"},
    "Node": {
        "unknown",
        "converged",
        "converging",
        "draining",
        "stopped",
        "suspended",
        "disconnected",
    },
}


def _queries() -> list[Any]:
    return [
        pytest.param(expression, id=f"{title}-{number}")
        for path in DASHBOARDS
        for number, (title, expression) in enumerate(dashboard_queries(path, "lisbon"))
    ]


def test_there_is_a_dashboard() -> None:
    """One dashboard is shipped, under an address of its own."""
    assert [(path.name, load_dashboard(path)["uid"]) for path in DASHBOARDS] == [
        ("sipnlb.json", "sipnlb-pair")
    ]


@pytest.mark.parametrize("expression", _queries())
def test_every_query_reads_only_metrics_that_exist(expression: str) -> None:
    """A panel asks for metrics and labels of the contract, and for ``ALERTS``."""
    promised = contract_series()

    assert metric_names(expression) <= set(promised) | PROMETHEUS_OWN
    for name, labels in selectors(expression):
        assert name in PROMETHEUS_OWN or labels <= promised[name], f"{name} by {labels}"


@pytest.mark.parametrize("expression", _queries())
def test_no_variable_is_left_in_a_query(expression: str) -> None:
    """Every variable of a query has a value when a test runs it."""
    assert "$" not in expression


def test_every_query_is_an_expression_that_prometheus_accepts(
    real_part: Callable[[str], Path], tmp_path: Path
) -> None:
    """Prometheus's own parser takes every query."""
    rules = [
        {"record": f"panel:query{number}:test", "expr": expression}
        for path in DASHBOARDS
        for number, (_, expression) in enumerate(dashboard_queries(path, "lisbon"))
    ]
    written = tmp_path / "queries.yml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        [str(real_part("promtool")), "check", "rules", str(written)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("panel", EACH)
def test_every_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """A panel has a title, a description in words, and a data source that the reader chooses."""
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert {panel["datasource"]["uid"], *(t["datasource"]["uid"] for t in panel["targets"])} == {
        "${datasource}"
    }


@pytest.mark.parametrize("panel", EACH)
def test_every_number_has_a_unit_or_words(panel: dict[str, Any]) -> None:
    """A value is shown with its unit, as a word, or by the name of its series."""
    defaults = panel["fieldConfig"]["defaults"]
    by_name = panel["options"].get("textMode") == "name"

    assert panel["type"] == "table" or by_name or "unit" in defaults or "mappings" in defaults


@pytest.mark.parametrize(("title", "expected"), STATES.items(), ids=STATES)
def test_states_are_shown_in_the_words_of_the_metrics(title: str, expected: set[str]) -> None:
    """Every state there is has its word in the timeline, none is shown as a number."""
    (panel,) = (panel for panel in panels(load_dashboard(DASHBOARDS[0])) if panel["title"] == title)
    mapping = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]

    assert {value["text"] for value in mapping.values()} == expected


def test_the_numbers_of_the_timelines_cannot_be_confused() -> None:
    """Each state is a bit of its own, so that a sum is either one state or a contradiction."""
    for title, names in (("Port", 4), ("Node", 6)):
        (expression,) = (
            text for panel, text in dashboard_queries(DASHBOARDS[0], "lisbon") if panel == title
        )
        factors = [int(number or 1) for number in re.findall(r"(?:(\d+) \* )?max by", expression)]
        assert len(factors) == names
        assert all(after == 2 * before for before, after in pairwise(factors))


def test_panels_do_not_overlap() -> None:
    """Every panel has its own place on the page."""
    taken: set[tuple[int, int]] = set()
    for panel in load_dashboard(DASHBOARDS[0])["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_ids_and_query_names_are_unique() -> None:
    """Grafana can tell panels and their queries apart."""
    all_panels = load_dashboard(DASHBOARDS[0])["panels"]
    ids = [panel["id"] for panel in all_panels]

    assert len(set(ids)) == len(ids)
    for panel in panels(load_dashboard(DASHBOARDS[0])):
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names)


def test_the_reader_chooses_prometheus_and_cluster() -> None:
    """The dashboard is importable anywhere: nothing of a site is written into it."""
    variables = load_dashboard(DASHBOARDS[0])["templating"]["list"]

    assert [(each["name"], each["type"]) for each in variables] == [
        ("datasource", "datasource"),
        ("cluster", "query"),
    ]
    assert variables[1]["query"]["query"] == "label_values(sip_server_mode, cluster)"


def test_provisioning_loads_the_dashboard_from_a_prometheus() -> None:
    """The provisioning files name one Prometheus and one folder of dashboards."""
    (source,) = load_yaml(PROVISIONING / "datasources" / "sipnlb.yml")["datasources"]
    (provider,) = load_yaml(PROVISIONING / "dashboards" / "sipnlb.yml")["providers"]

    assert (source["type"], source["uid"]) == ("prometheus", "sipnlb-prometheus")
    assert (provider["type"], provider["options"]) == (
        "file",
        {"path": "/var/lib/grafana/dashboards/sipnlb"},
    )
