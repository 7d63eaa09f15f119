"""Edge: takes alerts in, decides when which cluster is looked at, and runs the looks.

Each cluster has at most one look running and one waiting; different clusters never wait for
each other (up to the number of workers).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol

from cluster import log
from cluster.clock import Clock, Instant
from cluster.config_model import Cluster, Config
from remediator import webhook
from remediator.expiry import expire
from remediator.journal import Journal, JournalError
from remediator.journal_schema import JournalRow, Kind
from remediator.journal_store import LeaseLostError
from remediator.leases import Leases, SoleLease
from remediator.look_result import Ending, LastLook, LookResult
from remediator.looks import LookBoard, Trigger
from remediator.metrics import Metrics
from remediator.persons import Persons
from remediator.pruning import Pruning
from remediator.readiness import WATCHDOG_MAX_AGE_SECONDS, why_not_ready
from remediator.replicas import Replicas
from remediator.resync import Resync
from remediator.rows import HOLD_TEXT, Hold
from remediator.webhook import Alert, AlertOutcome

IDLE_SECONDS = 3600.0
EXPIRY_SECONDS = 1.0
RETRY_SECONDS = 1.0
JOIN_SECONDS = 8.0


ALERTED = frozenset({Trigger.ALERT, Trigger.RESYNC, Trigger.TAKEOVER, Trigger.RECONCILE})
"""Reasons after which a cluster that is right is looked at once more."""


class Looking(Protocol):
    """What carries out a look; `remediator.executor.Executor` is the real one."""

    def look(self, cluster: Cluster, trigger: Trigger, stop: threading.Event) -> LookResult:
        """Look at a cluster until it is right or held."""


class Service:
    """The running remediator, without its web face."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        executor: Looking,
        journal: Journal,
        metrics: Metrics,
        resync: Resync,
        leases: Leases | None = None,
    ) -> None:
        """Wire it. leases: who may act on which cluster; None where nobody else can."""
        self._config = config
        self._clock = clock
        self._executor = executor
        self._metrics = metrics
        self._board = LookBoard()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._resync_wanted = threading.Event()
        self._pool = ThreadPoolExecutor(config.remediator.workers, thread_name_prefix="look")
        self._threads: list[threading.Thread] = []
        self._started = clock.now()
        self._last: dict[str, LastLook] = {}
        self._begun: dict[str, int] = {}
        self._watchdog: Instant | None = None
        self._routine_due: float | None = None
        self._pruning = Pruning(journal, clock, config.remediator.journal.retention)
        names = [cluster.name for cluster in config.clusters]
        self.replicas = Replicas(leases or SoleLease(), journal, clock, names)
        self.journal = journal
        self.resync = resync
        self.verified: dict[str, datetime] = {}

    def start(self) -> None:
        """Begin to work: look at every cluster once, then as alerts and holds call for it."""
        self._started = self._clock.now()
        self.journal.record_event("started", {"clusters": len(self._config.clusters)})
        self.replicas.begin()
        for cluster in self._config.clusters:
            self.request(cluster.name, Trigger.START)
        steps = {
            "dispatch": self._dispatch,
            "resync": self._resync_loop,
            "expiry": self._expiry_loop,
        }
        if self.replicas.leases.are_shared:
            steps["leases"] = self._lease_loop
        if self._config.remediator.routine_look > 0:
            steps["routine"] = self._routine_loop
        for name, step in steps.items():
            thread = threading.Thread(target=self._repeat, args=(step,), daemon=True, name=name)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Take no more alerts, finish and record the running actions, then end."""
        self._stop.set()
        self._resync_wanted.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        self._pool.shutdown(wait=True)
        try:
            self.journal.record_event("stopped", {})
        except JournalError as error:
            log.get("remediator").error("stop not recorded", problem=str(error))
        self.replicas.end()

    @property
    def stopping(self) -> bool:
        """Whether no more alerts are taken."""
        return self._stop.is_set()

    def accept(self, body: bytes) -> webhook.Payload:
        """Take a webhook in: judge its alerts, write them down, ask for looks.

        Returns when they are durable. Raises `PayloadError` for what Alertmanager would not
        send, `JournalError` if they cannot be written; then nothing was taken in.
        """
        arrived = self._clock.now()
        names = {cluster.name for cluster in self._config.clusters}
        payload = webhook.parse(body, names)
        if any(alert.outcome is AlertOutcome.WATCHDOG for alert in payload.alerts):
            self.journal.probe()  # the road is only open if its end can write
        self.journal.record_alerts(
            (a for a in payload.alerts if a.outcome is not AlertOutcome.WATCHDOG), "webhook"
        )
        for alert in payload.alerts:
            self._metrics.alert(alert.outcome)
            if alert.outcome is AlertOutcome.WATCHDOG:
                self._watchdog = arrived
            elif alert.outcome is AlertOutcome.ACCEPTED and alert.starts_at is not None:
                self._metrics.stage("alert", (arrived.utc - alert.starts_at).total_seconds())
        self._request_for(payload.alerts, Trigger.ALERT)
        if payload.truncated:
            self._resync_wanted.set()
        self._metrics.stage("webhook", self._clock.now().seconds_since(arrived))
        return payload

    def request(self, cluster: str, trigger: Trigger) -> int:
        """Ask for a look as soon as the cluster's running one has ended; return its number.

        A look of that number or a higher one began after this call.
        """
        with self._changed:
            self._board.request(cluster, trigger, self._clock.now().monotonic)
            self._changed.notify_all()
            return self._begun.get(cluster, 0) + 1

    def _request_for(self, alerts: tuple[Alert, ...] | list[Alert], trigger: Trigger) -> None:
        accepted = {a.cluster for a in alerts if a.outcome is AlertOutcome.ACCEPTED}
        for cluster in accepted:
            self.request(cluster, trigger)

    def _dispatch(self) -> None:
        """Hand due looks to the workers until told to stop."""
        with self._changed:
            now = self._clock.now().monotonic
            taken = self._board.take(now, self._config.remediator.workers)
            for cluster, _ in taken:
                self._begun[cluster] = self._begun.get(cluster, 0) + 1
            if not taken:
                due = self._board.next_due(self._config.remediator.workers)
                self._changed.wait(IDLE_SECONDS if due is None else max(0.0, due - now))
        for cluster, trigger in taken:
            try:
                self._pool.submit(self._look, cluster, trigger, self._begun[cluster])
            except RuntimeError:
                with self._changed:  # no thread to be had: it is not running, and still wanted
                    self._board.ended(cluster, None)
                    self._board.request(cluster, trigger, now + RETRY_SECONDS)
                raise

    def _repeat(self, step: Callable[[], None]) -> None:
        """Do something over and over until told to stop; an error in it does not end it."""
        while not self._stop.is_set():
            try:
                step()
            except Exception:  # noqa: BLE001 - boundary: a dead thread would be a silent outage
                log.get("remediator").exception("loop failed", hint=HOLD_TEXT[Hold.BUG])
                self._clock.wait(RETRY_SECONDS, self._stop)

    def _look(self, name: str, trigger: Trigger, number: int) -> None:
        """Run one look and say on the board how it ended."""
        cluster = self._config.cluster(name)
        assert cluster is not None
        result: LookResult | None = None
        hold: Hold | None = None
        text = ""
        try:
            self.replicas.admit(name)
            alerts = self.journal.open_rows(Kind.ALERT, name)
            result = self._executor.look(cluster, trigger, self._stop)
            hold, text = result.hold, result.text
            if result.ending is not Ending.STOPPED:
                self._end_alerts(alerts, result)
        except LeaseLostError as error:
            hold, text = Hold.LEASE_ELSEWHERE, error.problem
        except JournalError as error:
            hold, text = Hold.JOURNAL_UNWRITABLE, str(error)
            log.get("remediator").error("journal does not answer", cluster=name, problem=str(error))
        except Exception as error:  # noqa: BLE001 - boundary: one cluster's bug must not stop the others
            hold, text = Hold.BUG, f"{type(error).__name__}: {error}"
            log.get("remediator").exception("look failed", cluster=name, hint=HOLD_TEXT[Hold.BUG])
            self._call_person(name, text)
        if result is None and hold is not None:
            self._metrics.hold(hold)
        last = LastLook(self._clock.now(), trigger, result, hold, text, number)
        self._note_end(cluster, last)

    def _call_person(self, name: str, text: str) -> None:
        try:
            Persons(self.journal).call(name, Hold.BUG, text, (text,))
        except JournalError as error:
            log.get("remediator").error("bug not recorded", cluster=name, problem=str(error))

    def _end_alerts(self, alerts: list[JournalRow], result: LookResult) -> None:
        """End the alerts that were there before the look began."""
        self.journal.end_alerts(alerts, result.ending)
        starts = [row.starts_at for row in alerts if row.starts_at is not None]
        if result.ending is Ending.REMEDIATED and starts:
            began = datetime.fromisoformat(min(starts))
            self._metrics.remediated((self._clock.now().utc - began).total_seconds())

    def _note_end(self, cluster: Cluster, last: LastLook) -> None:
        ending = last.result.ending if last.result else None
        now = last.ended.monotonic
        with self._changed:
            self._last[cluster.name] = last
            if ending in {Ending.RIGHT, Ending.REMEDIATED}:
                self.verified[cluster.name] = last.ended.utc
            if last.hold is Hold.LEASE_ELSEWHERE:
                self._board.ended(cluster.name, None)  # it is looked at once the lease is here
            elif last.hold is not None:
                again = last.result.again_seconds if last.result else None
                self._board.held(cluster.name, last.hold, now, again)
            elif ending is Ending.OBSERVED:  # to see when, and by whom, it is put right
                self._board.held(cluster.name, ending, now)
            else:
                alerted = last.trigger in ALERTED
                again = ending is Ending.REMEDIATED or (ending is Ending.RIGHT and alerted)
                recheck = now + cluster.largest_lag + 1.0 if again else None
                self._board.ended(cluster.name, recheck)
            self._changed.notify_all()

    def _resync_loop(self) -> None:
        """Ask the Alertmanagers, prune the journal once a day, then wait for the interval."""
        self._resync_wanted.clear()
        self._resync_now()
        self._pruning.if_due()
        self._clock.wait(self._config.remediator.resync, self._resync_wanted)

    def _routine_loop(self) -> None:
        """Wait for the interval, then ask for a look at every cluster that waits for none.

        Who changes ports besides us is seen within that time, and it costs little.
        """
        interval = self._config.remediator.routine_look
        self._routine_due = self._clock.now().monotonic + interval
        if self._clock.wait(interval, self._stop):
            return
        for cluster in self._config.clusters:
            if self.seconds_to_waiting_look(cluster.name) is None:
                self.request(cluster.name, Trigger.ROUTINE)

    def _expiry_loop(self) -> None:
        """End the rows of pauses and approvals whose time is over."""
        expire(self._config, self.journal, self._clock)
        self._clock.wait(EXPIRY_SECONDS, self._stop)

    def _lease_loop(self) -> None:
        """Keep the leases, and take up what others wrote down for clusters that are ours."""
        self.replicas.turn(self.request, self._is_running, self._stop)

    def _is_running(self, cluster: str) -> bool:
        return self.seconds_to_waiting_look(cluster) == 0.0

    def _resync_now(self) -> None:
        alerts = self.resync.firing()
        try:
            self.journal.record_alerts(alerts, "resync")
        except JournalError as error:
            log.get("remediator").error("resync not recorded", problem=str(error))
            return
        self._request_for(alerts, Trigger.RESYNC)

    def last_look(self, cluster: str) -> LastLook | None:
        """Return how the last look at a cluster ended, None before the first."""
        return self._last.get(cluster)

    def seconds_to_next_look(self, cluster: str) -> float | None:
        """Return the seconds to a cluster's next look, be it the routine one; None for none.

        0.0 while one runs.
        """
        waiting, due = self.seconds_to_waiting_look(cluster), self._routine_due
        if waiting is not None or due is None:
            return waiting
        return max(0.0, due - self._clock.now().monotonic)

    def seconds_to_waiting_look(self, cluster: str) -> float | None:
        """Return the same of looks that there is a reason for."""
        with self._changed:
            if self._board.is_running(cluster):
                return 0.0
            due = self._board.due_of(cluster)
        return None if due is None else max(0.0, due - self._clock.now().monotonic)

    def lease_held(self, cluster: str) -> bool:
        """Return whether this remediator is the one that may act on a cluster."""
        return self.replicas.leases.standing(cluster).held

    @property
    def watchdog_seen(self) -> Instant | None:
        """When the watchdog alert last came, None if it has not since the start."""
        return self._watchdog

    @property
    def watchdog_grace_seconds(self) -> float | None:
        """How long the first watchdog alert is still waited for; None once one has come."""
        if self._watchdog is not None:
            return None
        age = self._clock.now().seconds_since(self._started)
        return max(0.0, WATCHDOG_MAX_AGE_SECONDS - age)

    def why_not_ready(self) -> list[str]:
        """Return what keeps this program from doing its work; empty if nothing does."""
        threads = [] if self.stopping else self._threads
        age = self._clock.now().seconds_since(self._watchdog or self._started)
        reasons = why_not_ready(self.journal, self.replicas.leases, threads, age)
        return ["it is stopping", *reasons] if self.stopping else reasons
