"""One screen of how all stands: what is shown, what calls for somebody, and what never reaches a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.status_text import screen

HOSTS = [
    {
        "name": "quito-1",
        "mode": "primary",
        "node_state": "converged",
        "ports": [{"port": "5080", "state": "enabled", "serving": True}],
    },
    {
        "name": "quito-2",
        "mode": "unknown",
        "node_state": "stopped",
        "ports": [{"port": "5080", "state": "disabled", "serving": False}],
    },
]
LOOK: dict[str, Any] = {
    "trigger": "routine",
    "ending": "right",
    "hold": None,
    "text": "",
    "would": [],
    "why": "w",
}
QUIET: dict[str, Any] = {
    "needs_person": [],
    "fence_pending": [],
    "pauses": [],
    "approvals": [],
    "approved": [],
    "acknowledged": [],
}


def cluster(**more: Any) -> dict[str, Any]:
    """Return a cluster that is right, but for what is told otherwise."""
    return {
        "name": "quito",
        "simulated": False,
        "primary": ["quito-1"],
        "hosts": HOSTS,
        "last_look": LOOK,
        "last_look_age_seconds": 12.4,
        "next_look_seconds": 47.6,
        "lease": {"held": True, "holder": None, "seconds": None},
        "journal": QUIET,
    } | more


def document(*clusters: Any, **more: Any) -> dict[str, Any]:
    """Return what a remediator tells that is ready, but for what is told otherwise."""
    return {
        "version": "7.8.9",
        "level": "enforce",
        "ready": True,
        "reasons": [],
        "watchdog": {"age_seconds": 31.0, "waited_for_seconds": None},
        "alertmanagers": [{"url": "http://am-1:9093", "problem": None}],
        "clusters": list(clusters),
    } | more


RIGHT = "quito: right, primary quito-1, last look (routine) right 12 s ago, next in 48 s"


def test_a_cluster_that_is_right_is_one_line() -> None:
    """Hundreds of them are one screen still, and nothing needs attention."""
    shown = screen(document(cluster()), details=False)

    assert shown.lines == (
        "sipnlb-remediator 7.8.9: ready, level enforce, watchdog alert 31 s ago",
        RIGHT,
    )
    assert (shown.attention, shown.ready) == ((), True)


def test_who_asks_for_one_cluster_sees_its_hosts() -> None:
    """Mode, node, and each port; what serves says so."""
    assert screen(document(cluster()), details=True).lines[1:] == (
        RIGHT,
        "  quito-1; primary; node converged; 5080 enabled, serves",
        "  quito-2; unknown; node stopped; 5080 disabled",
    )


def test_what_needs_attention_stands_below_its_cluster() -> None:
    """Hosts and every reason, each a line of its own; they stand in the short list too."""
    told = cluster(
        last_look=LOOK | {"ending": "held", "hold": "two_primaries", "text": "a and b"},
        journal=QUIET
        | {
            "needs_person": [
                {"hold": "action_failed", "text": "no\n answer", "since": "2031-05-06T07:08:09Z"}
            ],
            "fence_pending": ["quito-2"],
            "pauses": [
                {"cluster": "quito", "who": "ana", "until": "2031-05-06T09:00:00Z", "reason": "x"},
                {"cluster": None, "who": "luz", "until": "2031-05-07T09:00:00Z", "reason": "y"},
            ],
            "approvals": [
                {"id": 17, "until": "2031-05-06T07:20:00Z", "actions": ["enable a", "disable b"]}
            ],
        },
    )
    shown = screen(document(told), details=False)

    assert shown.lines[1].startswith("quito: ATTENTION, primary quito-1, last look (routine) held")
    assert shown.lines[4:] == (
        "    held, two_primaries: a and b",
        "    needs a person since 2031-05-06T07:08:09Z: action_failed: no answer",
        "    quito-2 should be closed and cannot be commanded",
        "    paused by ana until 2031-05-06T09:00:00Z: x",
        "    all clusters paused by luz until 2031-05-07T09:00:00Z: y",
        "    waits for approval 17 until 2031-05-06T07:20:00Z: enable a, then disable b",
    )
    assert shown.attention == tuple(f"quito: {line.strip()}" for line in shown.lines[4:])


HELD = LOOK | {"ending": "held", "text": "some words", "would": ["enable 5080 on a"]}


@pytest.mark.parametrize(
    ("look", "told", "line"),
    [
        ({"hold": "paused"}, {"pauses": [{"who": "ana"}]}, "held, paused: would enable 5080 on a"),
        ({"hold": "paused"}, {}, "held, paused: some words"),
        (
            {"hold": "approval_wanted", "would": []},
            {"approvals": [{"id": 3}]},
            "held, approval_wanted",
        ),
        (
            {"hold": "action_failed"},
            {"needs_person": [{"hold": "action_failed", "text": "some words"}]},
            "held, action_failed: would enable 5080 on a",
        ),
        (
            {"hold": "action_failed"},
            {"needs_person": [{"hold": "action_failed", "text": "others"}]},
            "held, action_failed: some words",
        ),
        ({"hold": "bug", "text": None}, {}, "held, bug"),
    ],
)
def test_what_the_journal_says_is_not_said_twice(
    look: dict[str, Any], told: dict[str, Any], line: str
) -> None:
    """Where its words follow below, a hold says what would be done instead."""
    shown = screen(document(cluster(last_look=HELD | look, journal=QUIET | told)), details=False)
    assert shown.lines[4] == f"    {line}"


def test_a_silence_that_stops_repairs_needs_attention_before_there_is_one() -> None:
    """Its alert does not come either, so that nothing else would tell; it is said once."""
    words = 'silence 9f by "ana": "night work"'
    shown = screen(document(cluster(silenced=words)), details=False)
    assert shown.lines[1].startswith("quito: ATTENTION")
    assert shown.attention == (f"quito: no repair while this stands: {words}",)

    held = LOOK | {"ending": "held", "hold": "silenced", "text": words}
    again = screen(document(cluster(silenced=words, last_look=held)), details=False)
    assert again.attention == (f"quito: held, silenced: {words}",)

    other = {"held": False, "holder": "host-b:9877", "seconds": 9.0}
    theirs = screen(document(cluster(silenced=words, last_look=held, lease=other)), details=False)
    assert theirs.attention == shown.attention


def test_what_somebody_knows_of_is_shown_and_calls_for_nobody() -> None:
    """The next one on call reads who is at it; that alone is no reason for attention."""
    known = {"hold": "action_failed", "who": "ana", "at": "2031-05-06T07:08:09Z", "text": "at it"}
    shown = screen(document(cluster(journal=QUIET | {"acknowledged": [known]})), details=False)
    assert shown.lines[1:] == (
        RIGHT,
        "    acknowledged by ana at 2031-05-06T07:08:09Z: action_failed: at it",
    )
    assert shown.attention == ()


@pytest.mark.parametrize(
    ("last", "wrong"),
    [
        (None, "not looked at yet"),
        (LOOK | {"ending": "remediated"}, None),
        (
            LOOK | {"ending": "observed", "would": ["enable 5080 on a"]},
            "only observed, would enable 5080 on a",
        ),
        (LOOK | {"ending": "observed"}, "only observed, would w"),
        (LOOK | {"ending": "stopped"}, "the last look ended stopped"),
        (LOOK | {"ending": None, "hold": "bug", "text": "KeyError"}, "held, bug: KeyError"),
        (LOOK | {"ending": None}, "the last look ended without a result"),
    ],
)
def test_a_look_that_did_not_end_right_needs_attention(
    last: dict[str, Any] | None, wrong: str | None
) -> None:
    """A remediation is right; what was only observed is not."""
    shown = screen(document(cluster(last_look=last)), details=False)
    assert shown.attention == (() if wrong is None else (f"quito: {wrong}",))


def test_a_cluster_of_another_remediator_is_not_judged_here() -> None:
    """It is said who acts on it; where nobody is known to, that needs attention."""
    held = LOOK | {"ending": "held", "hold": "lease_elsewhere", "text": "b has it"}
    other = {"held": False, "holder": "host-b:9877", "seconds": 9.0}
    shown = screen(document(cluster(lease=other, last_look=held)), details=False)
    assert shown.lines[1].endswith("next in 48 s, acted on by host-b:9877, ask that one")
    assert shown.attention == ()

    nobody = screen(document(cluster(lease=other | {"holder": None})), details=False)
    assert nobody.attention == ("quito: no remediator is known to have its lease",)


def test_a_remediator_that_is_not_ready_says_why() -> None:
    """Each reason is a line; Alertmanagers that cannot be asked are, too."""
    shown = screen(
        document(
            ready=False,
            reasons=["no watchdog alert for 200 s"],
            watchdog={"age_seconds": 7300, "waited_for_seconds": None},
            alertmanagers=[{"url": "http://am-1:9093", "problem": "refused"}],
        ),
        details=False,
    )
    assert shown.lines == (
        "sipnlb-remediator 7.8.9: NOT READY, level enforce, watchdog alert 2 h ago",
        "  not ready: no watchdog alert for 200 s",
        "  Alertmanager http://am-1:9093 cannot be asked: refused",
    )
    assert (len(shown.attention), shown.ready) == (2, False)


@pytest.mark.parametrize(
    ("watchdog", "words"),
    [
        ({"age_seconds": 119.6, "waited_for_seconds": None}, "watchdog alert 120 s ago"),
        ({"age_seconds": 180, "waited_for_seconds": None}, "watchdog alert 3 min ago"),
        (
            {"age_seconds": None, "waited_for_seconds": 99.6},
            "no watchdog alert yet, it is waited for 100 s more",
        ),
        ({"age_seconds": True}, "no watchdog alert yet"),
        (None, "no watchdog alert yet"),
    ],
)
def test_the_age_of_the_watchdog_is_told(watchdog: object, words: str) -> None:
    """In seconds, minutes or hours; before the first, how long it is waited for."""
    assert screen(document(watchdog=watchdog), details=False).lines[0].endswith(words)


@pytest.mark.parametrize(
    ("due", "age", "words"),
    [
        (0, 5.0, "right 5 s ago, another runs"),
        (None, 5.0, "right 5 s ago"),
        (3.2, None, "right, next in 3 s"),
    ],
)
def test_the_next_look_is_told(due: float | None, age: float | None, words: str) -> None:
    """Whether one runs, or when the next is due."""
    told = cluster(next_look_seconds=due, last_look_age_seconds=age)
    assert screen(document(told), details=False).lines[1].endswith(words)


def test_what_cannot_be_told_needs_attention() -> None:
    """The journal does not answer, or the answer is of something else."""
    told = cluster(journal=None, simulated=True, primary=[], last_look=None)
    shown = screen(document(told), details=False)
    assert shown.lines[1] == (
        "quito: ATTENTION, simulated, primary none seen, not looked at yet, next in 48 s"
    )
    assert shown.attention == (
        "quito: not looked at yet",
        "quito: what the journal says of it is not known",
    )
    foreign = screen({"clusters": {}, "reasons": "no"}, details=True)
    assert foreign.lines == ("sipnlb-remediator ?: NOT READY, level ?, no watchdog alert yet",)
    assert foreign.attention == ("it does not say that it is ready",)


def test_no_text_of_a_host_acts_on_the_terminal() -> None:
    """Escape sequences, bells and other lines become signs that are only shown, and not too many."""
    text = "\x1b[2J\x07 two\nlines\u202e" + "x" * 900
    shown = screen(document(cluster(last_look=LOOK | {"hold": "bug", "text": text})), details=False)
    line = shown.lines[4]
    assert line.startswith("    held, bug: ?[2J? two lines?xxx")
    assert line.isprintable()
    assert len(line) < 450
