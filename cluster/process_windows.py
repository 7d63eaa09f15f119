"""How a program is started and ended as a whole on Windows. Nothing else differs.

Not tried on Windows itself: the tests run `kill_group` of this file on POSIX, where psutil
behaves the same.
"""

from __future__ import annotations

import os
from typing import Any

CREATE_NEW_PROCESS_GROUP = 0x00000200
CREATE_NO_WINDOW = 0x08000000


def start_options() -> dict[str, Any]:
    """Return the keyword arguments of `subprocess.Popen` that give a program its own group."""
    return {"creationflags": CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW}


def interrupt_group(pid: int) -> None:
    """End a started program: a windowless program cannot be asked."""
    kill_group(pid)


def kill_group(pid: int) -> None:
    """End a started program and all it started, at once."""
    import psutil  # noqa: PLC0415 - a dependency of this platform only

    try:
        process = psutil.Process(pid)
        doomed = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for each in doomed:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue


def is_readable(_descriptor: int, _seconds: float) -> bool:
    """Return True: here nothing tells, and a read of a pipe waits until there is something."""
    return True


def default_nlb_program() -> str:
    r"""Return the path of nlb.exe.

    documented: the tools are in ``%SystemRoot%\System32``; a 32-bit process sees the real
    folder as ``%SystemRoot%\Sysnative``.
    """
    return _system_tool("nlb.exe")


def default_powershell_program() -> str:
    r"""Return the path of Windows PowerShell.

    documented: ``v1.0`` is the folder of every version up to 5.1; a 32-bit process sees the
    real folder as ``%SystemRoot%\Sysnative``.
    """
    return _system_tool("WindowsPowerShell", "v1.0", "powershell.exe")


def _system_tool(*names: str) -> str:
    root = os.environ.get("SystemRoot", r"C:\Windows")
    sysnative = os.path.join(root, "Sysnative", *names)
    return sysnative if os.path.exists(sysnative) else os.path.join(root, "System32", *names)
