"""``sipnlb-remediator status [CLUSTER]``: how all stands, on one screen.

Edge: one HTTP request to the running remediator. Small and quick to start: it must not import
what only the service needs.

Exit status: 0 all is right; 1 a cluster needs attention, or an Alertmanager cannot be asked;
2 wrong use, or a cluster or credentials that the remediator does not know; 3 the remediator
cannot be reached or is not ready.
"""

from __future__ import annotations

import argparse
import json
from urllib.parse import quote

from cluster.clock import Clock, SystemClock, deadline_in
from remediator.asking import (
    ANSWER_SECONDS,
    DONE,
    NOT_REACHED,
    NOT_RIGHT,
    NotDoneError,
    add_access,
    asking_of,
    complain,
    parsed,
    say,
)
from remediator.status_text import Screen, screen


def main(argv: list[str]) -> int:
    """Run the command as if nothing else of the program existed; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="sipnlb-remediator status",
        description="Show how the remediator and every cluster stand.",
        epilog="Exit status: 0 all is right, 1 something needs attention, 2 wrong use, "
        "3 the remediator does not answer or is not ready.",
    )
    parser.add_argument(
        "cluster", nargs="?", metavar="CLUSTER", help="only this cluster, with its hosts"
    )
    parser.add_argument(
        "--json", action="store_true", help="print what the remediator tells, as JSON"
    )
    add_access(parser)
    options = parsed(parser, argv)
    return options if isinstance(options, int) else run(options, SystemClock())


def run(options: argparse.Namespace, clock: Clock) -> int:
    """Ask, print what was told and return the exit status."""
    only = f"?cluster={quote(options.cluster, safe='')}" if options.cluster else ""
    try:
        asking = asking_of(options, clock)
        deadline = deadline_in(clock, ANSWER_SECONDS)
        document = asking.call("GET", f"/api/v1/status{only}", deadline)
    except NotDoneError as error:
        complain(f"sipnlb: {error}")
        return error.status
    shown = screen(document, details=bool(options.cluster))
    exit_status = _exit_status(shown)
    if options.json:
        say(json.dumps({**document, "attention": shown.attention}, indent=2))
        return exit_status
    for line in shown.lines:
        say(line)
    return exit_status


def _exit_status(shown: Screen) -> int:
    if not shown.ready:
        return NOT_REACHED
    return NOT_RIGHT if shown.attention else DONE
