"""The ``sipnlb_reading_*`` metrics: how well each reading works. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.model import Reason
from exporter.measures import Measure, Sample, Subject
from exporter.readings import keys_of, label_of, reading_of


def _age(subject: Subject) -> Iterator[Sample]:
    for key in keys_of(subject.view):
        reading = reading_of(subject.view, key)
        if reading.problem is None or reading.problem.reason is not Reason.NEVER_READ:
            age = max(0.0, reading.age_seconds(subject.now))
            yield (label_of(subject.view, key),), round(age, 3)


def _duration(subject: Subject) -> Iterator[Sample]:
    for key in keys_of(subject.view):
        reading = reading_of(subject.view, key)
        if reading.problem is None or reading.problem.reason is not Reason.NEVER_READ:
            yield (label_of(subject.view, key),), round(reading.duration_seconds(), 3)


def _success(subject: Subject) -> Iterator[Sample]:
    for key in keys_of(subject.view):
        reading = reading_of(subject.view, key)
        yield (label_of(subject.view, key),), float(reading.problem is None)


def _problem(subject: Subject) -> Iterator[Sample]:
    for key in keys_of(subject.view):
        problem = reading_of(subject.view, key).problem
        if problem is not None:
            yield (label_of(subject.view, key), str(problem.reason)), 1.0


MEASURES = (
    Measure(
        "sipnlb_reading_age_seconds",
        "Time since the latest reading was asked for, whether it succeeded or not.",
        _age,
        ("reading",),
    ),
    Measure(
        "sipnlb_reading_duration_seconds",
        "How long the latest reading took.",
        _duration,
        ("reading",),
    ),
    Measure(
        "sipnlb_reading_success",
        "1 if the latest reading gave a value that is not too old, else 0.",
        _success,
        ("reading",),
    ),
    Measure(
        "sipnlb_reading_problem",
        "1 for what is wrong with the latest reading; no series where nothing is.",
        _problem,
        ("reading", "reason"),
    ),
)
