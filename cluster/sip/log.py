"""Edge: mode source ``log``, SIP Server's main log, read as a file.

The log is the process's own word at the moment it was written, so it lags by nothing; but a
process that crashes writes nothing. Therefore it counts only with a sign of life.
By hand: look for ids 04560 to 04563 in the newest ``PATH.DATE.log``.
"""

from __future__ import annotations

from pathlib import Path

from cluster.clock import Deadline
from cluster.config_sources import LogSource
from cluster.model import Reading, SipMode, SipStatus
from cluster.sip.liveness import Liveness, liveness_of
from cluster.sip.log_folder import LogFolder
from cluster.sip.log_place import PlaceFile
from cluster.sip.log_tail import LogTail
from cluster.surroundings import Surroundings

NAME = "log"


class LogSipSource:
    """Reads the mode of one SIP Server from its log. Readers of one log share its tail."""

    def __init__(self, source: LogSource, address: str, given: Surroundings) -> None:
        """Wire tail and sign of life; nothing is read yet. address: of the host."""
        self.name = NAME
        self.lag_seconds = source.lag
        self._clock = given.clock
        self._liveness = given.shared.get(
            ("liveness", source, address, given.live),
            lambda: liveness_of(source.liveness, address, given.clock, live=given.live),
        )
        self._tail = given.shared.get(
            ("log", source.path), lambda: _tail(source, self._liveness, given)
        )

    def read(self, deadline: Deadline) -> Reading[SipStatus]:
        """Look for a sign of life, then read the log to its end; never raises for either.

        A port is asked first: what its process has told by then stands in the log. The other
        way round a process that has just begun could answer for the role of the one before.
        """
        asked = self._clock.now()
        silent = self._liveness.before(deadline)
        told = self._tail.read(deadline)
        problem = told.problem or silent or self._liveness.after(told.moment)
        return Reading(
            SipStatus(
                mode=SipMode.UNKNOWN if problem else told.state.mode,
                application=told.application,
            ),
            source=NAME,
            asked=asked,
            answered=self._clock.now(),
            lag_seconds=self.lag_seconds,
            problem=problem,
            command=str(told.file),
            raw=told.state.line or "",
        )


def _tail(source: LogSource, liveness: Liveness, given: Surroundings) -> LogTail:
    path = Path(source.path)
    kept_in = given.state_directory
    return LogTail(
        LogFolder(path, source.encoding),
        given.clock,
        None if kept_in is None else PlaceFile(kept_in, path),
        wants_moment=liveness.wants_moment,
        follows=given.live,
    )
