"""The Management Layer of one pair: who is to be primary, and what it does about it. Pure.

It sees hosts and processes with delays, never the truth. It alone changes modes; it
knows nothing of NLB.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.model import SipMode
from simulator.agenda import Agenda, EventLog
from simulator.knobs import Knobs, Overlap
from simulator.sip_server import SipServer

BECAME_PRIMARY, BECAME_BACKUP = 5150, 5151


class NotPossibleError(Exception):
    """An operation that the site's present state does not allow; its text says why."""


class ManagementLayer:
    """Solution Control Server as far as one pair is concerned.

    `reachable` tells whether it can reach a host at this moment.
    """

    def __init__(
        self,
        cluster: str,
        servers: dict[str, SipServer],
        *,
        knobs: Knobs,
        agenda: Agenda,
        events: EventLog,
        reachable: Callable[[str], bool],
    ) -> None:
        """Begin with all servers seen and the first one primary."""
        self.cluster = cluster
        self._servers, self._knobs = servers, knobs
        self._agenda, self._events = agenda, events
        self._reachable = reachable
        self._seen = dict.fromkeys(servers, True)
        self._switching = False
        self.primary: str | None = next(iter(servers))

    def belief(self, host: str) -> tuple[str, SipMode]:
        """Return what it takes a server for: the words of its status, and its run mode.

        What it saw last: a host that is cut off is running for it until it is missed. The run
        mode of one that it has lost is the last one it knew (assumed).
        """
        seen = self._seen[host]
        status = "Running" if seen else "Stopped" if self._reachable(host) else "Unknown"
        return status, self._servers[host].facts.mode

    # -- what people and fate do

    def switch_over(self) -> None:
        """Begin a manual switchover. Raises `NotPossibleError` with the reason."""
        old, new = self.primary, next((name for name in self._seen if self._is_spare(name)), None)
        if self._switching:
            raise NotPossibleError("a switchover is already under way")
        if old is None or not self._seen[old]:
            raise NotPossibleError("there is no primary to switch from")
        if new is None:
            raise NotPossibleError("there is no running backup to switch to")
        first, second = (old, SipMode.BACKUP), (new, SipMode.PRIMARY)
        if self._knobs.overlap is Overlap.PRIMARY_PRIMARY:
            first, second = second, first
        self._switching = True
        self._events.add(self.cluster, "", f"manual switchover from {old} to {new} begins")
        self._order(*first)

        def finish() -> None:
            self._switching = False
            self.primary = new
            self._order(*second)
            self._reconcile()

        self._agenda.after(self._knobs.overlap_seconds, finish)

    def process_exited(self, host: str) -> None:
        """Learn, after a while, that a process has ended."""
        self._agenda.after(self._knobs.failure_seconds, lambda: self._look_at(host))

    def process_started(self, host: str) -> None:
        """Learn that a process has come up."""
        self._agenda.after(self._knobs.return_seconds, lambda: self._look_at(host))

    def network_changed(self, host: str) -> None:
        """Learn, after a while, that a host was lost or has returned."""
        back = self._reachable(host)
        wait = self._knobs.return_seconds if back else self._knobs.addp_seconds
        self._agenda.after(wait, lambda: self._look_at(host))

    def enforce(self) -> None:
        """Put the modes as it wants them, if somebody else has changed them."""
        self._reconcile()

    # -- what it does by itself

    def _look_at(self, host: str) -> None:
        server, reachable = self._servers[host], self._reachable(host)
        seen = reachable and server.is_running
        if seen is not self._seen[host]:
            self._events.add(
                self.cluster, host, "Management Layer " + ("sees it again" if seen else "lost it")
            )
        self._seen[host] = seen
        server.learn(self._agenda.now, scs_connected=reachable)
        up = all(
            self._reachable(name) and other.is_running for name, other in self._servers.items()
        )
        for other in self._servers.values():
            other.learn(self._agenda.now, link_up=up)
        self._reconcile()

    def _reconcile(self) -> None:
        """Promote where the primary is lost; demote, a little later, one too many."""
        if self._switching:
            return
        if self.primary is None or not self._seen[self.primary]:
            self.primary = next((name for name, seen in self._seen.items() if seen), None)
        if self.primary is not None:
            self._order(self.primary, SipMode.PRIMARY)
        for name, server in self._servers.items():
            if self._seen[name] and name != self.primary and server.mode is SipMode.PRIMARY:
                self._agenda.after(self._knobs.demotion_seconds, self._demoting(name))

    def _demoting(self, host: str) -> Callable[[], None]:
        def demote() -> None:
            if host != self.primary and not self._switching and self._seen[host]:
                self._order(host, SipMode.BACKUP)

        return demote

    def _is_spare(self, host: str) -> bool:
        return self._seen[host] and host != self.primary

    def _order(self, host: str, mode: SipMode) -> None:
        """Tell a server its mode; an order to one that cannot be reached is lost."""
        server = self._servers[host]
        if not (self._reachable(host) and server.is_running) or server.mode is mode:
            return
        server.learn(self._agenda.now, mode=mode)
        number = BECAME_PRIMARY if mode is SipMode.PRIMARY else BECAME_BACKUP
        self._events.add(self.cluster, host, f"SIP Server became {mode}", number)
