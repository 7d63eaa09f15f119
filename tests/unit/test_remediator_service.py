"""The running service with a fake executor: which looks happen, and what becomes of alerts."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from cluster.config_model import Cluster
from remediator.journal import Journal, JournalError
from remediator.journal_schema import JournalRow, Kind
from remediator.look_result import Ending, LookResult
from remediator.looks import Trigger
from remediator.planner import plan
from remediator.resync import Resync
from remediator.rows import Hold
from remediator.service import Service
from remediator.webhook import Alert, AlertOutcome, PayloadError
from tests.unit import remediator_samples as samples

PATIENCE_SECONDS = 20.0
"""How long a test waits for what must happen; it is only reached when it fails."""


def result(ending: Ending, hold: Hold | None = None) -> LookResult:
    """Return how a look ended."""
    view = samples.healthy()
    return LookResult(ending, view, plan(view), hold, "because" if hold else "")


@dataclass
class FakeExecutor:
    """Says what is looked at, and ends each look as the test answers."""

    begun: Queue[tuple[str, str]] = field(default_factory=Queue)
    answers: dict[str, Queue[LookResult | Exception]] = field(default_factory=dict)
    stops: list[bool] = field(default_factory=list)

    def look(self, cluster: Cluster, trigger: Trigger, stop: threading.Event) -> LookResult:
        """Wait for the test's answer."""
        self.begun.put((cluster.name, trigger.label))
        answer = self.answers[cluster.name].get(timeout=PATIENCE_SECONDS)
        self.stops.append(stop.is_set())
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeResync(Resync):
    """An Alertmanager that answers as the test says."""

    def __init__(self) -> None:
        super().__init__((), ())
        self.alerts: list[Alert] = []
        self.asked = 0
        self.was_asked = threading.Event()

    def firing(self) -> list[Alert]:
        """Return the alerts that the test has set."""
        self.asked += 1
        alerts = self.alerts
        self.was_asked.set()
        return alerts


