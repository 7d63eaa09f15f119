"""Edge: keeps a tail's place and what it knows over a restart, in one small JSON file a log.

Replaced whole, never written in place. A file that is damaged, or of another log, is ignored
with a line in the program's log: then the log is searched as at the first start.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cluster import log
from cluster.sip.log_state import LogState, from_plain, to_plain

VERSION = 1
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a log was read, and what it had told by then.

    file: name of the segment. head: SHA-256 of its first `head_length` bytes. offset: bytes,
    at least those. at_line_start: whether a line begins there. number: of the segment, None
    where its header has none. moment: newest moment that the log showed, in UTC, naive.
    """

    file: str
    head: str
    head_length: int
    offset: int
    at_line_start: bool
    number: int | None
    moment: datetime | None
    state: LogState

    def is_in(self, head: bytes, size: int) -> bool:
        """Tell whether a file is the one, and not shorter than it was."""
        return (
            size >= self.offset
            and len(head) >= self.head_length
            and digest(head[: self.head_length]) == self.head
        )


def digest(head: bytes) -> str:
    """Return by what a file is known again."""
    return hashlib.sha256(head).hexdigest()


class PlaceFile:
    """The file of one log in a program's state directory."""

    def __init__(self, directory: Path, log_path: Path) -> None:
        """Name it after the log; nothing is read or written yet."""
        self._log_path = str(log_path)
        self._path = (
            directory / f"log-{digest(self._log_path.encode('utf-8', 'replace'))[:24]}.json"
        )
        self._complained = False

    def load(self) -> Place | None:
        """Return the place that was kept, None if there is none to be trusted."""
        try:
            with self._path.open("rb") as kept:
                raw = kept.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._ignored(error.strerror or type(error).__name__)
            return None
        try:
            return self._parsed(json.loads(raw))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self._ignored(f"damaged: {error}")
            return None

    def save(self, place: Place) -> None:
        """Keep a place. Where that fails, one line says so, and the tail goes on."""
        plain = {
            "version": VERSION,
            "log": self._log_path,
            "file": place.file,
            "head": place.head,
            "head_length": place.head_length,
            "offset": place.offset,
            "at_line_start": place.at_line_start,
            "number": place.number,
            "moment": place.moment.isoformat() if place.moment else None,
            "state": to_plain(place.state),
        }
        new = self._path.with_suffix(f".{os.getpid()}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(plain), "utf-8")
            new.replace(self._path)
        except OSError as error:
            if not self._complained:
                self._complained = True
                log.get("log").warning(
                    "state not kept", file=str(self._path), problem=error.strerror
                )

    def _parsed(self, plain: dict[str, Any]) -> Place:
        if plain["version"] != VERSION or plain["log"] != self._log_path:
            raise ValueError("of another log or version")
        moment, number = plain["moment"], plain["number"]
        numbers = (plain["head_length"], plain["offset"], 0 if number is None else number)
        if not all(type(each) is int and each >= 0 for each in numbers):
            raise TypeError("a number is no number")
        if not (isinstance(plain["file"], str) and isinstance(plain["head"], str)):
            raise TypeError("a text is no text")
        return Place(
            plain["file"],
            plain["head"],
            plain["head_length"],
            plain["offset"],
            plain["at_line_start"] is True,
            number,
            None if moment is None else datetime.fromisoformat(moment).replace(tzinfo=None),
            from_plain(plain["state"]),
        )

    def _ignored(self, why: str) -> None:
        log.get("log").warning(
            "state ignored", file=str(self._path), log=self._log_path, problem=why
        )
