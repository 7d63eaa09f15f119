"""The XML of `/serverx`: fields documented, values made up."""

from __future__ import annotations

import pytest

from cluster.model import Problem, Reason, SipMode, SipStatus
from cluster.sip.serverx import parse_serverx

REST = (
    "<HA_LINK>1</HA_LINK><CONNECTION_TO_SCS>no</CONNECTION_TO_SCS>"
    "<APPLICATION_SERVICE>YES</APPLICATION_SERVICE>"
    "<READINESS_SWITCHOVER> 0 </READINESS_SWITCHOVER><NAME>SIP_P</NAME>"
)


def page(role: str, rest: str = REST) -> bytes:
    """Return a page with a role."""
    return f"<serverx><sipServer><HA_ROLE>{role}</HA_ROLE>{rest}</sipServer></serverx>".encode()


@pytest.mark.parametrize(
    ("role", "mode"),
    [
        ("Primary (Active)", SipMode.PRIMARY),
        ("PRIMARY", SipMode.PRIMARY),
        ("\n  backup (Passive)\n", SipMode.BACKUP),
    ],
)
def test_the_first_word_of_the_role_is_the_mode(role: str, mode: SipMode) -> None:
    """The role's first word decides, whatever its case; the flags are read as 0/1 or words."""
    expected = SipStatus(mode, True, False, True, False, "SIP_P")
    assert parse_serverx(page(role)) == (expected, (), None)


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("Standby", "HA_ROLE is 'Standby'"),
        ("Primary(Active)", "HA_ROLE is 'Primary(Active)'"),
        ("not Primary", "HA_ROLE is 'not Primary'"),
        (" ", "HA_ROLE is missing or empty"),
        ("x" * 99, f"HA_ROLE is {'x' * 80!r}"),
    ],
)
def test_any_other_role_is_unknown(role: str, said: str) -> None:
    """A role that nobody documents is unknown and shown, shortened; the flags stay known."""
    expected = SipStatus(SipMode.UNKNOWN, True, False, True, False, "SIP_P")
    assert parse_serverx(page(role)) == (expected, (said,), Problem(Reason.UNKNOWN_TEXT, said))


def test_missing_fields_are_named() -> None:
    """What the page does not tell is None and has its line; the mode is known all the same."""
    status, problems, problem = parse_serverx(page("Primary", "<HA_LINK>maybe</HA_LINK>"))
    assert (status, problem) == (SipStatus(SipMode.PRIMARY), None)
    assert problems == (
        "HA_LINK is missing or unreadable",
        "CONNECTION_TO_SCS is missing or unreadable",
        "APPLICATION_SERVICE is missing or unreadable",
        "READINESS_SWITCHOVER is missing or unreadable",
        "NAME is missing or empty",
    )


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        (b" \n", Reason.NO_OUTPUT, "the page is empty"),
        (b"<a/>", Reason.MALFORMED, "no element sipServer in the page"),
        (
            b"<a><b>",
            Reason.MALFORMED,
            "not the XML of /serverx: no element found: line 1, column 6",
        ),
        (
            b"<!DOCTYPE a [<!ENTITY b 'c'>]><sipServer>&b;</sipServer>",
            Reason.MALFORMED,
            "not the XML of /serverx: it declares a document type",
        ),
        (
            b"<a>" * 65 + b"</a>" * 65,
            Reason.MALFORMED,
            "not the XML of /serverx: elements nested deeper than 64",
        ),
        (
            b"<?xml version='1.0' encoding='klingon'?><a/>",
            Reason.MALFORMED,
            "not the XML of /serverx: unknown encoding: klingon",
        ),
    ],
)
def test_what_is_no_such_page_is_named(body: bytes, reason: Reason, said: str) -> None:
    """A page that is empty, cut, hostile or another one gives no value and one problem."""
    problem = Problem(reason, said)
    assert parse_serverx(body) == (SipStatus(), (str(problem),), problem)


def test_64_levels_are_allowed() -> None:
    """The limit of depth is far from any honest page and does not cut it."""
    body = b"<a>" * 62 + page("Backup")[len("<serverx>") : -len("</serverx>")] + b"</a>" * 62
    assert parse_serverx(body)[0].mode is SipMode.BACKUP


def test_two_roles_that_contradict_each_other_are_unknown() -> None:
    """Neither is believed."""
    body = b"<x><sipServer><HA_ROLE>Backup (Passive)</HA_ROLE><HA_ROLE>Primary (Active)</HA_ROLE></sipServer></x>"
    status, _, problem = parse_serverx(body)
    assert status.mode is SipMode.UNKNOWN
    assert problem == Problem(
        Reason.UNKNOWN_TEXT, "HA_ROLE is 'Backup (Passive) and Primary (Active)'"
    )
