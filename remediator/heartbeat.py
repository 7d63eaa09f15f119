"""Edge: tells somebody outside that the road of alerts is open, and raises an alarm when it is not.

On threads of its own: nothing else waits for it, and no call that hangs keeps another one from
being made. Pairs with `remediator.heartbeat_plan`, which says when, and
`remediator.heartbeat_calls`, which says how.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cluster import log
from cluster.clock import Clock, Instant
from remediator.heartbeat_calls import CallOut
from remediator.heartbeat_plan import Call, HeartbeatPlan, Road

TURN_SECONDS = 5.0
"""How often it is looked whether the road is open."""

READY_SECONDS = 20.0
"""How long the program may take to say whether it is ready; beyond that it is not."""

CALLED = {Call.BEAT: ("url",), Call.ALARM: ("alarm_url", "alarm_command")}
"""Keys of the configuration."""


class Watched(Protocol):
    """What tells how the road stands; `remediator.service.Service` is the real one."""

    @property
    def stopping(self) -> bool:
        """Whether the program is being stopped, which is no reason for an alarm."""

    @property
    def watchdog_seen(self) -> Instant | None:
        """When the watchdog alert last came."""

    def why_not_ready(self) -> list[str]:
        """Return what keeps the program from its work, a watchdog that is too old included."""


def on_a_thread(do: Callable[[], None]) -> None:
    """Run something on a thread that does not hold up the end of the process."""
    threading.Thread(target=do, daemon=True, name="heartbeat-call").start()


class Pulse(Collector):
    """Watches the road, calls whom it has to, and publishes how the calls ended."""

    def __init__(
        self,
        calls: Mapping[str, CallOut],
        watched: Watched,
        clock: Clock,
        start: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        """Wire it. calls: what is configured. start: runs something without waiting for it."""
        self._calls, self._watched, self._clock, self._start = calls, watched, clock, start
        self._plan = HeartbeatPlan()
        self._told: tuple[Road, list[str]] = Road.UNTOLD, []
        self._told_at = clock.now()
        self._shown = Road.UNTOLD
        self._under_way: set[str] = set()
        self._succeeded: dict[str, bool] = {}
        self._stopped, self._wake = False, threading.Event()

    def begin(self) -> None:
        """Watch until `stop`, if there is anybody to call."""
        if self._calls:
            threading.Thread(target=self._run, daemon=True, name="heartbeat").start()

    def stop(self) -> None:
        """Call nobody any more."""
        self._stopped = True
        self._wake.set()

    def collect(self) -> Iterator[Metric]:
        """Yield how the last call of each kind ended; nothing of what was never called."""
        gauge = GaugeMetricFamily(
            "sipnlb_remediator_heartbeat_success",
            "1 if the last call of this key of remediator.heartbeat succeeded.",
            labels=["call"],
        )
        for name, succeeded in sorted(self._succeeded.items()):
            gauge.add_metric([name], float(succeeded))
        if self._calls:
            yield gauge

    def describe(self) -> list[Metric]:
        """Return nothing: what there is, is known only when collected."""
        return []

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                self.turn()
            except Exception:  # noqa: BLE001 - boundary: a dead thread would raise no alarm
                log.get("remediator").exception("heartbeat failed")
            self._clock.wait(TURN_SECONDS, self._wake)

    def turn(self) -> None:
        """See how the road stands, and call whom that asks for; waits for nothing."""
        self._once("ready", self._look)
        road, reasons = self._road()
        if self._watched.stopping:
            return
        self._show(road, reasons)
        call = self._plan.due(road, self._clock.now().monotonic)
        for name in CALLED[call] if call else ():
            if name in self._calls and not self._once(name, partial(self._call, name)):
                self._note(name, "the call before has not come back yet")

    def _look(self) -> None:
        """Ask the program whether it is ready, which takes long where the journal hangs."""
        asked = self._clock.now()
        reasons = self._watched.why_not_ready()
        seen = self._watched.watchdog_seen is not None
        road = Road.CLOSED if reasons else (Road.OPEN if seen else Road.UNTOLD)
        changed = road is not self._told[0]
        self._told, self._told_at = (road, reasons), asked
        if changed:
            self._wake.set()

    def _road(self) -> tuple[Road, list[str]]:
        age = self._clock.now().seconds_since(self._told_at)
        if age > READY_SECONDS:
            return Road.CLOSED, [f"whether the program is ready is not told for {age:.0f} s"]
        return self._told

    def _show(self, road: Road, reasons: list[str]) -> None:
        """Log that the road is closed, or open, when that changes."""
        if road is not self._shown:
            self._shown = road
            if road is Road.CLOSED:
                log.get("remediator").error("road of alerts closed", why="; ".join(reasons))
            else:
                log.get("remediator").info("road of alerts open")

    def _call(self, name: str) -> None:
        self._note(name, self._calls[name]())

    def _once(self, name: str, do: Callable[[], None]) -> bool:
        """Start something unless it is under way already; tell whether it was started."""
        if name in self._under_way:
            return False
        self._under_way.add(name)

        def run() -> None:
            try:
                do()
            except Exception as error:  # noqa: BLE001 - boundary: nobody would hear of it
                self._note(name, f"{type(error).__name__}: {error}")
            finally:
                self._under_way.discard(name)

        try:
            self._start(run)
        except RuntimeError as error:
            self._under_way.discard(name)
            self._note(name, f"no thread could be had: {error}")
        return True

    def _note(self, name: str, problem: str | None) -> None:
        succeeded_before = self._succeeded.get(name)
        if name in self._calls:
            self._succeeded[name] = problem is None
        if problem is not None:
            log.get("remediator").error("heartbeat call failed", call=name, problem=problem)
        elif name == "url" and succeeded_before:  # each minute: said once
            log.get("remediator").debug("heartbeat called", call=name)
        else:
            log.get("remediator").info("heartbeat called", call=name)
