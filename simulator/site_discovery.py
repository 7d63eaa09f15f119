"""Edge: where the running sites of a user leave the addresses of their control APIs.

Each site has a file of its own, so that one that ends takes nothing of another with it. A
site that was killed leaves its file behind; such a file is passed over, since nobody answers.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from simulator import control_call

CONTROL_FILE = "control-url"
"""In the site's own directory. In the common one the port is added, one file for each site.

One line, the address; in the common directory a second one, the site's directory.
"""


@dataclass(frozen=True, slots=True)
class RunningSite:
    """A site that answers. url: of its control API. directory: its own, empty if not told."""

    url: str
    directory: str


def discovery_directory() -> Path:
    """Return where the sites of this user leave their addresses.

    ``sipnlb-simulator-USER`` in the system's directory for temporary files ($TMPDIR).
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Path(tempfile.gettempdir()) / f"sipnlb-simulator-{user}"


def announce(url: str, directory: Path) -> None:
    """Write the control API's address where `discover` finds it, and into `directory`."""
    public = discovery_directory()
    public.mkdir(mode=0o700, parents=True, exist_ok=True)
    if public.stat().st_uid == os.getuid():  # else callers name the address with --control
        _write(_public_file(url), url, str(directory.absolute()))
    _write(directory / CONTROL_FILE, url)


def withdraw(url: str, directory: Path) -> None:
    """Take the address back, where it is this one."""
    for file in (directory / CONTROL_FILE, _public_file(url)):
        with contextlib.suppress(OSError):
            if _lines(file)[:1] == [url]:
                file.unlink()
    with contextlib.suppress(OSError):
        discovery_directory().rmdir()


def discover() -> list[RunningSite]:
    """Return the sites of this user that run, by address; empty if none does."""
    told = [_lines(file) for file in discovery_directory().glob(f"{CONTROL_FILE}-*")]
    found = {lines[0]: "".join(lines[1:2]) for lines in told if lines}
    return [RunningSite(url, found[url]) for url in sorted(found) if control_call.is_running(url)]


def user_of(directory: Path) -> str | None:
    """Return the address of the running site that uses a directory, or None."""
    url = "".join(_lines(directory / CONTROL_FILE)[:1])
    return url if url and control_call.is_running(url) else None


def _public_file(url: str) -> Path:
    return discovery_directory() / f"{CONTROL_FILE}-{urlsplit(url).port}"


def _lines(file: Path) -> list[str]:
    """Return the lines of a file; none if it cannot be read."""
    try:
        return file.read_text("utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _write(file: Path, *lines: str) -> None:
    """Write at once, so that nobody reads half of it."""
    unready = file.with_name(f".{file.name}.{os.getpid()}")
    unready.write_text("\n".join(lines) + "\n", "utf-8")
    unready.replace(file)
