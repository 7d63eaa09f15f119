"""The files for Windows hosts, as texts, held against what sipnlb calls there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cluster.model import PortRule
from cluster.runners.request import Request, Verb
from cluster.runners.winrm_calls import ACT_FUNCTION, READ_FUNCTION, call_of
from exporter.recording import DUMPS, FORMAT, VERSION
from simulator.action_numbers import ActionNumbers

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = ROOT / "remediator" / "windows"
ROLES = WINDOWS / "SipNlb" / "RoleCapabilities"
RULE = PortRule("all", 5060, 5060, "both")
READS = [Request(Verb.QUERY), Request(Verb.QUERYPORT, RULE), Request(Verb.PARAMS)]
CHANGES = [
    Request(verb, RULE, number=number)
    for verb, number in ((Verb.ENABLE, 1938420000000), (Verb.DISABLE, 10**18 - 1))
]


def visible(role: str) -> dict[str, dict[str, str]]:
    """Return a role's functions with their parameters and what each value must match."""
    text = (ROLES / f"{role}.psrc").read_text("ascii")
    found: dict[str, dict[str, str]] = {}
    form = r"Name = '([\w-]+)'(?:; Validate(Set|Pattern) = (.*) }(?: # \w+)?$)?"
    for name, kind, values in re.findall(form, text, re.MULTILINE):
        listed = re.findall(r"'([^']*)'", values)
        if kind:
            found[next(reversed(found))][name] = (
                listed[0] if kind == "Pattern" else "|".join(map(re.escape, listed))
            )
        else:
            found[name] = {}
    return found


@pytest.mark.parametrize(
    ("role", "functions"),
    [("SipNlbRead", [READ_FUNCTION]), ("SipNlb", [READ_FUNCTION, ACT_FUNCTION])],
)
def test_a_role_sees_its_functions_and_nothing_else(role: str, functions: list[str]) -> None:
    """Who reads cannot act; no cmdlet, program, provider or alias is given to anybody."""
    text = (ROLES / f"{role}.psrc").read_text("ascii")

    assert functions == list(visible(role))
    assert {"VisibleFunctions"} == set(
        re.findall(r"^ +(Visible\w+|\w*Definitions) =", text, re.MULTILINE)
    )


@pytest.mark.parametrize("back_end", ["nlb", "cim"])
@pytest.mark.parametrize(
    ("role", "request_"),
    [(role, request) for role in ("SipNlbRead", "SipNlb") for request in READS]
    + [("SipNlb", request) for request in CHANGES],
    ids=str,
)
def test_what_sipnlb_calls_is_permitted(role: str, request_: Request, back_end: str) -> None:
    """Each parameter is listed with the value that is sent."""
    node = (("ClusterIp", "10.0.0.100"), ("HostId", "12")) if back_end == "cim" else ()
    call = call_of(request_, back_end, node)
    permitted = visible(role)[call.function]

    assert [
        (n, v) for n, v in call.parameters if not re.fullmatch(permitted.get(n, "(?!)"), v)
    ] == []


def test_nothing_but_enable_and_disable_can_be_done() -> None:
    """Drain, stop, suspend and reload are for administrators."""
    assert visible("SipNlb")[ACT_FUNCTION]["Action"] == "enable|disable"
    module = (WINDOWS / "SipNlb" / "SipNlb.psm1").read_text("ascii")
    module += (WINDOWS / "ActionNumber.ps1").read_text("ascii")
    assert re.findall(r"Invoke-Expression|\biex\b|ScriptBlock|Add-Type|AddScript", module) == []


def test_every_change_passes_the_check_of_its_number() -> None:
    """The module starts nlb.exe for a change in one place, and the script calls NLB in one."""
    module = (WINDOWS / "SipNlb" / "SipNlb.psm1").read_text("ascii")
    change = module[module.index("function Invoke-Change") : module.index("function Find-Rule")]
    assert change.index("Enter-Action") < change.index("$entered.Refusal) { return")
    assert change.index("$entered.Refusal) { return") < change.index("Invoke-Program")
    acting = module[module.index("function Set-SipNlbPort") :]
    assert acting.count("Invoke-Change") == acting.count("'-Number', $Number") == 1
    assert "Invoke-Program" not in acting

    script = (WINDOWS / "Set-SipNlbPort.ps1").read_text("ascii")
    places = [script.index(each) for each in ("Enter-Action", "exit 1", "Invoke-CimMethod")]
    assert places == sorted(places)


