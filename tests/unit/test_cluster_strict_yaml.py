"""Strict YAML: what YAML 1.1 and 1.2 read alike is read, what they do not is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cluster.strict_yaml import Document, parse, path_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("NULL", None),
        ("~", None),
        ("-17", -17),
        ("0", 0),
        ("2.5", 2.5),
        ("-0.5", -0.5),
        ("tRue", "tRue"),
        ("5060", 5060),
        ("10.7.0.100", "10.7.0.100"),
        ("2s", "2s"),
        ('"no"', "no"),
        ("'22:30'", "22:30"),
        ("|\n  no\n", "no\n"),
        ('"017"', "017"),
        (".", "."),
        ("+", "+"),
    ],
)
def test_plain_values_mean_what_they_say(text: str, value: object) -> None:
    """A scalar that both YAML versions read alike has that value and type."""
    document = parse(f"key: {text}")
    assert (document.problems, document.data) == ([], {"key": value})
    assert type(document.data["key"]) is type(value)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("yes", 'write "yes" in quotes if it is a name, or true if it is a switch'),
        ("Off", 'write "Off" in quotes if it is a name, or false if it is a switch'),
        ("22:30", 'write "22:30" in quotes if it is a text'),
        ("2024-05-20", 'write "2024-05-20" in quotes if it is a text'),
        ("017", 'write "017" in quotes if it is a text'),
        ("0x1f", 'write "0x1f" in quotes if it is a text'),
        ("1_000", 'write "1_000" in quotes if it is a text'),
        ("1e3", 'write "1e3" in quotes if it is a text'),
        ("-.5", 'write "-.5" in quotes if it is a text'),
        (".inf", 'write ".inf" in quotes if it is a text'),
        ("08", 'write "08" in quotes if it is a text'),
        ("=", 'write "=" in quotes if it is a text'),
    ],
)
def test_values_that_readers_disagree_on_are_refused(text: str, hint: str) -> None:
    """The refusal says what to write instead."""
    document = parse(f"a:\n  - key: {text}")
    assert [str(problem) for problem in document.problems] == [
        (
            f"line 2, a[0].key: {text!r} without quotes means different things to different YAML "
            f"readers ({hint})"
        )
    ]


def test_lines_of_values_are_known() -> None:
    """Each path has its line; one without a line of its own has that of what is around it."""
    document = parse("a:\n  b: [1,\n    2]\n")
    assert document.line_of(("a", "b", 1)) == 3
    assert document.line_of(("a", "b", 7)) == 2
    assert document.line_of(("a", "x", "y")) == 1
    assert Document().line_of(("a",)) is None


def test_paths_are_written_as_they_are_spoken_of() -> None:
    """List indices stand in brackets, keys after dots."""
    assert path_text(("clusters", 0, "hosts", 1, "address")) == "clusters[0].hosts[1].address"
    assert path_text((3,)) == "[3]"


def test_an_empty_text_has_no_data() -> None:
    """Nothing, or only comments, is no data and no problem."""
    assert (parse("").data, parse("# c\n").problems) == (None, [])


def test_a_shared_value_may_be_used_twice() -> None:
    """An alias beside its anchor is fine; only one to something around itself is not."""
    assert parse("a: &x [1]\nb: *x\n").data == {"a": (1,), "b": (1,)}


def test_aliases_that_stand_for_millions_of_values_are_refused() -> None:
    """A few lines of aliases to aliases cost neither minutes nor memory, and are no data."""
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{n}: &{n} [{', '.join([f'*{b}'] * 9)}]" for b, n in pairwise("abcdefgh")]
    document = parse("\n".join(lines))
    assert document.data is None
    assert [str(problem) for problem in document.problems] == [
        "more than 100000 values (write aliases out)"
    ]


def test_absurd_nesting_is_refused() -> None:
    """Ten thousand brackets are a problem, not a crash."""
    assert [str(problem) for problem in parse("[" * 10_000).problems] == ["nested too deeply"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 'b",
            (
                "line 1: not valid YAML: found unexpected end of stream "
                "(check indentation, colons and quotes around this line and above it)"
            ),
        ),
        (
            "a: b\n---\nc: d\n",
            (
                "line 2: not valid YAML: but found another document "
                "(check indentation, colons and quotes around this line and above it)"
            ),
        ),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, message: str) -> None:
    """The parser's own complaint is given with its line."""
    assert [str(problem) for problem in parse(text).problems] == [message]
