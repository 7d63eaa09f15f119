"""Edge: asks every Alertmanager for silences, and the interlock that they are.

A silence that mutes repair alerts of a cluster keeps the whole cluster from being repaired,
whoever set it and for whatever he meant it. Each Alertmanager has a thread of its own, so that one
that does not answer delays nothing. It is the one interlock that fails open: it blocks only on a
positive answer that is not old. That an Alertmanager cannot be asked is journaled, once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cluster import log
from cluster.clock import Clock, Instant
from cluster.config_model import Alertmanager, Cluster
from cluster.model import ClusterView
from remediator.alertmanager_api import NotAnsweredError, get
from remediator.interlocks import Block, Circumstances
from remediator.journal import Journal, JournalError
from remediator.rows import Hold
from remediator.silence_match import Silence, SilencesTold, told
from remediator.webhook import REPAIR_LABEL

ASK_SECONDS = 2.0
BELIEVED_SECONDS = 60.0
JOIN_SECONDS = 8.0
FIRING_BUT_SILENCED = {
    "active": "false",
    "silenced": "true",
    "inhibited": "false",
    "unprocessed": "false",
    "filter": '{}="{}"'.format(*REPAIR_LABEL),
}


Fetch = Callable[[Alertmanager, str, Mapping[str, str]], Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    """asked: when the question was sent."""

    asked: Instant
    told: SilencesTold


class Silences:
    """The guard `silenced`, over all clusters."""

    def __init__(
        self,
        alertmanagers: Iterable[Alertmanager],
        clusters: Iterable[Cluster],
        clock: Clock,
        journal: Journal,
        fetch: Fetch = get,
    ) -> None:
        """fetch: what asks an Alertmanager, as `remediator.alertmanager_api.get` does."""
        self._fetch = fetch
        self._alertmanagers = tuple(alertmanagers)
        self._clusters = tuple(clusters)
        self._clock = clock
        self._journal = journal
        self._answers: dict[str, _Answer] = {}
        self._untold: dict[str, dict[str, str]] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, wake: Callable[[str], object]) -> None:
        """Begin to ask. wake: told of a cluster whose silence has ended."""
        for each in self._alertmanagers:
            thread = threading.Thread(
                target=self._repeat, args=(each, wake), daemon=True, name="silences"
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)

    def note(self, view: ClusterView) -> None:
        """Take nothing from a view."""

    def why_not(self, given: Circumstances) -> Block | None:
        """Block while an Alertmanager says that repair alerts of the cluster are silenced."""
        silence = self._silence(given.view.cluster, given.now)
        return None if silence is None else Block(Hold.SILENCED, str(silence))

    def is_silenced(self, cluster: str, now: Instant) -> bool | None:
        """Tell whether a cluster is silenced; None if no Alertmanager tells."""
        if not self._believed(now):
            return None
        return self._silence(cluster, now) is not None

    def words(self, cluster: str, now: Instant) -> str | None:
        """Say which silence stops a cluster's repairs; None if none is known to."""
        silence = self._silence(cluster, now)
        return None if silence is None else str(silence)

    def problem(self, url: str, now: Instant) -> str | None:
        """Say why an Alertmanager's silences are not known, None if they are."""
        answer = self._answers.get(url)
        if answer is None or now.seconds_since(answer.asked) > BELIEVED_SECONDS:
            return "its silences are not known"
        return None

    def ask(self, alertmanager: Alertmanager) -> set[str]:
        """Ask one Alertmanager once; return the clusters that are silenced no more."""
        before = self._silenced()
        asked = self._clock.now()
        url = alertmanager.url
        try:
            silences = self._fetch(alertmanager, "/api/v2/silences", {})
            alerts = self._fetch(alertmanager, "/api/v2/alerts", FIRING_BUT_SILENCED)
            answer = told(silences, alerts, self._clusters)
        except (NotAnsweredError, ValueError) as error:
            if self.problem(url, self._clock.now()) is not None:
                self._note(url, {"": f"it cannot be asked for silences: {error}"})
            return before - self._silenced()
        self._answers[url] = _Answer(asked, answer)
        self._note(url, dict(answer.untold))
        return before - self._silenced()

    def _repeat(self, alertmanager: Alertmanager, wake: Callable[[str], object]) -> None:
        while not self._stop.is_set():
            try:
                for cluster in self.ask(alertmanager):
                    wake(cluster)
            except Exception:  # noqa: BLE001 - boundary: a dead thread would never see a silence again
                log.get("remediator").exception("silences not read", url=alertmanager.url)
            self._clock.wait(ASK_SECONDS, self._stop)

    def _believed(self, now: Instant) -> list[SilencesTold]:
        return [
            answer.told
            for answer in tuple(self._answers.values())
            if now.seconds_since(answer.asked) <= BELIEVED_SECONDS
        ]

    def _silence(self, cluster: str, now: Instant) -> Silence | None:
        found = (told.silenced.get(cluster) for told in self._believed(now))
        return next((silence for silence in found if silence is not None), None)

    def _silenced(self) -> set[str]:
        now = self._clock.now()
        return {name for told in self._believed(now) for name in told.silenced}

    def _note(self, url: str, untold: dict[str, str]) -> None:
        """Journal and log what cannot be told, once: from now on it does not block.

        untold: why, by silence; by an empty id for all of them.
        """
        known = self._untold.get(url, {})
        self._untold[url] = untold
        for silence in untold.keys() - known.keys():
            self._write("silences_not_told", url, silence, untold[silence])
        for silence in known.keys() - untold.keys():
            self._write("silences_told_again", url, silence, "")

    def _write(self, outcome: str, url: str, silence: str, problem: str) -> None:
        said = {"alertmanager": url, "silence": silence or "all", "problem": problem}
        log.get("remediator").warning(outcome.replace("_", " "), **said)
        try:
            self._journal.record_event(outcome, said)
        except JournalError as error:
            log.get("remediator").error("silences not recorded", problem=str(error))
