"""Reads the names out of a PromQL expression, so that tests can hold them against a list.

It knows just enough of the grammar for the expressions of this project; it never judges
whether an expression is right (promtool does) and never runs one.
"""

from __future__ import annotations

import re

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_COMMENT = re.compile(r"#[^\n]*")
_LABEL_LISTS = re.compile(
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", re.IGNORECASE
)
_MATCHERS = re.compile(r"\{[^}]*\}")
_RANGES = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?![\w:])(?!\s*\()")
_WORDS = frozenset({"and", "or", "unless", "bool", "group_left", "offset", "inf", "nan"})
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_LABEL = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")


def metric_names(expression: str) -> set[str]:
    """Return the names of all metrics an expression selects by name."""
    text = _COMMENT.sub(" ", _STRING.sub('""', expression))
    for part in (_MATCHERS, _RANGES, _LABEL_LISTS):
        text = part.sub(" ", text)
    return {name for name in _NAME.findall(text) if name.lower() not in _WORDS}


def selectors(expression: str) -> list[tuple[str, set[str]]]:
    """Return each metric with matchers, and the labels it is matched by."""
    text = _STRING.sub('""', expression)
    return [(name, set(_LABEL.findall(inside))) for name, inside in _SELECTOR.findall(text)]


def ranges_seconds(expression: str) -> list[float]:
    """Return the length of every range in an expression, in seconds."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    found = re.findall(r"\[(\d+)(ms|s|m|h|d)(?::[^\]]*)?\]", _STRING.sub('""', expression))
    return [int(number) * units[unit] for number, unit in found]
