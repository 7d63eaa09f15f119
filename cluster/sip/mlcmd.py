"""What ``mlcmd -getallappstatus`` and scripts print → records of SIP Servers. Pure.

Four lines an application (documented: mlcmd, the Management Layer's command-line utility, and
a published wrapper of it)::

    Application: SIP_Server_1
    DBID: 101
    Status: Running
    Runmode: Primary

Other lines are noise: the published wrapper merges standard error into the output. The words
after ``Status`` and ``Runmode`` are not documented. Those of the SDK's enumerations are taken
(documented: ApplicationStatus and ApplicationRunMode), in any case, with blanks or underscores,
after a prefix such as ``APP_STATUS_`` (assumed). What is none of them is unknown.

The plain form is a line ``NAME ROLE`` for each SIP Server, ROLE being primary, backup or
unknown. It is sipnlb's own, for scripts of a site.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from cluster.model import Problem, Reason, SipMode, SipStatus

MAX_LINE = 1024
MAX_WORD = 60
_FIELD = re.compile(r"(Application|DBID|Status|Runmode)\s*:(.*)", re.IGNORECASE)
_PREFIX = re.compile(r".*(?:STATUS|RUNMODE)[_ ](?=.)")
_SEPARATORS = re.compile(r"[\s_-]+")
_DBID = re.compile(r"[0-9]{1,10}")
_LABELS = {"application": "name", "dbid": "DBID", "status": "Status", "runmode": "Runmode"}
_MODES = {"PRIMARY": SipMode.PRIMARY, "BACKUP": SipMode.BACKUP}
_ROLES = frozenset({*_MODES, "UNKNOWN"})
_RUN_MODES = frozenset({*_ROLES, "EXITING"})
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class AppStatus(StrEnum):
    """Status of an application (documented: the SDK's enumeration ApplicationStatus)."""

    UNKNOWN = "unknown"
    STOPPED = "stopped"
    STOP_TRANSITION = "stop_transition"
    STOP_PENDING = "stop_pending"
    START_TRANSITION = "start_transition"
    START_PENDING = "start_pending"
    RUNNING = "running"
    INITIALIZING = "initializing"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    SERVICE_UNAVAILABLE = "service_unavailable"


KEEPS_MODE = frozenset({AppStatus.RUNNING, AppStatus.INITIALIZING, AppStatus.SERVICE_UNAVAILABLE})
"""Statuses under which the run mode is that of a living process (assumed).

Solution Control Server promotes and demotes by run mode; a server that initializes or whose
service is unavailable is up and keeps the mode that it was given. One that is stopped, being
started or stopped, or suspended ahead of its stop is no live primary, whatever run mode stands
beside it, and an unknown status means that Solution Control Server has lost it.
"""


@dataclass(frozen=True, slots=True)
class AppRecord:
    """What is said of one application.

    dbid, status: None where they cannot be read or the form has none (plain). mode: as far as
    it may be built on. problem: why the mode is unknown, None where it is known.
    """

    application: str
    dbid: int | None
    status: AppStatus | None
    mode: SipMode
    problem: Problem | None = None

    def as_status(self) -> SipStatus:
        """Return what it says of a SIP Server.

        A running primary or backup is one that Solution Control Server is connected to, as it
        knows the run mode through that connection (assumed). The plain form does not tell.
        """
        known = self.mode is not SipMode.UNKNOWN and self.status is AppStatus.RUNNING
        return SipStatus(
            self.mode, scs_connected=True if known else None, application=self.application
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """All records of one output, one an application, with what was wrong in words."""

    records: tuple[AppRecord, ...]
    problems: tuple[str, ...] = ()

    def find(self, application: str) -> AppRecord | None:
        """Return the record of an application, None if there is none."""
        return next((each for each in self.records if each.application == application), None)


def decode(raw: bytes) -> str:
    """Return output as text: UTF-8, or UTF-16 where a byte order mark says so.

    Names in another code page do not match the configured ones; then the reading says so.
    """
    page = "utf-16" if raw.startswith(UTF16_MARKS) else "utf-8-sig"
    return raw.decode(page, errors="replace")


def parse_mlcmd(text: str) -> Listing:
    """Read the output of ``mlcmd -getallappstatus``."""
    return _listing([_record(fields) for fields in _blocks(text)])


def parse_plain(text: str) -> Listing:
    """Read lines ``NAME ROLE``; empty lines and those that begin with ``#`` are passed over."""
    found: list[AppRecord] = []
    problems: list[str] = []
    for line in _lines(text):
        if not line or line.startswith("#"):
            continue
        name, _, word = line.rpartition(" ")
        role = _word(word)
        if not name or role not in _ROLES:
            problems.append(f"not a line 'NAME primary|backup|unknown': {_short(line)}")
            continue
        problem = None
        if role not in _MODES:
            problem = Problem(Reason.NOT_RUNNING, f"application {_short(name)}: role {word}")
        mode = _MODES.get(role, SipMode.UNKNOWN)
        found.append(AppRecord(name.rstrip(), None, None, mode, problem))
    return _listing(found, problems)


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield line[:MAX_LINE].replace("\t", " ").strip("\r \x00")


def _blocks(text: str) -> Iterator[list[tuple[str, str]]]:
    """Yield the fields of each application, the one that names it first."""
    block: list[tuple[str, str]] = []
    for line in _lines(text):
        match = _FIELD.fullmatch(line)
        name, value = (match[1].lower(), match[2].strip()) if match else ("", "")
        if name == "application":
            if block:
                yield block
            block = [(name, value)]
        elif name and block:
            block.append((name, value))
    if block:
        yield block


def _record(fields: list[tuple[str, str]]) -> AppRecord:
    """Make a record of one application's fields; without a mode where one of them is unsound."""
    given = dict(reversed(fields))
    name = given["application"]
    dbid = int(given["dbid"]) if _DBID.fullmatch(given.get("dbid", "")) else None
    status, run_mode = _status(given.get("status", "")), _word(given.get("runmode", ""))
    problem = _unsound(fields, given) or _why_unknown(given, status, run_mode)
    if problem is None:
        return AppRecord(name, dbid, status, _MODES[run_mode])
    said = Problem(problem.reason, f"application {_short(name)}: {problem.text}")
    return AppRecord(name, dbid, status, SipMode.UNKNOWN, said)


def _unsound(fields: list[tuple[str, str]], given: dict[str, str]) -> Problem | None:
    missing = [label for key, label in _LABELS.items() if not given.get(key)]
    if missing:
        return Problem(Reason.MALFORMED, f"no {' and no '.join(missing)}")
    if not _DBID.fullmatch(given["dbid"]):
        return Problem(Reason.MALFORMED, f"DBID {_short(given['dbid'])} is not a number")
    if any(value != given[key] for key, value in fields):
        return Problem(Reason.MALFORMED, "one of its lines stands twice, with different words")
    return None


def _why_unknown(given: dict[str, str], status: AppStatus | None, run_mode: str) -> Problem | None:
    said = f"status {_short(given['status'])}, run mode {_short(given['runmode'])}"
    if status is None or run_mode not in _RUN_MODES:
        return Problem(Reason.UNKNOWN_TEXT, said)
    if status not in KEEPS_MODE or run_mode not in _MODES:
        return Problem(Reason.NOT_RUNNING, said)
    return None


def _status(text: str) -> AppStatus | None:
    word = _word(text)
    return next((each for each in AppStatus if each.replace("_", "").upper() == word), None)


def _word(text: str) -> str:
    """Return a word of an enumeration as capitals alone: ``APP_STATUS_RUNNING`` → ``RUNNING``."""
    return _SEPARATORS.sub("", _PREFIX.sub("", text.upper().strip()))


def _listing(found: Iterable[AppRecord], problems: Iterable[str] = ()) -> Listing:
    """Keep one record an application; one that is told in two ways has no mode."""
    kept: dict[str, AppRecord] = {}
    for record in found:
        before = kept.setdefault(record.application, record)
        if (before.mode, before.status) != (record.mode, record.status):
            text = f"application {_short(record.application)}: told twice, in different ways"
            problem = Problem(Reason.MALFORMED, text)
            kept[record.application] = replace(before, mode=SipMode.UNKNOWN, problem=problem)
    said = (record.problem.text for record in kept.values() if record.problem)
    return Listing(tuple(kept.values()), (*problems, *said))


def _short(text: str) -> str:
    return repr(text[:MAX_WORD])
