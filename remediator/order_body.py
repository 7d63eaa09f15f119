"""Body of a request that operates → its order. Pure: the time is passed in.

A body is one JSON object of the keys that its route knows. Whatever else it is raises
`RefusedError`, which says what is wrong and how to write it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from remediator.refused import RefusedError

MAX_BODY_BYTES = 16 * 1024
MAX_NAME, MAX_TEXT = 80, 300
LARGEST_ID = 2**63 - 1
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Read = Callable[[str, Any], Any]
"""Takes a key and its value, returns what the value means."""


def order(body: bytes, keys: Mapping[str, Read]) -> dict[str, Any]:
    """Return what a body says by key; keys that are not given are absent. Raises `RefusedError`.

    keys: all that may be given, and how each is read.
    """
    hint = f"send a JSON object; its keys are {', '.join(keys)}"
    try:
        given = json.loads(body, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise RefusedError(400, "the body is nested too deeply", hint) from None
    except ValueError as error:
        raise RefusedError(400, f"the body is not JSON: {str(error)[:200]}", hint) from None
    if not isinstance(given, dict):
        raise RefusedError(400, "the body is not a JSON object", hint)
    unknown = [key for key in given if key not in keys]
    if unknown:
        raise RefusedError(400, f"unknown key {unknown[0][:40]!r}", hint)
    return {key: keys[key](key, value) for key, value in given.items()}


def one_of(given: Mapping[str, Any], *keys: str) -> str:
    """Return which one of these keys is given. Raises `RefusedError` for none or several."""
    found = [key for key in keys if key in given]
    if len(found) != 1:
        said = "more than one" if found else "neither"
        text = f"{said} of {' and '.join(keys)} is given"
        raise RefusedError(400, text, f"give one of {', '.join(keys)}")
    return found[0]


def needed(given: Mapping[str, Any], key: str, hint: str) -> Any:
    """Return what is given for a key. Raises `RefusedError` if nothing is."""
    if key not in given:
        raise RefusedError(400, f"{key} is missing", hint)
    return given[key]


def name(key: str, value: Any) -> str:
    """Read a name: one line, short."""
    return _line(key, value, MAX_NAME)


def text(key: str, value: Any) -> str:
    """Read a text that a person writes: one line."""
    return _line(key, value, MAX_TEXT)


def row_id(key: str, value: Any) -> int:
    """Read the id of a journal row. 7.0 is 7: JSON has one sort of number."""
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    if type(value) is not int or not 1 <= value <= LARGEST_ID:
        raise RefusedError(400, f"{key} is no id of a row", "it is a whole number, 1 or more")
    return value


def true(key: str, value: Any) -> bool:
    """Read what can only be said, not denied."""
    if value is not True:
        raise RefusedError(400, f"{key} is not true", "leave it away, or write true")
    return True


def seconds(key: str, value: Any) -> float:
    """Read a duration such as ``90m``."""
    hint = "a whole number and a unit, s, m, h or d: 90m, 2h, 1d"
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise RefusedError(400, f"{key} is no duration", hint)
    found = int(match[1]) * UNITS[match[2]]
    if found == 0:
        raise RefusedError(400, f"{key} is no time at all", hint)
    return float(found)


def moment(key: str, value: Any) -> datetime:
    """Read a time with its zone, such as ``2031-05-06T17:30:00Z``."""
    hint = "a time with its zone: 2031-05-06T17:30:00Z, or 2031-05-06T17:30+02:00"
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise RefusedError(400, f"{key} has no zone", hint)
        return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise RefusedError(400, f"{key} is no time", hint) from None


def until(given: Mapping[str, Any], now: datetime) -> datetime:
    """Return the end that ``for`` or ``until`` tells. Raises `RefusedError` without one."""
    if one_of(given, "for", "until") == "until":
        end: datetime = given["until"]
        return end
    try:
        return now + timedelta(seconds=given["for"])
    except OverflowError:
        raise RefusedError(400, "for is too long", "7d is the longest") from None


def _line(key: str, value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise RefusedError(400, f"{key} is not a text", f"one line, at most {most} characters")
    line = value.strip(" ")
    if not line:
        raise RefusedError(400, f"{key} is empty", f"one line, at most {most} characters")
    if len(line) > most:
        problem = f"{key} has {len(line)} characters"
        raise RefusedError(400, problem, f"one line, at most {most} characters")
    if not line.isprintable():
        raise RefusedError(
            400, f"{key} has a sign that cannot be shown", "letters, digits, signs and blanks only"
        )
    return line


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is given twice")
    return made
