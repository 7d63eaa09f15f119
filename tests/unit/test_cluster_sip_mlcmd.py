"""Listings of modes: the four lines of mlcmd with noise between, and the plain form."""

from __future__ import annotations

import pytest

from cluster.model import Problem, Reason, SipMode, SipStatus
from cluster.sip.mlcmd import AppRecord, AppStatus, Listing, decode, parse_mlcmd, parse_plain

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN


def four(name: str, dbid: str, status: str, run_mode: str) -> str:
    """Return one application as mlcmd prints it."""
    return f"Application: {name}\nDBID: {dbid}\nStatus: {status}\nRunmode: {run_mode}\n"


def failed(reason: Reason, text: str) -> Problem:
    """Return the problem of an application `SIP 1`."""
    return Problem(reason, f"application 'SIP 1': {text}")


@pytest.mark.parametrize(
    ("status", "run_mode", "known", "mode"),
    [
        ("Running", "Primary", AppStatus.RUNNING, P),
        ("RUNNING", "BACKUP", AppStatus.RUNNING, B),
        ("APP_STATUS_RUNNING", "APP_RUNMODE_PRIMARY", AppStatus.RUNNING, P),
        ("Status_Running", "runmode primary", AppStatus.RUNNING, P),
        ("Initializing", "backup", AppStatus.INITIALIZING, B),
        ("Service Unavailable", "Primary", AppStatus.SERVICE_UNAVAILABLE, P),
        ("SERVICE_UNAVAILABLE", "Backup", AppStatus.SERVICE_UNAVAILABLE, B),
        ("ServiceUnavailable", "Backup", AppStatus.SERVICE_UNAVAILABLE, B),
    ],
)
def test_a_living_server_has_its_run_mode(
    status: str, run_mode: str, known: AppStatus, mode: SipMode
) -> None:
    """In whatever case and with whatever prefix the enumerations' words are printed."""
    assert parse_mlcmd(four("SIP 1", "107", status, run_mode)) == Listing(
        (AppRecord("SIP 1", 107, known, mode),)
    )


@pytest.mark.parametrize(
    ("status", "run_mode", "known", "reason"),
    [
        ("Unknown", "Primary", AppStatus.UNKNOWN, Reason.NOT_RUNNING),
        ("Stopped", "Primary", AppStatus.STOPPED, Reason.NOT_RUNNING),
        ("StopTransition", "Primary", AppStatus.STOP_TRANSITION, Reason.NOT_RUNNING),
        ("Stop Pending", "Primary", AppStatus.STOP_PENDING, Reason.NOT_RUNNING),
        ("StartTransition", "Backup", AppStatus.START_TRANSITION, Reason.NOT_RUNNING),
        ("StartPending", "Backup", AppStatus.START_PENDING, Reason.NOT_RUNNING),
        ("Suspending", "Primary", AppStatus.SUSPENDING, Reason.NOT_RUNNING),
        ("Suspended", "Primary", AppStatus.SUSPENDED, Reason.NOT_RUNNING),
        ("Running", "Exiting", AppStatus.RUNNING, Reason.NOT_RUNNING),
        ("Running", "Unknown", AppStatus.RUNNING, Reason.NOT_RUNNING),
        ("Running", "Hot standby", AppStatus.RUNNING, Reason.UNKNOWN_TEXT),
        ("Up and away", "Primary", None, Reason.UNKNOWN_TEXT),
        ("6", "2", None, Reason.UNKNOWN_TEXT),
    ],
)
def test_what_is_no_living_primary_or_backup_has_no_mode(
    status: str, run_mode: str, known: AppStatus | None, reason: Reason
) -> None:
    """A run mode beside "stopped" is not believed, a word that is not known neither."""
    problem = failed(reason, f"status {status!r}, run mode {run_mode!r}")
    assert parse_mlcmd(four("SIP 1", "107", status, run_mode)) == Listing(
        (AppRecord("SIP 1", 107, known, U, problem),), (problem.text,)
    )


@pytest.mark.parametrize(
    ("text", "dbid", "status", "problem"),
    [
        ("Application: SIP 1\n", None, None, "no DBID and no Status and no Runmode"),
        (four("SIP 1", "107", "Running", ""), 107, AppStatus.RUNNING, "no Runmode"),
        (four("SIP 1", "1O7", "Running", "Backup"), None, AppStatus.RUNNING, ""),
        (
            four("SIP 1", "107", "Running", "Primary") + "Runmode: Backup\n",
            107,
            AppStatus.RUNNING,
            "one of its lines stands twice, with different words",
        ),
    ],
)
def test_a_record_that_is_not_whole_has_no_mode(
    text: str, dbid: int | None, status: AppStatus | None, problem: str
) -> None:
    """All four lines are there, once; else it may be half of one record and half of another."""
    told = failed(Reason.MALFORMED, problem or "DBID '1O7' is not a number")
    assert parse_mlcmd(text) == Listing((AppRecord("SIP 1", dbid, status, U, told),), (told.text,))


