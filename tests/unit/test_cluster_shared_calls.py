"""Readings that are wanted at the same moment share one call, and never an older one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster.clock import Deadline, Instant
from cluster.runners.request import Answer
from cluster.shared_calls import GATHER_SECONDS, GRACE_SECONDS, SharedCalls
from tests.unit import exporter_samples as samples

DEADLINE = Deadline(samples.BEGIN.monotonic + 5)
ANSWER = Answer("cmd", samples.BEGIN, samples.BEGIN.plus(0.5), True, b"", b"", 0)


class Clock:
    """A clock that stands still; `on_pause` happens while somebody waits for others to join."""

    def __init__(self) -> None:
        self.moment = samples.BEGIN
        self.on_pause: Callable[[], None] = lambda: None
        self.joined = threading.Semaphore(0)

    def now(self) -> Instant:
        """Return the moment."""
        return self.moment

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """A pause ends at once, as does a time that is over; who waits for an answer does so."""
        if seconds <= GATHER_SECONDS:
            self.on_pause()
            return wake.is_set()
        if seconds <= GRACE_SECONDS:
            return wake.is_set()
        self.joined.release()
        woken = wake.wait(10)
        assert woken
        return True


class Asked:
    """Threads that ask for an answer, and what they got."""

    def __init__(self, calls: SharedCalls[Answer]) -> None:
        self.calls = calls
        self.got: list[Answer | None] = []
        self.threads: list[threading.Thread] = []

    def ask(self, deadline: Deadline = DEADLINE) -> None:
        """Ask in a thread of its own."""
        thread = threading.Thread(
            target=lambda: self.got.append(self.calls.answer(deadline)), daemon=True
        )
        self.threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait for all of them."""
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


def test_readings_that_ask_before_the_call_starts_share_it() -> None:
    """Two that come while the first waits for others get the very same answer."""
    clock, begun = Clock(), []

    def run(deadline: Deadline) -> Answer:
        begun.append(deadline)
        return replace(ANSWER, command=f"call {len(begun)}")

    asked = Asked(SharedCalls(run, clock))

    def others() -> None:
        asked.ask()
        asked.ask(Deadline(DEADLINE.monotonic - 1))
        assert clock.joined.acquire(timeout=10)
        assert clock.joined.acquire(timeout=10)

    clock.on_pause = others
    first = asked.calls.answer(DEADLINE)
    asked.join()
    assert first is not None
    assert (first.command, asked.got, begun) == ("call 1", [first, first], [DEADLINE])


def test_a_call_under_way_is_never_joined() -> None:
    """Its question was sent earlier, so its answer may be older than the reading allows."""
    clock, under_way, go_on = Clock(), threading.Event(), threading.Event()
    calls: list[str] = []

    def run(_deadline: Deadline) -> Answer:
        calls.append(f"call {len(calls) + 1}")
        answer = replace(ANSWER, command=calls[-1])
        if len(calls) == 1:
            under_way.set()
            assert go_on.wait(10)
        return answer

    asked = Asked(SharedCalls(run, clock))
    asked.ask()
    assert under_way.wait(10)
    second = asked.calls.answer(DEADLINE)
    assert second is not None
    assert (second.command, asked.got) == ("call 2", [])
    go_on.set()
    asked.join()
    assert [answer.command for answer in asked.got if answer] == ["call 1"]


def test_a_reading_with_more_time_does_not_join_one_with_less() -> None:
    """The call would end too early for it: it begins its own, which the next ones join."""
    clock = Clock()
    deadlines: list[Deadline] = []

    def run(deadline: Deadline) -> Answer:
        deadlines.append(deadline)
        return ANSWER

    calls = SharedCalls(run, clock)
    patient = Deadline(DEADLINE.monotonic + 1)

    def other() -> None:
        clock.on_pause = lambda: None
        assert calls.answer(patient) == ANSWER

    clock.on_pause = other
    assert calls.answer(DEADLINE) == ANSWER
    assert deadlines == [patient, DEADLINE]


def test_a_call_that_breaks_frees_those_who_joined() -> None:
    """Whoever began it gets the error; the others have no answer, and the next call is new."""
    clock = Clock()
    calls: list[Deadline] = []

    def run(deadline: Deadline) -> Answer:
        calls.append(deadline)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return ANSWER

    asked = Asked(SharedCalls(run, clock))

    def other() -> None:
        asked.ask()
        assert clock.joined.acquire(timeout=10)

    clock.on_pause = other
    with pytest.raises(RuntimeError, match="a bug"):
        asked.calls.answer(DEADLINE)
    asked.join()
    clock.on_pause = lambda: None
    assert (asked.got, asked.calls.answer(DEADLINE)) == ([None], ANSWER)
