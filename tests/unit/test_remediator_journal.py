"""The durable record, in SQLite and PostgreSQL: what is written stays, what is open stays open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from cluster.clock import utc_text
from remediator import webhook
from remediator.journal import MAX_ROWS, Journal
from remediator.journal_schema import SCHEMA_VERSION, JournalRow, Kind, detail_text, row_of
from remediator.webhook import AlertOutcome
from tests.unit import remediator_samples as samples
from tests.unit.conftest import Database

NOW = "2024-06-11T21:47:03.250Z"
STARTED = "2024-06-11T21:47:01.250Z"


@pytest.fixture
def clock() -> samples.FakeClock:
    """Return a clock that stands at `BEGIN`."""
    return samples.FakeClock()


@pytest.fixture
def journal(database: Database, clock: samples.FakeClock) -> Iterator[Journal]:
    """Return an empty journal."""
    made = database.open(clock)
    yield made
    made.close()


def decide(journal: Journal, *, reason: str = "", cluster: str = "quito", **more: str) -> int:
    """Write a decision that carries nothing out."""
    values = {"row": "no_primary", "outcome": "held", "trigger": "hold", "level": "enforce"} | more
    return journal.record_decision(cluster, reason=reason, detail={"why": "so"}, **values)


def intend(journal: Journal, parent: int = 5, host: str = "quito-1") -> int:
    """Write the intent of an action."""
    return journal.open_action(
        "quito",
        parent=parent,
        host=host,
        port="5080",
        verb="enable",
        row="primary_closed",
        detail={"before": "so"},
    ).id


# Durability


def test_what_is_written_is_seen_by_others_at_once(journal: Journal, database: Database) -> None:
    """Alerts, decisions, actions and notes are there when the call returns."""
    journal.record_alerts([samples.alert()], "webhook")
    parent = journal.open_decision(
        "quito", row="primary_closed", trigger="alert", level="enforce", detail={}
    )
    intend(journal, parent)
    journal.open_note(Kind.PERSON, "quito", "", "bug", "it broke")
    journal.record_event("started", {"clusters": 2})
    assert database.seen("select id, kind, outcome from journal order by id") == [
        (1, "alert", None),
        (2, "decision", None),
        (3, "action", None),
        (4, "person", None),
        (5, "service", "started"),
    ]


def test_open_rows_survive_the_program(
    journal: Journal, database: Database, clock: samples.FakeClock
) -> None:
    """Without a close, as after a crash, another journal on it finds what was open."""
    ended = intend(journal, host="quito-2")
    journal.end([ended], "verified")
    left = intend(journal, parent=7)
    after = database.open(clock)
    try:
        (row,) = after.open_rows(Kind.ACTION)
        assert row == JournalRow(
            id=left,
            at=NOW,
            kind=Kind.ACTION,
            cluster="quito",
            host="quito-1",
            port="5080",
            verb="enable",
            row="primary_closed",
            last_at=NOW,
            parent=7,
            detail={"before": "so"},
            number=1_718_142_423_251,
        )
        after.end([left], "found_done")
        assert journal.open_rows(Kind.ACTION) == []
    finally:
        after.close()


# Alerts


def test_an_accepted_alert_opens_its_episode(journal: Journal) -> None:
    """The row has everything that is kept of the alert, and is open."""
    journal.record_alerts([samples.alert()], "webhook")
    assert journal.rows() == [
        JournalRow(
            id=1,
            at=NOW,
            kind=Kind.ALERT,
            cluster="quito",
            host="quito-1",
            port="5080",
            last_at=NOW,
            trigger="webhook",
            fingerprint="f1",
            starts_at=STARTED,
            detail={"alertname": "SipServerBecamePrimary"},
        )
    ]


def test_an_episode_is_one_row_that_counts(journal: Journal, clock: samples.FakeClock) -> None:
    """The same alert again, by webhook or resync, counts on its row."""
    journal.record_alerts([samples.alert()], "webhook")
    clock.move(30)
    journal.record_alerts([samples.alert()], "resync")
    clock.move(30)
    journal.record_alerts([samples.alert(), samples.alert()], "webhook")
    (row,) = journal.rows()
    assert (row.count, row.at, row.last_at) == (4, NOW, "2024-06-11T21:48:03.250Z")
    assert (row.outcome, row.trigger) == (None, "webhook")


def test_an_episode_twice_in_its_first_batch_is_one_row(journal: Journal) -> None:
    """A batch may name an episode twice before any row of it exists."""
    journal.record_alerts([samples.alert(), samples.alert()], "webhook")
    assert [row.count for row in journal.rows()] == [2]


def test_an_ended_episode_that_fires_on_opens_again(journal: Journal) -> None:
    """A look ended the row, the alert comes again: it is to be looked at again."""
    journal.record_alerts([samples.alert()], "webhook")
    journal.end([1], "remediated")
    assert journal.open_rows(Kind.ALERT) == []
    journal.record_alerts([samples.alert()], "webhook")
    (row,) = journal.open_rows(Kind.ALERT, "quito")
    assert (row.id, row.count, row.ended_at) == (1, 2, None)


def test_another_start_is_another_episode(journal: Journal) -> None:
    """Fingerprint and start make the episode; so do cluster and outcome."""
    alerts = [
        samples.alert(),
        samples.alert(starts_at=samples.FIRED.replace(hour=22)),
        samples.alert(fingerprint="f2"),
        samples.alert(on="lima"),
        samples.alert(AlertOutcome.RESOLVED),
    ]
    for _ in range(2):
        journal.record_alerts(alerts, "webhook")
    assert [(row.id, row.count) for row in reversed(journal.rows())] == [
        (1, 2),
        (2, 2),
        (3, 2),
        (4, 2),
        (5, 2),
    ]


def test_an_alert_without_a_start_has_no_episode(journal: Journal) -> None:
    """It gets a row each time: nothing says that it is the same."""
    alert = samples.alert(starts_at=None)
    journal.record_alerts([alert, alert], "webhook")
    journal.record_alerts([alert], "webhook")
    assert [(row.count, row.starts_at) for row in journal.rows()] == [(1, None)] * 3


@pytest.mark.parametrize("outcome", [o for o in AlertOutcome if o is not AlertOutcome.ACCEPTED])
def test_any_other_alert_is_recorded_as_ended(journal: Journal, outcome: AlertOutcome) -> None:
    """What asks for no look is in the record with its outcome, and is never open."""
    for _ in range(2):
        journal.record_alerts([samples.alert(outcome, problem="odd")], "webhook")
    (row,) = journal.rows()
    assert (row.outcome, row.reason, row.ended_at, row.count) == (outcome, outcome, NOW, 2)
    assert row.detail == {"alertname": "SipServerBecamePrimary", "problem": "odd"}


def test_resolved_leaves_the_open_episode_open(journal: Journal) -> None:
    """Resolved proves nothing: the row of the firing alert waits for its look."""
    journal.record_alerts([samples.alert()], "webhook")
    journal.record_alerts([samples.alert(AlertOutcome.RESOLVED)], "webhook")
    assert [row.id for row in journal.open_rows(Kind.ALERT)] == [1]


def test_a_batch_is_written_whole_or_not_at_all(journal: Journal) -> None:
    """A batch that fails in the middle leaves no row behind."""

    def alerts() -> Iterator[Any]:
        yield samples.alert(fingerprint="f1")
        yield samples.alert(fingerprint="f2", starts_at=None, name="\ud800")

    with pytest.raises(UnicodeEncodeError):
        journal.record_alerts(alerts(), "webhook")
    assert journal.rows() == []


def test_an_empty_batch_is_no_trouble(journal: Journal) -> None:
    """No alerts, no rows."""
    journal.record_alerts([], "resync")
    assert journal.rows() == []


def test_ten_thousand_alerts_are_taken_in_seconds(journal: Journal) -> None:
    """A flood, then the same flood again, each within the 10 s that Alertmanager waits."""
    flood = [
        samples.alert(
            AlertOutcome.ACCEPTED if n % 2 else AlertOutcome.UNKNOWN_CLUSTER,
            fingerprint=f"{n:016x}",
        )
        for n in range(10_000)
    ]
    for _ in range(2):
        began = time.monotonic()
        journal.record_alerts(flood, "webhook")
        assert time.monotonic() - began < 10
    rows = journal.rows(limit=MAX_ROWS)
    assert {row.count for row in rows} == {2}
    assert (rows[0].id, len(journal.open_rows(Kind.ALERT))) == (10_000, 5_000)


# Decisions, actions, notes


def test_equal_decisions_are_counted(journal: Journal, clock: samples.FakeClock) -> None:
    """The same hold again is one row with a count, its first and its last time."""
    first = decide(journal, reason="no_primary")
    clock.move(15)
    assert decide(journal, reason="no_primary", trigger="alert") == first
    (row,) = journal.rows()
    assert (row.count, row.at, row.last_at, row.trigger) == (
        2,
        NOW,
        "2024-06-11T21:47:18.250Z",
        "hold",
    )
    assert (row.outcome, row.ended_at) == ("held", "2024-06-11T21:47:18.250Z")


@pytest.mark.parametrize(
    "change", [{"row": "right"}, {"reason": "bug"}, {"outcome": "right"}, {"level": "observe"}]
)
def test_another_decision_is_another_row(journal: Journal, change: dict[str, str]) -> None:
    """Row, reason, outcome and level make a decision; one that differs begins a new row."""
    first = decide(journal, reason="no_primary")
    second = decide(journal, **({"reason": "no_primary"} | change))
    third = decide(journal, reason="no_primary")
    assert [first, second, third] == [1, 2, 3]


def test_another_cluster_s_decision_does_not_come_between(journal: Journal) -> None:
    """Decisions are compared with the last one of the same cluster."""
    assert decide(journal) == 1
    assert decide(journal, cluster="lima") == 2
    assert decide(journal) == 1


def test_a_remediation_comes_between(journal: Journal) -> None:
    """Equal decisions before and after a remediation are two rows."""
    assert decide(journal) == 1
    journal.open_decision("quito", row="primary_closed", trigger="alert", level="x", detail={})
    assert decide(journal) == 3


def test_ended_rows_stay_as_they_are(journal: Journal, clock: samples.FakeClock) -> None:
    """What has ended is never ended again, and its particulars stay."""
    key = intend(journal)
    journal.end([key], "verified", detail={"after": "one"})
    clock.move(60)
    journal.end([key], "not_followed", parent=99, detail={"after": "two"})
    (row,) = journal.rows()
    assert (row.outcome, row.ended_at, row.parent, row.detail) == (
        "verified",
        NOW,
        5,
        {"after": "one"},
    )


def test_rows_end_together(journal: Journal) -> None:
    """Several rows are ended in one step, and can be given a parent; others stay open."""
    keys = [intend(journal) for _ in range(3)]
    journal.end(keys[:2], "verified", parent=77)
    assert [(row.outcome, row.parent) for row in reversed(journal.rows())] == [
        ("verified", 77),
        ("verified", 77),
        (None, 5),
    ]
    journal.end([], "verified")
    assert len(journal.open_rows(Kind.ACTION)) == 1


def test_a_note_is_opened_once(journal: Journal) -> None:
    """While a note is open the same one is not opened again; after its end it is."""
    for _ in range(2):
        journal.open_note(Kind.FENCE, "quito", "quito-2", "fence_pending", "it is gone")
    journal.open_note(Kind.FENCE, "quito", "quito-1", "fence_pending", "it is gone too")
    journal.open_note(Kind.FENCE, "lima", "lima-1", "fence_pending", "and this")
    assert [row.host for row in journal.open_rows(Kind.FENCE)] == ["quito-2", "quito-1", "lima-1"]
    journal.close_notes(Kind.FENCE, "quito", "closed", host="quito-2")
    assert [row.host for row in journal.open_rows(Kind.FENCE, "quito")] == ["quito-1"]
    journal.open_note(Kind.FENCE, "quito", "quito-2", "fence_pending", "again")
    assert [row.detail for row in journal.open_rows(Kind.FENCE, host="quito-2")] == [
        {"text": "again"}
    ]


def test_notes_of_a_cluster_are_closed_together(journal: Journal) -> None:
    """Without a host all notes of the kind end, others' and other kinds' stay."""
    journal.open_note(Kind.PERSON, "quito", "", "bug", "a")
    journal.open_note(Kind.PERSON, "lima", "", "bug", "b")
    journal.open_note(Kind.FENCE, "quito", "quito-2", "fence_pending", "c")
    journal.close_notes(Kind.PERSON, "quito", "right")
    assert [row.outcome for row in reversed(journal.rows())] == ["right", None, None]


# Queries


def test_rows_are_found(journal: Journal) -> None:
    """By cluster and kind, newest first, page by page."""
    for n in range(4):
        decide(journal, reason=f"r{n}", cluster="quito" if n % 2 else "lima")
    intend(journal)
    assert [row.id for row in journal.rows()] == [5, 4, 3, 2, 1]
    assert [row.id for row in journal.rows(cluster="quito")] == [5, 4, 2]
    assert [row.id for row in journal.rows(kind=Kind.DECISION, cluster="quito")] == [4, 2]
    assert [row.id for row in journal.rows(before=4, limit=2)] == [3, 2]
    assert [row.id for row in journal.open_rows(Kind.DECISION)] == []


def test_no_page_is_larger_than_allowed(journal: Journal) -> None:
    """However many rows are asked for, there are at most a thousand."""
    journal.record_alerts([samples.alert(fingerprint=f"f{n}") for n in range(1_003)], "webhook")
    assert len(journal.rows(limit=50_000)) == MAX_ROWS == 1000


def test_prune_deletes_old_ended_rows_only(journal: Journal, clock: samples.FakeClock) -> None:
    """Rows that are open, or whose last time is young, stay however old they are."""
    old_open = intend(journal)
    journal.end([intend(journal)], "verified")
    decide(journal, reason="counted")
    clock.move(100)
    decide(journal, reason="counted")
    clock.move(50)
    assert journal.prune(100.0) == 1
    assert [row.id for row in journal.rows()] == [3, old_open]
    clock.move(51)
    assert journal.prune(100.0) == 1
    assert [row.id for row in journal.rows()] == [old_open]
    assert journal.prune(0.5) == 0


def test_much_is_pruned_in_portions(journal: Journal, clock: samples.FakeClock) -> None:
    """Between two of them an intent is written: nothing waits until all is gone."""
    others = [samples.alert(AlertOutcome.RESOLVED, fingerprint=f"f{n}") for n in range(2500)]
    journal.record_alerts(others[:1200], "webhook")
    kept = intend(journal)
    journal.record_alerts(others[1200:], "webhook")
    clock.move(100)
    journal.record_alerts([samples.alert(AlertOutcome.RESOLVED, fingerprint="young")], "webhook")
    ended: list[object] = []
    sqlalchemy.event.listen(journal._store.engine, "commit", ended.append)
    assert journal.prune(50.0) == 2500
    assert len(ended) == 3
    assert [row.id for row in journal.rows()] == [2502, kept]


def test_ids_are_never_used_twice(journal: Journal, clock: samples.FakeClock) -> None:
    """After a prune the next row has a new id, so that a note of an id stays true."""
    journal.end([intend(journal)], "verified")
    clock.move(100)
    journal.prune(1.0)
    assert intend(journal) == 2


# Trouble


def test_a_sound_journal_is_writable_and_says_nothing(journal: Journal, database: Database) -> None:
    """The trial leaves no row behind."""
    assert journal.why_unwritable() is None
    assert journal.rows() == []
    assert database.seen("select version from schema_version") == [(SCHEMA_VERSION,)]


# Rows


def test_particulars_keep_their_words() -> None:
    """Text of any language, sorted keys, and what JSON does not know as its text."""
    text = detail_text({"zone": "東京", "at": Path("a/b"), "n": None})
    assert text == '{"at": "a/b", "n": null, "zone": "東京"}'


def test_a_row_is_made_of_its_values() -> None:
    """Kind and particulars are read back as what they were."""
    values = {"id": 3, "at": NOW, "kind": "fence", "detail": '{"text": "gone"}'}
    assert row_of(values) == JournalRow(3, NOW, Kind.FENCE, detail={"text": "gone"})


def test_a_note_for_another_reason_replaces_the_open_one(journal: Journal) -> None:
    """Who reads why a person is needed reads the present reason."""
    journal.open_note(Kind.PERSON, "quito", "", "bug", "a bug")
    journal.open_note(Kind.PERSON, "quito", "", "bug", "a bug")
    journal.open_note(Kind.PERSON, "quito", "", "rule_differs", "another rule")

    assert [(row.reason, row.outcome) for row in journal.rows()] == [
        ("rule_differs", None),
        ("bug", "replaced"),
    ]


def test_open_alerts_are_told_by_cluster_and_tell_when_one_comes_again(
    journal: Journal, clock: samples.FakeClock
) -> None:
    """Who asks again sees whether anything came since."""
    now, later = (utc_text(clock.now().plus(seconds).utc) for seconds in (0, 7))
    assert journal.open_alerts() == {}
    journal.record_alerts([samples.alert(), samples.alert(on="lima")], "webhook")
    assert journal.open_alerts() == {"quito": (1, 1, 1, now), "lima": (2, 1, 1, now)}
    clock.move(7)
    journal.record_alerts([samples.alert()], "webhook")
    journal.end([2], "right")
    assert journal.open_alerts() == {"quito": (1, 1, 2, later)}


def test_what_the_driver_cannot_write_is_replaced(journal: Journal) -> None:
    """A label may hold what no database takes; it costs neither its neighbours nor the batch."""
    parsed = webhook.judge(
        {"labels": {"cluster": "quito", "host": "a\x00b\ud800"}, "fingerprint": "f\x00"}, {"quito"}
    )
    journal.record_alerts([parsed, samples.alert()], "webhook")
    assert [(row.host, row.fingerprint) for row in journal.rows()] == [
        ("quito-1", "f1"),
        ("a?b?", "f?"),
    ]
    assert journal.rows(cluster="a\x00b") == []
