"""What is called on a host, and what its answer says."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from cluster.model import PortRule, Problem, Reason
from cluster.runners.request import Request, Verb
from cluster.runners.winrm_calls import Call, Output, RemoteError, call_of, output_of

RULE = PortRule("10.7.0.100", 5070, 5075, "udp")
CALL = Call("Get-SipNlbState", (("BackEnd", "nlb"), ("What", "query")))


def returned(**more: Any) -> dict[str, object]:
    """Return an object as the function returns it."""
    sound = {
        "rc": 3,
        "out": base64.b64encode(b"\x84\r\n").decode(),
        "err": "YXNpZGU=",
        "problem": "",
    }
    return sound | more


@pytest.mark.parametrize(
    ("request_", "back_end", "typed"),
    [
        (Request(Verb.QUERY), "nlb", "Get-SipNlbState -BackEnd nlb -What query"),
        (Request(Verb.PARAMS), "cim", "Get-SipNlbState -BackEnd cim -What params"),
        (
            Request(Verb.QUERYPORT, RULE),
            "nlb",
            "Get-SipNlbState -BackEnd nlb -What queryport -Port 5070 -Vip 10.7.0.100",
        ),
        (
            Request(Verb.ENABLE, PortRule("all", 5080, 5081, "both"), number=23),
            "nlb",
            "Set-SipNlbPort -BackEnd nlb -Port 5080 -Vip all -Action enable -Number 23",
        ),
        (
            Request(Verb.DISABLE, PortRule("fd00::7", 5090, 5090, "tcp"), number=29),
            "cim",
            "Set-SipNlbPort -BackEnd cim -Port 5090 -Vip fd00::7 -Action disable -Number 29",
        ),
    ],
)
def test_a_request_is_a_function_with_parameters(
    request_: Request, back_end: str, typed: str
) -> None:
    """Each value stands alone, so that none can become part of a text."""
    assert typed == str(call_of(request_, back_end))


def test_a_change_names_the_node_that_is_meant() -> None:
    """A host may have the same rule in several clusters; reading tells all of them."""
    node = (("ClusterIp", "10.7.0.99"), ("HostId", "7"))

    assert str(call_of(Request(Verb.DISABLE, RULE, number=31), "cim", node)) == (
        "Set-SipNlbPort -BackEnd cim -ClusterIp 10.7.0.99 -HostId 7 "
        "-Port 5070 -Vip 10.7.0.100 -Action disable -Number 31"
    )
    assert str(call_of(Request(Verb.QUERY), "cim", node)) == (
        "Get-SipNlbState -BackEnd cim -What query"
    )


def test_the_bytes_of_both_streams_and_the_status_come_back() -> None:
    """They are decoded later, in the host's code page."""
    assert Output(b"\x84\r\n", b"aside", 3) == output_of(CALL, [returned()], [])


@pytest.mark.parametrize("status", [None, "3", 3.5, True])
def test_a_status_that_is_no_number_is_none(status: object) -> None:
    """A program that was ended told none."""
    assert output_of(CALL, [returned(rc=status)], []).exit_status is None


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (
            "not installed: nlb.exe, no file",
            Problem(Reason.NOT_INSTALLED, "not installed: nlb.exe, no file"),
        ),
        ("timed out: nlb.exe ran 20 s", Problem(Reason.TIMEOUT, "timed out: nlb.exe ran 20 s")),
        (
            "not permitted: all 5061 is no rule",
            Problem(Reason.NOT_INSTALLED_OR_DENIED, "not permitted: all 5061 is no rule"),
        ),
        (
            "refused: the host has seen\n a later command",
            Problem(Reason.REFUSED, "the host has seen a later command"),
        ),
        ("out  of\nmemory", Problem(Reason.MALFORMED, "Get-SipNlbState failed: out of memory")),
    ],
)
def test_the_function_tells_why_nothing_ran_to_its_end(told: str, problem: Problem) -> None:
    """What the program printed until then is kept."""
    output = output_of(CALL, [returned(problem=told)], [])

    assert (problem, b"aside") == (output.problem, output.stderr)


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ([], "Get-SipNlbState returned 0 objects instead of one"),
        ([returned(), returned()], "Get-SipNlbState returned 2 objects instead of one"),
        ([{}], "Get-SipNlbState returned an object without out and err"),
        ([returned(err=7)], "Get-SipNlbState returned an object without out and err"),
        ([returned(out="=!")], "Get-SipNlbState returned out or err that is not base64"),
        ([returned(err="ä")], "Get-SipNlbState returned out or err that is not base64"),
    ],
)
def test_what_the_function_does_not_return_is_malformed(
    objects: list[dict[str, object]], text: str
) -> None:
    """Another function of the same name is no reading."""
    assert Output(problem=Problem(Reason.MALFORMED, text)) == output_of(CALL, objects, [])


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (
            RemoteError("CommandNotFoundException", "in the system's language"),
            Problem(Reason.NOT_INSTALLED, "Get-SipNlbState is not visible in the endpoint"),
        ),
        (
            RemoteError("ParameterArgumentValidationError,Get-SipNlbState", "no  5061"),
            Problem(
                Reason.NOT_INSTALLED_OR_DENIED,
                "the endpoint does not permit Get-SipNlbState -BackEnd nlb -What query: no 5061",
            ),
        ),
        (
            RemoteError("Whatever", "x" * 999),
            Problem(Reason.MALFORMED, f"Get-SipNlbState failed: {'x' * 300}"),
        ),
        (
            RemoteError("Whatever", ""),
            Problem(Reason.MALFORMED, "Get-SipNlbState failed: Whatever"),
        ),
    ],
)
def test_an_error_instead_of_an_object_is_named(error: RemoteError, problem: Problem) -> None:
    """By its identity, which is the same in every language."""
    assert Output(problem=problem) == output_of(CALL, [], [error, RemoteError("later", "later")])
