"""The latest readings of all hosts. Pure: time is passed in; safe for many threads.

Keeps nothing but the last reading of each kind and how often the mode changed. A reading
that has become too old is given out as unknown: nobody may take it for the present.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from cluster.clock import Instant
from cluster.identity import own_readings_only
from cluster.model import ClusterView, HostView, Problem, Reading, Reason, SipMode
from exporter.pace import Limits
from exporter.precedence import SourceNews, deciding
from exporter.readings import (
    Kind,
    ReadingKey,
    keys_of,
    label_of,
    reading_of,
    state_of,
    unknown_value,
    with_reading,
)

LimitsOf = Callable[[str, str, ReadingKey], Limits]
"""How old a reading may be, by cluster, host and key."""


@dataclass(frozen=True, slots=True)
class ModeHistory:
    """What the mode of a host did since the exporter started.

    mode: the last known one, UNKNOWN before the first. since: when it was first read.
    changes: from primary to backup or back; unknown in between does not count.
    """

    mode: SipMode = SipMode.UNKNOWN
    since: datetime | None = None
    changes: int = 0

    def after(self, mode: SipMode, when: datetime) -> ModeHistory:
        """Return the history with one more reading of the mode."""
        if mode in {SipMode.UNKNOWN, self.mode}:
            return self
        changed = self.mode is not SipMode.UNKNOWN
        return ModeHistory(mode, when, self.changes + changed)


class ChangeKind(StrEnum):
    """What is different from the reading before. The message of the log line."""

    FAILS = "reading fails"
    WORKS = "reading works"
    MODE = "mode changed"
    NODE = "node state changed"
    PORT = "port state changed"


@dataclass(frozen=True, slots=True)
class Change:
    """A change worth a log line. before, after: the state's words; empty for parameters."""

    kind: ChangeKind
    cluster: str
    host: str
    reading: str
    before: str
    after: str
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The board at one moment. history: by (cluster, host)."""

    views: tuple[ClusterView, ...]
    history: Mapping[tuple[str, str], ModeHistory]
    taken: Instant


class Board:
    """Where the reading loops put what they read, and the pages take it from."""

    def __init__(self, views: Iterable[ClusterView], limits_of: LimitsOf) -> None:
        """Begin with views in which nothing has been read yet."""
        self._limits_of = limits_of
        self._frames = tuple(views)
        self._lock = threading.Lock()
        self._hosts = {
            (frame.cluster, host.host): host for frame in self._frames for host in frame.hosts
        }
        self._history = dict.fromkeys(self._hosts, ModeHistory())
        self._news = {place: (SourceNews(),) * len(view.sip) for place, view in self._hosts.items()}

    def put(
        self, cluster: str, host: str, key: ReadingKey, reading: Reading[Any], now: Instant
    ) -> Change | None:
        """Keep a reading as the latest; return what it changed, or None."""
        place = cluster, host
        with self._lock:
            view = self._hosts[place]
            before = reading_of(view, key)
            view = with_reading(view, key, reading)
            self._hosts[place] = view
            if key.kind is Kind.MODE:
                news = list(self._news[place])
                news[key.index] = news[key.index].after(reading)
                self._news[place] = tuple(news)
                mode = self._aged(cluster, view, self._news[place], now).mode
                self._history[place] = self._history[place].after(mode, reading.answered.utc)
        return _change(cluster, view, key, before, reading)

    def snapshot(self, now: Instant) -> Snapshot:
        """Return all views as they are at `now`, what is too old as unknown."""
        with self._lock:
            hosts, history, news = dict(self._hosts), dict(self._history), dict(self._news)

        def shown(cluster: str, host: str) -> HostView:
            return self._aged(cluster, hosts[cluster, host], news[cluster, host], now)

        views = tuple(
            replace(
                frame,
                hosts=tuple(shown(frame.cluster, host.host) for host in frame.hosts),
                began=now,
                ended=now,
            )
            for frame in self._frames
        )
        return Snapshot(views, history, now)

    def is_complete(self) -> bool:
        """Tell whether every reading has been tried at least once."""
        with self._lock:
            views = tuple(self._hosts.values())
        return all(_was_tried(reading) for view in views for reading in view.readings())

    def _aged(
        self, cluster: str, view: HostView, news: tuple[SourceNews, ...], now: Instant
    ) -> HostView:
        for key in keys_of(view):
            reading = reading_of(view, key)
            limits = self._limits_of(cluster, view.host, key)
            aged = _aged_reading(key.kind, reading, limits, now)
            if aged is not reading:
                view = with_reading(view, key, aged)
        return own_readings_only(replace(view, decided_by=deciding(view.sip, news)))


def _was_tried(reading: Reading[Any]) -> bool:
    return reading.problem is None or reading.problem.reason is not Reason.NEVER_READ


def _aged_reading(kind: Kind, reading: Reading[Any], limits: Limits, now: Instant) -> Reading[Any]:
    age = reading.age_seconds(now)
    if age <= limits.value_seconds or not _was_tried(reading):
        return reading
    problem = reading.problem
    if problem is None or age > limits.failure_seconds:
        allowed = f"older than {limits.value_seconds:g} s"
        problem = Problem(Reason.STALE, allowed)
    return replace(reading, value=unknown_value(kind), problem=problem)


def _change(
    cluster: str, view: HostView, key: ReadingKey, before: Reading[Any], after: Reading[Any]
) -> Change | None:
    """Compare two readings. A changed problem says more than the state it hides."""
    old, new = before.problem, after.problem
    words = state_of(key.kind, before.value), state_of(key.kind, after.value)
    if new is not None and (old is None or old.reason is not new.reason):
        kind = ChangeKind.FAILS
    elif new is None and old is not None:
        kind = ChangeKind.WORKS
    elif words[0] != words[1]:
        kind = ChangeKind[key.kind.name]
    else:
        return None
    return Change(kind, cluster, view.host, label_of(view, key), *words, new)
