"""A program whose disk fills up, or may not be written: run in a namespace that has such a disk.

``unshare --mount --map-root-user python -m tests.crash.small_disk FOLDER`` prints, as JSON, what
became of it. Nothing outside of the namespace sees the disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import structlog

from cluster.errors import ClusterError
from tests.crash.standing import Standing
from tests.exploration.real_loop import dropped

SIZE = "700k"


def mount(*arguments: str) -> None:
    """Mount something in this namespace."""
    subprocess.run(["mount", *arguments], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more goes on a disk; return the file that has to go."""
    file = disk / "filler"
    with file.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(512))
        except OSError:
            return file


def full(folder: Path, disk: Path) -> dict[str, Any]:
    """Fill the disk under a running program, switch over, and make room again."""
    mount("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk))
    standing = Standing(folder, disk)
    standing.start()
    filler = fill(disk)
    standing.switch_over()
    told = {
        "webhook": standing.post(),
        "ready": standing.get("/-/ready"),
        "hold": standing.look(),
        "does nothing": standing.does_nothing(),
    }
    filler.unlink()
    standing.ends_right()
    told["right"] = standing.site.is_right("quito")
    standing.stop()
    return told


def full_between(folder: Path, disk: Path) -> dict[str, Any]:
    """Fill the disk when the first command arrives: its outcome cannot be written."""
    mount("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk))
    standing = Standing(folder, disk)
    standing.start()
    fillers: list[Path] = []
    standing.on_command(lambda: fillers.append(fill(disk)) if not fillers else None)
    standing.switch_over()
    posted = standing.post()[0]
    hold = standing.look()
    commands = len(standing.site.commands())
    ready = standing.get("/-/ready")
    fillers[0].unlink()
    standing.ends_right()
    standing.settle()
    actions = standing.outcomes("action")
    standing.stop()
    return {
        "webhook": posted,
        "hold": hold,
        "commands": commands,
        "ready": ready,
        "actions": actions,
        "right": standing.site.is_right("quito"),
    }


def read_only(folder: Path, disk: Path) -> dict[str, Any]:
    """Start on a disk that may only be read, then on the same when it may be written."""
    standing = Standing(folder, disk)
    standing.start()
    standing.stop()
    mount("--bind", str(disk), str(disk))
    mount("-o", "remount,bind,ro", str(disk))
    standing.switch_over()
    try:
        standing.start()
        said = "it starts"
    except ClusterError as error:
        said = str(error).replace(str(disk), "DISK")
    did_nothing = standing.does_nothing()
    mount("-o", "remount,bind,rw", str(disk))
    standing.start()
    standing.ends_right()
    standing.stop()
    return {"said": said, "does nothing": did_nothing}


def main(given: list[str]) -> int:
    """Play a case in a folder and print what became of it."""
    structlog.configure(processors=[dropped])
    case, folder = given[0], Path(given[1])
    disk = folder / "disk"
    disk.mkdir()
    play = {"full": full, "full_between": full_between, "read_only": read_only}[case]
    sys.stdout.write(json.dumps(play(folder, disk)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
