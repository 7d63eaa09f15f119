"""How back end cim starts PowerShell, and what it makes of the answer to a change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cluster.model import PortRule, Problem, Reason
from cluster.nlb.cim_dialect import START, CimDialect
from cluster.nlb.dialect import Outcome
from cluster.runners.request import Answer, CommandResult, Request, Verb
from tests.unit import exporter_samples as samples

ROOT = Path(__file__).resolve().parents[2]
DIALECT = CimDialect("powershell.exe", r"D:\sip nlb", "10.7.0.100", 3)
STARTED = (
    "powershell.exe",
    "-NoLogo",
    "-NoProfile",
    "-NonInteractive",
    "-ExecutionPolicy",
    "RemoteSigned",
    "-File",
)


def answer(out: str, err: str = "", problem: Problem | None = None) -> Answer:
    """Return an answer with this output."""
    return Answer(
        "…",
        samples.BEGIN,
        samples.BEGIN,
        True,
        out.encode(),
        err.encode("cp437"),
        1,
        problem,
    )


@pytest.mark.parametrize(
    "request_",
    [
        Request(Verb.QUERY),
        Request(Verb.PARAMS),
        Request(Verb.QUERYPORT, PortRule("all", 5070, 5071, "udp")),
    ],
)
def test_every_reading_is_the_same_read_out(request_: Request) -> None:
    """It takes no arguments, so that nothing can be wrong with them."""
    assert DIALECT.argv(request_) == (*STARTED, r"D:\sip nlb\Get-SipNlb.ps1")


def test_a_change_names_cluster_host_and_the_whole_rule() -> None:
    """Each value follows its own name; all of them are configuration."""
    rule = PortRule("10.7.0.101", 5072, 5079, "tcp")
    assert DIALECT.argv(Request(Verb.DISABLE, rule, number=1938420000017)) == (
        *STARTED,
        r"D:\sip nlb\Set-SipNlbPort.ps1",
        *("-Action", "disable"),
        *("-ClusterIp", "10.7.0.100"),
        *("-HostId", "3"),
        *("-Vip", "10.7.0.101"),
        *("-StartPort", "5072"),
        *("-EndPort", "5079"),
        *("-Protocol", "tcp"),
        *("-Number", "1938420000017"),
    )


@pytest.mark.parametrize(
    ("scripts", "path"),
    [
        ("C:\\sipnlb\\", "C:\\sipnlb\\Get-SipNlb.ps1"),
        ("/srv/scripts/", "/srv/scripts/Get-SipNlb.ps1"),
        ("C:/sipnlb", "C:/sipnlb/Get-SipNlb.ps1"),
    ],
)
def test_the_folder_may_be_written_either_way(scripts: str, path: str) -> None:
    """The separator of the folder is that of the file."""
    made = CimDialect("powershell.exe", scripts, "10.7.0.100", 3)
    assert made.argv(Request(Verb.QUERY))[-1] == path


@pytest.mark.parametrize(
    ("script", "request_"),
    [
        ("cluster/nlb/windows/Get-SipNlb.ps1", Request(Verb.QUERY)),
        (
            "remediator/windows/Set-SipNlbPort.ps1",
            Request(Verb.ENABLE, PortRule("all", 5070, 5071, "udp"), number=17),
        ),
    ],
)
def test_the_shipped_script_takes_exactly_these_parameters(script: str, request_: Request) -> None:
    """The param block of the script and the command line know the same names."""
    text = (ROOT / script).read_text("utf-8")
    block = text[text.index("\nparam(") : text.index("$ErrorActionPreference")]
    declared = [f"-{name}" for name in re.findall(r"\] \$(\w+)", block)]
    argv = DIALECT.argv(request_)
    assert argv[len(START) + 2 :: 2] == tuple(declared)
    assert argv[len(START) + 1].endswith("\\" + Path(script).name)
    assert text.count("[Parameter(Mandatory = $true)]") == len(declared)


def test_the_number_of_the_method_is_the_outcome() -> None:
    """Both channels are kept for the record."""
    out = '{"schema":1,"method":"EnableEx","ReturnValue":1013}'
    assert DIALECT.outcome(answer(out, "!")) == Outcome(CommandResult.SUSPENDED, out + "!", None)


def test_a_change_that_the_host_refused_is_told_with_its_reason() -> None:
    """The text is the script's own; nothing was switched."""
    out = '{"schema":1,"refused":"the host has seen a later command,\\n number 19"}'
    assert DIALECT.outcome(answer(out)) == Outcome(
        CommandResult.UNKNOWN,
        out,
        Problem(Reason.REFUSED, "the host has seen a later command, number 19"),
    )


def test_what_kept_the_script_from_starting_is_shown() -> None:
    """PowerShell complains on the error channel, where no JSON comes."""
    outcome = DIALECT.outcome(answer("", "scripts are\r\n disabled"))
    assert outcome.failure == Problem(
        Reason.NO_OUTPUT, "the script printed nothing, but complained: scripts are disabled"
    )
    assert DIALECT.outcome(answer("")).failure == Problem(
        Reason.NO_OUTPUT, "the script printed nothing"
    )


def test_an_answer_that_did_not_come_has_no_failure_of_its_own() -> None:
    """Why it did not come is the runner's to say."""
    late = Problem(Reason.TIMEOUT, "after 5.0 s")
    assert DIALECT.outcome(answer("{", problem=late)) == Outcome(CommandResult.UNKNOWN, "{", None)
