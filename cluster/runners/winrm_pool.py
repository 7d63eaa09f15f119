"""Edge: threads that hold sessions of one account on one host open, and call through them.

The library below blocks. Each session therefore has a thread of its own, and who asks waits
no longer than its deadline: a call that hangs is left behind with its session, and the next
one opens another. Speaks no protocol; what a session is, `winrm_session` says.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cluster.clock import Clock, Deadline, Instant, deadline_in
from cluster.model import Problem, Reason
from cluster.runners.winrm_calls import READ_FUNCTION, Call, Output
from cluster.runners.winrm_job import Carried, Job, NoSessionError, Session

MOST_SESSIONS = 3
"""Open at once for one account. Each is a process on the host."""

MOST_THREADS = 8
"""Of one account, those that hang in a lost call included."""

KEEP_ALIVE = Call(READ_FUNCTION, (("BackEnd", "nlb"), ("What", "query")))
"""Asked in a session that was idle: a failover after quiet weeks must not begin with a log-in."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10.0, 300.0
"""After a refused log-in; doubled each time, so that a wrong password does not soon lock an
account."""

CLOSING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Times:
    """How long things may take, in seconds.

    opening: outlives the reading that asked for it, so that the next one finds it done.
    idle: after that a session is kept alive by a call. keeping: how long that call may take.
    """

    opening: float = 15.0
    idle: float = 300.0
    keeping: float = 10.0


