"""The installed command ``sipnlb-remediator``. Imports the service only where it is wanted.

A subcommand is started by other programs at the moment of a switchover, or by a person in a
hurry: what the service needs takes a second to import, and those would wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module

COMMANDS = {
    "acknowledge": "remediator.operate:acknowledge",
    "approve": "remediator.operate:approve",
    "pause": "remediator.operate:pause",
    "reconcile": "remediator.reconcile:main",
    "resume": "remediator.operate:resume",
    "status": "remediator.status_command:main",
}
"""Where each subcommand begins: module and function, which takes the arguments after it."""


def command_of(arguments: list[str]) -> Callable[[list[str]], int] | None:
    """Return what carries out a command line, None where it names no subcommand."""
    place = COMMANDS.get(arguments[0]) if arguments else None
    if place is None:
        return None
    module, _, function = place.partition(":")
    found: Callable[[list[str]], int] = getattr(import_module(module), function)
    return found


def entry_point() -> None:
    """Run the command and exit with its status."""
    given = sys.argv[1:]
    command = command_of(given)
    if command is not None:
        sys.exit(command(given[1:]))
    from remediator.__main__ import main  # noqa: PLC0415 - see above

    sys.exit(main(given))
