"""Programs with a seeded mistake: the crash runs must find each of them.

Each is the product with one thing wrong that nobody notices while nothing is killed, or that only
the record of the site tells.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from cluster.clock import deadline_in
from cluster.config_model import Cluster
from cluster.model import ClusterView
from remediator import webhook
from remediator.evidence import ActionOutcome
from remediator.executor import Executor
from remediator.journal import Journal
from remediator.journal_schema import Intent, Kind
from remediator.look_result import LookResult
from remediator.looks import Trigger
from remediator.planner import Action, ActionVerb
from remediator.record import LookRecord
from remediator.service import Service
from remediator.webhook import AlertOutcome
from tests.crash.life import Parts


class _WritesIntentAfterwards(Journal):
    """Writes an intent down together with its outcome, after the command."""

    def open_action(self, *given: Any, **named: Any) -> Intent:
        """Keep it in memory."""
        number = int(self._clock.now().utc.timestamp() * 1000)
        self._kept = (given, named)
        return Intent(-1, number)

    def end(self, ids: Iterable[int], outcome: str, **named: Any) -> int:
        """Write what was kept, and its end."""
        wanted = list(ids)
        if wanted == [-1]:
            given, kept = self._kept
            wanted = [super().open_action(*given, **kept).id]
        return super().end(wanted, outcome, **named)


class _AnswersTooEarly(Service):
    """Answers a webhook, and writes its alerts a little later."""

    def accept(self, body: bytes) -> webhook.Payload:
        """Take a webhook in without waiting for the disk."""
        payload = webhook.parse(body, {cluster.name for cluster in self._config.clusters})
        accepted = [each for each in payload.alerts if each.outcome is AlertOutcome.ACCEPTED]
        later = threading.Timer(0.01, self._write, [accepted])
        later.daemon = True
        later.start()
        return payload

    def _write(self, alerts: list[webhook.Alert]) -> None:
        self.journal.record_alerts(alerts, "webhook")
        self._request_for(alerts, Trigger.ALERT)


class _Repeats(Executor):
    """Carries out once more what a dead process left open."""

    def look(self, cluster: Cluster, trigger: Trigger, stop: threading.Event) -> LookResult:
        """Repeat, then look."""
        for row in self._journal.open_rows(Kind.ACTION, cluster.name):
            action = Action(ActionVerb(row.verb), row.host, cluster.rules[0])
            self._observe(cluster, None)
            assert row.number is not None
            limit = deadline_in(self._clock, 2.0)
            self._actor.switch.carry_out(cluster.name, action, row.number, 1.0, limit)
        return super().look(cluster, trigger, stop)


class _Forgetful(LookRecord):
    """Leaves open what a dead process left open."""

    def close_interrupted(self, view: ClusterView, own: int | None = None) -> None:
        """Close nothing."""


class _Trusting(LookRecord):
    """Takes for done what a dead process began."""

    def close_interrupted(self, view: ClusterView, own: int | None = None) -> None:
        """Close without a look at the port."""
        rows = self._journal.open_rows(Kind.ACTION, view.cluster)
        self._journal.end([row.id for row in rows], ActionOutcome.FOUND_DONE)
        rows = self._journal.open_rows(Kind.DECISION, view.cluster)
        self._journal.end([row.id for row in rows if row.id != own], "interrupted")


class _LeavesOpen(Executor):
    """Begins anew without having closed what was open."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._record = _Forgetful(self._journal, self._metrics, "enforce")


class _TakesForDone(Executor):
    """Closes what was open by hope."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._record = _Trusting(self._journal, self._metrics, "enforce")


MISTAKES = {
    "intent written after the command": (Parts(journal=_WritesIntentAfterwards), "W"),
    "answered before it is durable": (Parts(service=_AnswersTooEarly), "A"),
    "open intent carried out again": (Parts(executor=_Repeats), "T"),
    "open intent left open": (Parts(executor=_LeavesOpen), "O"),
    "open intent taken for done": (Parts(executor=_TakesForDone), "E"),
}
"""name → (what the program is made of, the mark of the sentence that it breaks)."""
