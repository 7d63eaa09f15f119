"""Edge: the commands of each simulated host, as real executable files.

Each is a tiny script that hands its arguments to the site and gives back what it gets. It
loads next to nothing, because a reading loop starts it every second. POSIX only: it is made
executable by its first line.
"""

from __future__ import annotations

import sys
from pathlib import Path

NAMES = ("nlb", "wlbs", "powershell")
SHEBANG_LIMIT = 120
"""Characters of a first line that every POSIX system in use accepts (Linux: 127)."""

_SCRIPT = """\
{first}
# A command of a simulated site, made by sipnlb-simulator. Nothing real is asked or switched.
import sys, _socket
connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0)
try:
    connection.connect(({address!r}, {port}))
    call = "\\0".join([*{fields!r}, *sys.argv[1:]]).encode("utf-8", "replace")
    connection.sendall(b"%d\\n" % len(call) + call)
    answer = b""
    while part := connection.recv(65536):
        answer += part
except OSError as error:
    sys.stderr.write("sipnlb-simulator: the simulated site does not answer: %s\\n" % error)
    sys.exit(125)
status, found, output = answer.partition(b"\\n")
sys.stdout.buffer.write(output)
sys.exit(int(status) & 255 if found else 125)
"""


def path(directory: Path, host: str) -> Path:
    """Return where the ``nlb`` command of a host is once it is written."""
    return directory / host / NAMES[0]


def write(directory: Path, cluster: str, host: str, address: str, port: int) -> None:
    """Write the commands of one host into `directory`/`host`.

    address, port: where the site answers calls.
    """
    folder = directory / host
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        write_command(folder / name, (cluster, host, name), address, port)


def write_command(file: Path, fields: tuple[str, ...], address: str, port: int) -> None:
    """Write one command. fields: what it puts before its arguments when it hands them over."""
    text = _SCRIPT.format(first=_first_line(), address=address, port=port, fields=fields)
    file.write_text(text, "utf-8")
    file.chmod(0o755)


def _first_line() -> str:
    """Return what makes the script start: without site packages, so in a few milliseconds."""
    python = getattr(sys, "_base_executable", None) or sys.executable
    line = f"#!{python} -IS"
    if len(line) <= SHEBANG_LIMIT and " " not in python:
        return line
    # Shell and Python both read the next lines: for the shell an exec, for Python a text.
    quoted = python.replace("'", "'\\''")
    return f"#!/bin/sh\n'''exec' '{quoted}' -IS \"$0\" \"$@\"\n' '''"