def test_the_number_is_on_the_disk_before_the_port_is_touched() -> None:
    """Written whole, flushed, then put in place; whoever reads it holds the lock."""
    text = (WINDOWS / "ActionNumber.ps1").read_text("ascii")
    write = text[text.index("function Write-Action") : text.index("function Get-Refusal")]
    places = [write.index(each) for each in ("$new.Write(", "$new.Flush($true)", "::Replace(")]
    assert places == sorted(places)
    enter = text[text.index("function Enter-Action") :]
    order = ["Open-ActionLock", "$null -eq $entered.Lock", "Get-Refusal", "Write-Action", "catch {"]
    places = [enter.index(each) for each in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("1 1938420000000 cim enable 10.0.0.100 all 5060-5061 both\n", True),
        ("1 7 nlb disable [fd00::64]:5060\n", True),
        ("", False),
        ("1 7 nlb disable 5060", False),
        ("1 07 nlb disable 5060\n", False),
        ("1 1234567890123456789 nlb disable 5060\n", False),
        ("2 7 nlb disable 5060\n", False),
        ("1 7 nlb disable 5060\n1 8 nlb disable 5060\n", False),
        ("1 7 \x00\n", False),
    ],
)
def test_what_is_not_whole_is_not_taken_for_a_number(text: str, sound: bool) -> None:
    """A file that was torn, mixed or written by something else refuses. Its pattern, in Python."""
    script = (WINDOWS / "ActionNumber.ps1").read_text("ascii")
    pattern = re.search(r"\$text, '([^']*)'\)", script)
    assert pattern is not None
    assert bool(re.search(pattern[1].replace("?<", "?P<").replace(r"\z", r"\Z"), text)) is sound


def test_the_simulated_host_refuses_in_the_words_of_the_script() -> None:
    """So that what tests see is what a host says."""
    script = (WINDOWS / "ActionNumber.ps1").read_text("ascii")
    said = ActionNumbers()
    assert said.refusal("43", "a") is None
    for number, command, places in (("41", "a", ("$last", "$Number")), ("43", "b", ("$Number",))):
        words = said.refusal(number, command) or ""
        for place, value in zip(places, re.findall(r"[0-9]+", words), strict=True):
            words = words.replace(value, place, 1)
        assert f'"{words}"' in script


@pytest.mark.parametrize("name", ["SipNlbRead", "SipNlb"])
def test_an_endpoint_is_restricted_and_runs_as_a_virtual_account(name: str) -> None:
    """Without a session type an endpoint would be a whole PowerShell."""
    text = (WINDOWS / f"{name}.pssc").read_text("ascii")

    assert "SessionType = 'RestrictedRemoteServer'" in text
    assert "RunAsVirtualAccount = $true" in text
    assert f"RoleCapabilities = '{name}'" in text


def test_the_set_up_finds_what_it_writes() -> None:
    """The marks and the group that it replaces are in the files."""
    for role, marks in (("SipNlbRead", 1), ("SipNlb", 2)):
        text = (ROLES / f"{role}.psrc").read_text("ascii")
        for mark in ("PORTS", "VIPS"):
            assert len(re.findall(rf"@\(.*\) \}} # {mark}$", text, re.MULTILINE)) == marks
        endpoint = (WINDOWS / f"{role}.pssc").read_text("ascii")
        assert len(re.findall(r"'EXAMPLE\\[^']*'", endpoint)) == 1


@pytest.mark.parametrize("script", ["Install-SipNlb.ps1", "Uninstall-SipNlb.ps1"])
def test_the_set_up_can_be_tried_without_effect(script: str) -> None:
    """Both know -WhatIf."""
    assert "SupportsShouldProcess = $true" in (WINDOWS / script).read_text("ascii")


def test_the_page_names_every_file_and_parameter() -> None:
    """Who reads it finds all that is in the folder."""
    page = (WINDOWS / "README.md").read_text("utf-8")
    files = [file.name for file in WINDOWS.rglob("*.ps*")]

    assert [name for name in files if name not in page and name != "SipNlb.psd1"] == []
    for parameter in ("ReadGroup", "ActGroup", "Rule", "ClusterIp", "HostId"):
        assert parameter in page


def test_the_recorder_writes_what_is_read() -> None:
    """Format, version and classes are the same on both sides."""
    text = (ROOT / "exporter" / "windows" / "record.ps1").read_text("ascii")

    assert f"format = '{FORMAT}'" in text
    assert f"version = {VERSION}\n" in text
    assert [name for name in DUMPS.values() if f"'{name}'" not in text] == []


@pytest.mark.parametrize(
    "address",
    ["2001:db8:7::64", "fe80::1c2d:3e4f:5a6b:7c8d", "fd00::64", "fd00:0:0:7:1:2:3:4", "fd00::"],
)
def test_the_recorder_hides_addresses_of_ipv6(address: str) -> None:
    """Whole, wherever the zeros are left out. Its pattern means the same to Python."""
    text = (ROOT / "exporter" / "windows" / "record.ps1").read_text("ascii")
    pattern = re.search(
        r"function Hide-Address6.*?\[regex\]::Replace\(\$Text, '([^']*)'", text, re.DOTALL
    )
    assert pattern is not None

    assert re.sub(pattern[1], "X", f"[{address}]:5060 = {address}%12.") == "[X]:5060 = X%12."
    for other in ("10.7.0.1:5060", "Packets: Accepted=12", "C:\\Windows", "root:x"):
        assert re.sub(pattern[1], "X", other) == other
