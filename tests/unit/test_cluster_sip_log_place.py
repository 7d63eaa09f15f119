"""The place in a log that is kept over a restart: taken over whole, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.model import SipMode
from cluster.sip.log_place import MAX_BYTES, Place, PlaceFile, digest
from cluster.sip.log_state import LogState
from tests.unit.sip_log_samples import EPOCH

STATE = LogState(SipMode.BACKUP, None, "hot", "09:35:06.789", "line", "2031-02-03T04:05:06")
PLACE = Place("x.log", digest(b"head"), 4, 77, True, 3, EPOCH, STATE)
LOG = Path("D:\\logs\\SIP_P")


def kept(tmp_path: Path) -> Path:
    """Keep the place; return its file."""
    PlaceFile(tmp_path / "a" / "b", LOG).save(PLACE)
    (file,) = (tmp_path / "a" / "b").iterdir()
    return file


@pytest.mark.parametrize("change", [{}, {"number": None}, {"moment": None}])
def test_a_place_is_taken_over(tmp_path: Path, change: dict[str, Any]) -> None:
    """All of it, and nothing else lies in the folder."""
    file = kept(tmp_path)
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | change))
    loaded = PlaceFile(file.parent, LOG).load()

    assert loaded is not None
    assert (loaded.offset, loaded.state, loaded.at_line_start) == (77, STATE, True)
    assert (loaded.number, loaded.moment) == (change.get("number", 3), change.get("moment", EPOCH))


def test_each_log_has_a_file_of_its_own(tmp_path: Path) -> None:
    """Nothing is there before it is written, and that is no problem to tell of."""
    kept(tmp_path)
    with capture_logs() as lines:
        assert PlaceFile(tmp_path / "a" / "b", Path("D:\\logs\\SIP_B")).load() is None

    assert lines == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 2}, "damaged: of another log or version"),
        ({"log": "D:\\logs\\SIP_B"}, "damaged: of another log or version"),
        ({"offset": -1}, "damaged: a number is no number"),
        ({"number": "3"}, "damaged: a number is no number"),
        ({"file": None}, "damaged: a text is no text"),
        ({"moment": "soon"}, "damaged: Invalid isoformat string: 'soon'"),
        ({"state": {}}, "damaged: 'untold'"),
    ],
)
def test_a_damaged_place_is_ignored_with_a_line(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    """It is never trusted in part."""
    file = kept(tmp_path)
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | change))
    with capture_logs() as lines:
        assert PlaceFile(file.parent, LOG).load() is None

    assert lines == [
        {
            "event": "state ignored",
            "log_level": "warning",
            "file": str(file),
            "log": str(LOG),
            "problem": problem,
        }
    ]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"[" * MAX_BYTES, b" " * MAX_BYTES * 2])
def test_any_other_content_is_ignored(tmp_path: Path, raw: bytes) -> None:
    """Whatever a disk gives back."""
    file = kept(tmp_path)
    file.write_bytes(raw)
    with capture_logs() as lines:
        assert PlaceFile(file.parent, LOG).load() is None

    assert [line["event"] for line in lines] == ["state ignored"]


def test_a_folder_that_cannot_be_written_is_told_of_once(tmp_path: Path) -> None:
    """The tail goes on without it."""
    (tmp_path / "a").write_text("no folder")
    places = PlaceFile(tmp_path / "a", LOG)
    with capture_logs() as lines:
        places.save(PLACE)
        places.save(PLACE)
        assert places.load() is None

    assert [(line["event"], line["problem"]) for line in lines] == [
        ("state not kept", "File exists"),
        ("state ignored", "Not a directory"),
    ]


def test_a_place_is_only_in_the_file_that_it_was_in() -> None:
    """The same begin, and not shorter than it was."""
    assert PLACE.is_in(b"head and more", 77)
    assert not PLACE.is_in(b"head and more", 76)
    assert not PLACE.is_in(b"hea", 77)
    assert not PLACE.is_in(b"Head and more", 77)
