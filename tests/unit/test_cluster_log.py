"""The form of a log line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from enum import StrEnum

import pytest

from cluster import log


class Word(StrEnum):
    """A word of the product."""

    HELD = "held"


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_line_is_logfmt_with_words_and_short_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """Enumerations are words, floats have three digits, what there is not is left out."""
    log.configure("info", "logfmt")
    log.get("test").info(
        "look ended", ending=Word.HELD, seconds=1.23456, hold=None, hosts=["a", "b"]
    )

    stamp, _, rest = capsys.readouterr().err.partition(" ")
    assert stamp.startswith("ts=20")
    assert rest == 'level=info event="look ended" ending=held seconds=1.235 hosts=a,b\n'


def test_a_value_cannot_begin_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """A line end or a quote in what a host printed stays inside its value."""
    log.configure("info", "logfmt")
    log.get("test").warning("odd", text='a "b"\nlevel=error event=forged')

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(r'event=odd text="a \"b\"\nlevel=error event=forged"')


def test_json_lines_have_the_same_values(capsys: pytest.CaptureFixture[str]) -> None:
    """--log.format=json is one object a line."""
    log.configure("info", "json")
    log.get("test").error("look ended", ending=Word.HELD, hold=None)

    line = json.loads(capsys.readouterr().err)
    assert line.pop("ts").startswith("20")
    assert line == {"level": "error", "event": "look ended", "ending": "held"}


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """--log.level keeps the less severe ones back."""
    log.configure("warning", "logfmt")
    log.get("test").info("quiet")

    assert capsys.readouterr().err == ""


def test_libraries_do_not_tell_how_an_account_logs_in(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the level: what they exchange with a host is worth a password."""
    log.configure("debug", "logfmt")
    for library in ("spnego._ntlm", "pypsrp.negotiate", "asyncssh"):
        logging.getLogger(library).debug("token %s", "TlRMTVNTUAAD")

    assert capsys.readouterr().err == ""


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What a label or a host says cannot move the cursor of the one who reads the log."""
    log.configure("info", "logfmt")
    log.get("test").warning("odd", text="a\x1b[2Jb\rc\u2028d")

    line = capsys.readouterr().err
    assert r"a\x1b[2Jb\rc\u2028d" in line.replace("\\\\", "\\")
    assert not set("\x1b\r\u2028") & set(line)


def test_control_characters_in_a_list_do_not_reach_the_terminal_either(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Several labels in one value are written like one: no escapes, no change of direction."""
    log.configure("info", "logfmt")
    log.get("test").info("taken", hosts=["a\x1b[2J", "\u202eb", "c\nlevel=error"])

    line = capsys.readouterr().err
    assert line.endswith('hosts="a\\\\x1b[2J,\\\\u202eb,c\\nlevel=error"\n')
    assert line.count("\n") == 1
