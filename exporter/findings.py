"""What a check finds and how it is written down. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a check ended.

    ELSEWHERE: nothing is wrong that can be seen from here, but somebody must see to it.
    """

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says. text: what was seen. advice: what to do; empty only where right."""

    mark: Mark
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with its place.

    check: the check's name. cluster: None for what concerns all. host: None for what
    concerns a cluster as a whole.
    """

    check: str
    verdict: Verdict
    cluster: str | None = None
    host: str | None = None


def right(text: str) -> Verdict:
    """Say that it is as it should be."""
    return Verdict(Mark.RIGHT, text)


def wrong(text: str, advice: str) -> Verdict:
    """Say that it is not as it should be."""
    return Verdict(Mark.WRONG, text, advice)


def unknown(text: str, advice: str) -> Verdict:
    """Say that it could not be told."""
    return Verdict(Mark.UNKNOWN, text, advice)


def elsewhere(text: str, advice: str) -> Verdict:
    """Say what must be seen to, and cannot be seen from here."""
    return Verdict(Mark.ELSEWHERE, text, advice)


def all_right(findings: tuple[Finding, ...]) -> bool:
    """Tell whether nothing is wrong and nothing that could be told was left untold."""
    return not any(each.verdict.mark in {Mark.WRONG, Mark.UNKNOWN} for each in findings)
