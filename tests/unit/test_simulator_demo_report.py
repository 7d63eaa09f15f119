"""The demonstration's results are computed, shown and written as promised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.demo_measure import Times, came_before, is_all_verified, times
from simulator.demo_report import Report, Result, Workflow, seconds_between

SINCE = datetime(2024, 5, 20, 8, 15, 2, 500400, tzinfo=UTC)
ONE, TWO = "sip-east-1", "sip-east-2"


def row(kind: str, second: str, **more: Any) -> dict[str, Any]:
    """Return a journal row of that second within the minute."""
    return {
        "kind": kind,
        "at": f"2024-05-20T08:15:{second}Z",
        "ended_at": None,
        "outcome": None,
        "verb": None,
        "host": TWO,
        **more,
    }


def at(second: int, milliseconds: int) -> datetime:
    """Return a moment of that minute."""
    return datetime(2024, 5, 20, 8, 15, second, milliseconds * 1000, tzinfo=UTC)


def test_times_are_those_of_the_first_alert_action_and_enable() -> None:
    """Rows before the mode change do not count; the primary's enable is the verification."""
    rows = [
        row("alert", "01.900"),
        row(
            "action",
            "02.100",
            verb="enable",
            outcome="verified",
            ended_at="2024-05-20T08:15:02.200Z",
        ),
        row("alert", "03.100"),
        row("decision", "03.150"),
        row(
            "action",
            "03.200",
            verb="disable",
            host=ONE,
            outcome="verified",
            ended_at="2024-05-20T08:15:03.300Z",
        ),
        row(
            "action",
            "03.400",
            verb="enable",
            outcome="verified",
            ended_at="2024-05-20T08:15:03.700Z",
        ),
        row("alert", "03.900"),
    ]
    assert times(rows, SINCE, TWO) == Times(at(3, 100), at(3, 200), at(3, 700))


def test_without_an_enable_the_first_verified_action_counts() -> None:
    """A returning host only has to be disabled."""
    rows = [
        row(
            "action",
            "03.200",
            verb="disable",
            outcome="failed",
            ended_at="2024-05-20T08:15:03.250Z",
        ),
        row(
            "action",
            "03.400",
            verb="disable",
            outcome="verified",
            ended_at="2024-05-20T08:15:03.600Z",
        ),
    ]
    assert times(rows, SINCE, ONE) == Times(None, at(3, 200), at(3, 600))


def test_a_row_of_the_same_millisecond_counts() -> None:
    """The journal's rounding does not make a row older than the mode change."""
    rows = [row("alert", "02.500"), row("action", "02.499", verb="enable")]
    assert times(rows, SINCE, TWO) == Times(at(2, 500), None, None)


def test_nothing_done_has_no_times() -> None:
    """Where no row follows, there is no time."""
    assert times([], SINCE, TWO) == Times(None, None, None)


def test_what_came_before_the_mode_change_is_named() -> None:
    """An action between the workflow's begin and its mode change came before, unless repeated."""
    began = at(1, 0)
    verified = {"outcome": "verified", "ended_at": "2024-05-20T08:15:02.300Z"}
    rows = [
        row("alert", "00.700"),
        row("action", "02.100", verb="disable", host=ONE, **verified),
    ]
    assert came_before(rows, began, SINCE, TWO) == ("action", "verified")
    rows += [row("alert", "03.100"), row("action", "03.200", verb="enable")]
    assert came_before(rows, began, SINCE, TWO) == ("verified",)


@pytest.mark.parametrize(("outcome", "expected"), [(None, False), ("failed", True)])
def test_an_open_action_is_not_the_end(outcome, expected) -> None:
    """As long as an action has no outcome, the workflow is not through."""
    rows = [
        row("action", "01.000"),
        row("alert", "03.000"),
        row("action", "03.100", outcome=outcome),
    ]
    assert is_all_verified(rows, SINCE) is expected


def test_seconds_are_never_negative() -> None:
    """What was there before the mode change took no time."""
    assert [seconds_between(at(5, 0), later) for later in (at(6, 250), at(4, 0), None)] == [
        1.25,
        0.0,
        None,
    ]


def result(name: str, verified: float | None, *, right: bool = True, state: str = "") -> Result:
    """Return a result whose other times follow from the last."""
    if verified is None:
        return Result(name, None, None, None, 0, right, state)
    return Result(name, verified - 0.5, verified - 0.25, verified, 17, right, state)


def report(*, right: bool = True) -> Report:
    """Return a report of three workflows."""
    return Report(
        (
            Workflow(result("manual switchover", 1.25), result("switchover back", 1.5)),
            Workflow(result("primary failure", 3.75), result("restart as backup", None)),
            Workflow(
                result("primary disconnect", 2.5, state="1 is cut off"),
                result("return and demotion", 9.5, right=right, state="" if right else "no answer"),
            ),
        ),
        {"prometheus": "2.42.0", "alertmanager": "0.25.0"},
        10.0,
        ("SipNoPrimary sip-east",),
    )


