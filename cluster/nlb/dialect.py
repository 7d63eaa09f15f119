"""How a back end is spoken to: a request → the command line, and what the answer says. Pure.

Runners that start programs (`local`, `ssh`) take the command line; the others know functions
by the back end's name. A new back end is a file with a dialect and a reader, and a line in
`cluster.nlb.back_ends`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cluster.model import Problem
from cluster.nlb import output
from cluster.nlb.phrases import Phrases
from cluster.runners.request import Answer, CommandResult, Request


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the answer to a change says; advisory only, for the record.

    text: the answer in words. failure: why the work could not be done at all, None if it was.
    """

    result: CommandResult
    text: str
    failure: Problem | None


class Dialect(Protocol):
    """How one host's NLB is spoken to."""

    @property
    def name(self) -> str:
        """Name of the back end, as configured."""

    def argv(self, request: Request) -> tuple[str, ...]:
        """Return the program and its arguments, made from configuration alone."""

    def outcome(self, answer: Answer) -> Outcome:
        """Say what the answer to an enable or disable tells. Any bytes give an outcome."""


@dataclass(frozen=True, slots=True)
class TextDialect:
    """The utility nlb.exe / wlbs.exe. program: its path. code_page: in which it prints."""

    program: str
    phrases: Phrases
    code_page: str
    name: str = "nlb"

    def argv(self, request: Request) -> tuple[str, ...]:
        """Return the command line; see `cluster.runners.request.Request.arguments`."""
        return (self.program, *request.arguments())

    def outcome(self, answer: Answer) -> Outcome:
        """Match the words of the answer with phrases."""
        text = output.decode(answer.stdout + answer.stderr, self.code_page)
        failure = output.failure_in(text, self.phrases) if answer.problem is None else None
        return Outcome(output.parse_result(text, self.phrases), text, failure)
