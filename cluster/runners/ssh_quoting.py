"""An argument list → the one line that SSH carries, for the shell that reads it. Pure.

SSH has no argument lists: the server hands the line to the account's shell. How each shell of
Windows takes a line apart is documented; what cannot be passed through unharmed is refused,
never repaired.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from enum import StrEnum


class Shell(StrEnum):
    """The shell that the host's SSH server starts (its ``DefaultShell``)."""

    CMD = "cmd"
    POWERSHELL = "powershell"
    POSIX = "posix"


LINE_LIMITS = {Shell.CMD: 8191, Shell.POWERSHELL: 32000, Shell.POSIX: 100_000}
"""Characters of one line. documented: Microsoft Learn, "Command prompt line string limitation"
(8191) and CreateProcessW (32767, from which the shell's own path and escapes are taken)."""

_PLAIN = re.compile(r"[A-Za-z0-9_.:+\\\[\]-]+\Z")
_CMD_EXPANDS = frozenset('"%!')
"""documented: cmd /? expands %NAME% (and !NAME! where that is switched on) in quotes too, and
its command line has no escape for either. Quotes cannot stand in a file name of Windows."""

_POWERSHELL_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")
"""documented: about_Quoting_Rules, a quote within single quotes is doubled; PowerShell takes
typographic quotes for plain ones."""


def command_line(argv: Sequence[str], shell: Shell) -> str:
    """Write an argument list as the line that `shell` takes apart into the same list.

    Raises ValueError, with the reason in words, for what it could not pass on unharmed.
    """
    for argument in argv:
        reason = why_refused(argument, shell)
        if reason is not None:
            raise ValueError(f"{argument!r} cannot be passed on: {reason}")
    line = _WRITERS[shell](argv)
    if len(line) > LINE_LIMITS[shell]:
        raise ValueError(f"the line has {len(line)} characters; {shell} takes {LINE_LIMITS[shell]}")
    return line


def why_refused(argument: str, shell: Shell) -> str | None:
    """Return why an argument cannot be passed on through a shell; None if it can."""
    if not argument.isprintable():
        return "it has control characters"
    if shell is Shell.POSIX:
        return None
    if not argument:
        return f"{shell} loses empty arguments"
    if argument.endswith("\\"):
        return "it ends with a backslash"
    if shell is Shell.CMD and not _CMD_EXPANDS.isdisjoint(argument):
        return 'cmd has no escape for ", % and !'
    if '"' in argument:
        return 'Windows PowerShell loses "'
    return None


def _cmd(argv: Sequence[str]) -> str:
    """Quote whatever is not plain. The server puts the line in quotes, which cmd takes off."""
    return " ".join(word if _PLAIN.match(word) else f'"{word}"' for word in argv)


def _powershell(argv: Sequence[str]) -> str:
    """Call by ``&`` with single quotes, in which nothing is expanded.

    documented: about_PowerShell_exe, the program's exit status is passed on only by ``exit``.
    """
    words = (_POWERSHELL_QUOTES.sub(r"\1\1", word) for word in argv)
    return "& " + " ".join(f"'{word}'" for word in words) + "; exit $LASTEXITCODE"


_WRITERS = {Shell.CMD: _cmd, Shell.POWERSHELL: _powershell, Shell.POSIX: shlex.join}
