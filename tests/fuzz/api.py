"""Runs schemathesis, a program, against one of ours: all its checks, by the shipped description."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

REPLACED = "ignored_auth"
"""Expects 401 where who fails often is told to wait; `tests.fuzz.api_hooks` has our own."""

OF_FRIENDS = (
    "positive_data_acceptance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
)
"""Checks that mean nothing where everybody is refused."""

SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""
"""503 is an answer that is described where it may come; elsewhere another check finds it."""

KNOWN = {
    ("remediator", "name"): ["sip-east"],
    ("remediator", "cluster"): ["sip-east"],
    ("exporter", "name"): ["sip-east-1", "sip-east-2"],
    ("exporter", "cluster"): ["sip-east"],
}
"""Names that are configured: no chance would find them."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What schemathesis said. cases: requests that it made up. operations: all, and tried."""

    status: int
    said: str

    @property
    def cases(self) -> int:
        """How many requests were made up."""
        found = re.search(r"(\d+) generated", self.said)
        return int(found[1]) if found else 0

    @property
    def operations(self) -> tuple[int, int]:
        """How many operations there are, and how many were tried."""
        found = re.search(r"Selected: \d+/(\d+)\s+Tested: (\d+)", self.said)
        return (int(found[1]), int(found[2])) if found else (0, -1)


def description(program: str) -> dict[str, Any]:
    """Return the description of a program's HTTP face."""
    text = (ROOT / program / "openapi.yml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def operations(program: str) -> list[str]:
    """Return the names of all operations of a program."""
    items = description(program)["paths"].values()
    return [each["operationId"] for item in items for each in item.values() if "summary" in each]


def attack(
    program: str,
    url: str,
    folder: Path,
    *arguments: str,
    headers: Mapping[str, str],
    without: tuple[str, ...] = (),
) -> Attack:
    """Attack a program that runs. folder: of this test. without: checks that are left out."""
    file = folder / f"{program}-openapi.yml"
    file.write_text(yaml.safe_dump(_with_names(program, description(program))), "utf-8")
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS, "utf-8")
    command = [str(Path(sys.executable).with_name("schemathesis"))]
    command += [f"--config-file={settings}", "run", str(file)]
    command += ["--url", url, "--checks=all", "--no-color", "--generation-database=none"]
    command += [f"--exclude-checks={','.join((REPLACED, *without))}", "--no-shrink"]
    command += [f"--header={name}: {value}" for name, value in headers.items()]
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.fuzz.api_hooks",
        },
        check=False,
    )
    return Attack(done.returncode, done.stdout + done.stderr)


def _with_names(program: str, described: dict[str, Any]) -> dict[str, Any]:
    """Return the description where each name is a configured one as often as any other."""
    for parameter in _parameters(described):
        known = KNOWN.get((program, parameter.get("name", "")))
        if known is not None:
            parameter["schema"] = {"anyOf": [{"enum": known}, parameter["schema"]]}
    return described


def _parameters(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [found for each in part for found in _parameters(each)]
    if not isinstance(part, dict):
        return []
    own = [part] if {"in", "name", "schema"} <= part.keys() else []
    return own + [found for each in part.values() for found in _parameters(each)]
