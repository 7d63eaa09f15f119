"""The descriptions of both HTTP faces, held against the code that answers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from flask import Flask

from cluster.config_model import Policy
from cluster.config_section import Credentials
from cluster.host_view_json import SCHEMA
from cluster.model import NodeState, PortState, SipMode
from remediator.journal import MAX_ROWS
from remediator.journal_schema import Kind
from remediator.look_result import Ending
from remediator.looks import Trigger
from remediator.order_body import LARGEST_ID, MAX_NAME, MAX_TEXT
from remediator.webhook import MAX_LABEL_CHARACTERS, AlertOutcome
from tests.unit import test_exporter_hosts_api, test_exporter_web
from tests.unit.test_remediator_web import WebSite

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("exporter", "remediator")
BY_ITSELF = {"HEAD", "OPTIONS"}
"""Methods that Flask answers for every route."""

ANSWERING = {"refusal", "plain", "_error", "_text", "Response", "RefusedError"}
"""What makes an answer of a status, its first or second argument."""

FILES = {
    "remediator": (
        "web",
        "web_answers",
        "web_operate",
        "web_status",
        "order_body",
        "pauses",
        "approvals",
        "persons",
    ),
    "exporter": ("web", "hosts_api"),
}
DOOR = {401, 403, 429}
SCHEMAS = {
    name: yaml.safe_load((ROOT / name / "openapi.yml").read_text("utf-8")) for name in PROGRAMS
}
Operation = tuple[str, str]


def described(program: str) -> dict[Operation, dict[str, Any]]:
    """Return what is described, by path and method."""
    return {
        (path, method): operation
        for path, item in SCHEMAS[program]["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[dict[str, Flask]]:
    """Return both applications, with every route."""
    site = WebSite(tmp_path, Credentials())
    exporter = test_exporter_web.client().application
    test_exporter_hosts_api.api(test_exporter_hosts_api.Live())[0].add_to(exporter)
    yield {"remediator": site.client.application, "exporter": exporter}
    site.close()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_route_is_described_and_nothing_else(program: str, apps: dict[str, Flask]) -> None:
    """Path, method, and the name of the function that answers."""
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower()): rule.endpoint
        for rule in apps[program].url_map.iter_rules()
        for method in (rule.methods or set()) - BY_ITSELF
    }

    assert routes == {key: each["operationId"] for key, each in described(program).items()}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_status_that_the_code_gives_is_described_and_no_other(program: str) -> None:
    """Of each route: its own, the door's, and 503 where the journal may not answer."""
    given = {key: statuses(program, key) for key in described(program)}

    assert given == {
        key: {int(code) for code in each["responses"]} for key, each in described(program).items()
    }


def statuses(program: str, key: Operation) -> set[int]:
    """Return the statuses with which a route can be answered."""
    path, name = key[0], described(program)[key]["operationId"]
    own = statuses_of(name, functions(program), set())
    found = own if any(code < 300 for code in own) else own | {200}
    if program == "exporter":
        return found | DOOR if path.startswith("/api/v1/hosts/") else found
    if path == "/api/v1/alerts":
        return found | DOOR - {429}
    if not path.startswith("/api/"):
        return found
    return found | DOOR | (set() if name == "openapi" else {503})


def functions(program: str) -> dict[str, list[ast.FunctionDef]]:
    """Return every function of the files that answer, by its name."""
    found: dict[str, list[ast.FunctionDef]] = {}
    for file in FILES[program]:
        tree = ast.parse((ROOT / program / f"{file}.py").read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append(node)
    return found


def statuses_of(name: str, known: dict[str, list[ast.FunctionDef]], seen: set[str]) -> set[int]:
    """Return the statuses that stand in a function and in those that it calls."""
    if name in seen:
        return set()
    seen.add(name)
    found: set[int] = set()
    for node in (each for function in known.get(name, []) for each in ast.walk(function)):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in ANSWERING:
                found |= {number for each in node.args[:2] for number in numbers(each)}
            found |= statuses_of(called, known, seen)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == "status_code":
            found |= set(numbers(node.value))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "request.args":
            found.add(400)  # bytes that are no text
        if isinstance(node, ast.Raise) and getattr(node.exc, "id", "") == "RequestEntityTooLarge":
            found.add(413)
    return found


def numbers(node: ast.expr) -> Iterator[int]:
    """Yield the status that stands at a place, if one does."""
    if isinstance(node, ast.Constant) and type(node.value) is int and 100 <= node.value < 600:
        yield node.value


@pytest.mark.parametrize(
    ("program", "name", "words"),
    [
        ("remediator", "AlertOutcome", AlertOutcome),
        ("remediator", "Ending", Ending),
        ("remediator", "Kind", Kind),
        ("remediator", "Trigger", [trigger.label for trigger in Trigger]),
        ("remediator", "Level", get_args(Policy.model_fields["level"].annotation)),
        *((program, "SipMode", SipMode) for program in PROGRAMS),
        *((program, "PortState", PortState) for program in PROGRAMS),
        *((program, "NodeState", NodeState) for program in PROGRAMS),
    ],
)
def test_the_words_are_those_of_the_code(program: str, name: str, words: Any) -> None:
    """All of them, in the code's order."""
    wanted = [each.value if isinstance(each, Enum) else each for each in words]

    assert SCHEMAS[program]["components"]["schemas"][name]["enum"] == wanted


def test_the_bounds_are_those_of_the_code() -> None:
    """Longest texts, most rows, largest ids, and the form of a peer's view."""
    schemas = SCHEMAS["remediator"]["components"]["schemas"]
    limit = next(
        each
        for each in described("remediator")["/api/v1/journal", "get"]["parameters"]
        if each["name"] == "limit"
    )

    assert limit["schema"]["maximum"] == MAX_ROWS
    assert schemas["Label"]["maxLength"] == MAX_LABEL_CHARACTERS
    assert schemas["Line"]["maxLength"] == MAX_TEXT
    assert schemas["Who"]["maxLength"] == schemas["Name"]["maxLength"] == MAX_NAME
    assert schemas["RowId"]["maximum"] == LARGEST_ID
    view = SCHEMAS["exporter"]["components"]["schemas"]["HostView"]
    assert view["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_description_says_what_it_is_and_leads_somewhere(program: str) -> None:
    """Each operation has a summary, and each reference a target that is used."""
    text = (ROOT / program / "openapi.yml").read_text("utf-8")
    references = set(re.findall(r'\$ref: "#/components/(\w+)/(\w+)"', text))
    components = {
        (kind, name)
        for kind, items in SCHEMAS[program]["components"].items()
        for name in items
        if kind != "securitySchemes"
    }

    assert references == components
    assert [key for key, each in described(program).items() if not each["summary"]] == []
