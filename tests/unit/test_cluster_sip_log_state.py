"""What records add up to: the role of one process, and why there is none."""

# ruff: noqa: DTZ001 - moments in a log are in the log's own zone

from __future__ import annotations

from datetime import datetime, time
from typing import Any

import pytest

from cluster.model import Problem, Reason, SipMode
from cluster.sip.log_lines import Record, StartTime
from cluster.sip.log_state import Calendar, LogState, Untold, decides, from_plain, to_plain

MOMENT = datetime(2031, 2, 3, 9, 35, 6, 789000)


def record(id_: str, stamp: datetime | time | None = MOMENT, text: str = "words") -> Record:
    """Return a record."""
    return Record(id_, stamp, text, f"line of {id_}")


PRIMARY = LogState(
    SipMode.PRIMARY, None, "hot", "2031-02-03T09:35:06.789", "line of 04563", "2031-02-03T04:05:06"
)


@pytest.mark.parametrize(
    ("id_", "mode", "standby"),
    [
        ("04560", SipMode.BACKUP, "warm"),
        ("04561", SipMode.BACKUP, "hot"),
        ("04562", SipMode.PRIMARY, "warm"),
        ("04563", SipMode.PRIMARY, "hot"),
    ],
)
def test_each_number_has_its_role(id_: str, mode: SipMode, standby: str) -> None:
    """The last one counts, whatever its text says."""
    state = PRIMARY.after(record(id_, time(9, 35, 7, 120000), "Hot Standby (Primary)"))

    assert (state.mode, state.standby, state.since) == (mode, standby, "09:35:07.120")
    assert (state.untold, state.start, state.problem()) == (None, PRIMARY.start, None)


def test_a_start_and_a_normal_end_take_the_role_away() -> None:
    """A process that has only started has not told it; one that ended has none."""
    started, stopped = PRIMARY.after(record("05060")), PRIMARY.after(record("05063"))

    assert started == LogState(untold=Untold.STARTED, line="line of 05060", start=PRIMARY.start)
    assert started.problem() == Problem(
        Reason.ROLE_NOT_TOLD, "the process has started and has not told its role yet"
    )
    assert stopped.problem() == Problem(Reason.NOT_RUNNING, "the log says that the process ended")
    assert stopped.after(record("04563", None)).mode is SipMode.PRIMARY


def test_another_process_begins_with_nothing() -> None:
    """The same start time is the same process; another one forgets."""
    assert PRIMARY.after(StartTime("2031-02-03T04:05:06")) is PRIMARY
    other = PRIMARY.after(StartTime("2031-02-03T05:00:00"))
    assert other == LogState(start="2031-02-03T05:00:00")
    assert other.problem() == Problem(
        Reason.ROLE_NOT_TOLD, "no line has told a role since the process started"
    )


def test_a_check_point_changes_nothing() -> None:
    """It is a sign of life only."""
    assert PRIMARY.after(record("04120")) is PRIMARY


def test_where_lines_are_missing_nothing_is_guessed() -> None:
    """The process is still known, its role is not."""
    assert PRIMARY.lost() == LogState(untold=Untold.LOST, start=PRIMARY.start)
    assert PRIMARY.lost().problem() == Problem(
        Reason.ROLE_ROTATED_AWAY, "no line that tells a role is left in the log of this process"
    )


def test_what_decides_alone() -> None:
    """A search backwards ends at it."""
    ids = ("04560", "04563", "05060", "05063", "04120")
    assert [decides(record(id_)) for id_ in ids] == [True, True, True, True, False]
    assert not decides(StartTime("x"))


@pytest.mark.parametrize("state", [PRIMARY, PRIMARY.lost(), LogState()])
def test_a_state_survives_json(state: LogState) -> None:
    """What is kept over a restart is what was known."""
    assert from_plain(to_plain(state)) == state


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"mode": "master"}, ValueError),
        ({"untold": "NEVER"}, KeyError),
        ({"untold": "NEW"}, ValueError),
        ({"mode": "unknown"}, ValueError),
        ({"since": 7}, TypeError),
    ],
)
def test_a_state_that_was_never_kept_is_refused(
    change: dict[str, Any], error: type[Exception]
) -> None:
    """A role that contradicts itself is not taken over."""
    with pytest.raises(error):
        from_plain(to_plain(PRIMARY) | change)


def test_times_alone_get_their_date_and_roll_over_at_midnight() -> None:
    """Out of order by milliseconds is not a new day, on either side of midnight."""
    calendar = Calendar(datetime(2031, 2, 3, 23, 59, 59, 900000))
    moments = []
    for stamp in (
        time(23, 59, 59, 850000),
        time(0, 0, 0, 5000),
        time(23, 59, 59, 999000),
        time(0, 0, 1),
    ):
        calendar = calendar.then(record("04110", stamp))
        moments.append(calendar.at)

    assert moments == [
        datetime(2031, 2, 3, 23, 59, 59, 850000),
        datetime(2031, 2, 4, 0, 0, 0, 5000),
        datetime(2031, 2, 3, 23, 59, 59, 999000),
        datetime(2031, 2, 4, 0, 0, 1),
    ]


def test_a_date_is_taken_where_there_is_one() -> None:
    """Before any date is seen a time alone has none."""
    assert Calendar(None).then(record("04110", time(1, 2))) == Calendar(None)
    assert Calendar(MOMENT).then(record("04110", None)) == Calendar(MOMENT)
    assert Calendar(None).then(record("04110", MOMENT)) == Calendar(MOMENT)
    check_point = record("04120", time(1, 2), "Check point 2031-02-05T01:02:03")
    assert Calendar(MOMENT).then(check_point) == Calendar(datetime(2031, 2, 5, 1, 2, 3))
    last = Calendar(datetime(9999, 12, 31, 23, 0))
    assert last.then(record("04110", time(1, 2))) == last
