"""The commands by which persons give orders: what they refuse, say, and must not import."""

from __future__ import annotations

import argparse
import getpass
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.clock import Deadline
from remediator import asking, operate
from remediator.command import COMMANDS, command_of

ROOT = Path(__file__).resolve().parents[2]
Main = Callable[[list[str]], int]


@pytest.mark.parametrize(
    ("command", "arguments", "problem"),
    [
        (operate.pause, ["--for", "1h", "--reason", "x"], "one of the arguments CLUSTER --all"),
        (operate.pause, ["quito", "--all", "--for", "1h", "--reason", "x"], "not allowed with"),
        (operate.pause, ["quito", "--reason", "x"], "one of the arguments --for --until is"),
        (operate.pause, ["quito", "--for", "1h"], "arguments are required: --reason"),
        (
            operate.pause,
            ["quito", "--for", "1h", "--until", "x", "--reason", "x"],
            "not allowed with argument --for",
        ),
        (operate.resume, [], "one of the arguments CLUSTER --all is required"),
        (operate.resume, ["quito", "--id", "x"], "argument --id: invalid int value: 'x'"),
        (operate.approve, [], "arguments are required: CLUSTER"),
        (operate.approve, ["quito", "x"], "argument ID: invalid int value: 'x'"),
        (operate.acknowledge, ["quito"], "arguments are required: --text"),
        (operate.acknowledge, ["quito", "--text", "x", "--url", "ftp://x"], "is not an http or"),
    ],
)
def test_wrong_use_is_explained(
    capsys: pytest.CaptureFixture[str], command: Main, arguments: list[str], problem: str
) -> None:
    """Status 2, and what is wrong, on standard error."""
    assert command(arguments) == asking.WRONG_USE
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_and_imports_nothing_of_the_service(name: str) -> None:
    """What takes long to import is left alone, so that a person in a hurry need not wait."""
    heavy = "flask sqlalchemy pydantic structlog prometheus_client requests yaml cheroot"
    code = (
        f"import sys; sys.argv = ['', '{name}', '--help']; "
        "from remediator.command import entry_point\n"
        "try: entry_point()\n"
        f"except SystemExit as e: print(e.code, [m for m in '{heavy}'.split() if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert f"usage: sipnlb-remediator {name}" in done.stdout
    assert done.stdout.endswith("\n0 []\n")


def test_a_command_line_without_a_command_starts_the_service() -> None:
    """Flags, and words that are none."""
    assert command_of([]) is None
    assert command_of(["--config.file=x"]) is None
    assert command_of(["paused"]) is None
    assert command_of(["pause", "quito"]) is operate.pause


class Told:
    """A remediator that answers as it is told to, and keeps what it was sent."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, Any]] = []

    def call(self, method: str, path: str, _: Deadline, body: Any = None) -> dict[str, Any]:
        """Answer."""
        self.sent.append((method, path, body))
        return self.answers.pop(0)


def given(told: Told, order: Any, **options: Any) -> str:
    """Give an order as ada; return what is said of it."""
    known = {"cluster": "quito", "all": False, "id": None, "name": "ada", **options}
    said: str = order(argparse.Namespace(**known), told, Deadline(5.0))
    return said


def test_a_pause_is_said_as_it_was_taken() -> None:
    """The end is the remediator's, in UTC; time or duration goes as it was typed."""
    pause = {"cluster": "quito", "who": "web token for ada", "until": "T", "reason": "a card"}
    told = Told({"pause": pause}, {"pause": {**pause, "cluster": None}})

    assert given(told, operate._pause, length="2h", until=None, reason="a card") == (
        "paused by web token for ada until T: a card"
    )
    assert given(
        told, operate._pause, all=True, cluster=None, length=None, until="5pm", reason="a card"
    ) == ("paused by web token for ada until T: a card")
    order = {"reason": "a card", "who": "ada"}
    assert told.sent == [
        ("POST", "/api/v1/pause", {"cluster": "quito", "for": "2h", **order}),
        ("POST", "/api/v1/pause", {"all": True, "until": "5pm", **order}),
    ]


def test_what_still_stands_is_said_when_a_pause_is_ended() -> None:
    """Whoever resumes is not left to wonder why nothing happens."""
    still = {"cluster": None, "who": "ben", "until": "T", "reason": "works"}
    told = Told({"still": [still]}, {"still": None})

    assert (
        given(told, operate._resume) == "resumed; still all clusters paused by ben until T: works"
    )
    assert given(told, operate._resume, id=7) == "resumed"
    assert told.sent[1][2] == {"cluster": "quito", "id": 7, "who": "ada"}


def test_what_waits_is_approved_by_its_id() -> None:
    """Without an id it is asked for first, so that nothing newer is approved unseen."""
    wanted = {"id": 17, "actions": ["enable 5080 on quito-1", "disable 5080 on quito-2"]}
    told = Told({"approvals": [wanted]}, {"approved": wanted, "number": 4})

    assert given(told, operate._approve) == (
        "approved as 17: enable 5080 on quito-1, then disable 5080 on quito-2; asked for look 4"
    )
    assert told.sent == [
        ("GET", "/api/v1/clusters/quito", None),
        ("POST", "/api/v1/clusters/quito/approve", {"id": 17, "who": "ada"}),
    ]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"approvals": []}, "nothing waits for approval"),
        ({}, "nothing waits for approval"),
        ({"approvals": "many"}, "nothing waits for approval"),
        (
            {"approvals": [{"id": 3, "actions": ["a"]}, {"id": 5, "actions": 7}]},
            "name one of 3: a; 5: ",
        ),
    ],
)
def test_nothing_is_approved_where_it_is_not_clear_what(answer: Any, problem: str) -> None:
    """Status 1, whatever the other answers."""
    with pytest.raises(asking.NotDoneError) as error:
        given(Told(answer), operate._approve)
    assert (error.value.status, str(error.value)) == (asking.NOT_RIGHT, problem)


def test_a_cluster_is_a_part_of_a_path_and_nothing_more() -> None:
    """Whatever is typed, no other route is reached."""
    told = Told({"acknowledged": [{"hold": "rule_differs", "text": "5070"}]})

    assert given(told, operate._acknowledge, cluster="../x?", text="known") == (
        "acknowledged rule_differs: 5070"
    )
    path = "/api/v1/clusters/..%2Fx%3F/acknowledge"
    assert told.sent == [("POST", path, {"text": "known", "who": "ada"})]


def test_who_says_so_is_the_user_unless_told_otherwise() -> None:
    """A record without a person in it is of no use."""
    assert operate._who(argparse.Namespace(name="ada")) == {"who": "ada"}
    assert operate._who(argparse.Namespace(name=None)) == {"who": getpass.getuser()}
