"""What both scripts of back end cim may print: JSON of one schema, a result or an error."""

from __future__ import annotations

import json

import pytest

from cluster.model import Problem, Reason
from cluster.nlb.cim_answer import document_of, parse_result
from cluster.runners.request import CommandResult


@pytest.mark.parametrize(
    ("number", "result"),
    [
        (1000, CommandResult.OK),
        (1001, CommandResult.ALREADY),
        (1004, CommandResult.NOT_FOUND),
        (1005, CommandResult.STOPPED),
        (1009, CommandResult.DRAINING),
        (1013, CommandResult.SUSPENDED),
        (1002, CommandResult.UNKNOWN),
    ],
)
def test_each_documented_result_has_its_word(number: int, result: CommandResult) -> None:
    """A number that EnableEx does not document is unknown; only the reading after it decides."""
    raw = json.dumps({"schema": 1, "method": "EnableEx", "ReturnValue": number}).encode()
    assert parse_result(raw) == (result, None)


@pytest.mark.parametrize(
    ("refused", "text"),
    [("another  change\n is under way", "another change is under way"), ("", ""), (None, "None")],
)
def test_a_refused_change_is_told_as_such(refused: object, text: str) -> None:
    """Whatever stands behind it, and whatever number stands beside it."""
    raw = json.dumps({"schema": 1, "refused": refused, "ReturnValue": 1000}).encode()
    assert parse_result(raw) == (CommandResult.UNKNOWN, Problem(Reason.REFUSED, text))


def test_a_method_that_gave_no_number_is_unknown() -> None:
    """Whatever else the script said, there is no result."""
    assert parse_result(b'{"schema": 1, "ReturnValue": "1000"}') == (
        CommandResult.UNKNOWN,
        Problem(Reason.MALFORMED, "ReturnValue is missing"),
    )


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b" \r\n", Problem(Reason.NO_OUTPUT, "the script printed nothing")),
        (b"Ausf\xc3\xbchrung", Problem(Reason.MALFORMED, "not JSON: 'Ausführung'")),
        (b"\xff" * 400, Problem(Reason.MALFORMED, f"not JSON: '{chr(0xFFFD) * 200}'")),
        (b"[" * 100_000, Problem(Reason.MALFORMED, f"not JSON: '{'[' * 200}'")),
        (b"9" * 5000, Problem(Reason.MALFORMED, f"not JSON: '{'9' * 200}'")),
        (b"[1]", Problem(Reason.MALFORMED, "the JSON is not an object")),
        (b'{"schema": 2}', Problem(Reason.MALFORMED, "schema is 2, known is 1")),
        (b'{"schema": true}', Problem(Reason.MALFORMED, "schema is True, known is 1")),
        (b"{}", Problem(Reason.MALFORMED, "schema is None, known is 1")),
    ],
)
def test_what_is_not_of_the_form_is_said(raw: bytes, problem: Problem) -> None:
    """Empty, garbage, nested beyond measure, or of another version of the scripts."""
    assert document_of(raw)[1] == problem
    assert parse_result(raw) == (CommandResult.UNKNOWN, problem)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (
            {"message": "Zugriff\r\nverweigert", "category": "NotSpecified", "code": 2},
            Problem(Reason.NOT_INSTALLED_OR_DENIED, "access denied: Zugriff verweigert"),
        ),
        (
            {"message": "nein", "category": "PermissionDenied", "code": None},
            Problem(Reason.NOT_INSTALLED_OR_DENIED, "access denied: nein"),
        ),
        (
            {"message": "Ung\u00fcltiger Namespace", "category": "MetadataError", "code": 3},
            Problem(
                Reason.NOT_INSTALLED_OR_DENIED,
                "the host has no root/MicrosoftNLB, so no NLB: Ung\u00fcltiger Namespace",
            ),
        ),
        (
            {"message": "RPC", "category": "ConnectionError", "code": 1},
            Problem(Reason.UNKNOWN_TEXT, "the script failed: RPC"),
        ),
        ("text", Problem(Reason.UNKNOWN_TEXT, "the script failed: None")),
    ],
)
def test_an_error_says_why(error: object, problem: Problem) -> None:
    """Rights and a missing NLB are told by number or category, whatever the language."""
    assert parse_result(json.dumps({"schema": 1, "error": error}).encode())[1] == problem


def test_what_a_shell_wrote_as_utf_16_is_read_too() -> None:
    """PowerShell's ``>`` writes a byte order mark and two bytes a character."""
    raw = '{"schema": 1, "ReturnValue": 1001}\r\n'.encode("utf-16")
    assert parse_result(raw) == (CommandResult.ALREADY, None)
