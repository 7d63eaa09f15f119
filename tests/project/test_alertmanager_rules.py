"""Holds the shipped rules against what sipnlb promises of them, with promtool as the judge."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project.contract import contract_series
from tests.project.promql import metric_names, ranges_seconds, selectors
from tests.project.rules import (
    ALERTMANAGER,
    REPAIR,
    RULE_TESTS,
    RULES,
    RUNBOOKS,
    WATCHDOG,
    Rule,
    rule_test_checks,
    shipped_alerts,
    shipped_rules,
)

RealPart = Callable[[str], Path]
PROMETHEUS_OWN = {"up"}
RUNBOOK_BASE = "https://sipnlb.example.com/alertmanager/runbooks/"
SHORTEST_RANGE_SECONDS = 4 * 1.0  # four scrapes of the shipped prometheus.yml


def _by_name(rule: Rule) -> str:
    return f"{rule.name}-{rule.labels.get('severity', '')}".rstrip("-")


def _run(*command: object) -> tuple[int, str]:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_promtool_finds_nothing_wrong_with_the_rules(real_part: RealPart) -> None:
    """The shipped rules load, and no rule is there twice."""
    status, output = _run(real_part("promtool"), "check", "rules", "--lint-fatal", RULES)

    assert (0, f"Checking {RULES}\n  SUCCESS: {len(shipped_rules())} rules found\n\n") == (
        status,
        output,
    )


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-probe.yml"])
def test_promtool_finds_nothing_wrong_with_the_prometheus_samples(
    name: str, real_part: RealPart
) -> None:
    """Each shipped configuration loads, together with its rule files."""
    status, output = _run(
        real_part("promtool"), "check", "config", "--lint-fatal", ALERTMANAGER / name
    )

    assert status == 0, output


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_the_rules_do_in_each_situation_what_its_test_says(path: Path, real_part: RealPart) -> None:
    """Each situation fires the alerts it should, with their whole texts, and no others."""
    status, output = _run(real_part("promtool"), "test", "rules", path)

    assert status == 0, output


@pytest.mark.parametrize("alert", shipped_alerts(), ids=_by_name)
def test_every_alert_is_shown_firing_and_not_firing(alert: Rule) -> None:
    """A rule test shows each alert firing, with each severity it has, and one shows it not firing.

    The watchdog has no "not firing": it fires always.
    """
    checks = [fires for name, fires in rule_test_checks() if name == alert.name]

    assert any(alert.labels.items() <= labels.items() for fires in checks for labels in fires)
    assert alert.name == WATCHDOG or () in checks


@pytest.mark.parametrize("alert", shipped_alerts(), ids=_by_name)
def test_every_alert_says_what_where_and_what_to_do(alert: Rule) -> None:
    """Each alert has exactly a summary, a description and the address of its own runbook page."""
    assert {"summary", "description", "runbook_url"} == set(alert.annotations)
    assert f"{RUNBOOK_BASE}{alert.name}.md" == alert.annotations["runbook_url"]
    assert (RUNBOOKS / f"{alert.name}.md").is_file()
    assert alert.annotations["summary"] != alert.annotations["description"]


@pytest.mark.parametrize("alert", shipped_alerts(), ids=_by_name)
def test_every_page_has_a_severity_and_a_repair_has_none(alert: Rule) -> None:
    """A page is critical or a warning; a repair alert adds only ``remediate`` to the labels."""
    if alert.name in REPAIR:
        assert alert.labels == {"remediate": "true"}
    elif alert.name == WATCHDOG:
        assert alert.labels == {"sipnlb": "watchdog", "severity": "none"}
    else:
        assert alert.labels in ({"severity": "critical"}, {"severity": "warning"})


def test_every_runbook_page_belongs_to_an_alert() -> None:
    """No page tells of an alert that does not exist."""
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}

    assert {alert.name for alert in shipped_alerts()} == pages


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("[!R]*.md")), ids=lambda page: page.stem)
def test_every_runbook_page_answers_the_same_questions(page: Path) -> None:
    """Each page goes from what callers experience to whom to call, with commands to type."""
    text = page.read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "What callers experience",
        "What sipnlb did",
        "Check",
        "Mend",
        "Escalate",
    ]
    assert re.search(r"^```(sh|cmd)\n.+\n```$", text, re.MULTILINE)


def _known_series() -> dict[str, frozenset[str] | None]:
    recorded = {rule.name: None for rule in shipped_rules() if not rule.is_alert}
    return {**contract_series(), **dict.fromkeys(PROMETHEUS_OWN), **recorded}


@pytest.mark.parametrize("rule", shipped_rules(), ids=_by_name)
def test_every_rule_reads_only_metrics_that_exist(rule: Rule) -> None:
    """A rule reads metrics of the contract, ``up``, and series that the rules record."""
    known = _known_series()

    assert set() == metric_names(rule.expression) - set(known)
    for name, labels in selectors(rule.expression):
        promised = known[name]
        assert promised is None or labels <= promised, f"{name} has no label {labels - promised}"


@pytest.mark.parametrize("rule", shipped_rules(), ids=_by_name)
def test_no_range_is_shorter_than_four_scrapes(rule: Rule) -> None:
    """One late or lost scrape never empties a range."""
    assert [
        seconds for seconds in ranges_seconds(rule.expression) if seconds < SHORTEST_RANGE_SECONDS
    ] == []


def test_all_that_feeds_a_repair_stands_in_its_group_and_before_it() -> None:
    """No repair alert reads a value of an earlier evaluation."""
    order = [rule for rule in shipped_rules() if rule.group == "sipnlb"]
    place = {rule.name: number for number, rule in enumerate(order)}
    waiting = [rule for rule in order if rule.name in REPAIR]
    assert set(REPAIR) == {rule.name for rule in waiting}

    while waiting:
        rule = waiting.pop()
        for name in metric_names(rule.expression) - set(contract_series()):
            assert place[name] < place[rule.name], f"{rule.name} reads {name}"
            waiting.append(order[place[name]])


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_every_query_in_a_runbook_reads_metrics_that_exist(page: Path) -> None:
    """A command that is typed at night does not ask for a metric nobody publishes."""
    text = page.read_text(encoding="utf-8")
    queries = re.findall(r"promtool query instant \$PROMETHEUS '([^']+)'", text)

    for query in queries:
        assert set() == metric_names(query) - set(_known_series()), query


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_every_alert_a_runbook_names_exists(page: Path) -> None:
    """A page sends the reader only to pages there are."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:Sip|Nlb|Sipnlb)[A-Z][A-Za-z]+\b", text))

    assert set() == named - {alert.name for alert in shipped_alerts()}
