"""The JSON that the scripts of back end ``cim`` print, as far as its form goes. Pure.

What a read-out says is read by `cluster.nlb.cim`; the result of a change is read here. Any bytes
give values or named problems, never another exception.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from cluster.model import Problem, Reason
from cluster.nlb.output import decode
from cluster.runners.request import CommandResult

SCHEMA = 1
MAX_SHOWN_CHARACTERS = 200

# documented: wlbsprov, results of EnableEx and DisableEx
RESULTS: dict[int, CommandResult] = {
    1000: CommandResult.OK,
    1001: CommandResult.ALREADY,
    1004: CommandResult.NOT_FOUND,
    1005: CommandResult.STOPPED,
    1009: CommandResult.DRAINING,
    1013: CommandResult.SUSPENDED,
}
# documented: CIM status codes (DMTF DSP0200)
_DENIED = 2
_NO_SUCH_CLASS = frozenset({3, 5})

Instance = dict[str, Any]
"""An object of the JSON; the properties of one CIM instance."""


def document_of(raw: bytes) -> tuple[Instance, Problem | None]:
    """Return the object that a script printed, or why there is none that can be read."""
    text = decode(raw, "utf-8").strip()
    if not text:
        return {}, Problem(Reason.NO_OUTPUT, "the script printed nothing")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}, Problem(Reason.MALFORMED, f"not JSON: {shown(text)!r}")
    if not isinstance(document, dict):
        return {}, Problem(Reason.MALFORMED, "the JSON is not an object")
    if number(document, "schema") != SCHEMA:
        text = f"schema is {shown(document.get('schema'))}, known is {SCHEMA}"
        return {}, Problem(Reason.MALFORMED, text)
    error = document.get("error")
    return document, None if error is None else _failure(error)


def _failure(error: object) -> Problem:
    """Say why a script failed; the message is the system's own, in its language."""
    told = error if isinstance(error, dict) else {}
    message, code = shown(told.get("message")), number(told, "code")
    if code == _DENIED or told.get("category") == "PermissionDenied":
        return Problem(Reason.NOT_INSTALLED_OR_DENIED, f"access denied: {message}")
    if code in _NO_SUCH_CLASS:
        text = f"the host has no root/MicrosoftNLB, so no NLB: {message}"
        return Problem(Reason.NOT_INSTALLED_OR_DENIED, text)
    return Problem(Reason.UNKNOWN_TEXT, f"the script failed: {message}")


def parse_result(raw: bytes) -> tuple[CommandResult, Problem | None]:
    """Read what ``Set-SipNlbPort.ps1`` printed; advisory only.

    The problem tells why the method was not called or gave no number, None if it gave one. Where
    the host has seen a later change its reason is REFUSED.
    """
    document, failure = document_of(raw)
    if failure is not None:
        return CommandResult.UNKNOWN, failure
    if "refused" in document:
        return CommandResult.UNKNOWN, Problem(Reason.REFUSED, shown(document["refused"]))
    returned = number(document, "ReturnValue")
    if returned is None:
        return CommandResult.UNKNOWN, Problem(Reason.MALFORMED, "ReturnValue is missing")
    return RESULTS.get(returned, CommandResult.UNKNOWN), None


def number(given: Instance, name: str) -> int | None:
    """Return a whole number from 0 to 2^32-1; truth values and texts are none."""
    value = given.get(name)
    return value if type(value) is int and 0 <= value < 2**32 else None


def switch(given: Instance, name: str) -> bool | None:
    """Return a truth value; anything else is none."""
    value = given.get(name)
    return value if isinstance(value, bool) else None


def words(given: Instance, name: str) -> str | None:
    """Return a text that is not empty, on one line and cut to a length that can be shown."""
    value = given.get(name)
    return (shown(value) or None) if isinstance(value, str) else None


def address(given: Instance, name: str) -> str | None:
    """Return an address; None where there is none, also as 0.0.0.0 (assumed)."""
    try:
        found = ipaddress.ip_address(words(given, name) or "")
    except ValueError:
        return None
    return None if found.is_unspecified else str(found)


def shown(value: object) -> str:
    """Return any value as a short text on one line."""
    return " ".join(str(value).split())[:MAX_SHOWN_CHARACTERS]
