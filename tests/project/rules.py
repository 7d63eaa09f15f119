"""The shipped rules, rule tests and runbooks as tests look at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ALERTMANAGER = ROOT / "alertmanager"
RULES = ALERTMANAGER / "rules" / "sipnlb.yml"
RULE_TESTS = sorted((ALERTMANAGER / "tests").glob("*.yml"))
RUNBOOKS = ALERTMANAGER / "runbooks"
REPAIR = ("SipServerBecamePrimary", "SipServerBecameBackup")
WATCHDOG = "SipnlbWatchdog"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. name: of the alert or of the recorded series."""

    name: str
    group: str
    is_alert: bool
    expression: str
    labels: dict[str, str]
    annotations: dict[str, str]


def load_yaml(path: Path) -> Any:
    """Return the content of a YAML file that this project ships."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def shipped_rules() -> tuple[Rule, ...]:
    """Return every shipped rule, in the order of evaluation."""
    return tuple(
        Rule(
            name=rule.get("alert") or rule["record"],
            group=group["name"],
            is_alert="alert" in rule,
            expression=rule["expr"],
            labels=rule.get("labels", {}),
            annotations=rule.get("annotations", {}),
        )
        for group in load_yaml(RULES)["groups"]
        for rule in group["rules"]
    )


def shipped_alerts() -> tuple[Rule, ...]:
    """Return every shipped alerting rule."""
    return tuple(rule for rule in shipped_rules() if rule.is_alert)


def rule_test_checks() -> Iterator[tuple[str, tuple[dict[str, str], ...]]]:
    """Yield each expectation of the rule tests: the alert, and the label sets expected to fire."""
    for path in RULE_TESTS:
        for case in load_yaml(path)["tests"]:
            for check in case.get("alert_rule_test", ()):
                fires = tuple(alert["exp_labels"] for alert in check["exp_alerts"])
                yield check["alertname"], fires


def with_second_remediator(text: str) -> str:
    """Return the configuration with the blocks of the second remediator no longer commented."""
    lines = []
    inside = False
    for line in text.splitlines():
        bare = line.lstrip()
        begins = bare in ("# - receiver: remediator-2", "# - name: remediator-2")
        inside = begins or (inside and bare.startswith("#   "))
        lines.append(line.replace("# ", "", 1) if inside else line)
    return "\n".join(lines) + "\n"
