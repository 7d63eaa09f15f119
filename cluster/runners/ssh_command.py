"""Edge: one command on an SSH connection: what it printed on either stream, and how it ended.

Needs the extra ``ssh``. Keeps no more than the cap of each stream. Knows when the command was
sent: what certainly never left may be tried again, anything else never.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import asyncssh

from cluster.clock import Clock, Instant
from cluster.model import Problem, Reason
from cluster.programs import MAX_OUTPUT_BYTES


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a command. The fields are those of `cluster.runners.request.Answer`."""

    asked: Instant
    sent: bool
    stdout: bytes = b""
    stderr: bytes = b""
    exit_status: int | None = None
    problem: Problem | None = None


class Command(asyncssh.SSHClientSession[bytes]):
    """One command, as the library tells of it.

    asked: when its channel was open and it was sent; None while it certainly was not.
    when_opened: called at that moment. ended: set once nothing more will come.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin with a command that was not sent."""
        self._clock = clock
        self.asked: Instant | None = None
        self.when_opened: Callable[[], None] = lambda: None
        self.ended = asyncio.Event()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._kept = {None: bytearray(), asyncssh.EXTENDED_DATA_STDERR: bytearray()}
        self._exit_status: int | None = None
        self._is_whole = self._is_truncated = False

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Note the moment: the library sends the command right after this call."""
        self._channel, self.asked = chan, self._clock.now()
        self.when_opened()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep what the stream has room for, and drop the rest."""
        kept = self._kept[datatype]
        room = MAX_OUTPUT_BYTES - len(kept)
        kept += data[:room]
        self._is_truncated = self._is_truncated or len(data) > room

    def eof_received(self) -> bool:
        """Wait on: the exit status may come after the end of the output."""
        self._is_whole = True
        return True

    def exit_status_received(self, status: int) -> None:
        """Keep the exit status, of which SSH carries the lowest 8 bits."""
        self._exit_status, self._is_whole = status, True

    def exit_signal_received(self, *_: object) -> None:
        """Note that it ended without a status."""
        self._is_whole = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the channel is closed, by the host or with the connection."""
        self._is_whole = self._is_whole and exc is None
        self.ended.set()

    def close(self) -> None:
        """Close the channel; ask the host to end what still runs in it."""
        if self._channel is None or self.ended.is_set():
            return
        with contextlib.suppress(OSError):
            self._channel.kill()
        self._channel.close()

    def problem(self, place: str) -> Problem | None:
        """Return what is wrong with the answer itself; None if it is whole."""
        if not self._is_whole:
            text = f"{place}: the connection was lost before the command ended"
            return Problem(Reason.UNREACHABLE, text)
        if self._is_truncated:
            return Problem(Reason.TOO_LARGE, "the command printed more than expected")
        return None

    def ran(self, began: Instant, problem: Problem | None) -> Ran:
        """Return what became of it. began: the moment that counts where it was not sent."""
        return Ran(
            asked=self.asked or began,
            sent=self.asked is not None,
            stdout=bytes(self._kept[None]),
            stderr=bytes(self._kept[asyncssh.EXTENDED_DATA_STDERR]),
            exit_status=self._exit_status,
            problem=problem,
        )
