"""Files of a log: which belong to it, in which order, and what their headers say."""

# ruff: noqa: DTZ001 - moments in a log are in the log's own zone

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cluster.sip.log_coding import Coding
from cluster.sip.log_segment import (
    UNDATED,
    Header,
    Segment,
    base_of,
    parse_header,
    segment_moment,
    segment_of,
)
from tests.unit import sip_log_samples as samples

UTC = datetime(2031, 2, 3, 4, 5, 6, 789000)
LOCAL = datetime(2031, 2, 3, 9, 35, 6, 789000)
HEADER = Header("SIP_East", samples.START, UTC, LOCAL, 7)


@pytest.mark.parametrize(
    ("file", "moment"),
    [
        ("SIP_P.20260202_135459_850.log", datetime(2026, 2, 2, 13, 54, 59, 850000)),
        ("sip_p.20260202_135459_850.LOG", datetime(2026, 2, 2, 13, 54, 59, 850000)),
        ("SIP_P-001.20260202_135459_850.log", None),
        ("SIP_P-1536.20260202_135459_850.log", None),
        ("SIP_P.20261302_135459_850.log", None),
        ("SIP_P.20260202_135459_850.log.zip", None),
        ("SIP_P.20260202_135459.log", None),
        ("SIP_P.99990202_135459_850.log", None),
        ("Old_SIP_P.20260202_135459_850.log", None),
        ("SIP_P.log", None),
        ("SIP_P", None),
    ],
)
def test_only_segments_of_the_main_log_count(file: str, moment: datetime | None) -> None:
    """Logs of threads and of statistics, copies and other names do not."""
    assert segment_moment(file, "SIP_P") == moment


def test_a_log_may_be_named_with_or_without_its_ending() -> None:
    """Segments carry their date before it."""
    assert [base_of(each) for each in ("SIP_P", "SIP_P.log", "SIP_P.LOG")] == ["SIP_P"] * 3


def test_a_header_is_read_whole() -> None:
    """Every line that says something of application, process, times and number."""
    assert parse_header(samples.header(7)) == HEADER
    assert HEADER.is_whole()


def test_a_header_ends_at_its_blank_line() -> None:
    """What looks like a header further down is none."""
    text = samples.header(7).replace("Application name: SIP_East\r\n", "")

    assert parse_header(text + "Application name: other\r\n").application is None


def test_what_is_unreadable_in_a_header_is_missing() -> None:
    """A half-written one is known by its missing last line."""
    text = "\ufeffApplication name:\r\nUTC time: soon\r\nLocal time: 9999-01-01T00:00:00\r\nFile: 7"

    assert parse_header(text) == Header()
    assert not parse_header(text).is_whole()
    assert parse_header("\r\nFile: (3) x") == Header()


def test_stamps_are_local_unless_they_begin_at_the_headers_utc() -> None:
    """The option `time-convert` shows in the first dated record."""
    stamp = datetime(2031, 2, 3, 12, 0)

    assert HEADER.utc_of(stamp) == datetime(2031, 2, 3, 6, 30)
    assert HEADER.utc_of(stamp, LOCAL) == datetime(2031, 2, 3, 6, 30)
    assert HEADER.utc_of(stamp, UTC) == stamp
    assert Header(local=LOCAL).utc_of(stamp) is None
    assert Header(utc=UTC).utc_of(stamp) is None
    far = Header(utc=datetime(9998, 1, 1), local=datetime(1970, 1, 1))
    assert far.utc_of(datetime(9999, 1, 1)) is None


def segment(minutes: float, number: int | None, **more: object) -> Segment:
    """Return a segment that was begun so many minutes after the first."""
    header = parse_header(samples.header(number or 0, minutes=minutes))
    header = replace(header, number=number, **more)  # type: ignore[arg-type]
    return Segment("x", LOCAL, b"", Coding("cp1252"), header, None)


def test_segments_are_ordered_by_their_headers() -> None:
    """Names go through one hour a year twice; the header's UTC time does not."""
    early, late = replace(segment(0, 1), by_name=UTC), replace(segment(1, 2), by_name=UNDATED)

    assert (late.is_after(early), early.is_after(late), early.is_after(early)) == (
        True,
        False,
        False,
    )
    bare = replace(late, header=Header())
    assert (bare.is_after(early), early.is_after(bare)) == (False, False)
    named = replace(bare, by_name=LOCAL)
    assert (named.is_after(early), early.is_after(named)) == (True, False)


def test_a_segment_follows_only_the_one_before_it_in_the_same_process() -> None:
    """A number left out, another process or no number at all is a gap."""
    assert segment(1, 2).follows_at_once(segment(0, 1))
    assert not segment(1, 3).follows_at_once(segment(0, 1))
    assert not segment(1, None).follows_at_once(segment(0, 1))
    assert not segment(1, 2).follows_at_once(segment(0, None))
    assert not segment(1, 2, start="2031-01-01T00:00:00").follows_at_once(segment(0, 1))
    assert not segment(1, 2, start=None).follows_at_once(segment(0, 1, start=None))


def test_a_file_shows_nothing_before_a_header_or_a_record_stands_in_it() -> None:
    """Until then it is not known what it is."""

    def of(text: str) -> Segment | None:
        return segment_of("x.log", LOCAL, text.encode("cp1252"), "cp1252")

    whole = samples.header(7)
    assert of("") is None
    assert of(whole[:150]) is None
    assert of("13:54:59.856: SIPCM: id=1\r\n") is None
    full, cut, long = (
        of(whole + samples.record("04110 x", 2)),
        of("\0\0" + samples.record("04110 x")),
        of("x" * 4096),
    )
    assert full is not None
    assert cut is not None
    assert long is not None
    assert (full.header, full.first) == (HEADER, datetime(2031, 2, 3, 9, 37, 6, 789000))
    assert (cut.header, long.header) == (Header(), Header())


def test_a_wide_file_is_read_by_its_mark() -> None:
    """The header's texts may have any character there."""
    head = "\ufeff".encode("utf-16-le") + samples.header(7, application="SÏP_Ω").encode("utf-16-le")
    found = segment_of("x.log", LOCAL, head, "cp1252")

    assert found is not None
    assert (found.header.application, found.coding) == ("SÏP_Ω", Coding("utf-16-le", 2))
