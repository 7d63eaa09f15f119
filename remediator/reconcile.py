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
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote, urlsplit

from cluster.clock import Clock, Deadline, SystemClock, deadline_in
from cluster.errors import ClusterError

ASKED, NOT_RIGHT, WRONG_USE, NOT_REACHED = 0, 1, 2, 3
DEFAULT_URL = "http://127.0.0.1:9877"
ANSWER_SECONDS = 10.0
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
    """Whom to ask, and as whom. authorization: the header's value, None for none."""

    url: str
    authorization: str | None
    clock: Clock

    def call(self, method: str, path: str, deadline: Deadline) -> dict[str, Any]:
        """Return the JSON object of an answer. Raises `_NotDoneError`."""
        parts = urlsplit(self.url)
        left = max(0.05, min(ANSWER_SECONDS, deadline.remaining(self.clock.now())))
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=left)
            headers = {"Authorization": self.authorization} if self.authorization else {}
            connection.request(method, parts.path.rstrip("/") + path, headers=headers)
            answer = connection.getresponse()
            body = answer.read(MAX_ANSWER_BYTES)
            connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _NotDoneError(
                NOT_REACHED, f"{self.url} does not answer: {_why(error)}"
            ) from error
        return _object(self.url, answer.status, body)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("cluster", metavar="CLUSTER", help="name of the cluster")
    parser.add_argument(
        "--wait", action="store_true", help="wait until the look that was asked for has ended"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="how long to wait at most, 1 to 3600 (default: 30)",
    )
    parser.add_argument(
        "--url",
        default=DEFAULT_URL,
        type=_url,
        metavar="URL",
        help="address of the remediator (default: %(default)s)",
    )
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file whose first line is the bearer token"
    )
    given.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help="take the credentials of remediator.web from this clusters.yml; slower to start",
    )


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
        asking = Asking(options.url, _authorization(options), clock)
        deadline = deadline_in(clock, options.timeout if options.wait else ANSWER_SECONDS)
        place = f"/api/v1/clusters/{quote(cluster, safe='')}"
        number = asking.call("POST", f"{place}/reconcile", deadline).get("number")
        if not options.wait:
            print(f"sipnlb: {cluster}: asked for look {number}")
            return ASKED
        last = _await(asking, place, number, deadline)
    except _NotDoneError as error:
        print(f"sipnlb: {cluster}: {error}", file=sys.stderr)
        return error.status
    if last is None:
        print(f"sipnlb: {cluster}: look {number} has not ended in {options.timeout:g} s")
        return NOT_RIGHT
    print(f"sipnlb: {cluster}: {said(last)}")
    return ASKED if last.get("ending") in RIGHT_ENDINGS else NOT_RIGHT


def said(last: dict[str, Any]) -> str:
    """Say in one line how a look ended."""
    ending, hold = last.get("ending") or "failed", last.get("hold")
    words = [f"look {last.get('number')}", str(ending)]
    if hold:
        words.append(str(hold))
    would = last.get("would") or []
    why = (
        f"would {', '.join(would)}" if ending == "observed" else last.get("text") or last.get("why")
    )
    return " ".join(f"{', '.join(words)}: {why}".split())


def _await(asking: Asking, place: str, number: object, deadline: Deadline) -> dict[str, Any] | None:
    """Return how the look ended, None if it does not in time.

    A later look tells as much: it began after the request too.
    """
    if not isinstance(number, int):
        raise _NotDoneError(NOT_REACHED, f"{asking.url} does not tell the number of its look")
    never = Event()
    while deadline.remaining(asking.clock.now()) > 0:
        last = asking.call("GET", place, deadline).get("last_look")
        if isinstance(last, dict) and last.get("number", 0) >= number:
            return last
        asking.clock.wait(POLL_SECONDS, never)
    return None


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
    raise _NotDoneError(WRONG_USE if status in {401, 404} else NOT_REACHED, text)


def _authorization(options: argparse.Namespace) -> str | None:
    """Return the value of the Authorization header. Raises `_NotDoneError`."""
    try:
        if options.token_file is not None:
            return f"Bearer {_first_line(options.token_file)}"
        return None if options.config_file is None else _configured(options.config_file)
    except (OSError, UnicodeDecodeError, ClusterError) as error:
        raise _NotDoneError(WRONG_USE, f"no credentials: {error}") from error


def _first_line(file: Path) -> str:
    lines = file.read_text("utf-8-sig").splitlines()
    return lines[0].strip() if lines else ""


def _configured(file: Path) -> str | None:
    """Return what ``remediator.web`` of a configuration asks of callers. Loads the whole of it."""
    import base64  # noqa: PLC0415 - only here

    from cluster.config import load, read_secret  # noqa: PLC0415 - slow, and seldom wanted

    web = load(file).remediator.web
    if web.bearer_token_file is not None:
        return f"Bearer {read_secret(web.bearer_token_file)}"
    if web.basic_auth is not None:
        pair = f"{web.basic_auth.username}:{read_secret(web.basic_auth.password_file)}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    return None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("1 to 3600")
    return seconds


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not an http or https address")
    return text