class Site:
    """A service on a real journal, started unless told otherwise, and its surroundings."""

    def __init__(self, folder: Path, workers: int = 5, remediator: str = "") -> None:
        self.file = folder / "journal.db"
        self.config = samples.config(journal=self.file, workers=workers, remediator=remediator)
        self.clock = samples.FakeClock()
        self.journal = Journal(self.config.remediator.journal.url, self.clock)
        self.registry = CollectorRegistry()
        self.executor = FakeExecutor(
            answers={cluster.name: Queue() for cluster in self.config.clusters}
        )
        self.resync = FakeResync()
        self.service = Service(
            self.config,
            self.clock,
            self.executor,
            self.journal,
            samples.metrics(self.registry, self.config),
            self.resync,
        )

    def started(self) -> Site:
        """Start it and answer the looks of the start as right."""
        self.service.start()
        self.begun(2)
        for cluster in self.config.clusters:
            self.end(cluster.name)
        assert self.resync.was_asked.wait(PATIENCE_SECONDS)
        return self

    def begun(self, number: int = 1) -> list[tuple[str, str]]:
        """Return the next looks that begin, in alphabetical order."""
        return sorted(self.executor.begun.get(timeout=PATIENCE_SECONDS) for _ in range(number))

    def nothing_begins(self) -> bool:
        """Tell whether no look has begun that the test has not asked for."""
        try:
            self.executor.begun.get_nowait()
        except Empty:
            return True
        return False

    def end(self, name: str, answer: LookResult | Exception | None = None) -> None:
        """Answer the running look of a cluster and wait until the service has taken note."""
        before = self.service.last_look(name)
        self.executor.answers[name].put(answer or result(Ending.RIGHT))
        self.wait_for(lambda: self.service.last_look(name) is not before)

    def wait_for(self, what: Callable[[], bool]) -> None:
        """Wait until the service has come to something."""
        with self.service._changed:
            assert self.service._changed.wait_for(what, PATIENCE_SECONDS)

    def move(self, seconds: float) -> None:
        """Let time pass and the dispatcher see it."""
        self.clock.move(seconds)
        with self.service._changed:
            self.service._changed.notify_all()

    def alert(self, *names: str, fingerprint: str = "f1", **more: Any) -> None:
        """Send a webhook with a repair alert for each cluster."""
        alerts = [samples.sent(samples.labels(name), fingerprint=fingerprint) for name in names]
        self.service.accept(samples.body(alerts, **more))

    def value(self, metric: str, **labels: str) -> float | None:
        """Return what a metric says."""
        return self.registry.get_sample_value(f"sipnlb_remediator_{metric}", labels)

    def alerts(self) -> list[tuple[str, str | None]]:
        """Return fingerprint and outcome of the alerts in the journal, oldest first."""
        rows: list[JournalRow] = self.journal.rows(kind=Kind.ALERT)
        return [(row.fingerprint, row.outcome) for row in reversed(rows)]

    def destroy_journal(self) -> None:
        """Take the table away, as a broken disk would."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("alter table journal rename to gone")
            connection.commit()

    def mend_journal(self) -> None:
        """Give it back."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("alter table gone rename to journal")
            connection.commit()

    def close(self) -> None:
        """Stop; whatever look still runs ends as stopped."""
        for answers in self.executor.answers.values():
            for _ in range(5):
                answers.put(result(Ending.STOPPED))
        self.service.stop()
        self.journal.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site whose service is not started yet."""
    made = Site(tmp_path)
    yield made
    made.close()


# Which looks happen


def test_every_cluster_is_looked_at_at_the_start(site: Site) -> None:
    """Once each, side by side, and the start is in the journal."""
    site.service.start()
    assert site.begun(2) == [("lima", "start"), ("quito", "start")]
    site.end("lima")
    site.end("quito")
    assert site.service.seconds_to_waiting_look("quito") is None
    (row,) = site.journal.rows(kind=Kind.SERVICE)
    assert (row.outcome, row.detail) == ("started", {"clusters": 2})


def test_many_alerts_are_one_look_running_and_one_waiting(site: Site) -> None:
    """However many alerts come for a cluster, its next look serves them all."""
    site.started()
    for number in range(20):
        site.alert("quito", fingerprint=f"f{number}")
    assert site.begun() == [("quito", "alert")]
    for number in range(20, 40):
        site.alert("quito", fingerprint=f"f{number}")
    assert site.service.seconds_to_waiting_look("quito") == 0.0
    assert site.nothing_begins()
    site.end("quito")
    assert site.begun() == [("quito", "alert")]
    site.end("quito")
    assert site.nothing_begins()
    assert {outcome for _, outcome in site.alerts()} == {"right"}


def test_clusters_are_looked_at_side_by_side(site: Site) -> None:
    """A look that hangs keeps no other cluster waiting."""
    site.started()
    site.alert("quito")
    assert site.begun() == [("quito", "alert")]
    site.alert("lima")
    assert site.begun() == [("lima", "alert")]
    site.end("lima")
    site.alert("lima")
    assert site.begun() == [("lima", "alert")]
    site.end("quito")


def test_one_webhook_may_name_many_clusters(site: Site) -> None:
    """Each gets its own look."""
    site.started()
    site.alert("lima", "quito", "lima")
    assert site.begun(2) == [("lima", "alert"), ("quito", "alert")]


def test_more_clusters_than_workers_wait_their_turn(tmp_path: Path) -> None:
    """With one worker the second cluster is looked at when the first is done."""
    site = Site(tmp_path, workers=1)
    try:
        site.service.start()
        ((first, _),) = site.begun()
        assert site.nothing_begins()
        site.end(first)
        second = {"lima": "quito", "quito": "lima"}[first]
        assert site.begun() == [(second, "start")]
        site.end(second)
    finally:
        site.close()


def test_an_alert_during_a_look_gets_a_look_of_its_own(site: Site) -> None:
    """The running look may have observed before it; so the alert stays open for the next."""
    site.started()
    site.alert("quito", fingerprint="before")
    site.begun()
    site.alert("quito", fingerprint="during")
    site.end("quito", result(Ending.REMEDIATED))
    assert site.alerts() == [("before", "remediated"), ("during", None)]
    assert site.begun() == [("quito", "alert")]
    site.end("quito", result(Ending.RIGHT))
    assert site.alerts() == [("before", "remediated"), ("during", "right")]


@pytest.mark.parametrize("ending", [Ending.RIGHT, Ending.REMEDIATED, Ending.OBSERVED])
def test_alerts_end_as_the_look_ends(site: Site, ending: Ending) -> None:
    """Each accepted alert has the ending of its look; other clusters' alerts stay open."""
    site.started()
    site.alert("quito", fingerprint="f1")
    site.alert("lima", fingerprint="f2")
    site.begun(2)
    site.end("quito", result(ending))
    assert site.alerts() == [("f1", ending), ("f2", None)]


