"""What the API says of clusters and journal rows."""

from __future__ import annotations

import json

from cluster.model import NodeState, PortState, SipMode
from remediator import status
from remediator.journal_schema import JournalRow, Kind
from remediator.look_result import Ending, LastLook, LookResult
from remediator.looks import Trigger
from remediator.planner import plan
from remediator.rows import Hold
from tests.unit import remediator_samples as samples


def last(hold: Hold | None = None, ending: Ending = Ending.OBSERVED) -> LastLook:
    """Return a last look at a cluster whose traffic goes to the backup."""
    view = samples.view(
        samples.primary(PortState.DISABLED),
        samples.host("quito-2", SipMode.UNKNOWN, PortState.ENABLED, NodeState.STOPPED),
    )
    result = LookResult(ending, view, plan(view), hold, "so" if hold else "")
    return LastLook(samples.BEGIN.plus(4), Trigger.ALERT, result, hold, result.text, 6)


def test_a_cluster_before_its_first_look() -> None:
    """What is known from configuration and journal alone."""
    assert status.cluster_summary(
        samples.cluster(), "enforce", None, None, needs_person=True, fences=["quito-2"]
    ) == {
        "name": "quito",
        "virtual_ip": "10.9.0.100",
        "simulated": False,
        "level": "enforce",
        "needs_person": True,
        "fence_pending": ["quito-2"],
        "next_look_seconds": None,
        "last_look": None,
    }


def test_a_cluster_after_a_look() -> None:
    """How the look ended, why, and what it would do."""
    summary = status.cluster_summary(
        samples.cluster(), "observe", last(), 2.50049, needs_person=False, fences=[]
    )
    assert (summary["level"], summary["next_look_seconds"]) == ("observe", 2.5)
    assert summary["last_look"] == {
        "number": 6,
        "ended_at": "2024-06-11T21:47:07.250Z",
        "trigger": "alert",
        "ending": "observed",
        "row": "primary_closed_other_open",
        "why": "port 5080 on quito-1: the primary's port is closed and another host's is open: "
        "enable the primary's",
        "hold": None,
        "text": "",
        "would": ["enable 5080 on quito-1"],
    }


def test_a_held_look_says_why() -> None:
    """The reason and its words."""
    summary = status.cluster_summary(
        samples.cluster(),
        "enforce",
        last(Hold.RULE_DIFFERS, Ending.HELD),
        1.0,
        needs_person=True,
        fences=[],
    )["last_look"]
    assert (summary["ending"], summary["hold"], summary["text"]) == ("held", "rule_differs", "so")


def test_a_look_that_could_not_be_made() -> None:
    """Without a result there is the reason alone."""
    failed = LastLook(samples.BEGIN, Trigger.HOLD, None, Hold.BUG, "KeyError: 'x'", 2)
    summary = status.cluster_summary(
        samples.cluster(), "enforce", failed, 1.0, needs_person=True, fences=[]
    )
    assert summary["last_look"] == {
        "number": 2,
        "ended_at": "2024-06-11T21:47:03.250Z",
        "trigger": "hold",
        "ending": None,
        "row": None,
        "why": None,
        "hold": "bug",
        "text": "KeyError: 'x'",
        "would": [],
    }
    assert status.hosts(failed, samples.BEGIN) == []


def test_no_look_has_no_hosts() -> None:
    """Before the first look there is nothing to show."""
    assert status.hosts(None, samples.BEGIN) == []


def test_hosts_are_shown_with_every_reading() -> None:
    """Mode, node, ports with whether they serve, and each reading with age, problem and text."""
    one, two = status.hosts(last(), samples.BEGIN.plus(2))
    assert (one["name"], one["mode"], one["node_state"]) == ("quito-1", "primary", "converged")
    assert one["ports"] == [
        {"rule": "all 5080-5081 udp", "port": "5080", "state": "disabled", "serving": False}
    ]
    assert [(r["source"], r["age_seconds"], r["took_seconds"]) for r in one["readings"]] == [
        ("http", 2.5, 0.125),
        ("nlb query", 2.75, 0.25),
        ("nlb queryport", 3.0, 0.375),
        ("nlb params", 3.25, 0.625),
    ]
    assert two["ports"][0] == {
        "rule": "all 5080-5081 udp",
        "port": "5080",
        "state": "enabled",
        "serving": False,
    }
    assert two["readings"][0] == {
        "source": "http",
        "age_seconds": 2.5,
        "took_seconds": 0.125,
        "problem": "unreachable: connection refused",
        "command": "GET http://10.9.0.11:8090/serverx",
        "raw": "<serverx/>",
    }


def test_a_serving_port_says_so() -> None:
    """Enabled on a node that takes traffic."""
    view = samples.healthy()
    look = LastLook(
        samples.BEGIN, Trigger.START, LookResult(Ending.RIGHT, view, plan(view)), None, ""
    )
    assert [h["ports"][0]["serving"] for h in status.hosts(look, samples.BEGIN)] == [True, False]


def test_a_journal_row_is_shown_whole() -> None:
    """Every column under its name, as plain data."""
    row = JournalRow(3, "t1", Kind.FENCE, "quito", "quito-2", last_at="t2", detail={"text": "x"})
    shown = status.journal_row(row)
    assert json.loads(json.dumps(shown)) == shown
    assert shown == {
        "id": 3,
        "at": "t1",
        "kind": "fence",
        "cluster": "quito",
        "host": "quito-2",
        "port": "",
        "verb": "",
        "row": "",
        "reason": "",
        "outcome": None,
        "ended_at": None,
        "count": 1,
        "last_at": "t2",
        "parent": None,
        "trigger": "",
        "level": "",
        "fingerprint": "",
        "starts_at": None,
        "detail": {"text": "x"},
        "number": None,
    }
