"""The board: what is too old is unknown, and mode changes are counted without the gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.clock import Instant
from cluster.model import (
    NlbParams,
    NodeState,
    NodeStatus,
    PortState,
    PortStatus,
    Problem,
    Reading,
    Reason,
    SipMode,
    SipStatus,
)
from exporter.board import Board, Change, ChangeKind, ModeHistory
from exporter.pace import Limits
from exporter.readings import Kind, ReadingKey, keys_of, label_of
from tests.unit import exporter_samples as samples

MODE, NODE, PORT, PARAMS = (ReadingKey(kind) for kind in Kind)
PLACE = "porto", "porto-1"


def board() -> Board:
    """Return a board that shows the healthy pair."""
    return Board([samples.healthy()], samples.limits)


def mode_at(mode: SipMode, when: Instant, problem: Problem | None = None) -> Reading[SipStatus]:
    """Make a reading of a mode, asked half a second before `when`."""
    return replace(
        samples.sip(mode, problem=problem), asked=when.plus(-0.5), answered=when.plus(-0.25)
    )


def history_after(*modes: SipMode) -> ModeHistory:
    """Put one mode a second on a board and return what it remembers."""
    at = board()
    for second, mode in enumerate(modes):
        when = samples.BEGIN.plus(second)
        at.put(*PLACE, MODE, mode_at(mode, when), when)
    return at.snapshot(samples.BEGIN).history[PLACE]


P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN


@pytest.mark.parametrize(
    ("modes", "last", "since_second", "changes"),
    [
        ((P,), P, 0, 0),
        ((P, P), P, 0, 0),
        ((P, U, P), P, 0, 0),
        ((P, U, B), B, 2, 1),
        ((P, B, P), P, 2, 2),
        ((U, B), B, 1, 0),
    ],
)
def test_only_primary_to_backup_and_back_are_changes(
    modes: tuple[SipMode, ...], last: SipMode, since_second: int, changes: int
) -> None:
    """Unknown in between is no change of its own and neither hides nor doubles one."""
    since = samples.BEGIN.plus(since_second - 0.25).utc
    assert history_after(*modes) == ModeHistory(last, since, changes)


def test_before_any_known_mode_nothing_is_remembered() -> None:
    """A host whose mode was never read has no since-time and no change."""
    assert history_after(U, U) == ModeHistory()


@pytest.mark.parametrize(
    ("key", "limit", "unknown"),
    [
        (MODE, 6.0, SipStatus()),
        (NODE, 15.0, NodeStatus()),
        (PORT, 15.0, PortStatus()),
        (PARAMS, 90.0, NlbParams()),
    ],
)
def test_a_reading_is_unknown_once_it_is_too_old(
    key: ReadingKey, limit: float, unknown: object
) -> None:
    """At its limit a reading still stands; a moment later it is unknown and stale."""
    at = board()
    host = samples.primary()
    fresh: Any = {MODE: host.sip[0], NODE: host.node, PORT: host.ports[0][1], PARAMS: host.params}
    asked = fresh[key].asked

    def shown(seconds: float) -> Reading[Any]:
        seen = at.snapshot(asked.plus(seconds)).views[0].hosts[0]
        return {MODE: seen.sip[0], NODE: seen.node, PORT: seen.ports[0][1], PARAMS: seen.params}[
            key
        ]

    assert shown(limit) == fresh[key]
    stale = Problem(Reason.STALE, f"older than {limit:g} s")
    assert shown(limit + 0.01) == replace(fresh[key], value=unknown, problem=stale)


def test_a_failure_is_told_longer_than_a_value_lasts() -> None:
    """A host that times out again and again stays `timeout`, not now and then `stale`."""
    at = board()
    timeout = Problem(Reason.TIMEOUT, "no answer")
    partial = replace(samples.sip(SipMode.PRIMARY), problem=timeout)
    at.put(*PLACE, MODE, partial, samples.BEGIN)

    def shown(seconds: float) -> Reading[SipStatus]:
        return at.snapshot(partial.asked.plus(seconds)).views[0].hosts[0].sip[0]

    assert shown(6.0) == partial
    assert shown(8.9) == replace(partial, value=SipStatus())
    stale = Problem(Reason.STALE, "older than 6 s")
    assert shown(9.1) == replace(partial, value=SipStatus(), problem=stale)


def test_a_snapshot_is_taken_now() -> None:
    """The views on a snapshot carry its moment."""
    now = samples.BEGIN.plus(1)
    snapshot = board().snapshot(now)
    assert (snapshot.taken, snapshot.views) == (
        now,
        (replace(samples.healthy(), began=now, ended=now),),
    )


def test_the_board_is_complete_when_everything_was_tried() -> None:
    """A reading that was never tried keeps the board incomplete; one that failed does not."""
    never = replace(
        samples.primary(),
        node=samples.node(NodeState.UNKNOWN, problem=Problem(Reason.NEVER_READ, "")),
    )
    at = Board([samples.view(never)], samples.limits)
    assert not at.is_complete()
    later = samples.BEGIN.plus(500)
    aged = at.snapshot(later).views[0].hosts[0].node
    assert aged.problem == Problem(Reason.NEVER_READ, "")
    failed = samples.node(NodeState.UNKNOWN, problem=Problem(Reason.NOT_INSTALLED, "nlb: no file"))
    at.put(*PLACE, NODE, failed, samples.BEGIN)
    assert at.is_complete()


def change(
    kind: ChangeKind, reading: str, before: str, after: str, problem: Problem | None = None
) -> Change:
    """Make a change of porto-1."""
    return Change(kind, *PLACE, reading, before, after, problem)


TIMEOUT = Problem(Reason.TIMEOUT, "after 2.0 s")
TIMEOUT_AGAIN = Problem(Reason.TIMEOUT, "after 2.1 s")
REFUSED = Problem(Reason.UNREACHABLE, "refused")


@pytest.mark.parametrize(
    ("key", "reading", "expected"),
    [
        (MODE, samples.sip(P), None),
        (MODE, samples.sip(B), change(ChangeKind.MODE, "mode_http", "primary", "backup")),
        (
            MODE,
            samples.sip(U, problem=TIMEOUT),
            change(ChangeKind.FAILS, "mode_http", "primary", "unknown", TIMEOUT),
        ),
        (
            NODE,
            samples.node(NodeState.STOPPED),
            change(ChangeKind.NODE, "node", "converged", "stopped"),
        ),
        (
            PORT,
            samples.port(PortState.DISABLED),
            change(ChangeKind.PORT, "port_5070", "enabled", "disabled"),
        ),
        (PARAMS, samples.params(), None),
        (
            PARAMS,
            samples.params(problem=REFUSED),
            change(ChangeKind.FAILS, "params", "", "", REFUSED),
        ),
    ],
)
def test_a_change_is_told_once(
    key: ReadingKey, reading: Reading[Any], expected: Change | None
) -> None:
    """A changed state or problem is told when it comes, and not a second time."""
    at = board()
    assert expected == at.put(*PLACE, key, reading, samples.BEGIN)
    assert at.put(*PLACE, key, reading, samples.BEGIN) is None


def test_a_problem_is_told_again_only_when_its_reason_changes() -> None:
    """Other particulars of the same reason are no news; another reason and recovery are."""
    at = board()
    told = [
        at.put(*PLACE, MODE, reading, samples.BEGIN)
        for reading in (
            samples.sip(U, problem=TIMEOUT),
            samples.sip(U, problem=TIMEOUT_AGAIN),
            samples.sip(U, problem=REFUSED),
            samples.sip(B),
        )
    ]
    assert told == [
        change(ChangeKind.FAILS, "mode_http", "primary", "unknown", TIMEOUT),
        None,
        change(ChangeKind.FAILS, "mode_http", "unknown", "unknown", REFUSED),
        change(ChangeKind.WORKS, "mode_http", "unknown", "backup"),
    ]


SECOND = ReadingKey(Kind.MODE, 1)


def limits_of_two(_cluster: str, _host: str, key: ReadingKey) -> Limits:
    """Let the first source stand for 45 s, as one does that is read every 15 s, the others for 3."""
    return Limits(45.0, 50.0) if key == MODE else Limits(3.0, 5.0)


def two_sources(*told: tuple[ReadingKey, SipMode, float]) -> Board:
    """Return a board with a slow source before a quick one. told: source, mode, second."""
    slow, quick = (samples.sip(U, source=name, ago=0.0) for name in ("exec", "http"))
    at = Board([samples.view(replace(samples.primary(), sip=(slow, quick)))], limits_of_two)
    for key, mode, second in told:
        name = "exec" if key == MODE else "http"
        when = samples.BEGIN.plus(second)
        reading = replace(samples.sip(mode, source=name), asked=when, answered=when, lag_seconds=0)
        at.put(*PLACE, key, reading, when)
    return at


def effective(at: Board, second: float) -> tuple[str, SipMode]:
    """Return which source decides at a moment, and the mode."""
    host = at.snapshot(samples.BEGIN.plus(second)).views[0].hosts[0]
    return host.effective_sip.source, host.mode


def test_a_stale_source_never_outvotes_a_fresh_one() -> None:
    """What comes first in order and is too old neither decides nor counts as a change."""
    at = two_sources((MODE, P, 0), (SECOND, B, 44))
    assert effective(at, 44) == ("exec", P)
    assert effective(at, 45.01) == ("http", B)
    at.put(*PLACE, SECOND, mode_at(B, samples.BEGIN.plus(46)), samples.BEGIN.plus(46))
    history = at.snapshot(samples.BEGIN.plus(46)).history[PLACE]
    assert history == ModeHistory(B, samples.BEGIN.plus(45.75).utc, 1)


def test_a_failing_source_leaves_the_mode_to_the_next() -> None:
    """No source that knows nothing decides while another knows."""
    at = two_sources((MODE, P, 0), (SECOND, B, 1), (MODE, U, 2))
    assert effective(at, 2) == ("http", B)


def test_an_older_answer_gives_way_to_a_newer_change() -> None:
    """The mode changed after the first source answered: the quick one tells it at once."""
    at = two_sources((MODE, P, 0), (SECOND, P, 1), (SECOND, B, 2))
    assert effective(at, 2) == ("http", B)
    assert at.snapshot(samples.BEGIN.plus(2)).history[PLACE].changes == 1


def test_the_order_decides_again_once_the_first_source_has_answered() -> None:
    """Two sources that contradict each other for long do not take turns."""
    at = two_sources((MODE, P, 0), (SECOND, P, 1), (SECOND, B, 2), (MODE, P, 15), (SECOND, B, 29))
    assert effective(at, 15) == ("exec", P)
    assert effective(at, 29) == ("exec", P)


def test_each_source_keeps_what_it_says() -> None:
    """Whoever decides, both readings stand on the board as they are."""
    at = two_sources((MODE, P, 0), (SECOND, P, 1), (SECOND, B, 2))
    sip = at.snapshot(samples.BEGIN.plus(2)).views[0].hosts[0].sip
    assert [(reading.source, reading.value.mode) for reading in sip] == [("exec", P), ("http", B)]


def test_each_reading_has_a_name_of_its_own() -> None:
    """Readings are named by what they read, sources of one kind by their order."""
    host = samples.primary()
    two = replace(host, sip=(host.sip[0], host.sip[0]))
    assert [label_of(two, key) for key in keys_of(two)] == [
        "mode_http",
        "mode_http_2",
        "node",
        "port_5070",
        "params",
    ]