def test_a_held_alert_ends_as_held(site: Site) -> None:
    """A hold is an outcome too; the cluster is looked at again without the alert."""
    site.started()
    site.alert("quito")
    site.begun()
    site.end("quito", result(Ending.HELD, Hold.NO_PRIMARY))
    assert site.alerts() == [("f1", "held")]
    assert site.service.seconds_to_waiting_look("quito") == 1.0


def test_a_hold_looks_again_by_itself(site: Site) -> None:
    """After 1, then 2 seconds, until nothing holds any more."""
    site.started()
    site.service.request("quito", Trigger.RECONCILE)
    assert site.begun() == [("quito", "reconcile")]
    site.end("quito", result(Ending.HELD, Hold.TWO_PRIMARIES))
    site.move(0.75)
    assert site.nothing_begins()
    assert site.service.seconds_to_waiting_look("quito") == 0.25
    site.move(0.25)
    assert site.begun() == [("quito", "hold")]
    site.end("quito", result(Ending.HELD, Hold.TWO_PRIMARIES))
    assert site.service.seconds_to_waiting_look("quito") == 2.0
    site.move(2.0)
    assert site.begun() == [("quito", "hold")]
    site.end("quito")
    assert site.service.seconds_to_waiting_look("quito") is None


@pytest.mark.parametrize(
    ("trigger", "ending", "seconds"),
    [
        (Trigger.RECONCILE, Ending.REMEDIATED, 7.0),
        (Trigger.ALERT, Ending.RIGHT, 7.0),
        (Trigger.RESYNC, Ending.RIGHT, 7.0),
        (Trigger.RECHECK, Ending.RIGHT, None),
        (Trigger.RECONCILE, Ending.RIGHT, 7.0),
        (Trigger.ALERT, Ending.OBSERVED, 1.0),
        (Trigger.ROUTINE, Ending.RIGHT, None),
    ],
)
def test_a_source_that_lags_is_asked_once_more(
    site: Site, trigger: Trigger, ending: Ending, seconds: float | None
) -> None:
    """After a remediation, and after "right" while an alert fires: the largest lag and a second."""
    site.started()
    site.service.request("quito", trigger)
    site.begun()
    site.end("quito", result(ending))
    assert site.service.seconds_to_waiting_look("quito") == seconds


def test_the_look_once_more_says_so(site: Site) -> None:
    """When it is due it is a recheck, and ends there."""
    site.started()
    site.alert("quito")
    site.begun()
    site.end("quito")
    site.move(7.0)
    assert site.begun() == [("quito", "recheck")]
    site.end("quito")
    assert site.service.seconds_to_waiting_look("quito") is None


# Trouble


def test_an_unwritable_journal_holds_its_cluster_alone(site: Site) -> None:
    """The look is held and tried again, the alert stays open, other clusters go on."""
    site.started()
    site.alert("quito")
    site.begun()
    site.end("quito", JournalError("journal", "the journal does not answer: full", "make room"))
    last = site.service.last_look("quito")
    assert last is not None
    assert (last.hold, last.result) == (Hold.JOURNAL_UNWRITABLE, None)
    assert last.text == "journal: the journal does not answer: full (make room)"
    assert site.alerts() == [("f1", None)]
    assert site.value("holds_total", reason="journal_unwritable") == 1.0
    site.alert("lima", fingerprint="f2")
    assert site.begun() == [("lima", "alert")]
    site.end("lima")
    site.move(1.0)
    assert site.begun() == [("quito", "hold")]
    site.end("quito", result(Ending.REMEDIATED))
    assert site.alerts() == [("f1", "remediated"), ("f2", "right")]


