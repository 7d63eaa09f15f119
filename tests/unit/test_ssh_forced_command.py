"""The forced command that is shipped for Windows lists what the runner really sends, no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cluster.model import PortRule
from cluster.nlb.back_ends import REMOTE_NLB_PROGRAM
from cluster.runners.request import Request, Verb
from cluster.runners.ssh_quoting import Shell, command_line

FILE = Path(__file__).parents[2] / "remediator" / "windows" / "ssh-forced-command.cmd"
SCRIPT = FILE.read_bytes().decode("ascii")
RULE = PortRule("all", 5060, 5061, "both")


def settings(name: str) -> str:
    """Return the value of one of the script's variables."""
    found = re.search(rf'(?m)^set "{name}=(.*)"\r$', SCRIPT)
    assert found is not None
    return found[1]


def permitted(account: str) -> set[str]:
    """Return every text that the script compares with for an account.

    documented: cmd /?, for /?, if /?: each ``for`` goes through its words, ``if`` without /i is
    exact, and what stands in exclamation marks is put in after the line was understood.
    """
    program, found = settings("NLB"), set()
    for line in SCRIPT.splitlines():
        compared = re.search(r'"!SSH_ORIGINAL_COMMAND!"=="!NLB! ([^"]*)"', line)
        if compared is None:
            continue
        before = SCRIPT[: SCRIPT.index(line) + len(line)]
        verbs = re.findall(r"for %%V in \(([^)]*)\)", before)[-1].split()
        if {"enable", "disable"} & set(verbs) and account != "act":
            continue
        for verb in verbs:
            for rule in settings("RULES").split():
                text = compared[1].replace("%%V", verb).replace("%%R", rule)
                found.add(f"{program} {text}")
    return found


@pytest.mark.parametrize(
    ("account", "verbs"),
    [("read", {Verb.QUERY, Verb.PARAMS, Verb.QUERYPORT}), ("act", set(Verb))],
)
def test_the_list_is_what_the_runner_sends(account: str, verbs: set[Verb]) -> None:
    """Reading may ask; acting may enable and disable as well; nothing else is on the list."""
    sent = {
        command_line((REMOTE_NLB_PROGRAM, *request.arguments()), Shell.CMD)
        for verb in verbs
        for request in [Request(verb, None if verb in {Verb.QUERY, Verb.PARAMS} else RULE)]
    }
    assert permitted(account) == sent


def test_what_was_asked_for_is_compared_and_never_run() -> None:
    """The text from outside stands in comparisons alone, and put in after each was understood."""
    code = [line for line in SCRIPT.splitlines() if not line.startswith("rem")]
    uses = [line for line in code if "SSH_ORIGINAL_COMMAND" in line]
    assert len(uses) == 3
    assert all(re.search(r'if "!SSH_ORIGINAL_COMMAND!"=="!NLB! ', line) for line in uses)
    assert "%SSH_ORIGINAL_COMMAND%" not in SCRIPT
    assert [line for line in code if line.startswith('"!NLB!"')] == ['"!NLB!" !RUN!']
    assert SCRIPT.count("\n") == SCRIPT.count("\r\n")
