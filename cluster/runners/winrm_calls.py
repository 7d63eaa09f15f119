"""A request → the JEA function that carries it out, and what it returned → output. Pure.

The functions are those of ``remediator/windows/SipNlb``. Both sides of a call are data: a name
with parameters goes, objects with properties come; no text is ever evaluated on the host.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.model import Problem, Reason
from cluster.runners.request import Request

READ_FUNCTION = "Get-SipNlbState"
ACT_FUNCTION = "Set-SipNlbPort"
MAX_SHOWN_CHARACTERS = 300
REFUSED = "refused: "

Parameters = tuple[tuple[str, str], ...]
"""Names and values, in order."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function."""

    function: str
    parameters: Parameters

    def __str__(self) -> str:
        """Write the call as a person would type it."""
        return " ".join((self.function, *(f"-{name} {value}" for name, value in self.parameters)))


@dataclass(frozen=True, slots=True)
class RemoteError:
    """An error that PowerShell reported. identity: its fully qualified error id."""

    identity: str
    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """What came of a call. exit_status: None where the function told none.

    problem: None if the utility ran and ended.
    """

    stdout: bytes = b""
    stderr: bytes = b""
    exit_status: int | None = None
    problem: Problem | None = None


def call_of(request: Request, back_end: str, node: Parameters = ()) -> Call:
    """Return the call that carries out a request. back_end: ``nlb`` or ``cim``.

    node: what a change also names, so that both sides mean the same cluster and host.
    """
    rule = () if request.rule is None else (("Port", request.rule.port), ("Vip", request.rule.vip))
    if request.changes:
        assert request.number is not None
        action = (("Action", str(request.verb)), ("Number", str(request.number)))
        return Call(ACT_FUNCTION, (("BackEnd", back_end), *node, *rule, *action))
    return Call(READ_FUNCTION, (("BackEnd", back_end), ("What", str(request.verb)), *rule))


def output_of(
    call: Call, objects: Sequence[Mapping[str, object]], errors: Sequence[RemoteError]
) -> Output:
    """Return what a call gave. Any objects and errors give an output.

    The function returns one object: ``rc``, the exit status; ``out`` and ``err``, the bytes of
    both streams in base64; ``problem``, empty or why the utility did not run to its end.
    """
    if len(objects) != 1:
        return Output(problem=_why_nothing(call, len(objects), errors))
    status, stdout, stderr = objects[0].get("rc"), objects[0].get("out"), objects[0].get("err")
    if not (isinstance(stdout, str) and isinstance(stderr, str)):
        return Output(problem=_malformed(call, "returned an object without out and err"))
    try:
        out, err = (base64.b64decode(text, validate=True) for text in (stdout, stderr))
    except ValueError:
        return Output(problem=_malformed(call, "returned out or err that is not base64"))
    number = status if isinstance(status, int) and not isinstance(status, bool) else None
    return Output(out, err, number, _said(call, objects[0].get("problem")))


def _why_nothing(call: Call, count: int, errors: Sequence[RemoteError]) -> Problem:
    if not errors:
        return _malformed(call, f"returned {count} objects instead of one")
    identity, text = errors[0].identity.split(",")[0], _shown(errors[0].text)
    if identity == "CommandNotFoundException":
        return Problem(Reason.NOT_INSTALLED, f"{call.function} is not visible in the endpoint")
    if identity in {"ParameterArgumentValidationError", "NamedParameterNotFound"}:
        return Problem(
            Reason.NOT_INSTALLED_OR_DENIED, f"the endpoint does not permit {call}: {text}"
        )
    return _malformed(call, f"failed: {text or identity}")


def _said(call: Call, problem: object) -> Problem | None:
    """Read the function's own word on why the utility did not run to its end."""
    if not problem:
        return None
    text = _shown(str(problem))
    if text.startswith("not installed"):
        return Problem(Reason.NOT_INSTALLED, text)
    if text.startswith("timed out"):
        return Problem(Reason.TIMEOUT, text)
    if text.startswith(REFUSED):
        return Problem(Reason.REFUSED, text.removeprefix(REFUSED))
    if text.startswith("not permitted"):
        return Problem(Reason.NOT_INSTALLED_OR_DENIED, text)
    return _malformed(call, f"failed: {text}")


def _malformed(call: Call, what: str) -> Problem:
    return Problem(Reason.MALFORMED, f"{call.function} {what}")


def _shown(text: str) -> str:
    return " ".join(text.split())[:MAX_SHOWN_CHARACTERS]