def test_a_journal_that_cannot_be_read_begins_no_look(site: Site) -> None:
    """Without the journal the executor is not even asked; it is tried again."""
    site.started()
    site.destroy_journal()
    before = site.service.last_look("quito")
    site.service.request("quito", Trigger.RECONCILE)
    site.wait_for(lambda: site.service.last_look("quito") is not before)
    last = site.service.last_look("quito")
    assert last is not None
    assert last.hold is Hold.JOURNAL_UNWRITABLE
    assert site.nothing_begins()
    site.mend_journal()
    site.move(1.0)
    assert site.begun() == [("quito", "hold")]


def test_a_bug_in_a_look_holds_its_cluster_alone(site: Site) -> None:
    """It is said, counted and a person is called; the alert stays open and others go on."""
    site.started()
    site.alert("quito")
    site.begun()
    site.end("quito", ZeroDivisionError("division by zero"))
    last = site.service.last_look("quito")
    assert last is not None
    assert (last.hold, last.text) == (Hold.BUG, "ZeroDivisionError: division by zero")
    (person,) = site.journal.open_rows(Kind.PERSON)
    assert (person.cluster, person.reason) == ("quito", "bug")
    assert person.detail["text"] == "ZeroDivisionError: division by zero"
    assert site.alerts() == [("f1", None)]
    assert site.value("holds_total", reason="bug") == 1.0
    site.alert("lima")
    assert site.begun() == [("lima", "alert")]
    site.end("lima")
    site.move(1.0)
    assert site.begun() == [("quito", "hold")]


def test_a_bug_without_a_journal_is_a_hold_all_the_same(site: Site) -> None:
    """Even when it cannot be written down, the cluster is held and looked at again."""
    site.started()
    site.service.request("quito", Trigger.RECONCILE)
    site.begun()
    site.destroy_journal()
    site.end("quito", RuntimeError("odd"))
    last = site.service.last_look("quito")
    assert last is not None
    assert (last.hold, last.text) == (Hold.BUG, "RuntimeError: odd")
    site.mend_journal()
    site.move(1.0)
    assert site.begun() == [("quito", "hold")]


# Taking alerts in


def test_alerts_are_written_before_the_answer(site: Site) -> None:
    """Accepted ones open, others ended, each counted; the start of the alert is timed."""
    site.started()
    payload = site.service.accept(
        samples.body(
            [
                samples.sent(fingerprint="f1"),
                samples.sent(fingerprint="f2", status="resolved"),
                samples.sent(samples.labels("cusco"), fingerprint="f3"),
                samples.sent({"remediate": "true"}, fingerprint="f4"),
                samples.sent({}, fingerprint="f5"),
                7,
            ]
        )
    )
    outcomes = ["accepted", "resolved", "unknown_cluster", "no_cluster", "not_for_repair"]
    assert [str(alert.outcome) for alert in payload.alerts] == [*outcomes, "malformed"]
    assert dict(site.alerts()) == {
        "f1": None,
        "f2": "resolved",
        "f3": "unknown_cluster",
        "f4": "no_cluster",
        "f5": "not_for_repair",
        "": "malformed",
    }
    for outcome in [*outcomes, "malformed"]:
        assert site.value("alerts_total", outcome=outcome) == 1.0
    assert site.value("stage_duration_seconds_sum", stage="alert") == 2.0
    assert site.value("stage_duration_seconds_count", stage="webhook") == 1.0
    assert site.begun() == [("quito", "alert")]
    assert site.nothing_begins()


def test_resolved_alone_looks_at_nothing(site: Site) -> None:
    """Resolved triggers nothing and proves nothing."""
    site.started()
    site.service.accept(samples.body([samples.sent(status="resolved")]))
    assert site.alerts() == [("f1", "resolved")]
    assert site.service.seconds_to_waiting_look("quito") is None
    assert site.nothing_begins()


