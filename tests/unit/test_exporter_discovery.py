"""What Prometheus' HTTP service discovery is told."""

from __future__ import annotations

from exporter.discovery import target_groups
from tests.unit import check_samples as check
from tests.unit import exporter_samples as samples
from tests.unit.test_exporter_web import client

SECOND = samples.CONFIG[len("\nclusters:\n") :].partition("exporter:")[0]


def test_each_cluster_is_a_target_group_with_one_label() -> None:
    """No label of the series is set on the target."""
    other = SECOND.replace("porto", "faro").replace("10.7.0", "10.8.0")
    config = check.config(("exporter:", other + "exporter:"))
    assert target_groups(config) == [
        {"targets": ["porto"], "labels": {"__param_cluster": "porto"}},
        {"targets": ["faro"], "labels": {"__param_cluster": "faro"}},
    ]


def test_the_page_is_the_json_that_prometheus_asks_for() -> None:
    """documented: status 200 and this content type; the Host header changes nothing."""
    response = client().get("/sd", headers={"Host": "evil.example.test"})
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert response.json == [{"targets": ["porto"], "labels": {"__param_cluster": "porto"}}]
