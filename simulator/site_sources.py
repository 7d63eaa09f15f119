"""How ``clusters.yml`` of a simulated site names each mode source. Pure.

A new source is a function and a line in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.loopback import LOOPBACK


@dataclass(frozen=True, slots=True)
class ModeFaces:
    """Where the mode of one SIP Server can be read.

    page: of its statistics, `lag_seconds` old. log: as its option names it. alive_port: TCP
    port on loopback that only the process opens. mlcmd: command of the whole site.
    """

    page: str
    lag_seconds: float
    log: Path
    alive_port: int
    mlcmd: Path


def _http(faces: ModeFaces) -> dict[str, Any]:
    return {"type": "http", "url": faces.page, "lag": f"{round(faces.lag_seconds * 1000)}ms"}


def _log(faces: ModeFaces) -> dict[str, Any]:
    alive = {"type": "tcp", "address": LOOPBACK, "port": faces.alive_port}
    return {"type": "log", "path": str(faces.log), "liveness": alive}


def _exec(faces: ModeFaces) -> dict[str, Any]:
    command = [str(faces.mlcmd), "-getallappstatus"]
    # It answers quicker than mlcmd, so that a look with the usual look_timeout can wait for it.
    return {"type": "exec", "command": command, "refresh": "5s", "timeout": "1s"}


SOURCES: dict[str, Callable[[ModeFaces], dict[str, Any]]] = {
    "http": _http,
    "log": _log,
    "exec": _exec,
}
"""By the source's ``type``: its entry."""


def entries(names: tuple[str, ...], faces: ModeFaces) -> list[dict[str, Any]]:
    """Return the sources of one host. names: of `SOURCES`, in order of precedence."""
    return [SOURCES[name](faces) for name in names]
