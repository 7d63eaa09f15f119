"""What a metric is made of: its name, its help, and its samples of one host. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from cluster.clock import Instant
from cluster.config_model import Cluster
from cluster.model import HostView
from exporter.board import ModeHistory

Sample = tuple[tuple[str, ...], float]
"""Values of the labels after ``cluster`` and ``host``, and the value."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One host at one moment. history: None where it is not published (``/probe``)."""

    cluster: Cluster
    view: HostView
    history: ModeHistory | None
    now: Instant


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of hosts. labels: those after ``cluster`` and ``host``.

    A counter's name ends in ``_total``; everything else is a gauge.
    """

    name: str
    help: str
    samples: Callable[[Subject], Iterable[Sample]]
    labels: tuple[str, ...] = ()

    @property
    def is_counter(self) -> bool:
        """Whether it only ever grows."""
        return self.name.endswith("_total")


def state_set(states: Iterable[StrEnum], present: StrEnum, *around: str) -> Iterator[Sample]:
    """Yield one sample a state: 1 for the present one, 0 for the others."""
    for state in states:
        yield (*around, str(state)), float(state is present)


def if_known(value: float | None) -> tuple[Sample, ...]:
    """Return one sample without further labels, or none where the value is unknown."""
    return () if value is None else (((), float(value)),)
