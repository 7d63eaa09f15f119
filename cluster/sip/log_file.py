"""Edge: opens one file of a log, reads pieces of it, lists its folder. Writes nothing.

A file is open only while a reading lasts: on Windows an open file cannot be renamed or removed
by its owner. Opening also makes a network share show what was written since (NFS).
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from types import TracebackType

from cluster.sip.log_segment import HEAD_BYTES


class LogFile:
    """A regular file, open for reading. Every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        """Open it without waiting, whatever it is. Raises OSError if it is no regular file."""
        self._raw = io.FileIO(path, opener=_opened)
        try:
            known = os.fstat(self._raw.fileno())
            if not stat.S_ISREG(known.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(path))
            self.size = known.st_size
            self.head = self.read(0, HEAD_BYTES)
        except OSError:
            self._raw.close()
            raise

    def __enter__(self) -> LogFile:
        """Return the open file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close it."""
        self._raw.close()

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; less only where the file ends."""
        self._raw.seek(offset)
        data = bytearray()
        while len(data) < length and (piece := self._raw.read(length - len(data))):
            data += piece
        return bytes(data)


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder. Raises OSError if it cannot be listed."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]