def test_the_watchdog_is_seen_and_not_written(site: Site) -> None:
    """It comes every minute; the journal is not for it, and it is no reason to look."""
    site.started()
    before = site.service.watchdog_seen
    assert before is None
    site.service.accept(samples.body([samples.sent({"sipnlb": "watchdog"})]))
    assert site.service.watchdog_seen == samples.BEGIN
    assert (site.alerts(), site.nothing_begins()) == ([], True)
    assert site.value("alerts_total", outcome="watchdog") == 1.0


def test_a_refused_payload_leaves_nothing_behind(site: Site) -> None:
    """No row, no count, no look."""
    site.started()
    with pytest.raises(PayloadError, match="alerts is not a list"):
        site.service.accept(b'{"version": "4"}')
    assert (site.alerts(), site.nothing_begins()) == ([], True)


def test_alerts_that_cannot_be_written_are_not_taken(site: Site) -> None:
    """Without the journal nothing is counted, nothing looked at; the sender tries again."""
    site.started()
    site.destroy_journal()
    with pytest.raises(JournalError):
        site.alert("quito")
    assert site.value("alerts_total", outcome="accepted") == 0.0
    assert site.service.seconds_to_waiting_look("quito") is None
    site.mend_journal()
    assert site.alerts() == []
    site.alert("quito")
    assert site.begun() == [("quito", "alert")]


def test_left_out_alerts_are_asked_for(site: Site) -> None:
    """A payload that leaves alerts out makes the service ask for all of them."""
    site.started()
    site.resync.alerts = [samples.alert(on="lima", fingerprint="f9")]
    asked = site.resync.asked
    site.alert("quito", truncatedAlerts=3)
    assert sorted(site.begun(2)) == [("lima", "resync"), ("quito", "alert")]
    assert site.resync.asked == asked + 1


def test_a_remediation_is_timed_from_its_alert(site: Site) -> None:
    """From the earliest start of its alerts to its end; one that was right is not timed."""
    site.started()
    later = samples.sent(fingerprint="f2", starts_at="2024-06-11T21:47:03.000Z")
    site.service.accept(samples.body([later, samples.sent()]))
    site.begun()
    site.clock.move(1.5)
    site.end("quito", result(Ending.REMEDIATED))
    assert site.value("remediation_duration_seconds_sum") == 3.5
    site.alert("lima")
    site.begun()
    site.end("lima", result(Ending.RIGHT))
    assert site.value("remediation_duration_seconds_count") == 1.0


# Resync


def test_firing_alerts_are_asked_for_at_the_start(tmp_path: Path) -> None:
    """An alert whose webhook was lost is looked at, with the look of the start or after it."""
    site = Site(tmp_path)
    site.resync.alerts = [samples.alert(fingerprint="f7")]
    try:
        site.service.start()
        begun = site.begun(2)
        site.end("quito")
        site.end("lima")
        if ("quito", "resync") not in begun:
            assert site.begun() == [("quito", "resync")]
            site.end("quito")
        row = site.journal.rows(kind=Kind.ALERT)[0]
        assert (row.fingerprint, row.trigger) == ("f7", "resync")
    finally:
        site.close()


def test_a_resync_that_cannot_be_written_looks_at_nothing(site: Site) -> None:
    """It comes again by itself; what is not in the journal is not acted on."""
    site.started()
    site.resync.alerts = [samples.alert(on="lima")]
    site.destroy_journal()
    site.service._resync_now()
    assert site.service.seconds_to_waiting_look("lima") is None
    site.mend_journal()
    site.service._resync_now()
    assert site.begun() == [("lima", "resync")]


def test_the_journal_is_pruned(site: Site) -> None:
    """Ended rows older than the retention go; a journal that does not answer is left in peace."""
    site.journal.record_event("started", {"clusters": 1})
    site.clock.move(91 * 86400)
    site.service._pruning.if_due()
    assert site.journal.rows() == []
    site.destroy_journal()
    site.clock.move(86400)
    site.service._pruning.if_due()
    site.mend_journal()


