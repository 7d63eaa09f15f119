"""The view of one host as an exporter on it gives it to a peer: a view → JSON → the view. Pure.

Writer and reader are one contract, told apart from others by ``schema``. What is only added
needs no new number: unknown keys are passed over, missing ones have the model's "unknown". Any
bytes give a view or one named problem.

Two machines have two clocks, so no moment is sent. An age is counted from the arrival of the
request, 0 for all that was asked for it; the reader counts it back from the sending of the
request, which was earlier. So a reading seems at most older than it is, never younger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from cluster.clock import Instant
from cluster.model import (
    HostView,
    NlbParams,
    NodeStatus,
    PortRule,
    PortStatus,
    Problem,
    Reading,
    Reason,
    SipStatus,
)

SCHEMA: Literal[1] = 1
PATH = "/api/v1/hosts/"
TIMEOUT_HEADER = "X-Sipnlb-Timeout-Seconds"
"""Header of the request: how many seconds the caller waits for the answer."""

MAX_SHOWN_CHARACTERS = 200

LONGEST_LIST = 1000
"""Of what is read. A wrong list has an error for each of its elements, and all are kept."""

T = TypeVar("T")
Seconds = Annotated[float, Field(ge=0, le=1e9)]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose readings they are. rules: the cluster's port rules, in configured order."""

    cluster: str
    host: str
    host_id: int
    rules: tuple[PortRule, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class _Problem(_Part):
    reason: str
    text: str


class _Reading(_Part, Generic[T]):
    value: T
    source: str
    age_seconds: Seconds
    duration_seconds: Seconds
    lag_seconds: Seconds
    problem: _Problem | None
    command: str
    raw: str


class _Port(_Part):
    rule: PortRule
    reading: _Reading[PortStatus]


class _Numbered(_Part):
    number: int = Field(alias="schema")


class _HostView(_Part):
    number: Literal[1] = Field(alias="schema")
    cluster: str
    host: str
    host_id: int
    sip: Annotated[tuple[_Reading[SipStatus], ...], Field(min_length=1)]
    node: _Reading[NodeStatus]
    ports: tuple[_Port, ...]
    params: _Reading[NlbParams]


def write(view: HostView, identity: Identity, arrived: Instant) -> str:
    """Write a view as JSON. arrived: when the request for it came."""

    def reading(given: Reading[T]) -> _Reading[T]:
        problem = given.problem
        return _Reading[Any](
            value=given.value,
            source=given.source,
            age_seconds=max(0.0, given.age_seconds(arrived)),
            duration_seconds=max(0.0, given.duration_seconds()),
            lag_seconds=given.lag_seconds,
            problem=None
            if problem is None
            else _Problem(reason=str(problem.reason), text=_sound(problem.text)),
            command=_sound(given.command),
            raw=_sound(given.raw),
        )

    return _HostView(
        schema=SCHEMA,
        cluster=identity.cluster,
        host=identity.host,
        host_id=identity.host_id,
        sip=tuple(reading(each) for each in view.sip),
        node=reading(view.node),
        ports=tuple(_Port(rule=rule, reading=reading(each)) for rule, each in view.ports),
        params=reading(view.params),
    ).model_dump_json(by_alias=True)


def read(body: bytes, expected: Identity, sent: Instant) -> HostView | Problem:
    """Read an answer; return why there is no view in it. sent: when it was asked for.

    An answer about another host, cluster or set of rules than expected is a problem.
    """
    try:
        if _longest(from_json(body)) > LONGEST_LIST:
            text = f"a list in it has more than {LONGEST_LIST} elements"
            return Problem(Reason.TOO_LARGE, text)
    except ValueError as error:
        text = f"not the answer of an exporter: Invalid JSON: {error}"
        return Problem(Reason.MALFORMED, text[:MAX_SHOWN_CHARACTERS])
    try:
        number = _Numbered.model_validate_json(body).number
        if number != SCHEMA:
            text = f"its schema is {number}, known is {SCHEMA}; run one version on all nodes"
            return Problem(Reason.MALFORMED, text)
        answer = _HostView.model_validate_json(body)
    except ValidationError as error:
        return Problem(Reason.MALFORMED, _first(error))
    other = _whose(answer, expected)
    if other is not None:
        return other
    return HostView(
        expected.host,
        tuple(_reading(each, sent) for each in answer.sip),
        _reading(answer.node, sent),
        tuple((port.rule, _reading(port.reading, sent)) for port in answer.ports),
        _reading(answer.params, sent),
    )


def _whose(answer: _HostView, expected: Identity) -> Problem | None:
    """Return whose answer it is if it is not the expected host's."""
    if answer.cluster != expected.cluster:
        text = f"configured is {expected.cluster}, the answer is of {answer.cluster[:80]!r}"
        return Problem(Reason.OTHER_CLUSTER, text)
    if (answer.host, answer.host_id) != (expected.host, expected.host_id):
        text = (
            f"configured is {expected.host} with host id {expected.host_id}, "
            f"the answer is of {answer.host[:80]!r} with host id {str(answer.host_id)[:20]}"
        )
        return Problem(Reason.OTHER_HOST, text)
    rules = tuple(port.rule for port in answer.ports)
    if rules != expected.rules:
        named = ", ".join(str(rule) for rule in rules) or "none"
        text = (
            f"configured here are the port rules {', '.join(map(str, expected.rules))}, "
            f"on the host {named[:MAX_SHOWN_CHARACTERS]}"
        )
        return Problem(Reason.OTHER_CLUSTER, text)
    return None


def _reading(given: _Reading[T], sent: Instant) -> Reading[T]:
    asked = sent.plus(-given.age_seconds)
    return Reading(
        given.value,
        source=given.source,
        asked=asked,
        answered=asked.plus(given.duration_seconds),
        lag_seconds=given.lag_seconds,
        problem=None if given.problem is None else _problem(given.problem),
        command=given.command,
        raw=given.raw,
    )


def _problem(given: _Problem) -> Problem:
    """Return a problem; a reason that only a newer exporter knows stands in its text."""
    try:
        return Problem(Reason(given.reason), given.text)
    except ValueError:
        return Problem(Reason.MALFORMED, f"{given.reason}: {given.text}")


def _longest(value: object) -> int:
    """Return the length of the longest list in it. Deep nesting is refused before."""
    if isinstance(value, list):
        return max(len(value), max(map(_longest, value), default=0))
    return max(map(_longest, value.values()), default=0) if isinstance(value, dict) else 0


def _sound(text: str) -> str:
    """Return the text without what JSON cannot carry."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    text = f"not the answer of an exporter: {place + ': ' if place else ''}{found['msg']}"
    return text[:MAX_SHOWN_CHARACTERS]
