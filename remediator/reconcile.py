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
import http.client
import json
import ssl
import sys
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from cluster.clock import Clock, Deadline, SystemClock, deadline_in
from cluster.errors import ClusterError
from remediator import reconcile_access
from remediator.reconcile_so_far import so_far

ASKED, NOT_RIGHT, WRONG_USE, NOT_REACHED = 0, 1, 2, 3
DEFAULT_URL = "http://127.0.0.1:9877"
ANSWER_SECONDS = 10.0
LAST_WORD_SECONDS = 2.0
"""How long beyond its time it still asks what a look that has not ended has done so far."""
DEFAULT_WAIT_SECONDS = 120.0
"""With the defaults of configuration a host that does not obey takes 3 tries of 15 s and pauses."""
POLL_SECONDS = 0.1
MAX_ANSWER_BYTES = 1024 * 1024
RIGHT_ENDINGS = frozenset({"right", "remediated"})


class _NotDoneError(Exception):
    """It could not be asked. status: the exit status that says so."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to ask, and as whom.

    authorization: the header's value, None for none. trust: for https, None for the usual.
    """

    url: str
    authorization: str | None
    clock: Clock
    trust: ssl.SSLContext | None = None

    def call(self, method: str, path: str, deadline: Deadline) -> dict[str, Any]:
        """Return the JSON object of an answer. Raises `_NotDoneError`.

        The library's time-out is for each wait on the network, and names are looked up without
        any: on a thread of its own a call takes no longer than it may, whatever the other does.
        """
        left = max(0.05, min(ANSWER_SECONDS, deadline.remaining(self.clock.now())))
        answers: list[tuple[int, bytes]] = []
        failures: list[Exception] = []

        def ask() -> None:
            try:
                answers.append(self._exchange(method, path, left))
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures.append(error)

        thread = Thread(target=ask, daemon=True)
        thread.start()
        thread.join(left)
        if answers:
            if answers[0][0] == http.client.UNAUTHORIZED:
                raise _NotDoneError(WRONG_USE, reconcile_access.refused(self.authorization))
            return _object(self.url, *answers[0])
        why = _why(failures[0]) if failures else "timed out"
        raise _NotDoneError(NOT_REACHED, f"{self.url} does not answer: {why}")

    def _exchange(self, method: str, path: str, seconds: float) -> tuple[int, bytes]:
        """Return status and body of one answer. seconds: for each wait on the network."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=seconds, context=self.trust)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=seconds)
        )
        headers = {"Authorization": self.authorization} if self.authorization else {}
        connection.request(method, parts.path.rstrip("/") + path, headers=headers)
        answer = connection.getresponse()
        body = answer.read(MAX_ANSWER_BYTES)
        connection.close()
        return answer.status, body


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
    parser.add_argument(
        "--url",
        default=DEFAULT_URL,
        type=_url,
        metavar="URL",
        help="address of the remediator (default: %(default)s)",
    )
    reconcile_access.add_arguments(parser)


def main(argv: list[str]) -> int:
    """Run the command as if nothing else of the program existed; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="sipnlb-remediator reconcile",
        description="Ask the running remediator to look at a cluster now.",
    )
    add_arguments(parser)
    try:
        options = parser.parse_args(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else WRONG_USE
    return run(options, SystemClock())


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Ask, and wait if that is wanted; print one line and return the exit status."""
    cluster: str = options.cluster
    try:
        asking = _asking(options, clock)
        deadline = deadline_in(clock, options.timeout if options.wait else ANSWER_SECONDS)
        place = f"/api/v1/clusters/{quote(cluster, safe='')}"
        number = asking.call("POST", f"{place}/reconcile", deadline).get("number")
        if not isinstance(number, int):
            text = f"{asking.url} does not tell the number of its look: is it sipnlb?"
            raise _NotDoneError(NOT_REACHED, text)
        if not options.wait:
            _say(f"sipnlb: {cluster}: asked for look {number}")
            return ASKED
        last = _await(asking, place, number, deadline)
    except _NotDoneError as error:
        print(f"sipnlb: {cluster}: {error}", file=sys.stderr)
        return error.status
    if last is None:
        known = _so_far(asking, cluster)
        _say(f"sipnlb: {cluster}: look {number} has not ended in {options.timeout:g} s; {known}")
        return NOT_RIGHT
    _say(f"sipnlb: {cluster}: {said(last)}")
    return ASKED if last.get("ending") in RIGHT_ENDINGS else NOT_RIGHT


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
        except _NotDoneError:
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
    except _NotDoneError as error:
        return f"what it has done so far is not known: {error}"
    return " ".join(f"so far: {so_far(answer.get('rows'))}".split())


def _say(text: str) -> None:
    """Print a line, whatever signs standard output has: a reason may quote any host."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def _object(url: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise _NotDoneError(
            NOT_REACHED, f"{url} answers {status} and no JSON object: is it sipnlb?"
        )
    if status in {200, 202}:
        return answer
    text = f"{answer.get('error')}; {answer.get('hint')}"
    raise _NotDoneError(WRONG_USE if status in {401, 403, 404} else NOT_REACHED, text)


def _asking(options: argparse.Namespace, clock: Clock) -> Asking:
    """Return whom to ask, and as whom. Raises `_NotDoneError`."""
    try:
        shown, trust = reconcile_access.authorization(options), reconcile_access.trust(options)
    except (OSError, UnicodeDecodeError, ClusterError) as error:
        raise _NotDoneError(WRONG_USE, f"no credentials: {error}") from error
    return Asking(options.url, shown, clock, trust)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("1 to 3600")
    return seconds


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_port(parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not an http or https address")
    return text


def _has_port(parts: SplitResult) -> bool:
    """Tell whether the port, if one is named, can be one."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False
