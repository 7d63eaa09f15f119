"""What the exceptions of the PSRP library and its transport mean."""

from __future__ import annotations

import ssl

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from spnego.exceptions import NoCredentialError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from cluster.model import Problem, Reason
from cluster.runners.winrm_problems import is_unsent, problem_of, was_refused
from cluster.runners.winrm_session import ForgottenError, PlainError, TooLargeError


def fault(code: object) -> WSManFaultError:
    """Return a fault as the library makes it."""
    return WSManFaultError(code, "sip1", "said so", None, None, None)


REFUSED_BY_NOBODY_LISTENING = requests.ConnectionError(
    MaxRetryError(None, "/wsman", NewConnectionError(None, "refused"))  # type: ignore[arg-type]
)
UNSIGNED = requests.exceptions.SSLError(
    MaxRetryError(None, "/wsman", ssl.SSLCertVerificationError("unsigned"))  # type: ignore[arg-type]
)
REFUSAL = "f: the account was refused, or its password, ticket or certificate"


@pytest.mark.parametrize(
    ("error", "problem", "refused", "unsent"),
    [
        pytest.param(
            AuthenticationError("no"),
            (Reason.NOT_INSTALLED_OR_DENIED, REFUSAL),
            True,
            True,
            id="401",
        ),
        pytest.param(
            NoCredentialError(),
            (Reason.NOT_INSTALLED_OR_DENIED, REFUSAL),
            True,
            True,
            id="no ticket",
        ),
        pytest.param(
            fault(5), (Reason.NOT_INSTALLED_OR_DENIED, "f: access is denied"), True, False, id="5"
        ),
        pytest.param(
            fault(0x80338000),
            (Reason.NOT_INSTALLED, "f is not registered on the host"),
            False,
            False,
            id="endpoint",
        ),
        pytest.param(
            fault(0x80338029),
            (Reason.TIMEOUT, "f: the host gave up waiting"),
            False,
            False,
            id="waiting",
        ),
        pytest.param(
            fault(0x8033805B),
            (Reason.UNREACHABLE, "f: the host has ended the session"),
            False,
            True,
            id="ended",
        ),
        pytest.param(
            fault("s:Receiver"),
            (
                Reason.UNREACHABLE,
                "f: Received a WSManFault message. (Code: s:Receiver, Machine: sip1, Reason: said so)",
            ),
            False,
            False,
            id="other fault",
        ),
        pytest.param(
            WinRMTransportError("http", 503, "busy"),
            (Reason.HTTP_STATUS, "f: the host answered HTTP status 503"),
            False,
            False,
            id="status",
        ),
        pytest.param(
            REFUSED_BY_NOBODY_LISTENING,
            (Reason.UNREACHABLE, None),
            False,
            True,
            id="nobody listens",
        ),
        pytest.param(
            ForgottenError("lost"), (Reason.UNREACHABLE, "f: lost"), False, True, id="forgotten"
        ),
        pytest.param(UNSIGNED, (Reason.UNREACHABLE, None), False, True, id="certificate"),
        pytest.param(
            requests.ConnectionError("reset"),
            (Reason.UNREACHABLE, "f: reset"),
            False,
            False,
            id="reset",
        ),
        pytest.param(
            requests.ConnectTimeout("late"),
            (Reason.TIMEOUT, "f: no answer within the deadline"),
            False,
            True,
            id="connect",
        ),
        pytest.param(
            requests.ReadTimeout("late"),
            (Reason.TIMEOUT, "f: no answer within the deadline"),
            False,
            False,
            id="read",
        ),
        pytest.param(
            TooLargeError("too much"), (Reason.TOO_LARGE, "f: too much"), False, False, id="large"
        ),
        pytest.param(
            PlainError("readable"),
            (Reason.MALFORMED, "f: readable"),
            False,
            False,
            id="plain",
        ),
        pytest.param(
            KeyError("state"),
            (Reason.MALFORMED, "f: KeyError: 'state'"),
            False,
            False,
            id="garbage",
        ),
    ],
)
def test_an_exception_is_a_named_problem(
    error: Exception, problem: tuple[Reason, str | None], refused: bool, unsent: bool
) -> None:
    """With whether trying on could lock the account, and whether anything can have been done."""
    found = problem_of(error, "f", late=False)

    assert problem[0] is found.reason
    assert found.text == problem[1] if problem[1] else found.text.startswith("f: ")
    assert (refused, unsent) == (was_refused(error), is_unsent(error))


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (
            ssl.SSLCertVerificationError(1, "certificate verify failed"),
            "the host's certificate is refused: certificate verify failed",
        ),
    ],
)
def test_what_the_system_said_stands_alone(inner: OSError, said: str) -> None:
    """Not in the words that three libraries put around it."""
    new = NewConnectionError(None, f"Failed to establish a new connection: {inner}")  # type: ignore[arg-type]
    new.__cause__ = inner
    error = requests.ConnectionError(MaxRetryError(None, "/wsman", new))  # type: ignore[arg-type]

    assert problem_of(error, "endpoint SipNlbRead", late=False) == Problem(
        Reason.UNREACHABLE, f"endpoint SipNlbRead: {said}"
    )


def test_whatever_comes_after_the_deadline_is_its_passing() -> None:
    """Except that a refusal stays one: it says what to mend."""
    assert Problem(Reason.TIMEOUT, "f: no answer within the deadline") == problem_of(
        requests.ConnectionError("aborted"), "f", late=True
    )
    assert problem_of(AuthenticationError("no"), "f", late=True).text == REFUSAL
