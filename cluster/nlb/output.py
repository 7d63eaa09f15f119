r"""Text of nlb.exe / wlbs.exe → what it says. Pure.

Any text gives values or named problems, never another exception. What no phrase matches is
UNKNOWN or None. Line ends are whatever a shell made of them (documented: ``\r+\n\r?`` seen).

Several NLB adapters give several blocks, each beginning with ``Cluster <primary ip>``
(documented: UCMDB NLB discovery script).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cluster.model import NodeState, NodeStatus, PortState, PortStatus, Problem, Reason
from cluster.nlb.phrases import Phrases, first_match, states_in
from cluster.runners.request import CommandResult

_LINE_END = re.compile(r"\r*\n\r*|\r+")
_CLUSTER_LINE = re.compile(r"^\s*Cluster\s+(?:\S[^()]*\()?\[?([0-9A-Fa-f.:]{2,45})\]?\)?\s*$")
# The public sample prints "has entered" twice (documented: KB 812870).
_CONVERGENCES = re.compile(r"(?:has entered\s+)+a converging state (\d{1,9}) time", re.IGNORECASE)
_MEMBERS = re.compile(r"\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*,?\s*\Z")
_ACCEPTED = re.compile(r"\bAccepted\s*=\s*(\d{1,20})\b", re.IGNORECASE)
_DROPPED = re.compile(r"\bDropped\s*=\s*(\d{1,20})\b", re.IGNORECASE)

MAX_LINE_CHARACTERS = 512
"""What is read of a line; no known line is half as long, and patterns stay quick on garbage."""

HANDLING = frozenset({PortState.ENABLED, PortState.DRAINING})
"""States in which a rule is handled, so that counters exist (documented: nlb queryport help)."""

IN_CLUSTER = frozenset({NodeState.CONVERGED, NodeState.CONVERGING})
"""States of a node that is part of its cluster: only a plain statement makes them so."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """What an output says.

    blocks: one value an NLB cluster in it, in order. problems: what could not be read, one
    sentence each. failure: set if the utility said that it could not do its work at all;
    then there are no blocks.
    """

    blocks: tuple[T, ...] = ()
    problems: tuple[str, ...] = ()
    failure: Problem | None = None


@dataclass(frozen=True, slots=True)
class PortAnswer:
    """State of a port rule in one block. cluster_ip: None where the block names none."""

    cluster_ip: str | None
    status: PortStatus


def decode(raw: bytes, code_page: str) -> str:
    """Make text of the utility's bytes; what the code page lacks becomes U+FFFD."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        code_page = "utf-16"
    elif raw.startswith(b"\xef\xbb\xbf"):
        code_page = "utf-8-sig"
    return _LINE_END.sub("\n", raw.decode(code_page, errors="replace"))


def failure_in(text: str, phrases: Phrases) -> Problem | None:
    """Return why the utility could not do its work, or None if it does not say so."""
    if not text.strip():
        return Problem(Reason.NO_OUTPUT, "the utility printed nothing")
    failure = first_match(phrases.failures, " ".join(text.split()))
    return Problem(failure.reason, _first_line_like(text, failure.pattern)) if failure else None


def parse_query(text: str, phrases: Phrases) -> Parsed[NodeStatus]:
    """Read ``nlb query``: one `NodeStatus` a cluster on the host."""
    failure = failure_in(text, phrases)
    if failure is not None:
        return Parsed(failure=failure, problems=(str(failure),))
    blocks, problems = [], []
    for cluster_ip, lines in split_blocks(text):
        status, found = _node(cluster_ip, lines, phrases)
        if status is not None:
            blocks.append(status)
        problems += found
    count = len(blocks)
    return Parsed(tuple(replace(block, clusters=count) for block in blocks), tuple(problems))


def _node(
    cluster_ip: str | None, lines: list[str], phrases: Phrases
) -> tuple[NodeStatus | None, list[str]]:
    """Read one block. The last ``Host n ...`` line decides (documented: KB 812870).

    Its sub-line "is still in a state of convergence" also stands beside a converged line.
    """
    named = f"cluster {cluster_ip}: " if cluster_ip else ""
    convergences: int | None = None
    state_line: tuple[int, re.Match[str]] | None = None
    for number, line in enumerate(lines):
        entered = _CONVERGENCES.search(line)
        host = _host_line(line, phrases)
        if entered is not None:
            convergences = int(entered[1])
        elif host is not None:
            state_line = (number, host)
    if state_line is None:
        shown = next((line.strip() for line in reversed(lines) if line.strip()), "")
        problem = f"{named}no line begins as one about a host; last line: {shown!r}"
        known = cluster_ip is not None or convergences is not None
        unread = NodeStatus(cluster_ip=cluster_ip, convergences=convergences)
        return (unread if known else None), [problem]
    number, host = state_line
    said = host.string[host.end() :]
    phrase = first_match(phrases.node_states, said)
    in_doubt = phrase is not None and phrase.state in IN_CLUSTER and _is_doubtful(said, phrases)
    if phrase is None or in_doubt:
        what = "the state is not plainly stated" if in_doubt else "no phrase matches the state"
        problem = f"{named}{what} in {lines[number].strip()!r}"
        host_id = int(host["id"])
        return NodeStatus(cluster_ip=cluster_ip, host_id=host_id, convergences=convergences), [
            problem
        ]
    members: tuple[int, ...] | None = None
    problems: list[str] = []
    if phrase.state in IN_CLUSTER:
        members, problems = _members(said, lines[number + 1 :], named)
    return NodeStatus(
        state=phrase.state,
        cluster_ip=cluster_ip,
        host_id=int(host["id"]),
        is_default=phrase.default,
        members=members,
        convergences=convergences,
    ), problems


