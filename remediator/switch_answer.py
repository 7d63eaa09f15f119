"""What became of a command. Pure; `remediator.switch` is its edge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cluster.model import Problem
from cluster.runners.request import CommandResult


class Sent(StrEnum):
    """How far a command got.

    TOO_LATE: not sent, because the readings that allowed it had become too old meanwhile.
    NOT_SENT: it certainly never reached the host. REFUSED: the host has seen a later one and did
    not carry it out. NO_ANSWER: it did or may have, and nothing
    came back in time. ANSWERED: the utility ended.
    """

    TOO_LATE = "too_late"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class SwitchAnswer:
    """What became of a command. result, output: what the utility said, for the record only."""

    sent: Sent
    command: str
    result: CommandResult = CommandResult.UNKNOWN
    output: str = ""
    exit_status: int | None = None
    problem: Problem | None = None