class SessionPool:
    """The sessions of one account in one endpoint of one host."""

    def __init__(
        self,
        opens: Callable[[Deadline], Session],
        clock: Clock,
        times: Times | None = None,
    ) -> None:
        """Begin with no session. opens: opens one, or raises `NoSessionError`."""
        self._opens, self._clock, self._times = opens, clock, times or Times()
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._workers: set[_Worker] = set()
        self._free: set[_Worker] = set()
        self._lost: set[_Worker] = set()
        self._closed = False
        self._opening: _Worker | None = None
        self._opening_ends = Deadline(0.0)
        self._refused: Problem | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._next_try = Deadline(0.0)

    @property
    def threads(self) -> int:
        """How many threads there are, those in lost calls included."""
        with self._changed:
            return len(self._workers) + len(self._lost)

    def carry_out(self, call: Call, deadline: Deadline, send_by: Deadline | None = None) -> Carried:
        """Carry out a call in a session; what hangs beyond the deadline is left behind.

        send_by: after that it is not sent any more; None for the deadline itself.
        """
        asked = self._clock.now()
        job = Job(call, deadline, deadline.earliest(send_by or deadline))
        refusal = self._submit(job, asked)
        if refusal is not None:
            return Carried(asked, Output(problem=refusal), sent=False)
        for moment in (job.send_by, deadline):
            if self._clock.wait(moment.remaining(self._clock.now()), job.done):
                break
            if job.begun is None:
                break
        return self._given_up(job, asked) if job.carried is None else job.carried

    def close(self) -> None:
        """End all sessions, within `CLOSING_SECONDS`; what hangs is left behind."""
        deadline = deadline_in(self._clock, CLOSING_SECONDS)
        with self._changed:
            self._closed = True
            workers = list(self._workers)
            self._changed.notify_all()
        for worker in workers:
            worker.thread.join(deadline.remaining(self._clock.now()))

    def _submit(self, job: Job, now: Instant) -> Problem | None:
        with self._changed:
            if self._closed:
                return Problem(Reason.UNREACHABLE, "the program is being stopped")
            self._leave_hanging_opening(now)
            if not self._workers:
                hindrance = self._hindrance(now)
                if hindrance is not None:
                    return hindrance
            self._jobs.append(job)
            if len(self._free) < len(self._jobs) and self._may_open(now):
                self._opening = worker = _Worker(self)
                self._opening_ends = deadline_in(self._clock, self._times.opening)
                self._workers.add(worker)
                worker.thread.start()
            self._changed.notify()
            return None

    def _leave_hanging_opening(self, now: Instant) -> None:
        if self._opening is not None and self._opening_ends.remaining(now) <= 0:
            self._lost.add(self._opening)
            self._forget(self._opening)

    def _hindrance(self, now: Instant) -> Problem | None:
        """Say why no session may be opened now."""
        wait = self._next_try.remaining(now)
        if self._refused is not None and wait > 0:
            text = f"{self._refused.text}; not tried again for {wait:.0f} s"
            return Problem(self._refused.reason, text)
        if len(self._lost) >= MOST_THREADS - MOST_SESSIONS:
            return Problem(Reason.BUSY, f"{len(self._lost)} earlier calls still hang")
        return None

    def _may_open(self, now: Instant) -> bool:
        """One at a time: several log-ins with a wrong password would count several times."""
        few = len(self._workers) < MOST_SESSIONS
        return few and self._opening is None and self._hindrance(now) is None

    def _given_up(self, job: Job, asked: Instant) -> Carried:
        begun = job.give_up()
        if job.carried is not None:  # it came in this very moment
            return job.carried
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
            lost = [worker for worker in self._workers if worker.job is job and begun is not None]
            for worker in lost:
                self._forget(worker)
                self._lost.add(worker)
        if begun is None:
            text = "no session was open in time; it goes on being opened"
            return Carried(asked, Output(problem=Problem(Reason.TIMEOUT, text)), sent=False)
        text = f"{job.call.function} was still running after {_waited(begun, self._clock)} s"
        return Carried(begun, Output(problem=Problem(Reason.TIMEOUT, text)), sent=True)

    # What follows is called by the workers.

    def next_job(self, worker: _Worker, is_open: bool) -> Job | None:
        """Wait for something to do; None if the worker is to end. is_open: it has a session."""
        with self._changed:
            while not self._closed and worker in self._workers:
                if self._jobs and (is_open or not self._refuse_waiting(worker)):
                    worker.job = self._jobs.popleft()
                    self._free.discard(worker)
                    return worker.job
                if not is_open:
                    break
                self._free.add(worker)
                if not self._changed.wait(self._times.idle) and not self._jobs:
                    self._free.discard(worker)
                    until = deadline_in(self._clock, self._times.keeping)
                    return Job(KEEP_ALIVE, until, until)
            self._forget(worker)
            return None

    def _refuse_waiting(self, worker: _Worker) -> bool:
        """Where no session may be opened, tell those who wait, unless another worker can help."""
        hindrance = self._hindrance(self._clock.now())
        if hindrance is not None and self._workers == {worker}:
            while self._jobs:
                self._jobs.popleft().end(
                    Carried(self._clock.now(), Output(problem=hindrance), sent=False)
                )
        return hindrance is not None

    def open(self, worker: _Worker) -> Session:
        """Open a session. Raises `NoSessionError`, and remembers a refusal."""
        refusal: Problem | None = None
        try:
            return self._opens(deadline_in(self._clock, self._times.opening))
        except NoSessionError as failed:
            refusal = failed.problem if failed.refused else None
            raise
        finally:
            self._opened(worker, refusal)

    def _opened(self, worker: _Worker, refusal: Problem | None) -> None:
        with self._changed:
            if self._opening is worker:
                self._opening = None
            self._refused = refusal
            if refusal is None:
                self._pause = FIRST_PAUSE_SECONDS
                return
            self._next_try = deadline_in(self._clock, self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def now(self) -> Instant:
        """Return this moment."""
        return self._clock.now()

    def free(self, worker: _Worker) -> None:
        """Note that a worker can take the next call as soon as it has finished with this one."""
        with self._changed:
            if worker in self._workers:
                self._free.add(worker)

    def is_lost(self, worker: _Worker) -> bool:
        """Tell whether nobody waits for the worker's call any more."""
        with self._changed:
            return worker in self._lost

    def ended(self, worker: _Worker) -> None:
        """Forget a worker."""
        with self._changed:
            self._forget(worker)
            self._lost.discard(worker)

    def _forget(self, worker: _Worker) -> None:
        for those in (self._workers, self._free):
            those.discard(worker)
        if self._opening is worker:
            self._opening = None


class _Worker:
    """A thread with one session at most."""

    def __init__(self, pool: SessionPool) -> None:
        self._pool = pool
        self._session: Session | None = None
        self.job: Job | None = None
        self.thread = threading.Thread(target=self._run, name="winrm", daemon=True)

    def _run(self) -> None:
        try:
            while (job := self._pool.next_job(self, self._session is not None)) is not None:
                try:
                    self._work(job)
                except Exception as error:  # noqa: BLE001 - boundary: who waits must be told
                    problem = Problem(Reason.BUG, f"{type(error).__name__}: {error}")
                    job.end(Carried(self._pool.now(), Output(problem=problem), sent=True))
                    break
                if self._pool.is_lost(self):
                    break
        finally:
            self._drop()
            self._pool.ended(self)

    def _work(self, job: Job) -> None:
        """Carry out a call; in a session that was open meanwhile gone, once more in a new one."""
        for fresh in (self._session is None, True):
            try:
                self._session = self._session or self._pool.open(self)
            except NoSessionError as failed:
                job.end(Carried(self._pool.now(), Output(problem=failed.problem), sent=False))
                return
            now = self._pool.now()
            if not job.begin(now):
                self._pool.free(self)
                late = Problem(Reason.TIMEOUT, "a session was open too late for it to be sent")
                job.end(Carried(now, Output(problem=late), sent=False))
                return
            invoked = self._session.invoke(job.call, job.deadline, job.send_by)
            if not invoked.usable:
                self._drop()
            if invoked.sent or fresh:
                break
            job.take_back()
        if self._session is not None:
            self._pool.free(self)
        job.end(Carried(now, invoked.output, invoked.sent))
        if self._session is not None and not self._session.finish():
            self._drop()

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close(Deadline(self._pool.now().plus(CLOSING_SECONDS).monotonic))


def _waited(begun: Instant, clock: Clock) -> str:
    return f"{clock.now().seconds_since(begun):.1f}"
