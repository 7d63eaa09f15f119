"""``sipnlb-remediator reconcile``: asks the running remediator to look at a cluster now.

Edge: one HTTP request, or a few with ``--wait``. Small and quick to start, so that it can be the
Management Layer's control script or alarm reaction: it must not import what only the service
needs. Prints one line, to standard output where it could ask, else to standard error.

Exit status: 0 asked, or with ``--wait`` the cluster is right; 1 it is not right, or its look did
not end in time; 2 wrong use or a cluster or credentials that the remediator does not know;
3 the remediator cannot be reached or does not do its work.
"""

from __future__ import annotations

import argparse
from threading import Event
from typing import Any
from urllib.parse import quote

from cluster.clock import Clock, Deadline, SystemClock, deadline_in
from remediator.asking import (
    ANSWER_SECONDS,
    DONE,
    NOT_REACHED,
    NOT_RIGHT,
    Asking,
    NotDoneError,
    add_access,
    asking_of,
    complain,
    parsed,
    say,
)
from remediator.reconcile_so_far import so_far

LAST_WORD_SECONDS = 2.0
"""How long beyond its time it still asks what a look that has not ended has done so far."""
DEFAULT_WAIT_SECONDS = 120.0
"""With the defaults of configuration a host that does not obey takes 3 tries of 15 s and pauses."""
POLL_SECONDS = 0.1
RIGHT_ENDINGS = frozenset({"right", "remediated"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("cluster", metavar="CLUSTER", help="name of the cluster")
    parser.add_argument(
        "--wait", action="store_true", help="wait until the look that was asked for has ended"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=DEFAULT_WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to wait at most, 1 to 3600 (default: 120); a host that does not obey takes "
        "attempts times (command_timeout + verify_timeout)",
    )
    add_access(parser)


def main(argv: list[str]) -> int:
    """Run the command as if nothing else of the program existed; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="sipnlb-remediator reconcile",
        description="Ask the running remediator to look at a cluster now.",
        epilog="Exit status: 0 asked, or with --wait right; 1 held, or not ended in time; "
        "2 wrong use; 3 the remediator does not answer.",
    )
    add_arguments(parser)
    options = parsed(parser, argv)
    return options if isinstance(options, int) else run(options, SystemClock())


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Ask, and wait if that is wanted; print one line and return the exit status."""
    cluster: str = options.cluster
    try:
        asking = asking_of(options, clock)
        deadline = deadline_in(clock, options.timeout if options.wait else ANSWER_SECONDS)
        place = f"/api/v1/clusters/{quote(cluster, safe='')}"
        number = asking.call("POST", f"{place}/reconcile", deadline).get("number")
        if not isinstance(number, int):
            text = f"{asking.url} does not tell the number of its look: is it sipnlb?"
            raise NotDoneError(NOT_REACHED, text)
        if not options.wait:
            say(f"sipnlb: {cluster}: asked for look {number}")
            return DONE
        last = _await(asking, place, number, deadline)
    except NotDoneError as error:
        complain(f"sipnlb: {cluster}: {error}")
        return error.status
    if last is None:
        known = _so_far(asking, cluster)
        say(f"sipnlb: {cluster}: look {number} has not ended in {options.timeout:g} s; {known}")
        return NOT_RIGHT
    say(f"sipnlb: {cluster}: {said(last)}")
    return DONE if last.get("ending") in RIGHT_ENDINGS else NOT_RIGHT


def said(last: dict[str, Any]) -> str:
    """Say in one line how a look ended."""
    ending, hold = last.get("ending") or "failed", last.get("hold")
    words = [f"look {last.get('number')}", str(ending)]
    if hold:
        words.append(str(hold))
    would, why = last.get("would"), last.get("text") or last.get("why")
    if ending == "observed" and isinstance(would, list) and would:
        why = f"would {', '.join(map(str, would))}"
    return " ".join(f"{', '.join(words)}: {why}".split())


def _await(asking: Asking, place: str, number: int, deadline: Deadline) -> dict[str, Any] | None:
    """Return how the look ended, None if it does not in time.

    A later look tells as much: it began after the request too.
    """
    never = Event()
    while deadline.remaining(asking.clock.now()) > 0:
        try:
            last = asking.call("GET", place, deadline).get("last_look")
        except NotDoneError:
            if deadline.remaining(asking.clock.now()) > 0:
                raise
            return None  # the time was over before the answer
        ended = last.get("number") if isinstance(last, dict) else None
        if isinstance(last, dict) and isinstance(ended, int) and ended >= number:
            return last
        asking.clock.wait(POLL_SECONDS, never)
    return None


def _so_far(asking: Asking, cluster: str) -> str:
    """Say what the look that has not ended has done until now."""
    path = f"/api/v1/journal?cluster={quote(cluster, safe='')}&limit=50"
    try:
        answer = asking.call("GET", path, deadline_in(asking.clock, LAST_WORD_SECONDS))
    except NotDoneError as error:
        return f"what it has done so far is not known: {error}"
    return " ".join(f"so far: {so_far(answer.get('rows'))}".split())


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("1 to 3600")
    return seconds
