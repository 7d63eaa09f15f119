"""Holds the shipped alertmanager.yml against the two roads it promises."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.project.rules import (
    ALERTMANAGER,
    REPAIR,
    WATCHDOG,
    load_yaml,
    shipped_alerts,
    with_second_remediator,
)

RealPart = Callable[[str], Path]
CONFIG = ALERTMANAGER / "alertmanager.yml"
PLACE = {"cluster": "lisbon", "host": "lisbon-2", "port": "5070"}


def _run(*command: object) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def _receivers(amtool: Path, config: Path, labels: dict[str, str]) -> str:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    arguments = ("config", "routes", "test", f"--config.file={config}", *pairs)
    status, output, error = _run(amtool, *arguments)
    assert status == 0, error
    return output.strip()


def _label_sets() -> Iterator[Any]:
    for alert in shipped_alerts():
        labels = {"alertname": alert.name, **PLACE, **alert.labels}
        to_remediator = alert.name in (*REPAIR, WATCHDOG)
        name = f"{alert.name}-{alert.labels.get('severity', 'repair')}"
        yield pytest.param(labels, "remediator-1" if to_remediator else "person", id=name)


def test_amtool_finds_nothing_wrong_with_the_configuration(real_part: RealPart) -> None:
    """The shipped alertmanager.yml loads."""
    status, output, error = _run(real_part("amtool"), "check-config", CONFIG)

    assert status == 0, output + error


@pytest.mark.parametrize(("labels", "receiver"), list(_label_sets()))
def test_repairs_go_to_the_remediator_and_pages_to_a_person(
    labels: dict[str, str], receiver: str, real_part: RealPart
) -> None:
    """Every shipped alert takes exactly one of the two roads."""
    assert receiver == _receivers(real_part("amtool"), CONFIG, labels)


@pytest.mark.parametrize("labels", [{"remediate": "true"}, {"sipnlb": "watchdog"}], ids=str)
def test_the_commented_second_remediator_gets_what_the_first_gets(
    labels: dict[str, str], real_part: RealPart, tmp_path: Path
) -> None:
    """Uncommenting its blocks is all that a second remediator needs."""
    config = tmp_path / "alertmanager.yml"
    config.write_text(with_second_remediator(CONFIG.read_text(encoding="utf-8")), encoding="utf-8")

    assert _receivers(real_part("amtool"), config, labels) == "remediator-1,remediator-2"


def test_each_remediator_has_a_receiver_of_its_own() -> None:
    """No receiver holds two webhooks, so that none waits for another."""
    receivers = load_yaml(CONFIG)["receivers"]

    assert {receiver["name"]: len(receiver["webhook_configs"]) for receiver in receivers} == {
        "remediator-1": 1,
        "person": 1,
    }


def test_the_repair_road_is_immediate_and_insists() -> None:
    """Each transition is a group of its own, told at once, and told again every 30 s."""
    (route,) = (
        route
        for route in load_yaml(CONFIG)["route"]["routes"]
        if route["matchers"] == ['remediate="true"']
    )

    assert route == {
        "receiver": "remediator-1",
        "matchers": ['remediate="true"'],
        "group_by": ["cluster", "alertname", "host", "port"],
        "group_wait": "0s",
        "group_interval": "1s",
        "repeat_interval": "30s",
        "continue": True,
    }


def _matchers(rule: dict[str, Any]) -> list[str]:
    return [*rule["source_matchers"], *rule["target_matchers"]]


@pytest.mark.parametrize(
    "rule", load_yaml(CONFIG)["inhibit_rules"], ids=lambda rule: str(_matchers(rule))
)
def test_an_inhibition_names_both_its_alerts_and_neither_is_a_repair(rule: dict[str, Any]) -> None:
    """A cause hides its own symptoms in its own cluster, and a repair is neither."""
    pages = {alert.name for alert in shipped_alerts()} - {*REPAIR, WATCHDOG}

    assert "cluster" in rule["equal"]
    for side in ("source_matchers", "target_matchers"):
        named = rule[side][0]
        assert named in {f'alertname="{name}"' for name in pages}


def test_the_replica_label_of_a_prometheus_pair_is_dropped() -> None:
    """Two Prometheus servers make one alert, and so one repair."""
    config = load_yaml(ALERTMANAGER / "prometheus.yml")

    assert "replica" in config["global"]["external_labels"]
    assert config["alerting"]["alert_relabel_configs"] == [
        {"action": "labeldrop", "regex": "replica"}
    ]


def test_the_jobs_of_sipnlb_are_scraped_every_second_and_keep_their_labels() -> None:
    """A site's own ``cluster`` label on a target never silences the rules."""
    jobs = load_yaml(ALERTMANAGER / "prometheus.yml")["scrape_configs"]

    assert {
        ("sipnlb-exporter", True, "1s", "1s"),
        ("sipnlb-remediator", True, "1s", "1s"),
    } == {
        (job["job_name"], job["honor_labels"], job["scrape_interval"], job["scrape_timeout"])
        for job in jobs
    }


def test_the_sample_with_discovery_differs_in_the_job_of_the_exporter_alone() -> None:
    """What is said of prometheus.yml holds for prometheus-probe.yml too."""
    plain = load_yaml(ALERTMANAGER / "prometheus.yml")
    probing = load_yaml(ALERTMANAGER / "prometheus-probe.yml")
    exporter, *others = probing.pop("scrape_configs")
    plain_exporter, *plain_others = plain.pop("scrape_configs")

    assert (probing, others) == (plain, plain_others)
    differ = {"metrics_path", "http_sd_configs", "static_configs", "relabel_configs"}
    assert {
        key for key in {*exporter, *plain_exporter} if exporter.get(key) != plain_exporter.get(key)
    } == differ
