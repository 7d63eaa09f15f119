"""Phrase files: the site's own come first, mistakes in them are all told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.errors import ClusterError, ConfigError
from cluster.model import PortState
from cluster.nlb.output import parse_queryport
from cluster.nlb.phrases import first_match, load, parse


def test_the_built_in_phrases_load() -> None:
    """Every table of the shipped file has rows."""
    tables = load()
    rows = (
        tables.failures,
        tables.doubts,
        tables.host_lines,
        tables.node_states,
        tables.port_states,
        tables.results,
    )
    assert all(rows)


def test_a_site_adds_its_own_words(tmp_path: Path) -> None:
    """A site's words are understood beside the built-in ones; a contradiction is unknown."""
    site = tmp_path / "site.yml"
    site.write_text(
        "port_states:\n"
        "  - {state: enabled, pattern: 'Regel ist aktiv', source: 'site'}\n"
        "  - {state: disabled, pattern: 'Rule is enabled', source: 'site'}\n",
        "utf-8",
    )
    tables = load(str(site))
    read = [
        [block.status.state for block in parse_queryport(text, tables).blocks]
        for text in ("Regel ist aktiv", "Rule is draining", "Rule is enabled")
    ]
    assert read == [[PortState.ENABLED], [PortState.DRAINING], []]


def test_no_phrase_that_matches_is_none() -> None:
    """Words that no row knows give no row."""
    assert first_match(load().port_states, "Guten Tag") is None


def test_an_empty_file_adds_nothing() -> None:
    """A site's file may be empty."""
    assert parse("", "site.yml").port_states == ()


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "port_states: [{state: open, pattern: '(', source: ''}]\n",
            [
                (
                    "line 1, port_states[0].pattern: not a regular expression: missing ), "
                    "unterminated subpattern at position 0"
                ),
                "line 1, port_states[0].source: String should have at least 1 character",
                "line 1, port_states[0].state: 'open' is not a valid PortState",
            ],
        ),
        (
            "node_states: [{state: stopped, pattern: 7, source: site}]\nresult: []\n",
            [
                "line 1, node_states[0].pattern: must be a regular expression",
                "line 2, result: Extra inputs are not permitted",
            ],
        ),
        (
            "failures: [{reason: no, pattern: x, source: y}]\n",
            [
                (
                    "line 1, failures[0].reason: 'no' without quotes means different things to "
                    'different YAML readers (write "no" in quotes if it is a name, or false if '
                    "it is a switch)"
                )
            ],
        ),
    ],
)
def test_mistakes_are_all_told(text: str, messages: list[str]) -> None:
    """Each mistake in a phrase file has its line and key."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "site.yml")
    assert sorted(str(problem) for problem in refused.value.problems) == messages


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "[Errno 2] No such file or directory: '{file}'"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """The error names the file and the key that names it."""
    file = tmp_path / "site.yml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ClusterError) as refused:
        load(str(file))
    said = message.format(file=file)
    assert str(refused.value) == (
        f"{file}: the phrase file cannot be read: {said} (see nlb.phrases_file)"
    )
