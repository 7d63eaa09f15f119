"""The demonstration, as a person starts it: whole, interrupted, and with something missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
TIMES = ("seconds_to_alert", "seconds_to_action", "seconds_to_verified")
LIMIT = 240.0  # seconds; a demonstration takes about one minute


def start(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a demonstration whose temporary files go below `tmp_path`."""
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=dict(os.environ) | {"TMPDIR": str(tmp_path)} | environment,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the end; return the output. What is still there after the limit is killed."""
    try:
        return process.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        raise


def test_every_workflow_ends_right(tmp_path: Path) -> None:
    """All three workflows and their ways back end with exactly the primary's port enabled."""
    results = tmp_path / "demo.json"
    process = start(tmp_path, "--json", str(results))
    output = finish(process)
    assert process.returncode == 0, output
    assert output.splitlines()[-1] == "Everything ended right."
    document = json.loads(results.read_text("utf-8"))
    assert (document["simulated"], document["ended_right"]) == (True, True)
    assert [(each["name"], each["way_back"]["name"]) for each in document["workflows"]] == [
        ("manual switchover", "switchover back"),
        ("primary failure", "restart as backup"),
        ("primary disconnect", "return and demotion"),
    ]
    for each in document["workflows"]:
        alert, action, verified = (each[time] for time in TIMES)
        assert 0 < alert < action < verified
        assert each["options_lost"] > 0
        assert (each["ended_right"], each["way_back"]["ended_right"]) == (True, True)
    assert [document["workflows"][1]["way_back"][time] for time in TIMES] == [None, None, None]
    assert [file.name for file in tmp_path.iterdir()] == ["demo.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [1.5, 12.0])
def test_an_interruption_leaves_nothing_behind(tmp_path: Path, number, seconds) -> None:
    """Whenever it is interrupted, no process and no file of it remains."""
    process = start(tmp_path)
    time.sleep(seconds)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(number)
    output = finish(process)
    assert process.returncode == 1
    assert output.splitlines()[-1] == "interrupted; everything that was started has been ended"
    assert [child for child in children if child.is_running()] == []
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_cannot_run_is_named_with_its_log(tmp_path: Path) -> None:
    """If a part dies, the demonstration ends with the last lines of its log."""
    broken = tmp_path / "bin"
    broken.mkdir()
    program = broken / "prometheus"
    program.write_text("#!/bin/sh\necho this one is broken\nexit 7\n", "utf-8")
    program.chmod(0o755)
    process = start(tmp_path, PATH=f"{broken}:{os.environ['PATH']}")
    output = finish(process)
    assert process.returncode == 1
    assert output.splitlines()[-2:] == [
        "the demonstration failed: prometheus: ended with status 7 (last lines of its log:",
        "    this one is broken)",
    ]
    assert list(tmp_path.iterdir()) == [broken]
