"""Lines of a log: every documented shape gives its record, and nothing else does."""

# ruff: noqa: DTZ001 - moments in a log are in the log's own zone

from __future__ import annotations

from datetime import datetime, time

import pytest

from cluster.config_values import _log_encoding
from cluster.sip.log_coding import Coding, coding_of, narrow
from cluster.sip.log_lines import (
    MAX_LINE,
    Found,
    Record,
    StartTime,
    dated,
    first_moment,
    last_moment,
    record_of,
    tellings,
)


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2026-02-03T13:54:59.852", datetime(2026, 2, 3, 13, 54, 59, 852000)),
        ("@2026-02-03T13:54:59.8529", datetime(2026, 2, 3, 13, 54, 59, 852900)),
        ("2026-02-03T13:54:59", datetime(2026, 2, 3, 13, 54, 59)),
        ("13:54:59.852", time(13, 54, 59, 852000)),
        ("@13:54:59.8529", time(13, 54, 59, 852900)),
        ("02/03/26 13:54:59.852", datetime(2026, 2, 3, 13, 54, 59, 852000)),
        ("02/03/2026 13:54:59.852", datetime(2026, 2, 3, 13, 54, 59, 852000)),
        ("Tue Feb 3 13:54:59 2026.852", datetime(2026, 2, 3, 13, 54, 59, 852000)),
        ("Tue Feb  3 13:54:59 2026.852", datetime(2026, 2, 3, 13, 54, 59, 852000)),
        ("Tue 03 Feb 2026 01:54:59 PM IST.852", datetime(2026, 2, 3, 13, 54, 59, 852000)),
        ("Tue 03 Feb 2026 12:04:59 AM IST.852", datetime(2026, 2, 3, 0, 4, 59, 852000)),
    ],
)
def test_every_shape_of_a_stamp_is_read(stamp: str, moment: datetime | time) -> None:
    """With or without date, `@`, three or four digits: the id and the moment are the same."""
    line = f"{stamp} Std 04563 Hot Standby (Primary) mode activated"

    assert record_of(line.encode(), "cp1252") == Record(
        "04563", moment, "Hot Standby (Primary) mode activated", line
    )


@pytest.mark.parametrize(
    ("head", "id_"),
    [
        ("Std 04561", "04561"),
        ("Standard siphost07 SIP_P GCTI-00-04561", "04561"),
        ("Trace siphost07 SIP_P GCTI-20-04562", "04562"),
        ("Alr 05063", "05063"),
        ("UNKNOWN 04560", "04560"),
        ("Interaction 04120", "04120"),
    ],
)
def test_short_and_full_form_give_the_same_whatever_the_level(head: str, id_: str) -> None:
    """Levels can be reassigned, so any of them will do; so will any text."""
    found = record_of(f"13:54:59.852 {head} Betrieb geändert".encode("cp1252"), "cp1252")

    assert found is not None
    assert (found.id, found.text) == (id_, "Betrieb geändert")


def test_the_prefix_of_a_call_log_is_skipped() -> None:
    """What stands before the stamp there is not part of the record."""
    found = record_of(b"gsip:CL2/0x1f2 call] 13:54:59.852 Std 04563 text", "cp1252")

    assert found is not None
    assert found.id == "04563"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "13:54:59.856: SIPCM: id=04563",
        "13:54:59.856 Hot Standby (Primary) mode activated",
        "13:54:59.856 Std 4563 Hot Standby (Primary) mode activated",
        "13:54:59.856 Std 045631 Hot Standby (Primary) mode activated",
        "13:54:59.856 Std x04563 text",
        "Std 04563 Hot Standby (Primary) mode activated",
        "X-Note: 13:54:59.856 Std 04563 text",
        " 13:54:59.856 Std 04563 text",
        "13:54:59.856 Loud 04563 text",
        "²3:54:59.856 Std 04563 text",
        "13:54:59.856 Standard siphost07 GCTI-00-04563 text",
    ],
)
def test_what_only_looks_like_a_record_is_none(line: str) -> None:
    """The number counts only in its place: a text alone decides nothing."""
    assert record_of(line.encode(), "cp1252") is None


@pytest.mark.parametrize("stamp", ["25:54:59.852", "2026-02-30T13:54:59", "13/01/26 13:54:59"])
def test_a_stamp_that_no_day_has_gives_a_record_without_moment(stamp: str) -> None:
    """The role counts, only its time is not known."""
    found = record_of(f"{stamp} Std 04563 text".encode(), "cp1252")

    assert found is not None
    assert (found.id, found.stamp) == ("04563", None)


def test_a_check_point_tells_its_date_in_its_text() -> None:
    """Where stamps are times alone, it is the only line with a date."""
    lines = {
        "14:54:56.302 Trc 04120 Check point 2026-02-03T14:54:56": datetime(2026, 2, 3, 14, 54, 56),
        "14:54:56.302 Trc 04120 Check point 2026-02-33T14:54:56": None,
        "14:54:56.302 Trc 04120 Check point": None,
        "14:54:56.302 Trc 04563 Check point 2026-02-03T14:54:56": None,
    }
    found = {line: record_of(line.encode(), "cp1252") for line in lines}

    assert {line: each and dated(each) for line, each in found.items()} == lines


