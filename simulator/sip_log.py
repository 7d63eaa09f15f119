"""Edge: the main log of one simulated SIP Server, as real files that grow and rotate.

It follows the world: a process that starts begins a new segment, a new mode is a record, a
process that dies writes nothing. What stands in it is `sip_log_text`'s.

The files are in ``DIRECTORY/HOST/logs``. While the host is cut off that folder has another
name, so the log cannot be reached, as with a share of a host that is gone; the SIP Server on it
writes on all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from cluster.model import SipMode
from simulator import sip_log_text as text
from simulator.faults import LogFault
from simulator.world import HostRun

FOLDER, CUT_OFF = "logs", ".logs of a host that is cut off"
CODING = "cp1252"
MILLISECOND = timedelta(milliseconds=1)


class SipLog:
    """The log of one host's SIP Server."""

    def __init__(
        self,
        host: HostRun,
        folder: Path,
        profile: text.LogProfile,
        check_point_seconds: float,
        now: Callable[[], datetime],
    ) -> None:
        """Write nothing yet. folder: of the host. now: the world's time, UTC and aware."""
        self._check_points = check_point_seconds
        self._host, self._profile, self._now = host, profile, now
        self._home = folder
        self._base = host.server.application
        self._is_open = False
        self._process: int | None = None
        self._mode = SipMode.UNKNOWN
        self._fault = LogFault.NONE
        self._rotations = 0
        self._owner = text.LogOwner("", "", datetime.min)  # noqa: DTZ901 - before any process
        self._file = ""
        self._number = 0
        self._local = datetime.min  # noqa: DTZ901 - before any segment
        self._check_point_at = 0.0

    @property
    def path(self) -> Path:
        """The log as its option names it, without date."""
        return self._home / FOLDER / self._base

    def open(self) -> None:
        """Begin to write."""
        if self._folder(connected=False).exists():
            self._folder(connected=False).rename(self._folder(connected=True))  # of an earlier site
        self._folder(connected=True).mkdir(parents=True, exist_ok=True)
        self._is_open = True
        self.follow()

    def follow(self) -> None:
        """Write what has happened since the last call. Call it often."""
        if not self._is_open:
            return
        self._follow_network()
        server = self._host.server
        if not server.is_running:
            self._process = None
            return
        if server.process_id != self._process:
            self._begin_process()
        if server.mode is not self._mode:
            self._mode = server.mode
            self._record(*text.ROLE_RECORDS[server.mode])
        self._follow_time()
        self._follow_faults()

    def _begin_process(self) -> None:
        self._process, self._mode = self._host.server.process_id, SipMode.UNKNOWN
        start = self._now().replace(tzinfo=None)
        name = self._host.description.name
        self._owner = text.LogOwner(name, self._base, start)
        self._number = 0
        self._begin_segment()
        self._record("05060", "Application started")

    def _begin_segment(self) -> None:
        """Begin a new file and remove the oldest ones."""
        now = self._now()
        utc = now.replace(tzinfo=None)
        offset = now.astimezone().utcoffset() or timedelta(0)
        self._local = max(utc + offset, self._local + MILLISECOND)  # so that no name is used twice
        self._number += 1
        self._file = text.file_name(self._base, self._local)
        file = str(self.path.with_name(self._file))
        self._append(text.header(self._owner, self._local - offset, offset, self._number, file))
        segments = sorted(self._present().glob(f"{self._base}.*.log"))
        for old in segments[: -self._profile.expire]:
            old.unlink()
        self._check_point_at = now.timestamp() + self._check_points

    def _record(self, number: str, words: str) -> None:
        self._write(text.record(self._profile, self._owner, self._local_now(), number, words))

    def _follow_time(self) -> None:
        if self._now().timestamp() >= self._check_point_at:
            self._check_point_at += self._check_points
            self._write(text.check_point(self._profile, self._owner, self._local_now()))

    def _follow_faults(self) -> None:
        """Do once what a fault is, when it is switched on; one segment at a time."""
        if self._rotations:
            self._rotations -= 1
            self._begin_segment()
        fault, self._fault = self._fault, self._host.faults.log
        if fault is self._fault:
            return
        if self._fault is LogFault.TRUNCATED:
            os.truncate(self._present() / self._file, 0)
        elif self._fault is LogFault.ROLE_ROTATED_OUT:
            self._rotations = self._profile.expire

    def _follow_network(self) -> None:
        connected = self._host.connected
        if self._present() != self._folder(connected=connected):
            self._present().rename(self._folder(connected=connected))

    def _write(self, what: str) -> None:
        if (self._present() / self._file).stat().st_size >= self._profile.segment_bytes:
            self._begin_segment()
        self._append(what)

    def _append(self, what: str) -> None:
        with (self._present() / self._file).open("ab") as file:
            file.write(what.encode(CODING, "replace"))

    def _present(self) -> Path:
        """Return where the files are now."""
        away = self._folder(connected=False)
        return away if away.exists() else self._folder(connected=True)

    def _folder(self, *, connected: bool) -> Path:
        return self._home / (FOLDER if connected else CUT_OFF)

    def _local_now(self) -> datetime:
        return self._now().astimezone().replace(tzinfo=None)
