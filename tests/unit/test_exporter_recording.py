"""Recordings of hosts: what stands in the shipped ones, and what is made of odd ones."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cluster.nlb import phrases
from exporter.explanation import Kind, explain, says_something
from exporter.recording import FORMAT, VERSION, parse
from tests.unit import recording_samples

RECORDINGS = sorted(recording_samples.FILE.parent.glob("*.json"))
TABLES = phrases.load()


def explained(raw: bytes) -> dict[str, Any]:
    """Explain a recording as the command does."""
    return explain(Kind.RECORDING, raw, TABLES, "cp850")


def of(*captures: object, **more: Any) -> bytes:
    """Return a recording with these captures."""
    sound = {"format": FORMAT, "version": VERSION, "captures": list(captures)}
    return json.dumps(sound | more).encode()


def capture(
    text: str, program: str = "nlb", *arguments: str, page: str = "ascii"
) -> dict[str, Any]:
    """Return a capture of what was printed."""
    out = base64.b64encode(text.encode(page)).decode()
    return {"program": program, "arguments": list(arguments), "stdout": out, "stderr": ""}


@pytest.mark.parametrize("file", RECORDINGS, ids=lambda file: file.stem)
def test_each_capture_is_understood_or_listed_as_unknown(file: Path) -> None:
    """A recording of a new Windows shows at once which phrases are missing."""
    unknown = file.with_suffix(".unknown.txt").read_text("utf-8").splitlines()
    found = explained(file.read_bytes())

    assert unknown == found["not_understood"]
    assert found["problems"] == []
    assert says_something(found)


def test_the_shipped_simulated_recording_is_what_the_simulator_prints() -> None:
    """It says so of itself, so that nobody takes it for a host's."""
    text = recording_samples.FILE.read_text("utf-8")

    assert recording_samples.written() == text
    assert explained(text.encode())["simulated"] is True


def test_a_capture_is_read_as_a_single_output_would_be() -> None:
    """In the recorded code page, both streams together, with how it ended."""
    asked = capture(
        "Rule is enabled\r\nPackets: Accepted=11, Dropped=12", "wlbs", "queryport", "5060"
    )
    asked |= {"exit_code": 7, "milliseconds": 31, "timed_out": True, "error": "late"}

    assert explained(of(asked, host={"code_page": 866}, note="peer down", recorded="2031")) == {
        "note": "peer down",
        "simulated": False,
        "recorded": "2031",
        "host": {"code_page": 866},
        "code_page": "cp866",
        "captures": [
            {
                "command": "wlbs queryport 5060",
                "exit_code": 7,
                "milliseconds": 31,
                "timed_out": True,
                "error": "late",
                "understood": True,
                "means": {
                    "port_state": "enabled",
                    "accepted": 11,
                    "dropped": 12,
                    "problems": [],
                },
                "text": None,
            }
        ],
        "cim": None,
        "events": {},
        "not_understood": [],
        "problems": [],
    }


@pytest.mark.parametrize(
    ("command", "text", "means"),
    [
        (
            "enable",
            "Traffic handling for specified port rule(s) enabled.",
            {"result": "ok", "problems": []},
        ),
        ("drain", "???", {"result": None, "problems": ["in words that no phrase matches"]}),
        ("ip2mac", "Unicast MAC: 02-bf-0a-00-00-64", None),
    ],
)
def test_answers_to_changes_are_read_and_the_rest_is_shown(
    command: str, text: str, means: dict[str, Any] | None
) -> None:
    """What is not understood stands there as text, so that phrases can be written for it."""
    found = explained(of(capture(text, "nlb", command, "5060")))["captures"][0]

    assert found["means"] == means
    assert found["text"] == (None if found["understood"] else text)


def test_what_is_not_understood_is_shown_in_the_hosts_code_page() -> None:
    """A recording that names none, or one that Python does not know, is read in the given one."""
    asked = capture("Узел остановлен", "nlb", "query", page="cp866")

    for host, page in (
        ({"code_page": 866}, "cp866"),
        ({"code_page": 4711}, "cp850"),
        ("x", "cp850"),
    ):
        found = explained(of(asked, host=host))
        assert found["code_page"] == page
        assert (found["captures"][0]["text"] == "Узел остановлен") is (page == "cp866")
        assert found["not_understood"] == ["nlb query"]
        assert not says_something(found)


def test_dumps_of_the_classes_are_read_as_the_read_out_is() -> None:
    """With the errors of those that could not be dumped; events are counted by number."""
    dumps = [
        {"class": "MicrosoftNLB_Node", "instances": {"StatusCode": 1005, "HostPriority": 3}},
        {"class": "MicrosoftNLB_PortRuleEx", "error": "denied", "instances": []},
    ]
    events = [{"id": 23}, {"id": 24}, {"id": 23}, {"id": "x"}, 7]
    found = explained(of(cim=dumps, events=events))

    assert (found["cim"]["node_state"], found["cim"]["host_id"]) == ("stopped", 3)
    assert found["cim"]["problems"][0] == "MicrosoftNLB_PortRuleEx: denied"
    assert found["events"] == {"23": 2, "24": 1}


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "format is not sipnlb-recording"),
        (b'{"format": "x"}', "format is not sipnlb-recording"),
        (of(version=2), "version is 2, known is 1"),
        (of({"program": "nlb", "arguments": []}), "captures[0] is not a capture"),
        (of({**capture(""), "program": 7}), "captures[0] is not a capture"),
        (of({**capture(""), "arguments": [7]}), "captures[0] is not a capture"),
        (of({**capture(""), "stdout": "=="}), "captures[0] is not a capture"),
    ],
)
def test_what_is_no_recording_is_named(raw: bytes, problem: str) -> None:
    """What of it can be read is."""
    assert parse(raw).problems == (problem,)


def test_a_list_of_one_may_stand_without_its_list() -> None:
    """PowerShell writes it so (assumed)."""
    for arguments, command in (("query", "nlb query"), (None, "nlb")):
        recording = parse(of({**capture("", "nlb"), "arguments": arguments}))
        assert [each.command for each in recording.captures] == [command]
