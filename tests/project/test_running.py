"""How the programs are run for good: units and pages, held against the code."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cluster import config, flags
from exporter.explanation import Kind
from remediator.readiness import WATCHDOG_MAX_AGE_SECONDS
from tests.project.rules import shipped_alerts
from tests.project.test_documents import README, ROOT, SAMPLE
from tests.project.test_powershell import mistakes

PROGRAMS = ("exporter", "remediator")
RUNNING = (ROOT / "remediator" / "RUNNING.md").read_text("utf-8")
WINDOWS = ROOT / "remediator" / "windows"
PAGES = {
    "README.md": README,
    "RUNNING.md": RUNNING,
    "windows/README.md": (WINDOWS / "README.md").read_text("utf-8"),
    "windows/openssh.md": (WINDOWS / "openssh.md").read_text("utf-8"),
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def unit(program: str) -> dict[str, str]:
    """Return the settings of a program's systemd unit."""
    text = (ROOT / program / f"sipnlb-{program}.service").read_text("utf-8")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language, without the indent of a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def help_of(program: str) -> str:
    """Return what a program says of its flags."""
    asked = subprocess.run(
        [sys.executable, "-m", program, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return asked.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_unit_starts_its_program_as_the_pages_install_it(program: str) -> None:
    """Place, flags and configuration are those of the install lines."""
    name = f"sipnlb-{program}"
    started, *given = unit(program)["ExecStart"].split()

    assert started == f"/opt/sipnlb/bin/{name}"
    assert name in PROJECT["scripts"]
    assert f"python3 -m venv {Path(started).parents[1]}\n" in RUNNING
    assert given == ["--config.file=/etc/sipnlb/clusters.yml"]
    assert f"install -m 0640 -g sipnlb clusters.yml {given[0].partition('=')[2]}\n" in RUNNING
    assert f" {program}/{name}.service" in RUNNING
    assert f"/nologin {unit(program)['User']}\n" in RUNNING
    assert f"groupadd --system {unit(program)['Group']}\n" in RUNNING


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_refused_configuration_is_not_tried_again(program: str) -> None:
    """Everything else is, for ever."""
    settings = unit(program)

    assert settings["RestartPreventExitStatus"] == str(flags.EXIT_WRONG_USE)
    assert (settings["Restart"], settings["StartLimitIntervalSec"]) == ("on-failure", "0")


def test_the_programs_have_accounts_of_their_own_and_the_same_bounds() -> None:
    """The exporter cannot read what the remediator acts with; neither unit is laxer."""
    exporter, remediator = unit("exporter"), unit("remediator")
    own = {
        "Description",
        "User",
        "ExecStart",
        "StateDirectory",
        "WorkingDirectory",
        "TimeoutStopSec",
    }

    assert exporter["User"] != remediator["User"]
    assert {key for key in exporter | remediator if exporter.get(key) != remediator.get(key)} == own
    assert exporter["NoNewPrivileges"] == "yes"
    assert exporter["ProtectSystem"] == "strict"
    assert exporter["CapabilityBoundingSet"] == ""


def test_what_the_sample_writes_lies_where_a_unit_may_write() -> None:
    """Journal and state directories are below each unit's own directory."""
    sample = SAMPLE.read_text("utf-8")
    places = {program: f"/var/lib/{unit(program)['StateDirectory']}" for program in PROGRAMS}

    url = config.load(SAMPLE).remediator.journal.url
    assert url.startswith(f"sqlite:///{places['remediator']}/")
    for program, place in places.items():
        assert unit(program)["WorkingDirectory"] == place
        assert re.search(rf"# state_directory: {place} ", sample)
        assert f"`{place}`" in RUNNING


def test_every_flag_and_program_on_the_page_exists() -> None:
    """What is copied from it is taken by the programs."""
    named = set(re.findall(r"(--(?:config|web|log)\.[a-z.-]+)", RUNNING))
    on_windows = set(re.findall(r"Scripts\\(sipnlb-\w+)\.exe", RUNNING))

    for program in PROGRAMS:
        assert [flag for flag in named if flag not in help_of(program)] == []
    assert set(re.findall(r"Register-SipNlbTask (sipnlb-\w+)", RUNNING)) == on_windows
    assert on_windows == {f"sipnlb-{program}" for program in PROGRAMS}


def test_every_alert_on_the_page_exists() -> None:
    """Who waits for a page by its name gets it."""
    named = set(re.findall(r"`(Sipnlb[A-Z][A-Za-z]+)`", RUNNING))

    assert named - {alert.name for alert in shipped_alerts()} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_extra_is_installed_from_the_folder_of_the_project(name: str) -> None:
    """Nothing is asked of a package index by name, and each extra exists."""
    extras = {
        extra
        for named in re.findall(r"'\.\[([\w,-]+)\]'", PAGES[name])
        for extra in named.split(",")
    }

    assert extras - set(PROJECT["optional-dependencies"]) == set()
    assert "sipnlb[" not in PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_the_powershell_of_the_pages_parses(name: str) -> None:
    """Nothing here can run it; the grammar at least is right."""
    written = blocks(PAGES[name], "powershell")

    assert [found for block in written for found in mistakes(block.encode())] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_command_to_try_it_can_move_a_port(name: str) -> None:
    """What must be refused is asked with something harmless: it may not be refused."""
    lines = [
        line for kind in ("sh", "powershell") for block in blocks(PAGES[name], kind)
        for line in block.splitlines()
    ]  # fmt: skip
    moving = re.compile(r"\b(nlb(\.exe)?'? +(enable|disable|drain|stop)|Set-SipNlbPort +-)")

    assert [line for line in lines if moving.search(line)] == []


@pytest.mark.parametrize("name", ["RUNNING.md", "windows/openssh.md"])
def test_rights_are_given_by_number_and_before_there_are_files(name: str) -> None:
    """Names of groups are translated on Windows; a file made before is readable for a moment."""
    given = [
        line
        for block in blocks(PAGES[name], "powershell")
        for line in block.splitlines()
        if line.startswith(("icacls", "New-Item", "Set-Content", "Copy-Item", "py "))
    ]

    assert given[0].startswith("New-Item -ItemType Directory")
    assert given[1].startswith("icacls ")
    assert given[1].endswith(
        "/inheritance:r /grant '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F'"
    )


def test_the_readme_says_how_each_kind_is_captured() -> None:
    """One line a kind of ``explain``, the command behind it."""
    lines = dict(
        re.findall(r"^sipnlb-exporter explain ([\w-]+) \S+ +# (.+)$", README, re.MULTILINE)
    )

    assert set(lines) == set(Kind)


def test_the_pages_tell_how_long_ready_needs_no_watchdog() -> None:
    """A remediator that has just started is ready before the first one came."""
    assert WATCHDOG_MAX_AGE_SECONDS == 3 * 60
    assert "in the first 3 minutes it need not have come yet" in README
    assert "for its first three minutes the remediator is ready" in RUNNING


def test_every_link_of_the_pages_leads_somewhere() -> None:
    """Relative links are to files that are there."""
    for page in (ROOT / "remediator" / "RUNNING.md", WINDOWS / "README.md", WINDOWS / "openssh.md"):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page.name
