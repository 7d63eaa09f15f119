"""One SIP Server process: whether it runs, its mode, and what it knew some seconds ago. Pure.

Never changes its mode by itself: the Management Layer does that.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from cluster.model import SipMode

KEPT_SECONDS = 120.0
FIRST_PROCESS_ID = 4712


@dataclass(frozen=True, slots=True)
class SipFacts:
    """What a SIP Server knows of itself at a moment.

    link_since: when its HA link came up, None while it is down.
    """

    mode: SipMode
    link_since: float | None
    scs_connected: bool


class SipServer:
    """A SIP Server process on one host."""

    def __init__(self, host: str, application: str, now: float, mode: SipMode) -> None:
        """Begin as a process that has been running for long."""
        self.host = host
        self.application = application
        self.process_id = FIRST_PROCESS_ID
        self.is_running = True
        self.facts = SipFacts(mode, now - KEPT_SECONDS, scs_connected=True)
        self._history: deque[tuple[float, SipFacts]] = deque([(now, self.facts)])

    @property
    def mode(self) -> SipMode:
        """Its mode; UNKNOWN while no process runs."""
        return self.facts.mode if self.is_running else SipMode.UNKNOWN

    def learn(
        self,
        now: float,
        *,
        mode: SipMode | None = None,
        link_up: bool | None = None,
        scs_connected: bool | None = None,
    ) -> None:
        """Change what it knows; None leaves a fact alone."""
        facts = self.facts
        if mode is not None:
            facts = replace(facts, mode=mode)
        if link_up is not None and link_up is (facts.link_since is None):
            facts = replace(facts, link_since=now if link_up else None)
        if scs_connected is not None:
            facts = replace(facts, scs_connected=scs_connected)
        if facts == self.facts:
            return
        self.facts = facts
        self._history.append((now, facts))
        while len(self._history) > 1 and self._history[1][0] < now - KEPT_SECONDS:
            self._history.popleft()

    def exit(self) -> None:
        """End the process: no farewell, no log line."""
        self.is_running = False

    def launch(self, now: float) -> None:
        """Begin a new process, as backup (assumed: servers start in backup)."""
        self.process_id += 1
        self.is_running = True
        self.facts = SipFacts(SipMode.BACKUP, None, scs_connected=True)
        self._history = deque([(now, self.facts)])

    def facts_at(self, moment: float) -> SipFacts:
        """Return what it knew at `moment`; before its first fact, the first."""
        known = self._history[0][1]
        for at, facts in self._history:
            if at > moment:
                break
            known = facts
        return known
