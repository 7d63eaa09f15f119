"""A file of ``exporter/windows/record.ps1`` → what the product makes of all in it. Pure.

The format is this project's own; the recorder's head tells it. Each capture goes through the same
reader as a single captured output would. What no reader understands is listed with its text, so
that phrases can be written for it. Any bytes give an explanation.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.config_values import code_page as checked_code_page
from cluster.nlb.output import decode, parse_result
from cluster.nlb.phrases import Phrases
from cluster.runners.request import CommandResult

FORMAT, VERSION = "sipnlb-recording", 1
MAX_TEXT_CHARACTERS = 4000

READERS = {"query": "nlb-query", "queryport": "nlb-queryport", "params": "nlb-params"}
CHANGES = frozenset({"enable", "disable", "drain"})
READ_OUT = "Get-SipNlb.ps1"
DUMPS = {
    "nodes": "MicrosoftNLB_Node",
    "cluster_settings": "MicrosoftNLB_ClusterSetting",
    "node_settings": "MicrosoftNLB_NodeSetting",
    "port_rules": "MicrosoftNLB_PortRuleEx",
}

Explanation = dict[str, Any]
Reader = Callable[[str, bytes, str], Explanation]
"""Kind of `exporter.explanation.Kind`, bytes, code page → what is made of them."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One call of a program. exit_code: None where it told none or did not end."""

    program: str
    arguments: tuple[str, ...]
    stdout: bytes
    stderr: bytes
    exit_code: int | None = None
    milliseconds: int | None = None
    timed_out: bool = False
    error: str | None = None

    @property
    def command(self) -> str:
        """The call as it was typed."""
        return " ".join((self.program, *self.arguments))


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded on a host. code_page: None where the file names none that is known."""

    note: str
    simulated: bool
    recorded: str
    host: Explanation
    captures: tuple[Capture, ...]
    cim: tuple[Explanation, ...]
    events: tuple[Explanation, ...]
    problems: tuple[str, ...] = ()

    @property
    def code_page(self) -> str | None:
        """The host's console code page, as Python names it."""
        number = self.host.get("code_page")
        try:
            return checked_code_page(f"cp{number}") if isinstance(number, int) else None
        except ValueError:
            return None


def parse(raw: bytes) -> Recording:
    """Read a file. What cannot be read is left out and named in `Recording.problems`."""
    document, problem = _document(raw)
    problems = [problem] if problem else []
    captures = []
    for number, given in enumerate(_objects(document.get("captures"))):
        capture = _capture(given)
        if capture is None:
            problems.append(f"captures[{number}] is not a capture")
        else:
            captures.append(capture)
    host = document.get("host")
    return Recording(
        note=_text(document.get("note")),
        simulated=document.get("simulated") is True,
        recorded=_text(document.get("recorded")),
        host=host if isinstance(host, dict) else {},
        captures=tuple(captures),
        cim=tuple(_objects(document.get("cim"))),
        events=tuple(_objects(document.get("events"))),
        problems=tuple(problems),
    )


def explain_recording(raw: bytes, phrases: Phrases, code_page: str, read: Reader) -> Explanation:
    """Explain every capture. code_page: where the recording names none."""
    recording = parse(raw)
    page = recording.code_page or code_page
    captures = [_explained(each, phrases, page, read) for each in recording.captures]
    return {
        "note": recording.note,
        "simulated": recording.simulated,
        "recorded": recording.recorded,
        "host": recording.host,
        "code_page": page,
        "captures": captures,
        "cim": _of_dumps(recording, read),
        "events": dict(Counter(str(each["id"]) for each in recording.events if _has_number(each))),
        "not_understood": [each["command"] for each in captures if not each["understood"]],
        "problems": list(recording.problems),
    }


def _explained(capture: Capture, phrases: Phrases, page: str, read: Reader) -> Explanation:
    raw = capture.stdout + capture.stderr
    command = capture.arguments[0] if capture.arguments else ""
    means: Explanation = {}
    if capture.program == READ_OUT:
        means = read("cim", capture.stdout, page)
    elif command in READERS:
        means = read(READERS[command], raw, page)
    elif command in CHANGES:
        result = parse_result(decode(raw, page), phrases)
        means = {"result": None if result is CommandResult.UNKNOWN else str(result)}
        means["problems"] = [] if means["result"] else ["in words that no phrase matches"]
    understood = bool(means) and not means["problems"]
    return {
        "command": capture.command,
        "exit_code": capture.exit_code,
        "milliseconds": capture.milliseconds,
        "timed_out": capture.timed_out,
        "error": capture.error,
        "understood": understood,
        "means": means or None,
        "text": None if understood else decode(raw, page)[:MAX_TEXT_CHARACTERS],
    }


def _of_dumps(recording: Recording, read: Reader) -> Explanation | None:
    """Read the dumps of the classes as the read-out of back end ``cim`` that they would make."""
    if not recording.cim:
        return None
    of_class = {_text(each.get("class")): _objects(each.get("instances")) for each in recording.cim}
    document = {"schema": 1} | {name: of_class.get(DUMPS[name], []) for name in DUMPS}
    errors = [
        f"{_text(each.get('class'))}: {_text(each['error'])}"
        for each in recording.cim
        if each.get("error")
    ]
    explanation = read("cim", json.dumps(document).encode(), "utf-8")
    return {**explanation, "problems": [*errors, *explanation["problems"]]}


def _document(raw: bytes) -> tuple[Explanation, str | None]:
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}, "not JSON"
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return {}, f"format is not {FORMAT}"
    version = document.get("version")
    if version != VERSION:
        return {}, f"version is {str(version)[:20]}, known is {VERSION}"
    return document, None


def _capture(given: Explanation) -> Capture | None:
    program, arguments = given.get("program"), given.get("arguments")
    stdout, stderr = _bytes(given.get("stdout")), _bytes(given.get("stderr"))
    # a list of one or none stands without brackets where PowerShell wrote it (assumed)
    listed = arguments if isinstance(arguments, list) else [arguments] if arguments else []
    sound = isinstance(program, str) and all(isinstance(each, str) for each in listed)
    if not sound or stdout is None or stderr is None:
        return None
    return Capture(
        str(program),
        tuple(listed),
        stdout,
        stderr,
        _number(given.get("exit_code")),
        _number(given.get("milliseconds")),
        given.get("timed_out") is True,
        _text(given.get("error")) or None,
    )


def _bytes(value: object) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        return None


def _objects(value: object) -> list[Explanation]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, dict)]


def _has_number(event: Explanation) -> bool:
    return _number(event.get("id")) is not None


def _number(value: object) -> int | None:
    return value if type(value) is int else None


def _text(value: object) -> str:
    return value[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else ""
