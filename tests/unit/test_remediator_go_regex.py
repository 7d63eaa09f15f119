"""Expressions of silences: what matches, what does not, and what is left to Alertmanager."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from remediator.go_regex import CannotTellError, matches


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        pytest.param("sip-east", ["sip-east"], ["sip-east-1", "a sip-east", ""], id="whole"),
        pytest.param("sip-east|sip-west", ["sip-east", "sip-west"], ["sip-eastsip-west"], id="or"),
        pytest.param("", [""], ["x"], id="empty"),
        pytest.param("|x", ["", "x"], ["xx"], id="nothing or"),
        pytest.param(".*", ["", "sip", "ä☎"], ["a\nb"], id="anything"),
        pytest.param(".+", ["s"], [""], id="something"),
        pytest.param("sip-.*-1", ["sip-east-1", "sip--1"], ["sip-1", "sip-east-12"], id="middle"),
        pytest.param(
            "sip-(east|west)-[12]", ["sip-west-2"], ["sip-west-3", "sip-north-1"], id="group"
        ),
        pytest.param("(?:a|b)+c?", ["ab", "bac"], ["c", "abcc"], id="not captured"),
        pytest.param("a{2}", ["aa"], ["a", "aaa"], id="so many"),
        pytest.param("a{2,}", ["aa", "aaaaa"], ["a"], id="at least"),
        pytest.param("a{0,2}b", ["b", "aab"], ["aaab"], id="at most"),
        pytest.param("a*?b+?c??", ["b", "aabb", "bc"], ["bcc"], id="lazy"),
        pytest.param("^a$", ["a"], ["aa"], id="anchored already"),
        pytest.param("a^b", [], ["ab"], id="beginning in the middle"),
        pytest.param(r"10\.0\.0\.1", ["10.0.0.1"], ["10x0.0.1"], id="dot"),
        pytest.param(r"\d+\w\s", ["12_ "], ["1a", "\u0661a "], id="classes are of ASCII"),
        pytest.param(r"\t\n\r\f\v\a", ["\t\n\r\f\v\a"], ["t"], id="control"),
        pytest.param(r"\(\)\[\]\{\}\|\*\+\?\^\$\\\-", ["()[]{}|*+?^$\\-"], [""], id="escaped"),
        pytest.param("[^a-c]", ["d", "-"], ["a", "b", "c", ""], id="none of"),
        pytest.param(r"[a\-z]", ["a", "-", "z"], ["b"], id="escaped range"),
        pytest.param(r"[\d.]+", ["1.2"], ["a"], id="class in a class"),
        pytest.param("[]a]", ["]", "a"], ["b"], id="bracket first"),
        pytest.param("[a-]", ["a", "-"], ["b"], id="hyphen last"),
        pytest.param("[-a]", ["a", "-"], ["b"], id="hyphen first"),
        pytest.param("[a-a^]", ["a", "^"], ["b"], id="one character"),
        pytest.param("(((a)*)*)*b", ["aaab", "b"], ["aaac"], id="repeated over and over"),
        pytest.param("(a{1,2}){2}", ["aa", "aaa", "aaaa"], ["a", "aaaaa"], id="repeated group"),
    ],
)
def test_an_expression_matches_the_whole_text_or_not(
    pattern: str, yes: list[str], no: list[str]
) -> None:
    """As Alertmanager would have it."""
    assert [text for text in yes + no if matches(pattern, text)] == yes


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("x" * 501, "it is longer than 500 characters"),
        ("a)", "unexpected ): a)"),
        ("(a", "missing ): (a"),
        ("a**", "bad repetition operator: **"),
        ("a{1001}", "invalid repetition size: {1001}"),
        (r"\1", r"invalid escape sequence: \1"),
        ("[z-a]", "invalid character class range: z-a"),
        ("(a{1,100}){1,100}", "invalid repetition size: {1,100}"),
        (r"(\pL{1,30}){1,30}", "pattern too large - compile failed"),
        ("\ud800", "it is no text in UTF-8"),
    ],
)
def test_what_is_not_understood_is_said(pattern: str, why: str) -> None:
    """Nothing is guessed, and nothing else is raised."""
    with pytest.raises(CannotTellError) as told:
        matches(pattern, "a")
    assert str(told.value) == why


@pytest.mark.parametrize(
    "pattern",
    [
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+b",
        "(.*a){10}b",
        "(((((a*)*)*)*)*)*b",
        "((a{1,1000}){1,1000}){1,1000}b",
        "(((|||||||||||){1000}){1000}){1000}",
        "(" * 20 + "a" + "*)" * 20 + "b",
    ],
)
def test_an_expression_that_is_made_to_take_for_ever_does_not(pattern: str) -> None:
    """It is told in a moment, or it is said that it cannot be."""
    began = time.monotonic()
    with suppress(CannotTellError):
        assert not matches(pattern, "a" * 63)
    assert time.monotonic() - began < 2.0
