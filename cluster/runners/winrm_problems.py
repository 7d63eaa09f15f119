"""What an exception of the PSRP library means. Pure: looks at names, numbers and texts alone.

Kept apart from the library, which is an optional extra: exceptions are known by their class's
name, WS-Management faults by their number (documented: WinRM error codes, winerror.h).
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.model import Problem, Reason

ACCESS_DENIED = 5
RESOURCE_NOT_FOUND = 0x80338000
OPERATION_TIMED_OUT = 0x80338029
NO_SUCH_SHELL = 0x8033805B
MAX_SHOWN_CHARACTERS = 300
MOST_WRAPPED = 20

_REFUSED = frozenset({"AuthenticationError", "SpnegoError"})
_SYSTEM = frozenset({"builtins", "socket", "ssl"})
_NEVER_LEFT = _REFUSED | {
    "ConnectTimeout",
    "ForgottenError",
    "NewConnectionError",
    "SSLCertVerificationError",
}


def problem_of(error: BaseException, what: str, late: bool) -> Problem:
    """Return the problem behind an exception. what: was tried. late: the deadline has passed."""
    names = _names(error)
    if names & _REFUSED:
        text = "the account was refused, or its password, ticket or certificate"
        return Problem(Reason.NOT_INSTALLED_OR_DENIED, f"{what}: {text}")
    if "TooLargeError" in names:
        return Problem(Reason.TOO_LARGE, f"{what}: {_shown(error)}")
    if "PlainError" in names:
        return Problem(Reason.MALFORMED, f"{what}: {_shown(error)}")
    if late or names & {"ConnectTimeout", "ReadTimeout"}:
        return Problem(Reason.TIMEOUT, f"{what}: no answer within the deadline")
    if "WSManFaultError" in names:
        return _of_fault(error, what)
    if "WinRMTransportError" in names:
        return Problem(Reason.HTTP_STATUS, f"{what}: the host answered HTTP status {_code(error)}")
    if names & {"SSLError", "ConnectionError", "OSError", "ForgottenError"}:
        return Problem(Reason.UNREACHABLE, f"{what}: {_unwrapped(error)}")
    return Problem(Reason.MALFORMED, f"{what}: {type(error).__name__}: {_shown(error)}")


def was_refused(error: BaseException) -> bool:
    """Tell whether the account was refused: trying on could lock it."""
    return bool(_names(error) & _REFUSED) or _code(error) == ACCESS_DENIED


def is_unsent(error: BaseException) -> bool:
    """Tell whether what was to be sent certainly never reached a function on the host."""
    return bool(_names(error) & _NEVER_LEFT) or _code(error) == NO_SUCH_SHELL


def _of_fault(error: BaseException, what: str) -> Problem:
    code = _code(error)
    if code == ACCESS_DENIED:
        return Problem(Reason.NOT_INSTALLED_OR_DENIED, f"{what}: access is denied")
    if code == RESOURCE_NOT_FOUND:
        return Problem(Reason.NOT_INSTALLED, f"{what} is not registered on the host")
    if code == OPERATION_TIMED_OUT:
        return Problem(Reason.TIMEOUT, f"{what}: the host gave up waiting")
    if code == NO_SUCH_SHELL:
        return Problem(Reason.UNREACHABLE, f"{what}: the host has ended the session")
    return Problem(Reason.UNREACHABLE, f"{what}: {_shown(error)}")


def _names(error: BaseException) -> frozenset[str]:
    """Return the names of an exception's classes and of those that it stands for."""
    return frozenset(base.__name__ for each in _wrapped(error) for base in type(each).__mro__)


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it stands for."""
    waiting: list[object] = [error]
    for _ in range(MOST_WRAPPED):
        each = waiting.pop() if waiting else None
        if isinstance(each, BaseException):
            yield each
            waiting += [each.__cause__, getattr(each, "reason", None), *each.args[:1]]


def _unwrapped(error: BaseException) -> str:
    """Return what the system or TLS said, without the libraries' words around it."""
    for each in _wrapped(error):
        if type(each).__name__ == "SSLCertVerificationError":
            said = getattr(each, "verify_message", "") or _shown(each)
            return f"the host's certificate is refused: {said}"
        if type(each).__module__ in _SYSTEM and isinstance(each, OSError) and each.strerror:
            return each.strerror
    return _shown(error)


def _code(error: BaseException) -> object:
    return getattr(error, "code", None)


def _shown(error: BaseException) -> str:
    return " ".join(str(error).split())[:MAX_SHOWN_CHARACTERS]
