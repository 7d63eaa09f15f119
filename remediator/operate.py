"""``sipnlb-remediator pause``, ``resume``, ``approve``, ``acknowledge``: a person's word.

Edge: one HTTP request each to the running remediator, two for an approval that names no id. Small
and quick to start: it must not import what only the service needs. Prints one line, to standard
output where it is done, else to standard error. Exit statuses as `remediator.asking` has them; 1:
it does not fit how things stand, such as an approval that is not wanted any more.
"""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from cluster.clock import Clock, Deadline, SystemClock, deadline_in
from remediator.asking import (
    ANSWER_SECONDS,
    DONE,
    NOT_RIGHT,
    Asking,
    NotDoneError,
    add_access,
    asking_of,
    complain,
    parsed,
    say,
)

Order = Callable[[argparse.Namespace, Asking, Deadline], str]
"""Gives one order; returns what came of it, in one line. Raises `NotDoneError`."""


def pause(argv: list[str]) -> int:
    """Keep a cluster, or all, from being switched for a while; return the exit status."""
    parser = _parser("pause", "Keep a cluster, or all, from being switched for a while.")
    _add_scope(parser)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--for", dest="length", metavar="TIME", help="such as 90m, 2h, at most 7d")
    length.add_argument("--until", metavar="TIME", help="such as 2031-05-06T17:30+02:00")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why, in one line")
    return _run(parser, argv, _pause, SystemClock())


def resume(argv: list[str]) -> int:
    """End the pauses of a cluster, or those of all; return the exit status."""
    parser = _parser("resume", "End the pauses of a cluster, or those of all clusters.")
    _add_scope(parser)
    parser.add_argument("--id", type=int, metavar="ID", help="only this one of several")
    return _run(parser, argv, _resume, SystemClock())


def approve(argv: list[str]) -> int:
    """Let what waits for a person be carried out, once; return the exit status."""
    parser = _parser("approve", "Let what waits for a person be carried out, once.")
    _add_cluster(parser)
    parser.add_argument(
        "id", nargs="?", type=int, metavar="ID", help="of what is wanted (default: all there is)"
    )
    return _run(parser, argv, _approve, SystemClock())


def acknowledge(argv: list[str]) -> int:
    """Say that somebody knows what a person is called for; return the exit status."""
    parser = _parser("acknowledge", "Say that somebody knows what a person is called for.")
    _add_cluster(parser)
    parser.add_argument(
        "--text", required=True, metavar="TEXT", help="what is known, or who does what, in one line"
    )
    return _run(parser, argv, _acknowledge, SystemClock())


def _pause(options: argparse.Namespace, asking: Asking, deadline: Deadline) -> str:
    end = {"for": options.length} if options.until is None else {"until": options.until}
    order = {**_scope(options), **end, "reason": options.reason, **_who(options)}
    made = asking.call("POST", "/api/v1/pause", deadline, order).get("pause")
    return _paused(made)


def _resume(options: argparse.Namespace, asking: Asking, deadline: Deadline) -> str:
    key = {} if options.id is None else {"id": options.id}
    order = {**_scope(options), **key, **_who(options)}
    answer = asking.call("POST", "/api/v1/resume", deadline, order)
    still = [
        f"still {'' if each.get('cluster') else 'all clusters '}{_paused(each)}"
        for each in _list(answer.get("still"))
    ]
    return "; ".join(["resumed", *still])


def _approve(options: argparse.Namespace, asking: Asking, deadline: Deadline) -> str:
    place = f"/api/v1/clusters/{quote(options.cluster, safe='')}"
    key = options.id
    if key is None:
        wanted = _list(asking.call("GET", place, deadline).get("approvals"))
        if len(wanted) != 1:
            each = "; ".join(f"{one.get('id')}: {_joined(one)}" for one in wanted)
            text = f"name one of {each}" if wanted else "nothing waits for approval"
            raise NotDoneError(NOT_RIGHT, text)
        key = wanted[0].get("id")
    answer = asking.call("POST", f"{place}/approve", deadline, {"id": key, **_who(options)})
    approved = answer.get("approved")
    said = _joined(approved) if isinstance(approved, dict) else ""
    return f"approved as {key}: {said}; asked for look {answer.get('number')}"


def _acknowledge(options: argparse.Namespace, asking: Asking, deadline: Deadline) -> str:
    place = f"/api/v1/clusters/{quote(options.cluster, safe='')}/acknowledge"
    answer = asking.call("POST", place, deadline, {"text": options.text, **_who(options)})
    known = _list(answer.get("acknowledged"))
    return "acknowledged " + "; ".join(f"{one.get('hold')}: {one.get('text')}" for one in known)


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"sipnlb-remediator {command}",
        description=description,
        epilog="Exit status: 0 done, 1 it does not fit how things stand, 2 wrong use, "
        "3 the remediator does not answer.",
    )


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", metavar="CLUSTER", help="name of the cluster")


def _add_scope(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_mutually_exclusive_group(required=True)
    scope.add_argument("cluster", nargs="?", metavar="CLUSTER", help="name of the cluster")
    scope.add_argument("--all", action="store_true", help="all clusters")


def _run(parser: argparse.ArgumentParser, argv: list[str], order: Order, clock: Clock) -> int:
    """Give an order; print one line and return the exit status."""
    parser.add_argument(
        "--as", dest="name", metavar="NAME", help="who says so (default: the user of this machine)"
    )
    add_access(parser)
    options = parsed(parser, argv)
    if isinstance(options, int):
        return options
    place = options.cluster or "all clusters"
    try:
        said = order(options, asking_of(options, clock), deadline_in(clock, ANSWER_SECONDS))
    except NotDoneError as error:
        complain(f"sipnlb: {place}: {error}")
        return error.status
    say(" ".join(f"sipnlb: {place}: {said}".split()))
    return DONE


def _scope(options: argparse.Namespace) -> dict[str, Any]:
    return {"all": True} if options.all else {"cluster": options.cluster}


def _who(options: argparse.Namespace) -> dict[str, str]:
    """Return who says so. Where it cannot be told the remediator may ask for it."""
    try:
        return {"who": options.name or getpass.getuser()}
    except (KeyError, OSError, ImportError):
        return {}


def _paused(made: object) -> str:
    said = made if isinstance(made, dict) else {}
    return f"paused by {said.get('who')} until {said.get('until')}: {said.get('reason')}"


def _joined(approval: dict[str, Any]) -> str:
    actions = approval.get("actions")
    return ", then ".join(map(str, actions)) if isinstance(actions, list) else ""


def _list(found: object) -> list[dict[str, Any]]:
    """Return the objects of a list that another program sent."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
