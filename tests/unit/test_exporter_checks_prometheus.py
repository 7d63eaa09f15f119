"""Checks of a Prometheus configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.checks_prometheus import prometheus_findings
from exporter.findings import Mark
from tests.unit.check_samples import said

ALERTMANAGER = Path(__file__).parents[2] / "alertmanager"


def found(document: object, job: str = "sipnlb-exporter") -> list[str]:
    """Return what is said of a job."""
    return said(each.verdict for each in prometheus_findings(document) if each.check == job)


def with_job(**keys: Any) -> dict[str, Any]:
    """Return a configuration whose exporter job is right but for those keys."""
    job = {"job_name": "sipnlb-exporter", "honor_labels": True, "scrape_interval": "1s"}
    return {"scrape_configs": [{"job_name": "node"}, job | keys]}


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-probe.yml"])
def test_nothing_is_wrong_with_the_shipped_configurations(name: str) -> None:
    """Both samples pass their own check."""
    document = yaml.safe_load((ALERTMANAGER / name).read_text("utf-8"))
    marks = {each.verdict.mark for each in prometheus_findings(document)}
    assert marks == {Mark.RIGHT}


def test_a_job_that_is_right_says_so_line_by_line() -> None:
    """Labels kept, none that clashes, often enough."""
    assert found(with_job(static_configs=[{"targets": ["a:1"], "labels": {"site": "north"}}])) == [
        "✓ honor_labels is true",
        "✓ no label clashes with cluster, host or port",
        "✓ scraped every 1s",
    ]


@pytest.mark.parametrize(
    "document", [None, [], "text", {"scrape_configs": {"a": 1}}, {"scrape_configs": [7]}]
)
def test_what_has_no_jobs_lacks_ours(document: object) -> None:
    """Whatever the file is."""
    line = "✗ no scrape job of that name → name the job so: the shipped rules look for it; see alertmanager/prometheus.yml"
    assert found(document) == [line]
    assert found(document, "sipnlb-remediator") == [line]


def test_jobs_in_further_files_are_not_seen() -> None:
    """They are not called missing."""
    assert found({"scrape_config_files": ["more/*.yml"]}) == [
        "? not here; the files of scrape_config_files are not read → name one"
    ]


@pytest.mark.parametrize("told", [False, None, "true"])
def test_without_honor_labels_the_rules_find_nothing(told: object) -> None:
    """A text is not true."""
    assert found(with_job(honor_labels=told))[0] == (
        "✗ honor_labels is not true → set it: else a target label wins over sipnlb's, which is renamed exported_…, "
        "and the rules find nothing"
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"static_configs": [{"labels": {"cluster": "dc1", "host": "x", "site": "y"}}]},
        {
            "relabel_configs": [
                {"target_label": "host"},
                {"target_label": "cluster", "replacement": "dc1"},
            ]
        },
        {"metric_relabel_configs": [{"target_label": "cluster"}, {"target_label": "host"}]},
    ],
    ids=["static", "relabel", "metric-relabel"],
)
def test_a_label_that_clashes_is_named(keys: dict[str, Any]) -> None:
    """On the target, by relabelling, or on the series."""
    assert found(with_job(**keys))[1] == (
        "✗ sets cluster and host, which sipnlb's series have themselves → give the site's label another name, such as site"
    )


@pytest.mark.parametrize("key", ["relabel_configs", "metric_relabel_configs"])
def test_labels_by_pattern_cannot_be_told(key: str) -> None:
    """Which labels it makes or drops depends on what comes."""
    job = with_job(
        **{
            key: [
                {"action": "labelmap", "regex": "x_(.+)"},
                {"action": "labeldrop", "regex": "p.*"},
            ]
        }
    )
    assert found(job)[1:-1] == [
        "? has labeldrop and labelmap → see that it neither makes nor drops a label cluster, host or port"
    ]


@pytest.mark.parametrize(
    "keys",
    [
        {"file_sd_configs": [{"files": ["targets.yml"]}]},
        {"http_sd_configs": [{"url": "http://a:1/sd"}, {"url": "http://b/targets"}]},
    ],
    ids=["file", "another-url"],
)
def test_labels_of_discovered_targets_must_be_seen_to(keys: dict[str, Any]) -> None:
    """They are not in this file; only those of sipnlb's own discovery are known."""
    assert found(with_job(**keys))[1:-1] == [
        f"! the labels of targets from {next(iter(keys))} are not seen here → see that none is called cluster, host or port"
    ]


LONG = " → set 1s; if it must be longer than 2.5s, lengthen every range in rules/sipnlb.yml to four scrapes"


@pytest.mark.parametrize(
    ("interval", "line"),
    [
        ("2s500ms", "✓ scraped every 2s500ms"),
        ("2501ms", f"✗ scrape_interval is 2501ms{LONG}"),
        ("1m", f"✗ scrape_interval is 1m{LONG}"),
        ("soon", "? scrape_interval is 'soon' → write a duration such as 1s"),
        ("1s x", "? scrape_interval is '1s x' → write a duration such as 1s"),
    ],
)
def test_scrapes_are_often_enough_for_the_rules(interval: str, line: str) -> None:
    """No range of the rules is shorter than four scrapes."""
    assert found(with_job(scrape_interval=interval))[-1] == line


def test_the_interval_may_be_global_or_prometheus_own() -> None:
    """The job's own comes first; without any it is a minute."""
    job = {"job_name": "sipnlb-exporter", "honor_labels": True}
    assert (
        found({"global": {"scrape_interval": "2s"}, "scrape_configs": [job]})[-1]
        == "✓ scraped every 2s"
    )
    assert found({"scrape_configs": [job]})[-1] == f"✗ scrape_interval is 1m{LONG}"