def test_the_table_shows_every_workflow_and_its_way_back() -> None:
    """The table has times, losses and end state, and says that it is simulated."""
    assert report().lines() == [
        "SIMULATED SITE: the hosts, SIP Servers and callers below are pretended.",
        "Seconds from the mode change; SIP OPTIONS lost at the virtual IP, 10 sent a second.",
        "",
        "workflow                     alert  action  verified         lost  end state",
        "manual switchover             0.75    1.00      1.25   17 (1.7 s)  right",
        "  back: switchover back       1.00    1.25      1.50   17 (1.7 s)  right",
        "primary failure               3.25    3.50      3.75   17 (1.7 s)  right",
        "  back: restart as backup        -       -         -    0 (0.0 s)  right",
        "primary disconnect            2.00    2.25      2.50   17 (1.7 s)  right: 1 is cut off",
        "  back: return and demotion    9.00    9.25      9.50   17 (1.7 s)  right",
        "-: nothing had to be done (or, where the end is WRONG, it was not done)",
        "",
        "Median from mode change to verified port: 2.50 s",
        "Pages to a person: SipNoPrimary sip-east",
        "Prometheus 2.42.0, Alertmanager 0.25.0, statistics page 10 s old, read every 250ms, deployment central",
        "Everything ended right.",
    ]


def test_what_was_done_before_the_mode_change_is_said_in_the_table() -> None:
    """A time that has none says why, and the line below the table explains the word."""
    early = Result(
        "return and demotion", None, None, None, 78, True, "", ("alert", "action", "verified")
    )
    unalerted = Result("switchover back", None, 0.31, 0.47, 5, True, "")
    assert Report((Workflow(early, unalerted),), {}, 0.0, ()).lines()[3:9] == [
        "workflow                     alert  action  verified         lost  end state",
        "return and demotion         before  before    before   78 (7.8 s)  right",
        "  back: switchover back       none    0.31      0.47    5 (0.5 s)  right",
        "none: no alert came; the remediator acted in a look of its own "
        "(routine, a second one, or while it held)",
        "before: it came before the mode change was through; the remediator acted in a look of "
        "its own (routine, a second one, or while it held)",
        "",
    ]


@pytest.mark.parametrize(
    "there",
    [
        Result("manual switchover", 0.93, 0.31, 0.47, 5, True, ""),
        Result("manual switchover", 0.93, None, 0.47, 5, True, "", ("action",)),
    ],
)
def test_an_action_that_came_before_its_alert_is_explained(there) -> None:
    """The alert did not cause it, and the line below the table says what did."""
    back = Result("switchover back", 0.62, 0.71, 0.84, 6, True, "")
    explained = (
        "action before alert: the remediator was looking already, by itself or for an earlier alert"
    )
    assert explained in Report((Workflow(there, back),), {}, 0.0, ()).lines()
    assert explained not in Report((Workflow(back, back),), {}, 0.0, ()).lines()


def test_one_wrong_way_back_makes_the_whole_wrong() -> None:
    """The last line and the exit status follow the worst end."""
    wrong = report(right=False)
    assert wrong.ended_right is False
    assert wrong.lines()[9].endswith("WRONG: no answer")
    assert wrong.lines()[-1] == "NOT everything ended right."


def test_a_demonstration_that_was_not_played_to_its_end_is_not_right() -> None:
    """Fewer than three workflows never count as right; there may be no median at all."""
    short = Report((), {}, 0.0, ())
    assert (short.ended_right, short.median_seconds_to_verified) == (False, None)
    assert short.lines()[5:8] == [
        "Median from mode change to verified port: -",
        "Pages to a person: none",
        "Prometheus ?, Alertmanager ?, statistics page 0 s old, read every 250ms, deployment central",
    ]


def test_the_json_has_what_the_table_shows() -> None:
    """Each workflow carries its way back under the same keys."""
    document = report().to_json()
    assert {key: value for key, value in document.items() if key != "workflows"} == {
        "simulated": True,
        "ended_right": True,
        "median_seconds_to_verified": 2.5,
        "deployment": "central",
        "lag_seconds": 10.0,
        "scrape_and_evaluation_interval": "1s",
        "sip_server_refresh": "250ms",
        "look_timeout": "750ms",
        "pages": ["SipNoPrimary sip-east"],
        "versions": {"prometheus": "2.42.0", "alertmanager": "0.25.0"},
    }
    assert [each["name"] for each in document["workflows"]] == [
        "manual switchover",
        "primary failure",
        "primary disconnect",
    ]
    assert document["workflows"][1] == {
        "name": "primary failure",
        "seconds_to_alert": 3.25,
        "seconds_to_action": 3.5,
        "seconds_to_verified": 3.75,
        "options_lost": 17,
        "ended_right": True,
        "end_state": "",
        "before_mode_change": (),
        "way_back": {
            "name": "restart as backup",
            "seconds_to_alert": None,
            "seconds_to_action": None,
            "seconds_to_verified": None,
            "options_lost": 0,
            "ended_right": True,
            "end_state": "",
            "before_mode_change": (),
        },
    }
