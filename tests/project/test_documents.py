"""What README, sample configuration and DECISIONS say, held against the code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from cluster import config, strict_yaml
from cluster.config_model import Config
from exporter.__main__ import DEFAULT_PORT as EXPORTER_PORT
from remediator.__main__ import DEFAULT_PORT as REMEDIATOR_PORT
from remediator.rows import HOLD_TEXT, ROWS
from tests.project.contract import contract_metrics

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SAMPLE = ROOT / "clusters.example.yml"


def keys_of(model: type[BaseModel]) -> Iterator[str]:
    """Yield every key that may stand anywhere in a configuration."""
    for name, field in model.model_fields.items():
        yield name
        for inner in models_in(field.annotation):
            yield from keys_of(inner)


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the sections in a field's type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from models_in(inner)


def test_the_sample_configuration_is_sound() -> None:
    """It can be copied and edited."""
    assert config.load(SAMPLE).clusters[0].name == "sip-east"


def test_every_key_stands_in_the_sample_configuration() -> None:
    """The sample is the reference: nothing that may be set is left out of it."""
    text = SAMPLE.read_text("utf-8")

    assert [key for key in sorted(set(keys_of(Config))) if not re.search(rf"\b{key}:", text)] == []


def test_the_sample_shows_the_defaults() -> None:
    """Each "default: X" is what the program takes where the key is left out."""
    shown = strict_yaml.parse(SAMPLE.read_text("utf-8")).data
    assert isinstance(shown, dict)
    bare = {"clusters": shown["clusters"], "exporter": {}, "remediator": {}}
    full = config.load(SAMPLE)
    default = Config.model_validate(bare)

    assert default.exporter == full.exporter
    assert default.remediator.policy == full.remediator.policy
    for key in (
        "resync",
        "routine_look",
        "look_timeout",
        "max_age",
        "command_timeout",
        "verify_timeout",
        "peer_wait",
        "attempts",
        "workers",
    ):
        assert getattr(default.remediator, key) == getattr(full.remediator, key), key


def test_every_metric_stands_in_the_readme() -> None:
    """The metric table is the contract's."""
    assert [name for name in contract_metrics() if f"`{name}`" not in README] == []


@pytest.mark.parametrize("row", sorted(ROWS))
def test_every_row_of_the_decision_table_stands_in_the_readme(row: str) -> None:
    """Who reads a row id in a log finds it there."""
    assert f"`{row}`" in README


@pytest.mark.parametrize("hold", sorted(HOLD_TEXT))
def test_every_hold_stands_in_the_readme(hold: str) -> None:
    """Who reads a reason in a log finds it there."""
    assert f"`{hold}`" in README


def test_the_ports_in_the_readme_are_the_programs() -> None:
    """Default addresses are the ones that the programs take."""
    assert f"127.0.0.1:{EXPORTER_PORT}" in README
    assert f"127.0.0.1:{REMEDIATOR_PORT}" in README


def test_every_command_in_the_readme_exists() -> None:
    """Each ``make`` target and each sub-command that is shown is there."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set() == set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(code_of(README)))) - targets
    for line in code_of(README):
        found = re.match(r"(?:\.venv/bin/)?sipnlb-(exporter|remediator|simulator)\b(.*)", line)
        if found is None:
            continue
        words = [word for word in found[2].split() if re.fullmatch(r"[a-z][a-z-]*", word)]
        flags = [word.split("=")[0] for word in found[2].split() if word.startswith("--")]
        first = words[:1]
        asked = subprocess.run(
            [sys.executable, "-m", found[1], *first, "--help"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert asked.returncode == 0, line
        assert [flag for flag in flags if flag not in asked.stdout] == [], line


def code_of(text: str) -> list[str]:
    """Return the lines of all code blocks of a document."""
    return [
        line.partition("#")[0]
        for block in re.findall(r"```(?:sh|console|text)?\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CHANGELOG.md",
        "DECISIONS.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "RELIABILITY.md",
    ],
)
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    """Relative links are to files that are there."""
    text = (ROOT / name).read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)

    assert [link for link in links if not (ROOT / link).exists()] == []
