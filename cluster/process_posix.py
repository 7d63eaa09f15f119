"""How a program is started and ended as a whole on POSIX systems. Nothing else differs."""

from __future__ import annotations

import os
import select
import signal
from typing import Any


def start_options() -> dict[str, Any]:
    """Return the keyword arguments of `subprocess.Popen` that give a program its own group."""
    return {"start_new_session": True}


def interrupt_group(pid: int) -> None:
    """Ask a started program and all it started to end."""
    _signal(pid, signal.SIGTERM)


def kill_group(pid: int) -> None:
    """End a started program and all it started, at once."""
    _signal(pid, signal.SIGKILL)


def is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until a pipe can be read or is closed; return whether it is, False after `seconds`."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def default_nlb_program() -> str:
    """Return the name of the NLB utility: only a stand-in can exist on this system."""
    return "nlb"


def default_powershell_program() -> str:
    """Return the name of PowerShell: only a stand-in for Windows' own can exist on this system."""
    return "powershell"


def _signal(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # The group is gone, or (macOS) holds only zombies.
        return
