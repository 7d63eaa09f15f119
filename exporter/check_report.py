"""Findings → a table for people, and plain data for JSON. Pure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from exporter.findings import Finding, Mark

SIGNS = {Mark.RIGHT: "✓", Mark.WRONG: "✗", Mark.UNKNOWN: "?", Mark.ELSEWHERE: "!"}
ARROW = "→ "
PLAIN = {ord("✓"): "+", ord("✗"): "x", ord("→"): ">", ord("…"): "..."}
"""For a terminal whose character set lacks the signs."""

WORDS = {
    Mark.RIGHT: "right",
    Mark.WRONG: "wrong",
    Mark.UNKNOWN: "could not be told",
    Mark.ELSEWHERE: "to be seen to elsewhere",
}
LEGEND = "   ".join(f"{SIGNS[mark]} {words}" for mark, words in WORDS.items())
NARROWEST, WIDEST = 60, 132
"""Characters of a line, whatever the terminal says."""


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading. about: what it is, beside the name. cluster: None for all."""

    name: str
    about: str
    cluster: str | None
    host: str | None = None


def table(
    sections: Iterable[Section],
    findings: tuple[Finding, ...],
    width: int,
    *,
    without_right: bool = False,
) -> str:
    """Return the findings as lines of at most `width` characters, under their headings.

    without_right: leave out what is right, and headings that have nothing else.
    """
    room = max(NARROWEST, min(WIDEST, width))
    column = max((len(finding.check) for finding in findings), default=0)
    lines = [LEGEND]
    for section in sections:
        here = [
            finding
            for finding in findings
            if (finding.cluster, finding.host) == (section.cluster, section.host)
            and not (without_right and finding.verdict.mark is Mark.RIGHT)
        ]
        if without_right and not here:
            continue
        indent = "  " if section.host or section.cluster is None else ""
        lines += ["", f"{indent}{section.name}  {section.about}".rstrip()]
        for finding in here:
            lines += _lines(finding, column, room)
    return "\n".join([*lines, "", summary(findings)])


def summary(findings: tuple[Finding, ...]) -> str:
    """Return how many findings there are of each kind, in one line."""
    counts = Counter(finding.verdict.mark for finding in findings)
    return ", ".join(f"{counts[mark]} {words}" for mark, words in WORDS.items())


def as_data(findings: tuple[Finding, ...], exit_status: int) -> dict[str, Any]:
    """Return the findings as plain data.

    cluster and host are null where a finding concerns all; advice is empty only where right.
    """
    counts = Counter(finding.verdict.mark for finding in findings)
    return {
        "exit_status": exit_status,
        "counts": {str(mark): counts[mark] for mark in Mark},
        "findings": [
            {
                "cluster": finding.cluster,
                "host": finding.host,
                "check": finding.check,
                "mark": str(finding.verdict.mark),
                "text": finding.verdict.text,
                "advice": finding.verdict.advice,
            }
            for finding in findings
        ],
    }


def _lines(finding: Finding, column: int, width: int) -> Iterator[str]:
    verdict = finding.verdict
    first = f"    {SIGNS[verdict.mark]} {finding.check:<{column}}  "
    rest = " " * len(first)
    yield from _wrapped(verdict.text, width, first, rest)
    if verdict.advice:
        yield from _wrapped(verdict.advice, width, rest + ARROW, rest + " " * len(ARROW))


def _wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    """Break a text at blanks; a word that is too long (a path, an address) stays whole."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
