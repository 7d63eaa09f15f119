"""Errors raised on purpose: each says where, what is wrong, and how to mend it.

Anything that is not a `ClusterError` is a bug and is reported as one.
"""

from __future__ import annotations

from dataclasses import dataclass


class ClusterError(Exception):
    """An error that somebody outside the program can mend.

    where: the host, file or key path concerned.
    problem: what is wrong, in one sentence without a full stop.
    hint: what to do about it; empty only if nothing useful can be said.
    """

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        """Keep the three parts and make one line of them."""
        super().__init__(f"{where}: {problem}" + (f" ({hint})" if hint else ""))
        self.where = where
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong in a configuration file.

    line: counted from 1; None where the problem has no single place.
    path: the key path, such as ``clusters[0].hosts[1].address``; empty for the whole file.
    """

    line: int | None
    path: str
    problem: str
    hint: str = ""

    def __str__(self) -> str:
        """Show the problem as one line: line, path, problem, hint."""
        place = ", ".join(
            part for part in (f"line {self.line}" if self.line else "", self.path) if part
        )
        return (
            (f"{place}: " if place else "")
            + self.problem
            + (f" ({self.hint})" if self.hint else "")
        )


class ConfigError(ClusterError):
    """A configuration file that is refused, with every problem found in it."""

    def __init__(self, file: str, problems: tuple[ConfigProblem, ...]) -> None:
        """Join all problems under the file's name, one a line."""
        count = len(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(file, f"{count} problem{'s' if count != 1 else ''}\n{lines}")
        self.problems = problems
