"""How each incident ended, and the whole run in one table. Pure: from what was noted, after the run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from remediator.rows import Hold
from tests.soak.incident import Ended, Incident
from tests.soak.judge import Command, Span, Verdicts

BOUND_SECONDS = 75.0
"""Beyond the lag: a lost notification comes again after 30 s, a routine look after 60 s."""
SLOW_BOUND_SECONDS = 480.0
"""Where commands failed: the pauses between tries grow to 300 s, half as much again by jitter.

Or where damping waits: 60 s of time in which it is the only primary, after each change.
"""
TOGETHER = frozenset({Hold.PRIMARY_NOT_SEEN, Hold.NO_PRIMARY})
"""Incidents that meet may leave no primary for a while, each of them alone would not."""


@dataclass(frozen=True, slots=True)
class Held:
    """A look that ended with a hold. by_chance: for a reading that was late by itself."""

    at: float
    cluster: str
    hold: Hold
    by_chance: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """How one incident ended. seconds: the longest time in which a repair was due and not done,
    None where none was. wrong: why that is not a right ending, empty if it is.
    """

    incident: Incident
    ended: Ended
    seconds: float | None
    holds: frozenset[Hold]
    wrong: str


@dataclass(slots=True)
class Report:
    """A whole run, or several. Seconds throughout."""

    fates: list[Fate] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    without: list[tuple[float, Span]] = field(default_factory=list)
    split: list[float] = field(default_factory=list)
    holds: Counter[Hold] = field(default_factory=Counter)
    overlapping: int = 0
    cluster_seconds: float = 0.0
    alerts_accepted: int = 0
    alerts_open: int = 0
    intents_open: int = 0

    def add(self, other: Report) -> None:
        """Count another run to this one."""
        self.fates += other.fates
        self.commands += other.commands
        self.without += other.without
        self.split += other.split
        self.holds += other.holds
        self.overlapping += other.overlapping
        self.cluster_seconds += other.cluster_seconds
        self.alerts_accepted += other.alerts_accepted
        self.alerts_open += other.alerts_open
        self.intents_open += other.intents_open

    @property
    def wrong_commands(self) -> list[Command]:
        """Commands that nothing excuses."""
        return [each for each in self.commands if each.wrong and each.excuse is None]

    @property
    def seconds_without(self) -> float:
        """Time without service that began with a command which nothing excuses."""
        return sum(seconds for seconds, span in self.without if span.excuse is None)

    @property
    def wrong_endings(self) -> list[Fate]:
        """Incidents that did not end as they are to."""
        return [fate for fate in self.fates if fate.wrong]

    def broken(self) -> list[str]:
        """Return what must not be; empty where all is as it must be."""
        found = [
            f"{each.at:.2f} {each.cluster}: {each.verb} on {each.host}: {each.wrong}"
            for each in self.wrong_commands
        ]
        found += [
            f"{span.begin:.2f} {span.cluster}: {seconds:.2f} s without service by a command of ours"
            for seconds, span in self.without
            if span.excuse is None
        ]
        found += [
            f"{fate.incident.at:.2f} {fate.incident.kind} ({fate.incident.number}): {fate.wrong}"
            for fate in self.wrong_endings
        ]
        if self.alerts_open:
            found.append(f"{self.alerts_open} accepted alerts without an outcome")
        if self.intents_open:
            found.append(f"{self.intents_open} intents without an outcome")
        return found

    def lines(self) -> list[str]:
        """Return the table."""
        return [
            f"incidents {len(self.fates):,}, right endings {len(self.fates) - len(self.wrong_endings):,}, "
            f"in {self.cluster_seconds / 3600:,.1f} cluster hours; "
            f"{self.overlapping:,} overlapped another",
            f"commands {len(self.commands):,}, wrong {len(self.wrong_commands)}; "
            f"seconds without service by us {self.seconds_without:.1f}",
            *self._excused(),
            f"several hosts in service between two commands of ours: {len(self.split):,} times, "
            f"median {median(self.split or [0.0]):.2f} s, worst {max(self.split, default=0.0):.2f} s",
            f"alerts accepted {self.alerts_accepted:,}, without an outcome {self.alerts_open}; "
            f"intents without an outcome {self.intents_open}",
            "",
            *self._by_kind(),
            "",
            "looks that held, by reason: "
            + ", ".join(f"{hold} {count:,}" for hold, count in self.holds.most_common()),
        ]

    def _excused(self) -> Iterator[str]:
        excused = Counter(
            (each.wrong, each.excuse) for each in self.commands if each.wrong and each.excuse
        )
        seconds: defaultdict[object, float] = defaultdict(float)
        for long, span in self.without:
            seconds[span.excuse] += long if span.excuse is not None else 0.0
        for (wrong, excuse), count in sorted(excused.items(), key=lambda each: -each[1]):
            yield f"counted apart, {excuse}: {wrong}, {count}"
        for named, long in seconds.items():
            if named is not None:
                yield f"counted apart, {named}: {long:.1f} s without service"

    def _by_kind(self) -> Iterator[str]:
        kinds: defaultdict[str, list[Fate]] = defaultdict(list)
        for fate in self.fates:
            kinds[fate.incident.kind].append(fate)
        yield f"{'kind':<32}{'n':>6}{'right':>7}{'repaired':>9}{'held':>6}{'itself':>7}{'median':>8}{'worst':>8}  holds"
        for kind, fates in sorted(kinds.items()):
            ended = Counter(fate.ended for fate in fates)
            times = [fate.seconds for fate in fates if fate.seconds is not None]
            holds = Counter(hold for fate in fates for hold in fate.holds)
            yield (
                f"{kind:<32}{len(fates):>6}{sum(not fate.wrong for fate in fates):>7}"
                f"{ended[Ended.REPAIRED]:>9}{ended[Ended.HELD]:>6}{ended[Ended.BY_ITSELF]:>7}"
                f"{median(times or [0.0]):>8.1f}{max(times, default=0.0):>8.1f}  "
                + ", ".join(f"{hold} {count}" for hold, count in holds.most_common(4))
            )


def report(
    incidents: Sequence[Incident],
    names: Sequence[str],
    verdicts: Verdicts,
    held: Sequence[Held],
    *,
    ended: float,
    quiet: float,
    lag: float,
    alerts_accepted: int,
    alerts_open: int,
    intents_open: int,
) -> Report:
    """Judge a run that has ended at `ended`.

    names: of the clusters, by their numbers. quiet: how long a cluster must be right before an
    incident counts as ended. lag: of the mode sources.
    """
    made = Report(
        commands=verdicts.commands,
        without=[(span.seconds(ended), span) for span in verdicts.without],
        split=[span.seconds(ended) for span in verdicts.split],
        holds=Counter(each.hold for each in held),
        overlapping=sum(_overlaps(each, incidents) for each in incidents),
        cluster_seconds=ended * len(names),
        alerts_accepted=alerts_accepted,
        alerts_open=alerts_open,
        intents_open=intents_open,
    )
    for number, name in enumerate(names):
        own = [each for each in incidents if each.cluster == number]
        spans = [span for span in verdicts.wrong if span.cluster == name]
        seen = [each for each in held if each.cluster == name]
        sent = [each.at for each in verdicts.commands if each.cluster == name]
        made.fates += _fates(own, spans, seen, sent, ended, quiet, lag)
    return made


def _fates(
    incidents: Sequence[Incident],
    spans: Sequence[Span],
    held: Sequence[Held],
    sent: Sequence[float],
    ended: float,
    quiet: float,
    lag: float,
) -> Iterator[Fate]:
    """Yield how the incidents of one cluster ended; those that overlap share what is right."""
    windows = [(each.at, _end_of(each, spans, quiet, ended)) for each in incidents]
    for incident, (begin, end) in zip(incidents, windows, strict=True):
        together = [
            other
            for other, (other_begin, other_end) in zip(incidents, windows, strict=True)
            if other_begin <= end and begin <= other_end
        ]
        mine = [each for each in spans if each.begin <= end and _until(each, ended) >= begin]
        times = [_ready(each, ended) for each in mine]
        meanwhile = [each for each in held if begin <= each.at <= end]
        holds = frozenset(each.hold for each in meanwhile)
        meant = frozenset(each.hold for each in meanwhile if not each.by_chance)
        acted = any(begin <= at <= end for at in sent)
        slow = Hold.DAMPED in holds or any(o.slow for o in _recent(incident, incidents))
        late = max(times, default=0.0) > lag + (SLOW_BOUND_SECONDS if slow else BOUND_SECONDS)
        how = (
            Ended.LATE
            if late
            else Ended.HELD
            if holds
            else Ended.REPAIRED
            if acted
            else Ended.BY_ITSELF
        )
        wrong = _why_wrong(how, meant, together, any_hold=bool(holds))
        yield Fate(incident, how, max((t for t in times if t > 0), default=None), holds, wrong)


def _why_wrong(
    how: Ended, holds: frozenset[Hold], together: Sequence[Incident], *, any_hold: bool
) -> str:
    """Return why an ending is not right. What may be where several meet is what any of them may."""
    if how is Ended.LATE:
        return str(how)
    meant = {hold for each in together for hold in each.holds}
    others = holds - meant - (TOGETHER if len(together) > 1 else frozenset())
    if others:
        return f"held for {', '.join(sorted(others))}"
    # of several at once any may have undone another's work
    endings = {ending for each in together for ending in each.endings}
    allowed = endings | (set(Ended) - {Ended.LATE} if len(together) > 1 else set())
    allowed |= {Ended.HELD} if any_hold else set()
    return "" if how in allowed else f"{how}"


def _recent(incident: Incident, all_of_it: Iterable[Incident]) -> Iterator[Incident]:
    """Yield the incidents whose failed tries may still be waited for."""
    for other in all_of_it:
        if (
            other.at <= incident.until + SLOW_BOUND_SECONDS
            and other.until >= incident.at - SLOW_BOUND_SECONDS
        ):
            yield other


def _end_of(incident: Incident, spans: Sequence[Span], quiet: float, ended: float) -> float:
    """Return when a cluster has been right for `quiet` seconds since an incident's last step."""
    end = incident.until
    for span in spans:
        if span.begin <= end + quiet and _until(span, ended) > end:
            end = _until(span, ended)
    return end + quiet


def _until(span: Span, ended: float) -> float:
    return ended if span.end is None else span.end


def _ready(span: Span, ended: float) -> float:
    """Return the longest time in which a repair was due; of one that goes on, until now."""
    return max(span.ready, 0.0 if span.ready_since is None else ended - span.ready_since)


def _overlaps(incident: Incident, all_of_them: Iterable[Incident]) -> bool:
    return any(
        other is not incident
        and other.cluster == incident.cluster
        and other.at <= incident.until
        and incident.at <= other.until
        for other in all_of_them
    )
