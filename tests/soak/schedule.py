"""Draws a schedule of incidents from a seed: the same seed, the same schedule. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from tests.soak.incident import Incident
from tests.soak.kinds import Kind, kinds

OVERLAP_SHARE = 0.25
"""Share of the incidents that begin while the one before them on their cluster still runs."""

TRIES = 20
"""How many drawn incidents are thrown away that would not have ended in time."""


def draw(
    seed: int,
    clusters: int,
    seconds: float,
    *,
    pause: tuple[float, float] = (15.0, 60.0),
    begin: float = 30.0,
    only: Iterable[str] = (),
) -> tuple[Incident, ...]:
    """Return the incidents of `seconds` on so many clusters, in the order of their beginning.

    pause: seconds between the end of one and the beginning of the next, at least and at most.
    begin: when the first ones may begin. only: names of the kinds; none for all of them. Those
    that would not have ended in time are left out.
    """
    table = {name: kind for name, kind in kinds().items() if not only or name in set(only)}
    drawn: list[Incident] = []
    for cluster in range(clusters):
        random = Random(f"{seed} {cluster}")
        at = begin + random.uniform(0.0, pause[1])
        end, tries = at, TRIES
        while end < seconds:
            name, kind = _choice(random, table)
            incident = _incident(len(drawn), name, kind, at, cluster, random)
            if incident.until > seconds:
                tries -= 1
                if not tries:
                    break
                continue
            drawn.append(incident)
            end = max(end, incident.until)
            overlaps = random.random() < OVERLAP_SHARE
            at = random.uniform(at, end) if overlaps else end + random.uniform(*pause)
    return tuple(sorted(drawn, key=lambda incident: (incident.at, incident.number)))


def _choice(random: Random, table: dict[str, Kind]) -> tuple[str, Kind]:
    (name,) = random.choices(list(table), [kind.weight for kind in table.values()])
    return name, table[name]


def _incident(
    number: int, name: str, kind: Kind, at: float, cluster: int, random: Random
) -> Incident:
    steps = tuple(sorted(kind.steps(random), key=lambda step: step.after))
    return Incident(number, name, at, cluster, steps, kind.endings, kind.holds, kind.slow)
