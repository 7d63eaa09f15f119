"""The command that shows how all stands: what it refuses, and what it must not import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from remediator import status_command

ROOT = Path(__file__).resolve().parents[2]


def test_it_says_what_its_exit_statuses_mean(capsys: pytest.CaptureFixture[str]) -> None:
    """And takes the same ways to prove who asks as the other commands."""
    assert status_command.main(["--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "0 all is right, 1 something needs attention, 2 wrong use, 3 the remediator" in said
    for flag in ("--json", "--url", "--token-file", "--user", "--password-file", "--config.file"):
        assert flag in said


def test_credentials_that_cannot_be_read_are_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is asked."""
    assert status_command.main(["--token-file", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("sipnlb: no credentials: ")


def test_it_imports_nothing_of_the_service() -> None:
    """What takes long to import is left alone: whoever asks is in a hurry."""
    heavy = "flask sqlalchemy pydantic structlog prometheus_client requests yaml cheroot"
    code = (
        "import sys; sys.argv = ['', 'status', '--help']; "
        "from remediator.command import entry_point\n"
        "try: entry_point()\n"
        f"except SystemExit: print([m for m in '{heavy}'.split() if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.endswith("\n[]\n")
