"""One run: a life is begun and killed, begun again and killed again, and at last left alone.

Alertmanager is played by what sends webhooks here: it sends until it is answered with 200, and
again while the ports do not follow.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import shutil
import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from cluster.clock import SystemClock
from remediator.journal import Journal
from tests.crash.gates import PLACE_BYTES, where
from tests.crash.judge import breaches
from tests.crash.life import Parts, Plan, audit, forked
from tests.crash.site import BEGINNINGS, Beginning, Site
from tests.unit import remediator_samples as samples

SOON = 15.0  # seconds; far above what a run takes
PAUSE = 0.003


@dataclass(frozen=True)
class Kill:
    """When a life is ended. at: by itself at a boundary; else from outside, after some seconds.

    after: what the seconds count from, ``fork`` or ``webhook``.
    """

    at: str | None = None
    after: str = "webhook"
    seconds: float = 0.0


@dataclass
class Told:
    """What a run came to. lives: how many. killed: where each kill fell.

    missed: kills whose boundary was not reached; the life then came to its end.
    taken: alerts that were answered with 200. passed: the boundaries of the last life.
    """

    broken: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    missed: int = 0
    lives: int = 0
    taken: int = 0
    commands: int = 0
    passed: list[str] = field(default_factory=list)


class _EndedError(Exception):
    """The life is over."""


class _Life:
    """A living child, talked to."""

    def __init__(self, plan: Plan) -> None:
        self.child, self._channel = forked(plan)
        self._read = b""

    def tell(self, what: Any) -> None:
        try:
            self._channel.sendall(json.dumps(what).encode() + b"\n")
        except OSError:
            raise _EndedError from None

    def hear(self, seconds: float = SOON) -> Any:
        """Return the next answer, None if there is none in time. Raises `_EndedError`."""
        until = time.monotonic() + seconds
        while b"\n" not in self._read:
            left = until - time.monotonic()
            ready, _, _ = select.select([self._channel], [], [], max(0.0, left))
            if not ready:
                return None
            try:
                more = self._channel.recv(1 << 20)
            except OSError:
                more = b""
            if not more:
                raise _EndedError
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        return json.loads(line)

    def kill(self) -> bool:
        """End it, if it has not ended, and wait for that; tell whether a signal ended it."""
        os.kill(self.child, signal.SIGKILL)
        _, status = os.waitpid(self.child, 0)
        self._channel.close()
        return os.WIFSIGNALED(status)


class Run:
    """Plays one run in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        name: str,
        random: Random,
        place: mmap.mmap,
        parts: Parts,
        patience: float,
    ) -> None:
        """Make it ready.

        name: of the beginning. place: shared memory for the last boundary passed. patience:
        seconds in which a life that is left alone must come to rest.
        """
        self.beginning: Beginning = BEGINNINGS[name]
        self._folder, self._random, self._place, self._parts = folder, random, place, parts
        self._site = Site(folder / "site", self.beginning.clusters)
        self._taken: list[tuple[str, str]] = []
        self._told = Told()
        self._patience = patience
        self._happened = False

    def play(self, kills: list[Kill], template: Path) -> Told:
        """Play it. template: an empty journal."""
        self._site.append()
        if not self.beginning.new_journal:
            shutil.copy(template, self._folder / "journal.db")
        if self.beginning.at_start:
            self._happen()
        for kill in [*kills, None]:
            self._told.lives += 1
            life = self._begin(kill)
            ended = killed = False
            try:
                self._live(life, kill)
            except _EndedError:
                ended = True
            finally:
                killed = life.kill()
            if ended and not (killed and kill and kill.at):
                self._told.broken.append("X: the program ended by itself")
            if kill is not None:
                self._told.killed.append(where(self._place))
        self._told.taken = len(self._taken)
        self._told.commands = len(self._site.commands())
        self._told.broken += breaches(self._site, self._folder / "journal.db", self._taken)
        return self._told

    def _begin(self, kill: Kill | None) -> _Life:
        self._place[:PLACE_BYTES] = b"\0" * PLACE_BYTES
        manner = self.beginning.manner
        at = kill.at if kill else None
        return _Life(
            Plan(self._folder, self.beginning.clusters, manner, at, self._place, self._parts)
        )

    def _happen(self) -> None:
        self._site.happen(self.beginning)
        self._happened = True

    def _live(self, life: _Life, kill: Kill | None) -> None:
        """Drive a life to its planned end."""
        if kill is not None and kill.at is None and kill.after == "fork":
            time.sleep(kill.seconds)
            return
        assert life.hear() is not None, "it does not start"
        if not self._happened:
            self._rest(life)
            self._happen()
        if kill is not None and kill.at is None:
            self._send(life)
            self._hear_answers(life, kill.seconds)
            return
        self._work(life)
        life.tell({"stop": True})
        answer = life.hear()
        self._told.passed = answer["passed"]
        if kill is not None:
            self._told.missed += 1

    def _work(self, life: _Life) -> None:
        """Send what fires until all is right and at rest."""
        until = time.monotonic() + self._patience
        sent = 0.0
        while time.monotonic() < until:
            wrong = [name for name in self._site.clusters if not self._site.is_right(name)]
            untaken = not self._taken and sent == 0.0
            if (wrong or untaken) and time.monotonic() - sent > 0.2:
                sent = time.monotonic()
                self._send(life)
                self._hear_answers(life, 0.0, wait=True)
            life.tell({"ask": True})
            quiet = life.hear()
            if quiet is not None and quiet["quiet"] and not wrong and self._is_over():
                return
            time.sleep(PAUSE)
        self._told.broken.append("5: it does not come to rest with the right ports")

    def _is_over(self) -> bool:
        """Tell whether nothing is to come and nothing is wrong."""
        return self._site.is_settled() and all(map(self._site.is_right, self._site.clusters))

    def _rest(self, life: _Life) -> None:
        until = time.monotonic() + SOON
        while time.monotonic() < until:
            life.tell({"ask": True})
            answer = life.hear()
            if answer is not None and answer["quiet"]:
                return
            time.sleep(PAUSE)
        raise AssertionError("it does not come to rest")

    def _send(self, life: _Life) -> None:
        """Send a webhook: an alert a cluster, of the same episode or of another."""
        starts = [
            datetime.fromtimestamp(2_000_000_000 + self._random.randrange(3), UTC)
            for _ in self._site.clusters
        ]
        alerts = [
            samples.sent(
                samples.labels(name),
                fingerprint=f"f {name}",
                starts_at=start.isoformat().replace("+00:00", "Z"),
            )
            for name, start in zip(self._site.clusters, starts, strict=True)
        ]
        self._sent = [(alert["fingerprint"], alert["startsAt"]) for alert in alerts]
        life.tell({"body": samples.body(alerts).decode()})

    def _hear_answers(self, life: _Life, seconds: float, *, wait: bool = False) -> None:
        """Hear whether the webhook was taken, for so long, or until it is answered."""
        until = time.monotonic() + seconds
        answer = life.hear(SOON if wait else seconds)
        if answer is not None and answer["status"] == 200:
            self._taken += self._sent
        elif answer is not None:
            self._told.broken.append(f"X: the webhook is answered with {answer['status']}")
        if not wait:
            time.sleep(max(0.0, until - time.monotonic()))


def make_template(folder: Path) -> Path:
    """Make an empty journal to begin runs with."""
    file = folder / "template.db"
    Journal(f"sqlite:///{file}", SystemClock()).close()
    audit(file)
    return file
