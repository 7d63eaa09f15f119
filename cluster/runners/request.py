"""The request to an NLB host, and the answer. Pure: what is asked, not where or how.

A runner takes a request, not a command: `local` and `ssh` render an argument list from
it, `winrm` a function with parameters. Only the four forms below exist, each built from
configuration alone, so nothing from outside can become part of a command.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from cluster.clock import Deadline, Instant
from cluster.model import PortRule, Problem


class Verb(StrEnum):
    """What a request does. QUERY, QUERYPORT and PARAMS read; ENABLE and DISABLE change."""

    QUERY = "query"
    QUERYPORT = "queryport"
    PARAMS = "params"
    ENABLE = "enable"
    DISABLE = "disable"


class CommandResult(StrEnum):
    """What a change of a port answers (documented: wlbsprov Enable, Disable and Drain).

    UNKNOWN: the answer is in words that no phrase matches. Advisory only: the reading after
    the command decides.
    """

    OK = "ok"
    ALREADY = "already"
    NOT_FOUND = "not_found"
    STOPPED = "stopped"
    DRAINING = "draining"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"


CHANGING_VERBS = frozenset({Verb.ENABLE, Verb.DISABLE})


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    rule: the configured port rule concerned, None for QUERY and PARAMS. send_before: a runner
    that has to connect first does not send it later than this; None: any time. number: of the
    intent behind a change, higher than those of all changes before it, whoever made them; 1 or
    more. A host to which it is carried (back end ``cim``, runner ``winrm``) refuses a change with a
    lower number than the last it saw. None for requests that read.
    """

    verb: Verb
    rule: PortRule | None = None
    send_before: Deadline | None = field(default=None, compare=False)
    number: int | None = field(default=None, compare=False)

    @property
    def changes(self) -> bool:
        """Whether carrying it out changes a port."""
        return self.verb in CHANGING_VERBS

    def arguments(self) -> tuple[str, ...]:
        """Return the utility's arguments (documented: nlb command grammar V2.6).

        A cluster argument is never passed, because its scope differs between the
        documented syntaxes.
        """
        if self.rule is None:
            return (str(self.verb),)
        return (str(self.verb), self.rule.port_spec)


class Permit:
    """The right to carry out requests that change a port. Only `remediator.switch` makes one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    command: the request as a person would type it. sent: False if it certainly never
    reached the host; True if it did or may have. exit_status: None if there is none;
    advisory only, never a proof. problem: None if the request ran and ended in time.
    """

    command: str
    asked: Instant
    answered: Instant
    sent: bool
    stdout: bytes = b""
    stderr: bytes = b""
    exit_status: int | None = None
    problem: Problem | None = None


class Runner(Protocol):
    """Where requests of one host are carried out."""

    def run(self, request: Request, deadline: Deadline, permit: Permit | None = None) -> Answer:
        """Carry out a request; never raise for what the host does or fails to do.

        A request that changes a port without the permit this runner was made with raises
        `PermissionError`: that is a mistake in the program, not in the site.
        """
