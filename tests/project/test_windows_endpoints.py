"""The files for Windows hosts, as texts, held against what sipnlb calls there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cluster.model import PortRule
from cluster.runners.request import Request, Verb
from cluster.runners.winrm_calls import ACT_FUNCTION, READ_FUNCTION, call_of
from exporter.recording import DUMPS, FORMAT, VERSION

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = ROOT / "remediator" / "windows"
ROLES = WINDOWS / "SipNlb" / "RoleCapabilities"
RULE = PortRule("all", 5060, 5060, "both")
READS = [Request(Verb.QUERY), Request(Verb.QUERYPORT, RULE), Request(Verb.PARAMS)]
CHANGES = [Request(Verb.ENABLE, RULE), Request(Verb.DISABLE, RULE)]


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
    assert re.findall(r"Invoke-Expression|\biex\b|ScriptBlock|Add-Type|AddScript", module) == []


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
