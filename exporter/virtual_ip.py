"""Edge: asks the virtual IPs again and again, one loop a cluster whose probe is configured.

Apart from `watch`: what is asked here is the service, not a host, and answers are of callers'
kind. Nothing is asked where no probe is configured.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from cluster.clock import Clock, Deadline, Instant, deadline_in
from cluster.config_model import Cluster
from cluster.config_service import ServiceProbe
from cluster.model import Problem, Reading, Reason
from cluster.sip.options import SipAnswer
from cluster.sip.options_probe import OptionsProbe
from exporter.watch import ReadingLoop

STALE_AFTER = 3
"""An answer older than that many refreshes is none any more."""


class Caller(Protocol):
    """What asks a virtual IP; `OptionsProbe` is the real one."""

    def ask(self, deadline: Deadline) -> Reading[SipAnswer]:
        """Send one OPTIONS and wait for its answer."""


class VirtualIps:
    """The latest answer of every virtual IP that is probed."""

    def __init__(
        self, callers: Mapping[str, tuple[Caller, ServiceProbe]], clock: Clock, log: Any
    ) -> None:
        """Wire a loop for each cluster of `callers`; nothing is sent before `start`."""
        self._callers = callers
        self._clock = clock
        self._log = log
        self._lock = threading.Lock()
        self._latest: dict[str, Reading[SipAnswer]] = {}
        self._since: dict[str, Instant] = {}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop(name).run, daemon=True, name=f"{name} virtual IP")
            for name in callers
        ]

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let no further question begin; one that is under way ends within its time-out."""
        self._stop.set()

    def latest(self) -> dict[str, Reading[SipAnswer]]:
        """Return the latest answer by cluster; one that is too old has become none."""
        now = self._clock.now()
        with self._lock:
            latest = dict(self._latest)
        return {name: self._fresh(name, reading, now) for name, reading in latest.items()}

    def since(self) -> dict[str, Instant]:
        """Return by cluster when the first question was sent that was answered as the latest.

        Answered by a service, or not: which code it was does not count.
        """
        with self._lock:
            return dict(self._since)

    def begin(self, cluster: str, seconds: float) -> Callable[[], Reading[SipAnswer] | None]:
        """Ask now, beside whatever else is done; what is returned waits for the answer.

        seconds: how long it may take, if that is less than the configured time-out. The answer
        is None where no probe is configured.
        """
        if cluster not in self._callers:
            return lambda: None
        caller, probe = self._callers[cluster]
        deadline = deadline_in(self._clock, min(seconds, probe.timeout))
        answers: list[Reading[SipAnswer]] = []

        def ask() -> None:
            answers.append(caller.ask(deadline))

        thread = threading.Thread(target=ask, daemon=True, name="probe virtual IP")
        thread.start()

        def wait() -> Reading[SipAnswer] | None:
            thread.join()
            return answers[0] if answers else None

        return wait

    def _loop(self, name: str) -> ReadingLoop:
        caller, probe = self._callers[name]
        return ReadingLoop(
            caller.ask,
            lambda reading, _: self._put(name, reading),
            refresh_seconds=probe.refresh,
            timeout_seconds=probe.timeout,
            clock=self._clock,
            stop=self._stop,
        )

    def _put(self, name: str, reading: Reading[SipAnswer]) -> None:
        """Keep an answer, and write a line if it is another than the last."""
        with self._lock:
            before = self._latest.get(name)
            self._latest[name] = reading
            if before is None or before.value.is_serving is not reading.value.is_serving:
                self._since[name] = reading.asked
        if before is not None and before.value == reading.value:
            return
        write = self._log.info if reading.value.is_serving else self._log.warning
        write(
            "virtual IP answers" if reading.value.is_serving else "virtual IP does not serve",
            cluster=name,
            before=None if before is None else str(before.value),
            after=str(reading.value),
            asked=reading.command,
            problem=None if reading.problem is None else str(reading.problem),
            duration_seconds=reading.duration_seconds(),
        )

    def _fresh(self, name: str, reading: Reading[SipAnswer], now: Instant) -> Reading[SipAnswer]:
        refresh = self._callers[name][1].refresh
        if reading.age_seconds(now) <= STALE_AFTER * refresh:
            return reading
        old = Problem(Reason.STALE, f"asked {reading.age_seconds(now):.1f} s ago")
        return replace(reading, value=SipAnswer(), problem=old)


def virtual_ips(clusters: tuple[Cluster, ...], clock: Clock, log: Any) -> VirtualIps:
    """Return what asks the virtual IPs of all clusters that have a probe."""
    callers = {
        cluster.name: (OptionsProbe(cluster, cluster.service_probe, clock), cluster.service_probe)
        for cluster in clusters
        if cluster.service_probe is not None
    }
    return VirtualIps(callers, clock, log)
