"""The command that asks for a look: what it refuses, what it says, and what it must not import."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.config_model import Remediator
from remediator import reconcile, reconcile_access

ROOT = Path(__file__).resolve().parents[2]


def last(**more: Any) -> dict[str, Any]:
    """Return a look as the API tells it."""
    return {
        "number": 12,
        "ending": "right",
        "hold": None,
        "text": "",
        "why": "every port follows the mode",
        "would": [],
    } | more


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (last(), "look 12, right: every port follows the mode"),
        (
            last(ending="held", hold="two_primaries", text="more than one\n is primary"),
            "look 12, held, two_primaries: more than one is primary",
        ),
        (
            last(ending="observed", would=["enable 5080 on quito-1", "disable 5080 on quito-2"]),
            "look 12, observed: would enable 5080 on quito-1, disable 5080 on quito-2",
        ),
        (
            last(ending="observed", why="port 5080 on quito-2: the remediator on that host"),
            "look 12, observed: port 5080 on quito-2: the remediator on that host",
        ),
        (
            last(ending=None, hold="bug", text="KeyError: 'x'"),
            "look 12, failed, bug: KeyError: 'x'",
        ),
    ],
)
def test_a_look_is_said_in_one_line(look: dict[str, Any], words: str) -> None:
    """Who starts it keeps one line of a log, and the reason stands in it."""
    assert reconcile.said(look) == words


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: CLUSTER"),
        (["quito", "--url", "ftp://x"], "'ftp://x' is not an http or https address"),
        (["quito", "--url", "http://x:99999"], "is not an http or https address"),
        (["quito", "--timeout", "0.5"], "argument --timeout: 1 to 3600"),
        (["quito", "--timeout", "nan"], "argument --timeout: 1 to 3600"),
        (["quito", "--token-file", "a", "--config.file", "b"], "not allowed with argument"),
    ],
)
def test_wrong_use_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    """Status 2, and what is wrong, on standard error."""
    assert reconcile.main(arguments) == 2
    assert problem in capsys.readouterr().err


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0; it tells the other statuses, as that of every command does."""
    assert reconcile.main(["--help"]) == 0
    told = capsys.readouterr().out
    assert "--wait" in told
    assert "Exit status: 0 asked, or with --wait right; 1 held" in told


def test_credentials_that_are_not_there_are_wrong_use(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Before anything is sent, by token file or by configuration."""
    missing = tmp_path / "token"

    assert reconcile.main(["quito", "--token-file", str(missing)]) == 2
    assert reconcile.main(["quito", "--config.file", str(missing)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("sipnlb: quito: no credentials: [Errno 2] No such file")
    assert said[1].startswith(f"sipnlb: quito: no credentials: {missing}: ")


def test_who_shows_no_credentials_is_told_how(capsys: pytest.CaptureFixture[str]) -> None:
    """The flags are named; who showed some is told where the right ones stand."""
    none = reconcile_access.refused(None)
    assert none == (
        "the remediator asks for credentials and none were shown; name --token-file, "
        "--user with --password-file, --cert-file with --key-file, or its clusters.yml by "
        "--config.file"
    )
    assert reconcile_access.refused("Bearer x") == (
        "the remediator does not take these credentials; compare them with remediator.web in its "
        "clusters.yml, or name that file by --config.file"
    )
    reconcile.main(["--help"])
    flags = capsys.readouterr().out
    assert all(
        word in flags
        for word in ("--token-file", "--user", "--password-file", "--cert-file", "--config.file")
    )


def test_it_waits_longer_than_a_host_that_does_not_obey_takes() -> None:
    """With the defaults of configuration the reason is told, not that the time is over."""
    settings = Remediator()
    longest = settings.attempts * (settings.command_timeout + settings.verify_timeout)
    parser = argparse.ArgumentParser()
    reconcile.add_arguments(parser)

    assert parser.parse_args(["quito"]).timeout > 2 * longest


def test_it_imports_nothing_of_the_service() -> None:
    """What takes long to import is left alone, so that a control script is quick."""
    heavy = "flask sqlalchemy pydantic structlog prometheus_client requests yaml cheroot"
    code = (
        "import sys; sys.argv = ['', 'reconcile', '--help']; "
        "from remediator.command import entry_point\n"
        "try: entry_point()\n"
        f"except SystemExit: print([m for m in '{heavy}'.split() if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert "--wait" in done.stdout
    assert done.stdout.endswith("\n[]\n")