def test_an_application_without_a_name_is_told() -> None:
    """It matches no configured name."""
    problem = Problem(Reason.MALFORMED, "application '': no name")
    assert parse_mlcmd(four("", "107", "Running", "Backup")).records == (
        AppRecord("", 107, AppStatus.RUNNING, U, problem),
    )


def test_noise_between_and_within_records_is_passed_over() -> None:
    """Standard error may be merged in, with any line ends; names may hold blanks."""
    text = (
        "Status: connecting\nStd 04500 hello\r\n"
        "Application:  SIP Server one \r\r\nwarning: no TLS\r\n DBID:\t107\n\n"
        "status : Running\n\x00\nRUNMODE: Primary\nRunmode: Primary\n"
        + four("SIP 2", "9", "Running", "Backup")
        + "done"
    )
    assert parse_mlcmd(text) == Listing(
        (
            AppRecord("SIP Server one", 107, AppStatus.RUNNING, P),
            AppRecord("SIP 2", 9, AppStatus.RUNNING, B),
        )
    )


@pytest.mark.parametrize(
    ("second", "mode"),
    [
        (four("SIP 1", "107", "Running", "Primary"), P),
        (four("SIP 1", "107", "Running", "Backup"), U),
        (four("SIP 1", "107", "Initializing", "Primary"), U),
        (four("SIP 1", "107", "Stopped", "Primary"), U),
    ],
)
def test_an_application_that_is_told_in_two_ways_has_no_mode(second: str, mode: SipMode) -> None:
    """Twice the same is the same; nobody may guess which of two is right."""
    text = "application 'SIP 1': told twice, in different ways"
    problem = Problem(Reason.MALFORMED, text) if mode is U else None
    assert parse_mlcmd(four("SIP 1", "107", "Running", "Primary") + second) == Listing(
        (AppRecord("SIP 1", 107, AppStatus.RUNNING, mode, problem),), (text,) if problem else ()
    )


def test_the_plain_form_is_a_name_and_a_role() -> None:
    """The role is the last word of the line; comments and empty lines are passed over."""
    text = "# ours\n\nSIP one \t PRIMARY\r\nSIP 2 backup\nSIP 3 Unknown\n"
    problem = Problem(Reason.NOT_RUNNING, "application 'SIP 3': role Unknown")
    assert parse_plain(text) == Listing(
        (
            AppRecord("SIP one", None, None, P),
            AppRecord("SIP 2", None, None, B),
            AppRecord("SIP 3", None, None, U, problem),
        ),
        (problem.text,),
    )


def test_other_lines_of_the_plain_form_are_told() -> None:
    """A role without a name and a word that is no role state nothing."""
    told = "not a line 'NAME primary|backup|unknown': "
    assert parse_plain("primary\nSIP 1 master\n") == Listing(
        (), (told + "'primary'", told + "'SIP 1 master'")
    )


def test_a_record_is_found_by_its_whole_name() -> None:
    """Names are compared as they are written."""
    listing = parse_plain("SIP primary\nSIP_1 backup")
    assert listing.find("SIP_1") == AppRecord("SIP_1", None, None, B)
    assert listing.find("sip") is None


@pytest.mark.parametrize(
    ("record", "scs_connected"),
    [
        (AppRecord("SIP 1", 107, AppStatus.RUNNING, P), True),
        (AppRecord("SIP 1", 107, AppStatus.INITIALIZING, P), None),
        (AppRecord("SIP 1", 107, AppStatus.RUNNING, U), None),
        (AppRecord("SIP 1", None, None, P), None),
    ],
)
def test_only_a_running_server_is_known_to_be_connected(
    record: AppRecord, scs_connected: bool | None
) -> None:
    """Solution Control Server knows the run mode through its connection; a script may not."""
    assert record.as_status() == SipStatus(
        record.mode, scs_connected=scs_connected, application="SIP 1"
    )


@pytest.mark.parametrize(
    "raw",
    [
        "SIP_ö primary".encode(),
        b"\xef\xbb\xbf" + "SIP_ö primary".encode(),
        "SIP_ö primary".encode("utf-16"),
    ],
)
def test_output_is_text_in_unicode(raw: bytes) -> None:
    """With or without a mark, as programs and shells write it."""
    assert decode(raw) == "SIP_ö primary"


def test_bytes_that_are_no_unicode_spoil_only_themselves() -> None:
    """A name in another code page does not match, and the rest is read."""
    assert decode(b"SIP_\xf6 primary") == "SIP_\ufffd primary"
