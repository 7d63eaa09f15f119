"""Constructed SIP Server logs: headers and records in the documented forms, values made up."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cluster.sip.log_folder import LogFolder
from cluster.sip.log_place import PlaceFile
from cluster.sip.log_tail import LogTail
from tests.unit.exporter_samples import FakeClock

BASE = "SIP_East"
START = "2031-02-03T04:05:06"
EPOCH = datetime.fromisoformat("2031-02-03T04:05:06.789")
WEST = timedelta(hours=5, minutes=30)
"""Local time of the logs is so much ahead of UTC."""

PRIMARY = "04563 Hot Standby (Primary) mode activated"
BACKUP = "04560 Warm Standby (backup) mode activated"
STARTED = "05060 Application started"
STOPPED = "05063 Application terminated"


def header(
    number: int, *, start: str = START, minutes: float = 0.0, application: str = BASE
) -> str:
    """Return a header. number: of the segment. minutes: after `EPOCH` at which it was begun."""
    utc = EPOCH + timedelta(minutes=minutes)
    return "\r\n".join(
        (
            f"Application name: {application}",
            "Application type: TServer (1)",
            "Host name:        SIPHOST07",
            "Time zone:        -19800, Somewhere Standard Time, Somewhere Daylight Time",
            f"UTC time:         {utc.isoformat(timespec='milliseconds')}",
            f"Local time:       {(utc + WEST).isoformat(timespec='milliseconds')}",
            f"Start time (UTC): {start}",
            f"File:             ({number}) D:\\logs\\{BASE}.log",
            "",
            "",
        )
    )


def record(what: str, minutes: float = 0.0) -> str:
    """Return a record with date, in the short form."""
    local = EPOCH + WEST + timedelta(minutes=minutes)
    return f"{local.isoformat(timespec='milliseconds')} Std {what}\r\n"


def name(minutes: float = 0.0) -> str:
    """Return the name of a segment."""
    local = EPOCH + WEST + timedelta(minutes=minutes)
    return f"{BASE}.{local:%Y%m%d_%H%M%S}_{local.microsecond // 1000:03d}.log"


def write(folder: Path, text: str, minutes: float = 0.0, file: str | None = None) -> Path:
    """Write a segment whole; return its path."""
    path = folder / (file or name(minutes))
    path.write_bytes(text.encode("cp1252"))
    return path


def append(path: Path, text: str) -> None:
    """Write on."""
    with path.open("ab") as file:
        file.write(text.encode("cp1252"))


def tail_of(
    folder: Path,
    *,
    kept_in: Path | None = None,
    wants_moment: bool = False,
    clock: FakeClock | None = None,
    encoding: str = "cp1252",
    chunk_bytes: int = 64 * 1024,
) -> LogTail:
    """Return a tail of the log in a folder."""
    path = folder / BASE
    return LogTail(
        LogFolder(path, encoding),
        clock or FakeClock(),
        PlaceFile(kept_in, path) if kept_in else None,
        wants_moment=wants_moment,
        follows=False,
        chunk_bytes=chunk_bytes,
    )
