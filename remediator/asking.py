"""Asks a running remediator over HTTP: what every subcommand that talks to it shares.

Edge: one call, on a thread of its own, that takes no longer than it may. Small and quick to
import: what only the service needs must not be imported here.

Exit statuses of all of them: 0 done; 1 understood, and not done or not right; 2 wrong use, or a
cluster or credentials that the remediator does not know; 3 it cannot be reached or does not do
its work.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cluster.clock import Clock, Deadline
from cluster.errors import ClusterError
from remediator import reconcile_access

DONE, NOT_RIGHT, WRONG_USE, NOT_REACHED = 0, 1, 2, 3
DEFAULT_URL = "http://127.0.0.1:9877"
ANSWER_SECONDS = 10.0
MAX_ANSWER_BYTES = 1024 * 1024
STATUSES = {409: NOT_RIGHT, **dict.fromkeys((400, 401, 403, 404, 421), WRONG_USE)}
"""Exit statuses of refusals; whatever else is answered, it does not do its work."""


class NotDoneError(Exception):
    """It could not be asked, or refused. status: the exit status that says so."""

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

    def call(
        self, method: str, path: str, deadline: Deadline, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the JSON object of an answer. Raises `NotDoneError`.

        The library's time-out is for each wait on the network, and names are looked up without
        any: on a thread of its own a call takes no longer than it may, whatever the other does.
        """
        left = max(0.05, min(ANSWER_SECONDS, deadline.remaining(self.clock.now())))
        answers: list[tuple[int, bytes]] = []
        failures: list[Exception] = []

        def ask() -> None:
            try:
                answers.append(self._exchange(method, path, left, body))
            except (OSError, http.client.HTTPException, ValueError) as error:
                failures.append(error)

        thread = Thread(target=ask, daemon=True)
        thread.start()
        thread.join(left)
        if answers:
            if answers[0][0] == http.client.UNAUTHORIZED:
                raise NotDoneError(WRONG_USE, reconcile_access.refused(self.authorization))
            return _object(self.url, *answers[0])
        why = _why(failures[0]) if failures else "timed out"
        raise NotDoneError(NOT_REACHED, f"{self.url} does not answer: {why}")

    def _exchange(
        self, method: str, path: str, seconds: float, body: Mapping[str, Any] | None
    ) -> tuple[int, bytes]:
        """Return status and body of one answer. seconds: for each wait on the network."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        connection = (
            http.client.HTTPSConnection(host, port, timeout=seconds, context=self.trust)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=seconds)
        )
        headers = {"Authorization": self.authorization} if self.authorization else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = None if body is None else json.dumps(body)
        connection.request(method, parts.path.rstrip("/") + path, body=sent, headers=headers)
        answer = connection.getresponse()
        received = answer.read(MAX_ANSWER_BYTES)
        connection.close()
        return answer.status, received


def add_access(parser: argparse.ArgumentParser) -> None:
    """Add whom to ask, and the ways to prove who asks."""
    parser.add_argument(
        "--url",
        default=DEFAULT_URL,
        type=_url,
        metavar="URL",
        help="address of the remediator (default: %(default)s)",
    )
    reconcile_access.add_arguments(parser)


def parsed(parser: argparse.ArgumentParser, argv: list[str]) -> argparse.Namespace | int:
    """Return what a command line says, or the exit status of one that is refused."""
    try:
        return parser.parse_args(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else WRONG_USE


def asking_of(options: argparse.Namespace, clock: Clock) -> Asking:
    """Return whom to ask, and as whom. Raises `NotDoneError`."""
    try:
        shown, trust = reconcile_access.authorization(options), reconcile_access.trust(options)
    except (OSError, UnicodeDecodeError, ClusterError) as error:
        raise NotDoneError(WRONG_USE, f"no credentials: {error}") from error
    return Asking(options.url, shown, clock, trust)


def say(text: str) -> None:
    """Print a line, whatever signs standard output has: a reason may quote any host."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def complain(text: str) -> None:
    """Print a line to standard error, which shows every sign in some way."""
    print(text, file=sys.stderr)


def _object(url: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise NotDoneError(NOT_REACHED, f"{url} answers {status} and no JSON object: is it sipnlb?")
    if status in {200, 202}:
        return answer
    text = f"{answer.get('error')}; {answer.get('hint')}"
    raise NotDoneError(STATUSES.get(status, NOT_REACHED), text)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


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