def _members(
    state_text: str, following: list[str], named: str
) -> tuple[tuple[int, ...] | None, list[str]]:
    """Read the list behind the colon, on its line or the next ones; it may be empty.

    documented: events print ``1,2,3`` (KB Q193603); a converging host that sees nobody ends
    the output at the colon (KB 812870); above 16 hosts a bit map may appear (KB Q198601),
    which is not read.
    """
    after_colon = state_text.rpartition(":")[2] if ":" in state_text else ""
    texts = [after_colon, *following]
    members: list[int] = []
    for text in texts:
        if not text.strip():
            continue
        if not _MEMBERS.match(text):
            if members:
                break
            return None, [f"{named}the member list {text.strip()!r} is not a list of host ids"]
        members += [int(part) for part in re.findall(r"\d+", text)]
    return tuple(dict.fromkeys(members)), []


def parse_queryport(text: str, phrases: Phrases) -> Parsed[PortAnswer]:
    """Read ``nlb queryport``: one answer a cluster on the host. Simulated wording."""
    failure = failure_in(text, phrases)
    if failure is not None:
        return Parsed(failure=failure, problems=(str(failure),))
    blocks, problems = [], []
    for cluster_ip, lines in split_blocks(text):
        state, problem = _port_state(lines, phrases)
        if problem is not None:
            problems.append(f"cluster {cluster_ip}: {problem}" if cluster_ip else problem)
        if state is not PortState.UNKNOWN or cluster_ip is not None:
            blocks.append(PortAnswer(cluster_ip, _port_status(state, "\n".join(lines))))
    return Parsed(tuple(blocks), tuple(problems))


def _port_state(lines: list[str], phrases: Phrases) -> tuple[PortState, str | None]:
    """Read the one plain statement about the rule; anything less is UNKNOWN and why."""
    found: dict[PortState, str] = {}
    doubtful: list[str] = []
    for line in lines:
        states = {phrase.state for phrase in states_in(phrases.port_states, line)}
        if PortState.NOT_FOUND in states:
            found[PortState.NOT_FOUND] = line.strip()
        elif len(states) > 1 or (states and _is_doubtful(line, phrases)):
            doubtful.append(line.strip())
        else:
            found.update(dict.fromkeys(states, line.strip()))
    if len(found) > 1:
        return PortState.UNKNOWN, "it says several states at once: " + ", ".join(
            repr(line) for line in found.values()
        )
    if found:
        return next(iter(found)), None
    if doubtful:
        return PortState.UNKNOWN, f"the state is not plainly stated in {doubtful[0]!r}"
    shown = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return PortState.UNKNOWN, f"no phrase matches the state of the rule; last line: {shown!r}"


def _is_doubtful(text: str, phrases: Phrases) -> bool:
    return first_match(phrases.doubts, text) is not None


def _host_line(line: str, phrases: Phrases) -> re.Match[str] | None:
    """Return how a line about a host begins, or None. Its group ``id`` is 1 to 3 digits."""
    for row in phrases.host_lines:
        begins = row.pattern.match(line)
        if begins is not None and re.fullmatch(r"[0-9]{1,3}", begins["id"] or ""):
            return begins
    return None


def _port_status(state: PortState, text: str) -> PortStatus:
    if state not in HANDLING:
        return PortStatus(state)
    accepted, dropped = _ACCEPTED.search(text), _DROPPED.search(text)
    return PortStatus(
        state,
        int(accepted[1]) if accepted else None,
        int(dropped[1]) if dropped else None,
    )


def parse_result(text: str, phrases: Phrases) -> CommandResult:
    """Classify what ``nlb enable`` or ``nlb disable`` answered. For the record only."""
    phrase = first_match(phrases.results, " ".join(text.split()))
    return phrase.result if phrase else CommandResult.UNKNOWN


def split_blocks(text: str) -> Iterator[tuple[str | None, list[str]]]:
    """Yield (cluster IP, lines) of each block; one block without IP where no line names one."""
    cluster_ip: str | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        heading = _CLUSTER_LINE.match(line[:MAX_LINE_CHARACTERS])
        if heading is None:
            lines.append(line[:MAX_LINE_CHARACTERS])
            continue
        if cluster_ip is not None:
            yield cluster_ip, lines
        cluster_ip, lines = heading[1].lower(), []
    yield cluster_ip, lines


def _first_line_like(text: str, pattern: re.Pattern[str]) -> str:
    for line in text.split("\n"):
        if pattern.search(line):
            return line.strip()
    return " ".join(text.split())[:200]
