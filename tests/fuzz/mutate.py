"""Changes inputs as their form is: values within JSON, lines within texts. Pure.

A fuzzer that only knows bytes seldom gets past the brackets of a JSON document.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

Mutator = Callable[[bytes, int, Random], bytes]
"""Returns a changed input of at most that many bytes."""

WORDS = (
    "", "\0", "\n", "\r\n", "\x1b[2J", "\u202e", "\ud800", "\ufeff", "\x85", "²", "٣", "é" * 300,
    "; rm -rf /", "$(reboot)", "`id`", "%PATH%", "' & net stop wlbs", "../../etc/passwd",
    "{{7*7}}", "${jndi:ldap://x}", "%s%n", "<script>", "level=error event=x", "-1", "1e999", "9" * 40,
    "0x41", "NaN", "true", "null", "primary", "backup", "enabled", "disabled", "PRIMARY", "4", "firing",
    "resolved", "2031-02-03T04:05:06Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "10.0.0.100", "::1", "all", "5060", "65536", "quito", "x" * 5000,
)  # fmt: skip
NUMBERS = (
    0,
    1,
    -1,
    2**31,
    2**63,
    2**64,
    10**40,
    -(10**400),
    0.5,
    1e308,
    float("inf"),
    float("nan"),
)


def json_values(data: bytes, most: int, chance: Random) -> bytes:
    """Change a few values of a JSON document; bytes where it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return some_bytes(data, most, chance)
    try:
        for _ in range(chance.randint(1, 4)):
            document = _changed(document, chance)
        written = json.dumps(document, ensure_ascii=chance.random() < 0.5)
        raw = written.encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return some_bytes(data, most, chance)
    if chance.random() < 0.1:
        raw = some_bytes(raw, most, chance)
    return raw if len(raw) <= most else some_bytes(data, most, chance)


def lines(data: bytes, most: int, chance: Random) -> bytes:
    """Take lines away, double, exchange and change them, and put words in."""
    split = data.splitlines(keepends=True) or [b""]
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(split))
        match chance.randrange(6):
            case 0 if len(split) > 1:
                del split[at]
            case 1:
                split.insert(at, split[chance.randrange(len(split))])
            case 2:
                other = chance.randrange(len(split))
                split[at], split[other] = split[other], split[at]
            case 3:
                split[at] = _with_word(split[at], chance)
            case 4:
                split[at] = split[at][: chance.randint(0, len(split[at]))]
            case _:
                split[at] = some_bytes(split[at], most, chance)
    return b"".join(split)[:most]


def some_bytes(data: bytes, most: int, chance: Random) -> bytes:
    """Change, take away, double and put in bytes."""
    raw = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        begin = chance.randint(0, len(raw))
        end = min(len(raw), begin + chance.choice((0, 1, 1, 2, 4, 16, 64)))
        piece = bytes(raw[begin:end])
        raw[begin:end] = chance.choice(
            (b"", chance.randbytes(max(1, end - begin)), piece * 2, piece[::-1], _word(chance))
        )
    return bytes(raw[:most])


def _word(chance: Random) -> bytes:
    return chance.choice(WORDS).encode("utf-8", "surrogatepass")


def _with_word(line: bytes, chance: Random) -> bytes:
    words = line.split(b" ")
    words[chance.randrange(len(words))] = _word(chance)
    return b" ".join(words)


def _changed(value: Any, chance: Random) -> Any:
    """Return a JSON value of which one place is another."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        match chance.randrange(6):
            case 0:
                return {each: what for each, what in value.items() if each != key}
            case 1:
                return {**value, chance.choice(WORDS): value[key]}
            case _:
                return {**value, key: _changed(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        match chance.randrange(6):
            case 0:
                return [*value[:at], *value[at + 1 :]]
            case 1:
                return [*value[:at], value[at], *value[at:]]
            case 2:
                return value * chance.choice((0, 2, 3))
            case _:
                return [*value[:at], _changed(value[at], chance), *value[at + 1 :]]
    return _anything(value, chance)


def _anything(value: Any, chance: Random) -> Any:
    nested: Any = value
    for _ in range(chance.choice((1, 3, 40, 1200))):
        nested = [nested]
    simple: tuple[Any, ...] = (
        None,
        True,
        False,
        [],
        {},
        [value],
        {"a": value},
        nested,
        str(value),
        f"{value}{value}",
    )
    return chance.choice((*simple, chance.choice(WORDS), chance.choice(NUMBERS)))
