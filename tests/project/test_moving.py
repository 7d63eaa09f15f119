"""The guide for sites that come from control scripts, held against the programs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from remediator import asking
from remediator.journal_schema import Kind
from tests.project.contract import contract_series
from tests.project.promql import metric_names
from tests.project.rules import shipped_alerts
from tests.project.test_documents import SAMPLE

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "remediator" / "MOVING.md"
TEXT = PAGE.read_text("utf-8")
COMMANDS = re.findall(
    r'^"?(?:C:\\\S+\\)?sipnlb-remediator(?:\.exe)?"? (\w+)(.*)$', TEXT, re.MULTILINE
)


def test_there_is_a_command_for_each_system() -> None:
    """One to type, one for a batch file."""
    assert [name for name, _ in COMMANDS] == ["reconcile", "reconcile"]


@pytest.mark.parametrize("rest", [rest for _, rest in COMMANDS])
def test_every_flag_exists(rest: str) -> None:
    """What is copied from the page is taken by the program."""
    asked = subprocess.run(
        [sys.executable, "-m", "remediator", "reconcile", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert [flag for flag in re.findall(r"--[a-z.-]+", rest) if flag not in asked.stdout] == []


def test_the_exit_statuses_are_the_commands() -> None:
    """The table has each of them once."""
    listed = [int(number) for number in re.findall(r"^\| (\d) \|", TEXT, re.MULTILINE)]

    assert listed == [
        asking.DONE,
        asking.NOT_RIGHT,
        asking.WRONG_USE,
        asking.NOT_REACHED,
    ]


def test_every_alert_it_names_exists() -> None:
    """Who waits for a page by its name gets it."""
    named = set(re.findall(r"\b(?:Sip|Nlb|Sipnlb)[A-Z][A-Za-z]+\b", TEXT))

    assert named - {alert.name for alert in shipped_alerts()} == set()


def test_every_metric_and_kind_it_names_exists() -> None:
    """Queries find something, and the journal knows the kinds that are asked for."""
    queries = re.findall(r"promtool query instant \$PROMETHEUS '([^']+)'", TEXT)
    named = set(re.findall(r"`(sipnlb_\w+|sip_\w+|nlb_\w+)`", TEXT))
    for query in queries:
        named |= metric_names(query)

    assert queries
    assert named - set(contract_series()) == set()
    assert set(re.findall(r"kind=(\w+)", TEXT)) <= set(Kind)


def test_every_setting_and_link_it_names_exists() -> None:
    """Keys are those of the sample; links lead somewhere."""
    sample = SAMPLE.read_text("utf-8")
    for key in ("level", "routine_look", "attempts"):
        assert f"`{key}" in TEXT
        assert re.search(rf"\b{key}:", sample)
    assert re.search(r"routine_look: 60s +# default: 60s", sample)
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
