"""Edge: one reading loop per host and reading, each on a thread of its own.

A scrape never asks a host: it takes what the loops last put on the board. A loop never has
two readings under way, and a slow host slows down nobody but its own loops.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from cluster.clock import Clock, Deadline, Instant, deadline_in
from cluster.host_reader import Reads
from cluster.model import Reading
from exporter.board import Board, Change, ChangeKind
from exporter.readings import Kind, ReadingKey, keys_of

Pace = Callable[[str, str, ReadingKey], float]
"""Seconds, by cluster, host and key."""


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
        self,
        readers: Iterable[Reads],
        board: Board,
        pace: Pace,
        timeout: Pace,
        clock: Clock,
        log: Any,
    ) -> None:
        """Wire a loop for each reading on the board; nothing is read before `start`.

        pace: from one reading to the next. timeout: how long one reading may take.
        """
        self._board = board
        self._pace = pace
        self._timeout = timeout
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
            refresh_seconds=self._pace(reader.cluster, reader.host, key),
            timeout_seconds=self._timeout(reader.cluster, reader.host, key),
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
