"""A model of how Windows takes a line apart, from its documentation; no code of Windows.

OpenSSH for Windows hands the line to the shell it starts (PowerShell/openssh-portable,
contrib/win32/win32compat/w32-doexec.c): cmd gets it in quotes as it is, PowerShell as one
argument that is quoted by the rules of the C run-time.
"""

from __future__ import annotations

import re


def c_arguments(line: str) -> list[str]:
    """Split a command line.

    documented: Microsoft Learn, "main function and command-line arguments": parsing C
    command-line arguments. The program itself ends at the next quote or blank, and backslashes
    mean nothing in it.
    """
    program = re.match(r'\s*(?:"([^"]*)"?|(\S*))', line)
    assert program is not None
    found = [program[1] if program[1] is not None else program[2]]
    rest, current, quoted, begun = line[program.end() :], "", False, False
    index = 0
    while index < len(rest):
        character = rest[index]
        if character in " \t" and not quoted:
            found += [current] if begun else []
            current, begun = "", False
            index += 1
            continue
        begun = True
        slashes = re.match(r"\\*", rest[index:])
        assert slashes is not None
        count = len(slashes[0])
        index += count
        if rest[index : index + 1] != '"':
            current += "\\" * count
            if not count:
                current += character
                index += 1
            continue
        current += "\\" * (count // 2)
        if count % 2:
            current += '"'
        elif quoted and rest[index + 1 : index + 2] == '"':
            current += '"'
            index += 1
        else:
            quoted = not quoted
        index += 1
    return found + ([current] if begun else [])


def c_quoted(argument: str) -> str:
    """Quote one argument so that `c_arguments` gives it back."""
    doubled = re.sub(r'(\\*)"', r'\1\1\\"', argument)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", doubled) + '"'


def through_cmd(line: str, variables: dict[str, str]) -> list[str]:
    """Return what a program gets whose line sshd gives to cmd.

    documented: cmd /?: /C with more than two quotes takes off the first and the last; %NAME%
    is expanded everywhere; outside of quotes & | < > ^ ( ) are cmd's own.
    """
    handed = f'"{line}"'
    if handed.count('"') == 2:
        inner = handed[1:-1]
        assert " " in inner, "cmd would take the whole for the name of a program"
    stripped = handed[1 : handed.rindex('"')] + handed[handed.rindex('"') + 1 :]
    expanded = re.sub(r"%([^%]+)%", lambda name: variables.get(name[1], name[0]), stripped)
    expanded = re.sub(r"!([^!]+)!", lambda name: variables.get(name[1], name[0]), expanded)
    outside = re.sub(r'"[^"]*"', "", expanded)
    assert not set(outside) & set('&|<>^()"\n\r'), "cmd would act on this itself"
    return c_arguments(expanded)


_SINGLE = "'\u2018\u2019\u201a\u201b"


def through_powershell(line: str) -> list[str]:
    """Return what a program gets whose line sshd gives to Windows PowerShell.

    documented: about_Quoting_Rules: in single quotes nothing is expanded and two quotes are one.
    documented: about_Parsing: Windows PowerShell puts an argument with blanks into quotes and
    changes nothing else in it.
    """
    shell, option, script = c_arguments(f'"powershell.exe" -c {c_quoted(line)}')
    assert (shell, option) == ("powershell.exe", "-c")
    assert script.startswith("& ")
    words, rest = [], script[2:]
    while rest.startswith("'"):
        word = re.match(f"'((?:[^{_SINGLE}]|([{_SINGLE}])[{_SINGLE}])*)'(?![{_SINGLE}])", rest)
        assert word is not None, rest
        words.append(re.sub(f"([{_SINGLE}])[{_SINGLE}]", r"\1", word[1]))
        rest = rest[word.end() :].removeprefix(" ")
    assert rest == "; exit $LASTEXITCODE"
    native = " ".join(f'"{word}"' if re.search(r"\s", word) else word for word in words[1:])
    return c_arguments(f'"{words[0]}" {native}')
