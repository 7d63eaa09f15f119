"""`explain log`: one captured segment, whatever its stamps and coding."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.explanation_log import explain_log
from tests.unit import sip_log_samples as samples
from tests.unit.sip_log_samples import BACKUP, PRIMARY, STOPPED, header, record


def explained(text: str, encoding: str = "cp1252") -> dict[str, Any]:
    """Explain a text."""
    return explain_log(text.encode(encoding), encoding)


def answer(**given: Any) -> dict[str, Any]:
    """Return an explanation with some keys."""
    usual = {"mode": None, "standby": None, "since": None, "instance_start": samples.START}
    return usual | {"problems": []} | given


def test_a_role_with_date() -> None:
    """Since is in the zone of the log."""
    text = header(3) + record(PRIMARY) + record(BACKUP, 2) + "\r\n" + record("04110 x", 9)

    assert explained(text) == answer(mode="backup", standby="warm", since="2031-02-03T09:37:06.789")


@pytest.mark.parametrize(
    ("lines", "since"),
    [
        ("23:59:58.1 Std 04563 x\n", "2031-02-03T23:59:58.100"),
        ("23:59:58.1 Std 04110 x\n00:00:01.5 Std 04563 x\n", "2031-02-04T00:00:01.500"),
        (
            "10:00:00.1 Std 04110 a\n09:40:00.5 Std 04110 b\n09:41:00.5 Std 04562 c\n",
            "2031-02-04T09:41:00.500",
        ),
        (
            "10:00:00.1 Trc 04120 Check point 2031-02-09T10:00:00\n10:01:00.1 Std 04563 c\n",
            "2031-02-09T10:01:00.100",
        ),
    ],
)
def test_a_time_alone_gets_its_date_from_the_header(lines: str, since: str) -> None:
    """And rolls over at midnight; every record before it is read for that."""
    explanation = explained(header(3) + lines)

    assert (explanation["mode"], explanation["since"]) == ("primary", since)


def test_a_time_alone_without_header_stays_one() -> None:
    """Nothing is made up."""
    assert explained("23:59:58.1 Std 04561 x\n") == answer(
        mode="backup",
        standby="hot",
        since="23:59:58.100",
        instance_start=None,
        problems=[
            "the header names no application",
            "the header names no start time of the process",
            "the header names no local time",
        ],
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "role_not_told: no line has told a role since the process started"),
        (record(PRIMARY) + record(STOPPED, 1), "not_running: the log says that the process ended"),
    ],
)
def test_why_there_is_no_role(lines: str, problem: str) -> None:
    """As the programs would say."""
    assert explained(header(3) + lines) == answer(problems=[problem])


def test_another_process_in_the_same_file() -> None:
    """The last one counts."""
    text = header(3) + record(PRIMARY) + "\r\n" + header(1, start="2031-03-03T01:02:03")

    assert explained(text)["instance_start"] == "2031-03-03T01:02:03"
    assert explained(text)["mode"] is None


def test_what_is_no_log() -> None:
    """A single problem says it."""
    assert explained("<serverx/>") == answer(
        instance_start=None, problems=["neither a header nor a record of a log"]
    )


def test_a_file_that_a_shell_saved_as_utf_16() -> None:
    """Its mark counts, not the code page."""
    raw = "\ufeff".encode("utf-16-le") + (header(3) + record(PRIMARY)).encode("utf-16-le")

    assert explain_log(raw, "cp437")["mode"] == "primary"