# Stopping, readiness


def test_stop_waits_for_the_running_look(site: Site) -> None:
    """What has begun is finished and recorded before the program ends; no further look begins."""
    site.started()
    site.alert("quito")
    site.begun()
    site.service.request("lima", Trigger.RECONCILE)
    site.begun()
    stopping = threading.Thread(target=site.service.stop)
    stopping.start()
    site.wait_for(lambda: site.service.stopping)
    site.service.request("quito", Trigger.ALERT)
    for thread in site.service._threads:
        thread.join(PATIENCE_SECONDS)
    stopping.join(0.2)
    assert stopping.is_alive()
    assert [row.outcome for row in site.journal.rows(kind=Kind.SERVICE)] == ["started"]
    site.end("quito", result(Ending.STOPPED))
    assert stopping.is_alive()
    site.end("lima")
    stopping.join(PATIENCE_SECONDS)
    assert not stopping.is_alive()
    assert site.executor.stops[-2:] == [True, True]
    assert [row.outcome for row in site.journal.rows(kind=Kind.SERVICE)] == ["stopped", "started"]
    assert site.alerts() == [("f1", None)]
    assert site.nothing_begins()


def test_a_stop_without_a_journal_ends_all_the_same(site: Site) -> None:
    """A broken journal keeps nobody from stopping."""
    site.started()
    site.destroy_journal()
    site.service.stop()
    site.mend_journal()
    assert [row.outcome for row in site.journal.rows(kind=Kind.SERVICE)] == ["started"]


def test_a_sound_service_is_ready(site: Site) -> None:
    """With a journal and a watchdog not older than three minutes there is no reason against it."""
    site.started()
    assert site.service.why_not_ready() == []
    site.clock.move(180)
    assert site.service.why_not_ready() == []
    site.service.accept(samples.body([samples.sent({"sipnlb": "watchdog"})]))
    site.clock.move(180)
    assert site.service.why_not_ready() == []


def test_what_keeps_it_from_its_work_is_said(site: Site) -> None:
    """A late watchdog, a broken journal and a stop are said together."""
    site.started()
    site.clock.move(200)
    assert site.service.why_not_ready() == [
        "no watchdog alert for 200 s: Prometheus or Alertmanager does not reach us"
    ]
    site.service.accept(samples.body([samples.sent({"sipnlb": "watchdog"})]))
    site.clock.move(190.6)
    with closing(sqlite3.connect(site.file)) as connection:
        connection.execute("alter table journal rename to gone")
        connection.commit()
    site.service.stop()
    assert site.service.why_not_ready() == [
        "it is stopping",
        "the journal does not answer: no such table: journal",
        "no watchdog alert for 191 s: Prometheus or Alertmanager does not reach us",
    ]


def test_the_last_time_right_is_kept(site: Site) -> None:
    """Right and remediated count as verified, held and observed do not."""
    site.started()
    assert site.service.verified == {"quito": samples.BEGIN.utc, "lima": samples.BEGIN.utc}
    site.clock.move(5)
    site.service.request("quito", Trigger.RECONCILE)
    site.begun()
    site.end("quito", result(Ending.OBSERVED))
    site.service.request("lima", Trigger.RECONCILE)
    site.begun()
    site.end("lima", result(Ending.REMEDIATED))
    assert site.service.verified == {
        "quito": samples.BEGIN.utc,
        "lima": samples.BEGIN.plus(5).utc,
    }


def test_accepted_is_the_only_outcome_that_looks(site: Site) -> None:
    """Of all outcomes of alerts, only an accepted one is a reason to look."""
    site.started()
    others = [samples.alert(o) for o in AlertOutcome if o is not AlertOutcome.ACCEPTED]
    site.service._request_for(others, Trigger.ALERT)
    assert site.service.seconds_to_waiting_look("quito") is None


# Found by review


