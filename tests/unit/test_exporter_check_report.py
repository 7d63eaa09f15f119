"""Findings as a table and as JSON, whole."""

from __future__ import annotations

import pytest

from exporter.check_report import LEGEND, PLAIN, Section, as_data, table
from exporter.findings import Finding, elsewhere, right, unknown, wrong

FINDINGS = (
    Finding(
        "affinity",
        wrong("5070: none, with udp", "set affinity single on every host of this"),
        "porto",
        "porto-1",
    ),
    Finding("clock", elsewhere("not told", "compare it"), "porto", "porto-1"),
    Finding("one primary", unknown("none seen", "mend the sources"), "porto"),
    Finding("jobs", right("scraped every 1s")),
)
SECTIONS = (
    Section("porto", "virtual IP 10.7.0.100", "porto"),
    Section("porto-1", "host id 3", "porto", "porto-1"),
    Section("all clusters", "", None),
)
LONG_PATH = "/a/path/that/is/longer/than/any/line/" + "x" * 60


def test_the_table_has_a_section_for_each_place() -> None:
    """Texts and advice are broken at the width, under their column."""
    assert table(SECTIONS, FINDINGS, 60) == (
        "✓ right   ✗ wrong   ? could not be told   ! to be seen to elsewhere\n"
        "\n"
        "porto  virtual IP 10.7.0.100\n"
        "    ? one primary  none seen\n"
        "                   → mend the sources\n"
        "\n"
        "  porto-1  host id 3\n"
        "    ✗ affinity     5070: none, with udp\n"
        "                   → set affinity single on every host of\n"
        "                     this\n"
        "    ! clock        not told\n"
        "                   → compare it\n"
        "\n"
        "  all clusters\n"
        "    ✓ jobs         scraped every 1s\n"
        "\n"
        "1 right, 1 wrong, 1 could not be told, 1 to be seen to elsewhere"
    )


def test_what_is_right_may_be_left_out_and_is_still_counted() -> None:
    """So are headings under which nothing else stands."""
    assert table(SECTIONS, (*FINDINGS[3:], FINDINGS[2]), 60, without_right=True) == (
        LEGEND + "\n"
        "\n"
        "porto  virtual IP 10.7.0.100\n"
        "    ? one primary  none seen\n"
        "                   → mend the sources\n"
        "\n"
        "1 right, 0 wrong, 1 could not be told, 0 to be seen to elsewhere"
    )


@pytest.mark.parametrize(("width", "longest"), [(20, 60), (80, 80), (500, 132)])
def test_lines_are_neither_too_short_nor_too_long_to_read(width: int, longest: int) -> None:
    """A terminal of 20 or 500 columns gets what can be read; the legend has its own length."""
    findings = (Finding("clock", wrong("word " * 100, "more " * 100)),)
    lines = table(SECTIONS, findings, width).splitlines()[1:]
    assert longest - 5 < max(map(len, lines[:-1])) <= longest


def test_a_path_and_a_name_with_hyphens_stay_whole() -> None:
    """They can be copied."""
    assert LONG_PATH in table(SECTIONS, (Finding("a", right(f"see {LONG_PATH}")),), 80)
    text = "x" * 40 + " sip-east-primary"
    assert "sip-east-primary" in table(SECTIONS, (Finding("a", right(text)),), 60)


def test_without_findings_there_are_headings_and_zeros() -> None:
    """Nothing is made up."""
    assert table(SECTIONS[:1], (), 80) == (
        LEGEND
        + "\n\nporto  virtual IP 10.7.0.100\n\n0 right, 0 wrong, 0 could not be told, 0 to be seen to elsewhere"
    )


def test_every_sign_has_a_plain_one() -> None:
    """For terminals without them."""
    assert table(SECTIONS, FINDINGS, 60).translate(PLAIN).isascii()


def test_the_data_has_every_finding_and_the_counts() -> None:
    """Null where a finding has no host or cluster; advice empty only where right."""
    assert as_data(FINDINGS, 1) == {
        "exit_status": 1,
        "counts": {"right": 1, "wrong": 1, "unknown": 1, "elsewhere": 1},
        "findings": [
            {
                "cluster": "porto",
                "host": "porto-1",
                "check": "affinity",
                "mark": "wrong",
                "text": "5070: none, with udp",
                "advice": "set affinity single on every host of this",
            },
            {
                "cluster": "porto",
                "host": "porto-1",
                "check": "clock",
                "mark": "elsewhere",
                "text": "not told",
                "advice": "compare it",
            },
            {
                "cluster": "porto",
                "host": None,
                "check": "one primary",
                "mark": "unknown",
                "text": "none seen",
                "advice": "mend the sources",
            },
            {
                "cluster": None,
                "host": None,
                "check": "jobs",
                "mark": "right",
                "text": "scraped every 1s",
                "advice": "",
            },
        ],
    }