def test_only_what_tells_of_role_or_process_is_told() -> None:
    """Other records, dumps and numbers in them are passed over."""
    text = (
        b"Start time (UTC): 2026-02-03T08:24:59 \r\n"
        b"13:54:59.845 Trc 04110 Option has been set\r\n"
        b"INVITE sip:0456304563@siphost07\r\n"
        b"13:54:59.846 Std 05060 Application started\r\n"
        b"13:54:59.847 Std 04564 text\r\n"
        b"13:54:59.848 Std 04562 text"
    )

    assert [(found.at, found.what) for found in tellings(text, True, "cp1252")] == [
        (0, StartTime("2026-02-03T08:24:59")),
        (
            text.index(b"13:54:59.846"),
            Record(
                "05060",
                time(13, 54, 59, 846000),
                "Application started",
                "13:54:59.846 Std 05060 Application started",
            ),
        ),
        (
            text.index(b"13:54:59.848"),
            Record("04562", time(13, 54, 59, 848000), "text", "13:54:59.848 Std 04562 text"),
        ),
    ]


def test_a_piece_that_begins_within_a_line_tells_nothing_of_that_line() -> None:
    """What looks like a record there may be the end of something else."""
    text = b"13:54:59.846 Std 04563 text\n"

    assert list(tellings(text, False, "cp1252")) == []
    assert [found.at for found in tellings(b"\n" + text, False, "cp1252")] == [1]


def test_a_mark_far_into_a_line_is_not_looked_at() -> None:
    """A line without end costs no memory and hides no record before or behind it."""
    long = b"x" * (MAX_LINE + 1) + b" 04563 "

    assert list(tellings(long, True, "cp1252")) == []
    found = list(
        tellings(b"13:54:59.1 Std 04561 " + long + b"\n13:54:59.2 Std 04563 b", True, "ascii")
    )
    assert [each.what.id for each in found if isinstance(each.what, Record)] == ["04561", "04563"]


def test_zeros_before_a_record_do_not_hide_it() -> None:
    """A file that was cut while its writer kept its place begins with zeros."""
    found = list(tellings(b"\0" * 9000 + b"13:54:59.846 Std 04563 text\r\n", True, "cp1252"))

    assert found == [
        Found(
            9000, Record("04563", time(13, 54, 59, 846000), "text", "13:54:59.846 Std 04563 text")
        )
    ]


def test_the_first_and_the_last_moment_of_a_piece() -> None:
    """Lines without date are passed over from either end."""
    text = (
        b"13:54:59.846 Std 04110 text\r\n2026-02-03T13:55:01.5 Std 04110 a\r\n"
        b"dump\r\n2026-02-03T13:55:02.5 Std 04110 b\r\n13:55:03.1 Dbg 04111 c\r\n"
    )

    assert first_moment(text, "cp1252") == datetime(2026, 2, 3, 13, 55, 1, 500000)
    assert last_moment(text, "cp1252") == datetime(2026, 2, 3, 13, 55, 2, 500000)
    assert (first_moment(b"dump", "cp1252"), last_moment(b"dump", "cp1252")) == (None, None)


@pytest.mark.parametrize(
    ("begin", "configured", "coding"),
    [
        (b"Appl", "cp1252", Coding("cp1252")),
        (b"\xef\xbb\xbfA", "cp1252", Coding("utf-8", 3)),
        (b"\xff\xfeA\0", "cp1252", Coding("utf-16-le", 2)),
        (b"\xfe\xff\0A", "cp1252", Coding("utf-16-be", 2)),
        (b"A\0p\0", "utf-16", Coding("utf-16-le")),
        (b"\0A\0p", "UTF_16_BE", Coding("utf-16-be")),
    ],
)
def test_a_byte_order_mark_comes_before_the_configuration(
    begin: bytes, configured: str, coding: Coding
) -> None:
    """Windows tools leave one; without it the configured coding holds."""
    assert coding_of(begin, configured) == coding


def test_wide_characters_become_one_byte_each() -> None:
    """What is not ASCII in UTF-16 can never be taken for a digit or a line's end."""
    text = "04563 ä\u0a0a€\n"

    assert narrow(text.encode("utf-16-le"), Coding("utf-16-le")) == "04563 ä??\n".encode("latin-1")
    assert narrow(text.encode("utf-16-be") + b"x", Coding("utf-16-be")) == b"04563 \xe4??\n"
    assert narrow(b"plain\0", Coding("cp1252")) == b"plain\0"
    assert (Coding("utf-16-le").narrow_codec, Coding("cp932").narrow_codec) == ("ascii", "cp932")


@pytest.mark.parametrize("usable", ["cp1252", "utf-8", "UTF-16", "utf-16-be", "cp932", "latin-1"])
def test_codings_in_which_a_log_may_be(usable: str) -> None:
    """ASCII is itself in them, or they are UTF-16."""
    assert _log_encoding(usable) == usable


@pytest.mark.parametrize("unusable", ["cp037", "utf-32", "hex", "no such", "utf-8-sig"])
def test_codings_in_which_no_record_would_be_found(unusable: str) -> None:
    """They are refused where they are configured."""
    with pytest.raises(
        ValueError, match=f"^{unusable!r} is not the coding of a log; write one such as"
    ):
        _log_encoding(unusable)
