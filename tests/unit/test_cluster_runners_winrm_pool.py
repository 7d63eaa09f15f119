"""Sessions that are kept open: who waits how long, who opens, who is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cluster.clock import Deadline, SystemClock, deadline_in
from cluster.model import Problem, Reason
from cluster.runners.winrm_calls import Call, Output
from cluster.runners.winrm_job import Carried, Invoked, NoSessionError
from cluster.runners.winrm_pool import SessionPool, Times

CLOCK = SystemClock()
CALL = Call("Get-SipNlbState", (("What", "query"),))
GONE = Invoked(Output(problem=Problem(Reason.UNREACHABLE, "gone")), sent=False, usable=False)
SOON = 5.0


class FakeSession:
    """A session that answers as told; it counts what is done to it."""

    def __init__(self, *answers: Invoked) -> None:
        self._answers = list(answers)
        self.calls: list[str] = []
        self.release = threading.Event()
        self.release.set()
        self.begun, self.closed = threading.Event(), threading.Event()

    def invoke(self, call: Call, deadline: Deadline, send_by: Deadline) -> Invoked:
        """Answer, once it may."""
        self.calls.append(str(call))
        self.begun.set()
        assert self.release.wait(SOON)
        return self._answers.pop(0) if self._answers else Invoked(Output(str(call).encode()))

    def finish(self) -> bool:
        """Free nothing."""
        return True

    def close(self, deadline: Deadline) -> None:
        """Note it."""
        self.closed.set()


class Opener:
    """Opens the sessions it was given, in order; an exception stands for one that fails."""

    def __init__(self, *sessions: FakeSession | Exception) -> None:
        self._sessions = list(sessions)
        self.opened = 0
        self.release = threading.Event()
        self.release.set()

    def __call__(self, deadline: Deadline) -> FakeSession:
        """Open the next one, once it may."""
        self.opened += 1
        assert self.release.wait(SOON)
        session = self._sessions.pop(0)
        if isinstance(session, Exception):
            raise session
        return session


@pytest.fixture
def pools() -> Iterator[list[SessionPool]]:
    """Pools that are closed after the test."""
    made: list[SessionPool] = []
    yield made
    for pool in made:
        pool.close()


def ask(pool: SessionPool, seconds: float = SOON) -> Carried:
    """Ask once."""
    return pool.carry_out(CALL, deadline_in(CLOCK, seconds))


def test_calls_one_after_the_other_share_a_session(pools: list[SessionPool]) -> None:
    """A session is opened when the first call comes, and kept."""
    opener = Opener(FakeSession())
    pools.append(pool := SessionPool(opener, CLOCK))
    assert opener.opened == 0

    for _ in range(3):
        assert ask(pool).output == Output(b"Get-SipNlbState -What query")
    assert (opener.opened, pool.threads) == (1, 1)


def test_a_call_that_hangs_is_given_up_with_its_session(pools: list[SessionPool]) -> None:
    """It may have been carried out, so it counts as sent; the next call opens another."""
    hanging = FakeSession()
    hanging.release.clear()
    opener = Opener(hanging, FakeSession())
    pools.append(pool := SessionPool(opener, CLOCK))
    given_up = ask(pool, 0.05)

    assert given_up.sent
    assert given_up.output.problem is not None
    assert given_up.output.problem.reason is Reason.TIMEOUT
    assert given_up.output.problem.text.startswith("Get-SipNlbState was still running after 0.")
    assert ask(pool).output.problem is None
    assert opener.opened == 2
    hanging.release.set()
    assert hanging.closed.wait(SOON)


def test_an_opening_outlives_the_call_that_asked_for_it(pools: list[SessionPool]) -> None:
    """The call was not sent and never will be; the next one finds the session open."""
    session = FakeSession()
    opener = Opener(session)
    opener.release.clear()
    pools.append(pool := SessionPool(opener, CLOCK))
    late = ask(pool, 0.05)
    opener.release.set()

    assert not late.sent
    assert late.output.problem == Problem(
        Reason.TIMEOUT, "no session was open in time; it goes on being opened"
    )
    assert ask(pool).output.problem is None
    assert opener.opened == 1


def test_what_must_be_sent_by_a_moment_is_not_waited_for_longer(pools: list[SessionPool]) -> None:
    """The readings behind it would be too old; it is told at once."""
    opener = Opener(FakeSession())
    opener.release.clear()
    pools.append(pool := SessionPool(opener, CLOCK))
    began = CLOCK.now()
    late = pool.carry_out(CALL, deadline_in(CLOCK, SOON), deadline_in(CLOCK, 0.05))
    opener.release.set()

    assert not late.sent
    assert CLOCK.now().seconds_since(began) < SOON / 2


def test_what_was_sent_in_time_may_take_until_the_deadline(pools: list[SessionPool]) -> None:
    """The moment is for the sending alone."""
    session = FakeSession()
    session.release.clear()
    pools.append(pool := SessionPool(Opener(session), CLOCK))
    answers: list[Carried] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            pool.carry_out(CALL, deadline_in(CLOCK, SOON), deadline_in(CLOCK, 0.2))
        )
    )
    asking.start()
    assert session.begun.wait(SOON)
    asking.join(0.3)
    session.release.set()
    asking.join(SOON)

    assert answers[0].output.problem is None


def test_a_session_that_had_gone_is_replaced_within_the_call(pools: list[SessionPool]) -> None:
    """Only where the call certainly was not carried out."""
    ended = FakeSession(Invoked(Output(b"first")), GONE)
    opener = Opener(ended, FakeSession())
    pools.append(pool := SessionPool(opener, CLOCK))

    assert ask(pool).output == Output(b"first")
    again = ask(pool)
    assert (again.output.stdout, again.sent) == (b"Get-SipNlbState -What query", True)
    assert ended.closed.is_set()


def test_a_session_that_is_replaced_too_late_is_sent_nothing(pools: list[SessionPool]) -> None:
    """The call is told at once to be unsent: it may be tried with new readings."""
    ended, fresh = FakeSession(Invoked(Output(b"first")), GONE), FakeSession()
    opener = Opener(ended, fresh)
    pools.append(pool := SessionPool(opener, CLOCK))
    ask(pool)
    opener.release.clear()
    answers: list[Carried] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            pool.carry_out(CALL, deadline_in(CLOCK, 60.0), deadline_in(CLOCK, 0.1))
        )
    )
    asking.start()
    assert ended.closed.wait(SOON)
    asking.join(0.2)
    opener.release.set()
    asking.join(SOON)

    assert [answer.sent for answer in answers] == [False]
    assert fresh.calls == []


def test_a_call_that_may_have_been_carried_out_is_not_repeated(pools: list[SessionPool]) -> None:
    """Broken off in the middle is broken off; the session is replaced by the next call."""
    broken = Invoked(Output(problem=Problem(Reason.UNREACHABLE, "reset")), sent=True, usable=False)
    opener = Opener(FakeSession(Invoked(Output(b"first")), broken), FakeSession())
    pools.append(pool := SessionPool(opener, CLOCK))
    ask(pool)

    again = ask(pool)
    assert (again.output, again.sent) == (broken.output, True)
    assert ask(pool).output.problem is None
    assert opener.opened == 2


def test_a_refused_account_is_left_alone_for_longer_each_time(pools: list[SessionPool]) -> None:
    """Several who wait at once are one log-in; later ones are none until the pause is over."""
    no = Problem(Reason.NOT_INSTALLED_OR_DENIED, "refused")
    opener = Opener(NoSessionError(no, refused=True))
    opener.release.clear()
    pools.append(pool := SessionPool(opener, CLOCK))
    answers: list[Carried] = []
    asking = [threading.Thread(target=lambda: answers.append(ask(pool))) for _ in range(4)]
    for thread in asking:
        thread.start()
    opener.release.set()
    for thread in asking:
        thread.join(SOON)

    paused = Problem(no.reason, "refused; not tried again for 10 s")
    assert {answer.output.problem for answer in answers} <= {no, paused}
    assert ask(pool).output.problem == paused
    assert (opener.opened, [answer.sent for answer in answers]) == (1, [False] * 4)


def test_a_host_that_cannot_be_reached_is_tried_by_every_call(pools: list[SessionPool]) -> None:
    """Nothing can be locked by it, and it may be back."""
    away = Problem(Reason.UNREACHABLE, "away")
    opener = Opener(NoSessionError(away), NoSessionError(away), FakeSession())
    pools.append(pool := SessionPool(opener, CLOCK))

    assert [ask(pool).output.problem for _ in range(3)] == [away, away, None]


def test_threads_in_lost_calls_are_bounded(pools: list[SessionPool]) -> None:
    """Who asks then is told that it is not the host that is slow."""
    stuck = [FakeSession() for _ in range(5)]
    for session in stuck:
        session.release.clear()
    pools.append(pool := SessionPool(Opener(*stuck), CLOCK))
    for _ in stuck:
        assert ask(pool, 0.05).sent
    problem = ask(pool, 0.05).output.problem
    assert (problem, pool.threads) == (Problem(Reason.BUSY, "5 earlier calls still hang"), 5)
    for session in stuck:
        session.release.set()


def test_an_opening_that_hangs_does_not_keep_others_from_opening(
    pools: list[SessionPool],
) -> None:
    """It is left behind once its time is over."""
    opener = Opener(FakeSession(), FakeSession())
    opener.release.clear()
    pools.append(pool := SessionPool(opener, CLOCK, Times(opening=0.1)))
    assert not ask(pool, 0.15).sent
    second = threading.Thread(target=lambda: ask(pool))
    second.start()
    while opener.opened < 2:
        assert second.is_alive()
    opener.release.set()
    second.join(SOON)

    assert ask(pool).output.problem is None


def test_an_idle_session_is_kept_alive(pools: list[SessionPool]) -> None:
    """One that the host has ended meanwhile is replaced before anybody needs it."""
    kept = Invoked(Output(b"kept"))
    session = FakeSession(Invoked(Output(b"first")), kept, kept, GONE)
    opener = Opener(session, FakeSession())
    pools.append(pool := SessionPool(opener, CLOCK, Times(idle=0.02)))
    ask(pool)

    assert session.closed.wait(SOON)
    assert session.calls == [
        "Get-SipNlbState -What query",
        *["Get-SipNlbState -BackEnd nlb -What query"] * 3,
    ]
    assert ask(pool).output.problem is None
    assert opener.opened == 2


def test_a_bug_in_a_session_is_told_to_who_waits(pools: list[SessionPool]) -> None:
    """It costs that call and its session, nothing else."""

    class Broken(FakeSession):
        def invoke(self, call: Call, deadline: Deadline, send_by: Deadline) -> Invoked:
            """Do what a session must not do."""
            raise ZeroDivisionError("by design")

    pools.append(pool := SessionPool(Opener(Broken(), FakeSession()), CLOCK))

    assert ask(pool).output.problem == Problem(Reason.BUG, "ZeroDivisionError: by design")
    assert ask(pool).output.problem is None


def test_closing_ends_every_session(pools: list[SessionPool]) -> None:
    """Whoever asks afterwards is refused."""
    session = FakeSession()
    pool = SessionPool(Opener(session), CLOCK)
    ask(pool)
    pool.close()

    assert session.closed.is_set()
    assert (ask(pool).output.problem, pool.threads) == (
        Problem(Reason.UNREACHABLE, "the program is being stopped"),
        0,
    )
