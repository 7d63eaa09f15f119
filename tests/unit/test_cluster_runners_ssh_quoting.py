"""What is written for each shell of a host, letter by letter, and what is refused."""

from __future__ import annotations

import pytest

from cluster.runners.ssh_quoting import LINE_LIMITS, Shell, command_line, why_refused

PLAIN = ("C:\\Windows\\System32\\nlb.exe", "queryport", "10.7.0.100:5070")
SPACED = ("D:\\NLB (old) & co\\it's nlb.exe", "enable", "[fd00::7]:5070")


@pytest.mark.parametrize(
    ("shell", "argv", "line"),
    [
        (Shell.CMD, PLAIN, "C:\\Windows\\System32\\nlb.exe queryport 10.7.0.100:5070"),
        (Shell.CMD, SPACED, '"D:\\NLB (old) & co\\it\'s nlb.exe" enable [fd00::7]:5070'),
        (
            Shell.POWERSHELL,
            PLAIN,
            "& 'C:\\Windows\\System32\\nlb.exe' 'queryport' '10.7.0.100:5070'; exit $LASTEXITCODE",
        ),
        (
            Shell.POWERSHELL,
            SPACED,
            "& 'D:\\NLB (old) & co\\it''s nlb.exe' 'enable' '[fd00::7]:5070'; exit $LASTEXITCODE",
        ),
        (Shell.POSIX, ("/opt/an nlb/nlb", "query"), "'/opt/an nlb/nlb' query"),
    ],
)
def test_each_shell_has_its_own_line(shell: Shell, argv: tuple[str, ...], line: str) -> None:
    """A plain path stays plain for cmd; blanks and signs are quoted in each shell's own way."""
    assert command_line(argv, shell) == line


@pytest.mark.parametrize(
    ("shell", "argument", "reason"),
    [
        (Shell.CMD, "D:\\100%\\nlb.exe", 'cmd has no escape for ", % and !'),
        (Shell.CMD, "D:\\now!\\nlb.exe", 'cmd has no escape for ", % and !'),
        (Shell.CMD, 'a "b"', 'cmd has no escape for ", % and !'),
        (Shell.CMD, "", "cmd loses empty arguments"),
        (Shell.CMD, "D:\\nlb\\", "it ends with a backslash"),
        (Shell.CMD, "nlb\nformat", "it has control characters"),
        (Shell.POWERSHELL, 'a "b"', 'Windows PowerShell loses "'),
        (Shell.POWERSHELL, "", "powershell loses empty arguments"),
        (Shell.POWERSHELL, "100%!", None),
        (Shell.POSIX, "a \"b\" 'c' $d", None),
        (Shell.POSIX, "a\x00b", "it has control characters"),
    ],
)
def test_what_no_quoting_saves_is_refused(shell: Shell, argument: str, reason: str | None) -> None:
    """What a shell would change on its way is never sent."""
    assert why_refused(argument, shell) == reason


def test_a_refusal_says_which_argument_and_why() -> None:
    """The message is for whoever wrote the path into the configuration."""
    with pytest.raises(ValueError, match="cannot be") as refused:
        command_line(("D:\\100%\\nlb.exe", "query"), Shell.CMD)
    assert str(refused.value) == (
        "'D:\\\\100%\\\\nlb.exe' cannot be passed on: cmd has no escape for \", % and !"
    )


def test_a_line_that_is_too_long_for_its_shell_is_refused() -> None:
    """Cmd would cut it off and run what is left."""
    argument = "a" * LINE_LIMITS[Shell.CMD]
    with pytest.raises(ValueError, match="characters") as refused:
        command_line(("nlb", argument), Shell.CMD)
    assert str(refused.value) == "the line has 8195 characters; cmd takes 8191"
    assert len(command_line(("nlb", argument), Shell.POWERSHELL)) > len(argument)
