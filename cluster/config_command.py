"""A program with its arguments, as ``clusters.yml`` names it. Pure.

It is started without a shell, so what stands here is exactly what the program gets. Everybody
on the machine may read it in the process list: a password has no place in it.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from cluster.config_values import FilePath

_FULL_PATH = re.compile(r"/|\\\\|[A-Za-z]:[\\/]")
_WORDS = r"(?:password|passwd|passphrase|pwd|secret|token)"
_OPTION = re.compile(rf"(?:--?|/)[\w.-]*{_WORDS}[\w.-]*(?:[=:].*)?", re.IGNORECASE | re.DOTALL)
_SHORT_OPTION = re.compile(r"[-/]pw", re.IGNORECASE)
_ASSIGNMENT = re.compile(rf"[\w.-]*{_WORDS}[\w.-]*=.*", re.IGNORECASE | re.DOTALL)
_IN_ADDRESS = re.compile(r".*://[^/@\s]*:[^/@\s]*@.*", re.DOTALL)
_OF_A_FILE = re.compile(r"[^=:]*file", re.IGNORECASE)


def _from_full_path(command: tuple[str, ...]) -> tuple[str, ...]:
    if _FULL_PATH.match(command[0]) is None:
        raise ValueError(f"{command[0]!r} is not a full path; write where the program is")
    return command


def _without_secrets(command: object) -> object:
    """Refuse what shows a password, before anything else: other problems show what is given."""
    if not isinstance(command, tuple | list):
        raise ValueError("is not a list; write [PROGRAM, ARGUMENT, ARGUMENT]")
    for number, argument in enumerate(command):
        if isinstance(argument, str) and shows_secret(argument):
            raise ValueError(
                f"argument {number} looks like a password, which everybody could read in the "
                "process list; name its file as password_file, and let a script read it from "
                "standard input"
            )
    return command


def shows_secret(argument: str) -> bool:
    """Tell whether an argument seems to be or to announce a password.

    Options such as ``-cspassword`` (documented: mlcmd), ``NAME=VALUE`` of such a name, and
    credentials in an address. An option that names a file is none. A command line within an
    argument, as a shell takes it, is looked at word by word.
    """
    return any(_is_secret(word) for word in (argument, *argument.split()))


def _is_secret(argument: str) -> bool:
    if _IN_ADDRESS.fullmatch(argument) or _SHORT_OPTION.fullmatch(argument):
        return True
    named = _OPTION.fullmatch(argument) or _ASSIGNMENT.fullmatch(argument)
    return named is not None and _OF_A_FILE.match(argument) is None


Command = Annotated[
    tuple[FilePath, ...],
    Field(min_length=1),
    BeforeValidator(_without_secrets),
    AfterValidator(_from_full_path),
]
