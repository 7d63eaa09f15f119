"""Which NLB cluster of an answer is the configured one, and whose answer it is. Pure."""

from __future__ import annotations

from typing import Protocol, TypeVar

from cluster.model import Problem, Reason
from cluster.nlb.output import Parsed


class Block(Protocol):
    """What an answer says of one NLB cluster. cluster_ip: None where it names none."""

    @property
    def cluster_ip(self) -> str | None:
        """Primary address of the cluster."""


B = TypeVar("B", bound=Block)


def chosen(parsed: Parsed[B], cluster_ip: str) -> tuple[B | None, Problem | None]:
    """Pick the block of the configured cluster, or say why there is none.

    A single block that names no cluster is taken for it; one that names another is not.
    """
    if parsed.failure is not None:
        return None, parsed.failure
    for block in parsed.blocks:
        if block.cluster_ip == cluster_ip:
            return block, None
    if len(parsed.blocks) == 1 and parsed.blocks[0].cluster_ip is None:
        return parsed.blocks[0], None
    if not parsed.blocks:
        return None, unknown_text(parsed.problems)
    named = ", ".join(block.cluster_ip or "unnamed" for block in parsed.blocks)
    text = f"configured is {cluster_ip}, the host reports {named}"
    return None, Problem(Reason.OTHER_CLUSTER, text)


def other_host(configured: int, reported: int) -> Problem:
    """Say that another host answers, as it does where two hosts name one program."""
    text = f"configured is host id {configured}, the answer is of host id {reported}"
    return Problem(Reason.OTHER_HOST, text)


def unknown_text(problems: tuple[str, ...]) -> Problem:
    """Say that what was answered is not known."""
    return Problem(Reason.UNKNOWN_TEXT, "; ".join(problems))
