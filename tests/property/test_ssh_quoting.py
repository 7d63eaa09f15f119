"""What goes in as an argument list comes out as the same one, or is refused."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.runners.ssh_quoting import Shell, command_line, why_refused
from tests.unit.windows_parsing import c_arguments, c_quoted, through_cmd, through_powershell

NASTY = " \"'`$%!&|<>^()\\/;,=@#*?[]{}~:.-+\u2018\u2019\u201a\u201b\u201c\u00e9x1"
PIECES = [*NASTY, "%x%", "!x!", "%PATH%", "''", "\u2019\u2019", "\\\\", '\\"', "$(x)", "a&b"]
words = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
    st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=12),
)
variables = {"PATH": "C:\\evil", "x": "y", "1": "2", " ": "&format"}


def lists(without: str = "", instead_of_nothing: str = "") -> st.SearchStrategy[list[str]]:
    """Return lists in which every word can be passed on, by what is documented."""
    passed = words.map(lambda word: word.translate({ord(sign): None for sign in without}))
    filled = passed.map(lambda word: (word.rstrip("\\") if without else word) or instead_of_nothing)
    return st.lists(filled, min_size=2, max_size=4)


@given(lists(without='"%!', instead_of_nothing="7"))
@settings(max_examples=400)
def test_cmd_takes_the_list_apart_again(argv: list[str]) -> None:
    """By the documented rules of cmd and of the C run-time."""
    assert through_cmd(command_line(argv, Shell.CMD), variables) == argv


@given(lists(without='"', instead_of_nothing="7"))
@settings(max_examples=400)
def test_powershell_takes_the_list_apart_again(argv: list[str]) -> None:
    """By the documented rules of PowerShell and of the C run-time."""
    assert through_powershell(command_line(argv, Shell.POWERSHELL)) == argv


@given(lists())
@settings(max_examples=60, deadline=None)
def test_a_real_shell_takes_the_list_apart_again(argv: list[str]) -> None:
    """With /bin/sh itself."""
    line = command_line(["/usr/bin/printf", "%s\\0", *argv], Shell.POSIX)
    printed = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout
    assert printed.decode("utf-8").split("\0")[:-1] == argv


@given(st.lists(words, min_size=2, max_size=3), st.sampled_from([Shell.CMD, Shell.POWERSHELL]))
@settings(max_examples=1000)
def test_whatever_is_not_refused_arrives(argv: list[str], shell: Shell) -> None:
    """No word whatever, with any characters, is changed on its way."""
    if any(why_refused(word, shell) for word in argv):
        return
    line = command_line(argv, shell)
    apart = through_cmd(line, variables) if shell is Shell.CMD else through_powershell(line)
    assert apart == argv


@given(st.lists(words, max_size=4))
def test_the_model_of_the_c_rules_is_true_to_itself(argv: list[str]) -> None:
    """Quoting and splitting are each other's inverse, so that the model may judge."""
    assert c_arguments(" ".join(["nlb", *map(c_quoted, argv)])) == ["nlb", *argv]
