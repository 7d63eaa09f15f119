"""Edge: pauses, which persons set in the journal, and the interlock that they are.

Everything is read from the journal when it is asked for: a pause outlives the program, and
holds for every remediator that shares the journal. While one stands, nothing is switched;
looking and recording go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cluster import log
from cluster.clock import Clock, moment_of, utc_seconds_text, utc_text
from cluster.model import ClusterView
from remediator.interlocks import Block, Circumstances
from remediator.journal import Journal, JournalError
from remediator.journal_schema import JournalRow, Kind
from remediator.refused import RefusedError
from remediator.rows import Hold

LONGEST_SECONDS = 7 * 86400.0
"""A pause is for a piece of work; a longer one is forgotten. Whoever needs more sets it again."""
MOST_STANDING = 10
"""Pauses that stand for the same cluster, or for all, side by side."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause. cluster: empty for all clusters. since, until: UTC, in whole seconds."""

    id: int
    cluster: str
    who: str
    reason: str
    since: datetime
    until: datetime

    @property
    def words(self) -> str:
        """Say who paused what until when and why, in one line."""
        what = "" if self.cluster else "all clusters are "
        return f"{what}paused by {self.who} until {utc_seconds_text(self.until)}: {self.reason}"

    @property
    def record(self) -> dict[str, Any]:
        """The same as plain data. cluster: None for all."""
        return {
            "id": self.id,
            "cluster": self.cluster or None,
            "who": self.who,
            "reason": self.reason,
            "since": utc_seconds_text(self.since),
            "until": utc_seconds_text(self.until),
        }


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses in the journal; a `Guard`. Methods raise `JournalError` unless they say else."""

    journal: Journal
    clock: Clock

    def note(self, view: ClusterView) -> None:
        """Take nothing from a view: a pause is a person's word."""

    def why_not(self, given: Circumstances) -> Block | None:
        """Block while a pause stands, or while it cannot be told whether one does."""
        try:
            standing = self.standing(given.view.cluster)
        except JournalError as error:
            text = f"whether it is paused cannot be read: {error}"
            return Block(Hold.JOURNAL_UNWRITABLE, text)
        if not standing:
            return None
        last = standing[0]
        more = f" (and {len(standing) - 1} more)" if len(standing) > 1 else ""
        left = (last.until - given.now.utc).total_seconds()
        return Block(Hold.PAUSED, last.words + more, again_seconds=left)

    def standing(self, cluster: str | None = None) -> tuple[Pause, ...]:
        """Return the pauses that keep a cluster from being switched, the longest first.

        cluster: None for every pause there is, whatever it is of.
        """
        now = self.clock.now().utc
        found = [
            pause
            for pause in map(_pause, self.journal.open_rows(Kind.PAUSE))
            if pause.until > now and (cluster is None or pause.cluster in {"", cluster})
        ]
        return tuple(sorted(found, key=lambda pause: (pause.until, pause.id), reverse=True))

    def pause(self, cluster: str, who: dict[str, str], reason: str, until: datetime) -> Pause:
        """Set a pause. cluster: empty for all. who: as `Caller.record` has it.

        Raises `RefusedError` for a time that is past or too far away, or if too many stand.
        """
        now = self.clock.now().utc
        if until <= now:
            raise RefusedError(
                400, f"{utc_seconds_text(until)} is past", f"here it is {utc_seconds_text(now)}"
            )
        if (until - now).total_seconds() > LONGEST_SECONDS:
            raise RefusedError(
                400,
                f"{utc_seconds_text(until)} is more than {LONGEST_SECONDS / 86400:g} days away",
                "pause it again before it ends; to keep it from acting for good, set level observe",
            )
        until = _whole_second_after(until)
        if sum(each.cluster == cluster for each in self.standing()) >= MOST_STANDING:
            raise RefusedError(409, f"{MOST_STANDING} such pauses stand already", "resume it first")
        detail = {**who, "reason": reason, "until": utc_text(until)}
        key = self.journal.open_row(Kind.PAUSE, cluster, detail)
        made = Pause(key, cluster, who["who"], reason, now, until)
        log.get("remediator").warning(
            "paused", cluster=cluster or "all", until=utc_seconds_text(until), why=reason, **who
        )
        return made

    def resume(self, cluster: str, who: dict[str, str], key: int | None = None) -> list[Pause]:
        """End the pauses of exactly this cluster (empty: of all), or one of them.

        Raises `RefusedError` where there is none.
        """
        ended = [
            pause
            for pause in self.standing()
            if pause.cluster == cluster and key in {None, pause.id}
        ]
        if not ended:
            raise RefusedError(409, *self._why_none(cluster, key))
        for pause in ended:
            row = {"reason": pause.reason, "until": utc_text(pause.until), "paused_by": pause.who}
            if self.journal.end([pause.id], "resumed", detail={**row, **who}):
                log.get("remediator").info(
                    "resumed", cluster=cluster or "all", pause=pause.id, why=pause.words, **who
                )
        return ended

    def expire(self) -> list[Pause]:
        """End the pauses whose time is over; return those that nobody else ended."""
        now = self.clock.now().utc
        over = [p for p in map(_pause, self.journal.open_rows(Kind.PAUSE)) if p.until <= now]
        ended = [pause for pause in over if self.journal.end([pause.id], "expired")]
        for pause in ended:
            log.get("remediator").warning(
                "pause expired", cluster=pause.cluster or "all", pause=pause.id, why=pause.words
            )
        return ended

    def _why_none(self, cluster: str, key: int | None) -> tuple[str, str]:
        """Say what there is not, and what there is instead."""
        scope = cluster or "all clusters"
        problem = f"no pause {'' if key is None else f'{key} '}of {scope} stands"
        others = [f"pause {pause.id}: {pause.words}" for pause in self.standing()]
        return problem, "; ".join(others[:3]) or "nothing is paused"


def _pause(row: JournalRow) -> Pause:
    """Read a row. Raises `JournalError` for one that was changed by other hands."""
    said = row.detail
    try:
        since, until = moment_of(row.at), moment_of(said["until"])
        return Pause(row.id, row.cluster, said["who"], said["reason"], since, until)
    except (KeyError, TypeError, ValueError) as error:
        raise not_understood(row, error) from error


def not_understood(row: JournalRow, error: Exception) -> JournalError:
    """Say that a row was changed by other hands: while it is open, nothing is done."""
    problem = f"row {row.id} cannot be understood: {type(error).__name__}: {error}"
    return JournalError("journal", problem, f"see GET /api/v1/journal?kind={row.kind}")


def _whole_second_after(moment: datetime) -> datetime:
    part = moment.microsecond
    return moment + timedelta(microseconds=1_000_000 - part if part else 0)
