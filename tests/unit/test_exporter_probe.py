"""How long a probe may read."""

from __future__ import annotations

import pytest

from exporter.probe import seconds_to_read


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 3.0),
        ("", 3.0),
        ("soon", 3.0),
        ("nan", 3.0),
        ("inf", 3.0),
        ("0", 3.0),
        ("-5", 3.0),
        ("1", 0.75),
        ("1.5", 1.25),
        ("10", 3.0),
        ("0.2", 0.05),
    ],
)
def test_a_probe_reads_within_the_scrape_and_the_configuration(
    header: str | None, expected: float
) -> None:
    """A quarter second is left for the answer; nonsense in the header counts as no header."""
    assert expected == seconds_to_read(header, 3.0)
