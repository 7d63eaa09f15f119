"""Edge: carries requests out on this machine, for a program that runs on the node itself."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from cluster import programs
from cluster.clock import Clock, Deadline
from cluster.model import Problem, Reason
from cluster.runners.request import Answer, Permit, Request


class LocalRunner:
    """Starts the NLB utility as a program, with an argument list and a deadline."""

    def __init__(
        self,
        argv_of: Callable[[Request], Sequence[str]],
        clock: Clock,
        permit: Permit | None = None,
        group: programs.RunGroup | None = None,
    ) -> None:
        """Keep how a request becomes a command line.

        permit: without one, this runner refuses every request that changes a port. group:
        what it starts can be ended through it.
        """
        self._argv_of = argv_of
        self._clock = clock
        self._permit = permit
        self._group = group

    def run(self, request: Request, deadline: Deadline, permit: Permit | None = None) -> Answer:
        """Carry out a request; see `cluster.runners.request.Runner`."""
        if request.changes and (permit is None or permit is not self._permit):
            raise PermissionError(f"{request.verb} without the permit of this runner")
        argv = list(self._argv_of(request))
        finished = programs.run(argv, deadline, self._clock, self._group)
        return Answer(
            command=shlex.join(argv),
            asked=finished.asked,
            answered=finished.ended,
            sent=finished.start_error is None,
            stdout=finished.stdout,
            stderr=finished.stderr,
            exit_status=finished.exit_status,
            problem=_problem(finished, argv[0]),
        )


def _problem(finished: programs.Finished, program: str) -> Problem | None:
    if finished.start_error is not None:
        reason = Reason.NOT_INSTALLED_OR_DENIED if finished.denied else Reason.NOT_INSTALLED
        return Problem(reason, f"{program}: {finished.start_error}")
    if finished.timed_out:
        seconds = finished.ended.seconds_since(finished.asked)
        return Problem(Reason.TIMEOUT, f"{program} was still running after {seconds:.1f} s")
    if finished.truncated:
        return Problem(Reason.TOO_LARGE, f"{program} printed more than expected")
    return None