def test_the_routine_look_is_a_next_look_too(tmp_path: Path) -> None:
    """Where no look waits it is the one to come; who asks is not told that there is none."""
    site = Site(tmp_path)
    try:
        assert site.service.seconds_to_next_look("quito") is None
        site.started()
        due = site.service.seconds_to_next_look
        until = time.monotonic() + PATIENCE_SECONDS
        while due("quito") is None and time.monotonic() < until:  # its thread has just started
            time.sleep(0.01)
        site.clock.move(12.5)
        assert due("quito") == 47.5
        site.service._board.request("quito", Trigger.RECHECK, site.clock.now().monotonic + 2.5)
        assert due("quito") == 2.5
        site.clock.move(99)
        assert due("lima") == 0.0
    finally:
        site.close()


def test_a_loop_that_fails_goes_on(site: Site) -> None:
    """An unexpected error in a background thread is said, and does not end the thread."""

    class Failing(FakeResync):
        def firing(self) -> list[Alert]:
            super().firing()
            if self.asked == 1:
                raise RuntimeError("a bug")
            return []

    site.resync = site.service.resync = failing = Failing()
    site.service.start()
    site.begun(2)
    for cluster in site.config.clusters:
        site.end(cluster.name)
    assert failing.was_asked.wait(PATIENCE_SECONDS)
    site.alert("quito", truncatedAlerts=1)
    site.begun()
    site.end("quito")

    assert all(thread.is_alive() for thread in site.service._threads)


def test_an_alert_that_comes_again_during_a_look_is_not_ended_by_it(site: Site) -> None:
    """The look began before it: only the waiting look can end it."""
    site.started()
    site.alert("quito")
    site.begun()
    site.alert("quito")
    site.end("quito", result(Ending.REMEDIATED))

    assert [row.outcome for row in site.journal.rows(kind=Kind.ALERT)] == [None]
    site.begun()
    site.end("quito")
    site.wait_for(lambda: site.journal.rows(kind=Kind.ALERT)[0].outcome == "right")


def test_a_person_who_asks_is_heard_among_alerts(site: Site) -> None:
    """A reconcile that waits together with an alert stays one: failed actions are tried again."""
    site.started()
    site.alert("quito")
    site.begun()
    site.service.request("quito", Trigger.RECONCILE)
    site.alert("quito")
    site.end("quito")

    assert site.begun() == [("quito", "reconcile")]
    site.end("quito")


def test_a_look_that_was_asked_for_is_known_by_its_number(site: Site) -> None:
    """A running look began before the request, so that the one after it has the number."""
    site.started()
    first = site.service.request("quito", Trigger.ALERT)
    site.begun()
    second = site.service.request("quito", Trigger.RECONCILE)
    site.end("quito")
    ended = site.service.last_look("quito")
    assert ended is not None
    assert (ended.number, first, second) == (2, 2, 3)

    assert site.begun() == [("quito", "reconcile")]
    site.end("quito")
    ended = site.service.last_look("quito")
    assert ended is not None
    assert ended.number == 3
    assert site.service.request("lima", Trigger.RECONCILE) == 2


class PassingClock(samples.FakeClock):
    """A clock on which waiting lets the time pass."""

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Let the time pass at once."""
        self.move(seconds)
        return wake.is_set()


def test_a_cluster_that_waits_for_no_look_is_looked_at_once_in_a_while(tmp_path: Path) -> None:
    """Each interval a look is asked for where none waits, with the least pressing trigger."""
    clock = PassingClock()
    given = samples.config(journal=tmp_path / "journal.db")
    journal = Journal(given.remediator.journal.url, clock)
    metrics = samples.metrics(CollectorRegistry(), given)
    service = Service(given, clock, FakeExecutor(answers={}), journal, metrics, FakeResync())
    service._board.request("lima", Trigger.RECHECK, 9999.0)

    service._routine_loop()

    assert clock.now().seconds_since(samples.BEGIN) == 60.0
    assert service._board.take(clock.now().monotonic, 5) == [("quito", Trigger.ROUTINE)]
    service.stop()
    service._routine_loop()
    assert service._board.take(clock.now().monotonic, 5) == []
