"""Edge: one reading loop per host and reading, each on a thread of its own.

A scrape never asks a host: it takes what the loops last put on the board. A loop never has
two readings under way, and a slow host slows down nobody but its own loops.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from cluster.clock import Clock, Deadline, Instant, deadline_in
from cluster.config_model import Exporter
from cluster.model import NlbParams, NodeStatus, PortRule, PortStatus, Reading, SipStatus
from exporter.board import Board, Change, ChangeKind
from exporter.readings import Kind, ReadingKey, keys_of


class Reads(Protocol):
    """What the loops need of a host: `cluster.observe.HostReader` is one."""

    cluster: str
    host: str
    rules: tuple[PortRule, ...]

    def sip(self, source_index: int, deadline: Deadline) -> Reading[SipStatus]:
        """Read the mode from one source."""

    def node(self, deadline: Deadline) -> Reading[NodeStatus]:
        """Read the node's state."""

    def port(self, rule: PortRule, deadline: Deadline) -> Reading[PortStatus]:
        """Read the state of one port rule."""

    def params(self, deadline: Deadline) -> Reading[NlbParams]:
        """Read the driver's parameters."""


class ReadingLoop:
    """Reads one thing again and again until it is told to stop."""

    def __init__(
        self,
        read: Callable[[Deadline], Reading[Any]],
        publish: Callable[[Reading[Any], Instant], None],
        *,
        refresh_seconds: float,
        timeout_seconds: float,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        """Keep what is read, where it goes, and how often."""
        self._read = read
        self._publish = publish
        self._refresh = refresh_seconds
        self._timeout = timeout_seconds
        self._clock = clock
        self._stop = stop

    def run(self) -> None:
        """Read at every refresh; after a slow reading at once, without making up for lost ones."""
        due = self._clock.now()
        while not self._stop.is_set():
            reading = self._read(deadline_in(self._clock, self._timeout))
            if self._stop.is_set():
                return  # what was read may be half done: its program was ended with the exporter
            now = self._clock.now()
            self._publish(reading, now)
            due = due.plus(self._refresh)
            pause = due.seconds_since(now)
            if pause <= 0:
                due = now
            elif self._clock.wait(pause, self._stop):
                return


class Watch:
    """All reading loops of the exporter."""

    def __init__(
        self, readers: Iterable[Reads], board: Board, settings: Exporter, clock: Clock, log: Any
    ) -> None:
        """Wire a loop for each reading on the board; nothing is read before `start`."""
        self._board = board
        self._settings = settings
        self._clock = clock
        self._log = log
        self._stop = threading.Event()
        by_name = {(reader.cluster, reader.host): reader for reader in readers}
        snapshot = board.snapshot(clock.now())
        self._threads = [
            threading.Thread(
                target=self._loop(by_name[view.cluster, host.host], key).run,
                daemon=True,
                name=f"{view.cluster}/{host.host} {key.kind}",
            )
            for view in snapshot.views
            for host in view.hosts
            for key in keys_of(host)
        ]

    def start(self) -> None:
        """Begin to read."""
        for thread in self._threads:
            thread.start()

    def is_ready(self) -> bool:
        """Tell whether every loop has made its first attempt."""
        return self._board.is_complete()

    def stop(self) -> None:
        """Let no further reading begin. Returns at once."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for the loops, all together no longer than `seconds`; return whether all ended."""
        deadline = deadline_in(self._clock, seconds)
        for thread in self._threads:
            thread.join(deadline.remaining(self._clock.now()))
        return not any(thread.is_alive() for thread in self._threads)

    def _loop(self, reader: Reads, key: ReadingKey) -> ReadingLoop:
        def publish(reading: Reading[Any], now: Instant) -> None:
            change = self._board.put(reader.cluster, reader.host, key, reading, now)
            if change is not None:
                self._tell(change, reading)

        return ReadingLoop(
            _read(reader, key),
            publish,
            refresh_seconds=_refresh_seconds(self._settings, key.kind),
            timeout_seconds=self._settings.timeout,
            clock=self._clock,
            stop=self._stop,
        )

    def _tell(self, change: Change, reading: Reading[Any]) -> None:
        """Write one line of what has changed."""
        fails = change.kind is ChangeKind.FAILS
        write = self._log.warning if fails else self._log.info
        problem = change.problem
        write(
            str(change.kind),
            cluster=change.cluster,
            host=change.host,
            reading=change.reading,
            before=change.before or None,
            after=change.after or None,
            reason=None if problem is None else str(problem.reason),
            problem=None if problem is None else problem.text,
            duration_seconds=reading.duration_seconds(),
        )


def _read(reader: Reads, key: ReadingKey) -> Callable[[Deadline], Reading[Any]]:
    match key.kind:
        case Kind.MODE:
            return lambda deadline: reader.sip(key.index, deadline)
        case Kind.NODE:
            return reader.node
        case Kind.PORT:
            return lambda deadline: reader.port(reader.rules[key.index], deadline)
        case _:
            return reader.params


def _refresh_seconds(settings: Exporter, kind: Kind) -> float:
    match kind:
        case Kind.MODE:
            return settings.refresh.sip_server
        case Kind.PARAMS:
            return settings.refresh.params
        case _:
            return settings.refresh.nlb
