"""Edge: connections that are kept open, and the commands that run on them side by side.

Needs the extra ``ssh``. All connections of a program live in one event loop on a thread of its
own; each is opened by the first command that needs it, and anew after it was lost. Every
command has a deadline, also while a connection is being opened.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from dataclasses import dataclass, field
from math import ceil

import asyncssh

from cluster.clock import Clock, Deadline, Instant
from cluster.model import Problem, Reason
from cluster.runners.leftovers import Leftovers
from cluster.runners.ssh_command import Command, Ran
from cluster.runners.ssh_login import LoginError, SshTarget, open_connection

CHANNELS = 4
"""Commands side by side on a connection. sshd allows 10 (documented: sshd_config, MaxSessions)
and counts one that has ended for a moment longer (observed: 8 at once are too many for it)."""

GRACE_SECONDS = 0.15
"""How much longer than its deadline a command may take to say that it was late."""


@dataclass(frozen=True, slots=True)
class Order:
    """A line for the host's shell. send_before: it does not leave later than this."""

    line: str
    deadline: Deadline
    send_before: Deadline


class SshPool:
    """The event loop, and the connections in it."""

    def __init__(self, clock: Clock) -> None:
        """Start the thread. Connects to nobody."""
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._kept: dict[tuple[SshTarget, asyncssh.SSHKey | None], SshConnection] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="ssh")
        self._thread.start()

    def connection(self, target: SshTarget, key: asyncssh.SSHKey | None) -> SshConnection:
        """Return the connection to a target, one for all who ask."""
        with self._lock:
            made = SshConnection(self, target, key, self._clock)
            return self._kept.setdefault((target, key), made)

    def run(self, connection: SshConnection, order: Order) -> Ran:
        """Run a command from any thread; wait for its end or its deadline."""
        began = self._clock.now()
        command = Command(self._clock)
        ending = Problem(Reason.UNREACHABLE, "sipnlb is ending")
        with self._lock:
            if self._closed:
                return Ran(began, sent=False, problem=ending)
            running = asyncio.run_coroutine_threadsafe(
                connection.carry_out(command, order, began), self._loop
            )
        try:
            return running.result(order.deadline.remaining(began) + GRACE_SECONDS)
        except concurrent.futures.CancelledError:
            return command.ran(began, ending)
        except concurrent.futures.TimeoutError:
            running.cancel()
            # The loop itself is late: whether the command left is not known.
            problem = Problem(Reason.TIMEOUT, "no answer within the deadline")
            return Ran(command.asked or began, sent=True, problem=problem)

    def close(self) -> None:
        """End all connections and the thread. What is under way ends with a problem."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        ended = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        with contextlib.suppress(concurrent.futures.TimeoutError):
            ended.result(1.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        for connection in self._kept.values():
            connection.end()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)  # the sockets are closed in the loop's next round


class SshConnection:
    """The connection to one host as one user. Its coroutines run in the pool's loop alone."""

    def __init__(
        self, pool: SshPool, target: SshTarget, key: asyncssh.SSHKey | None, clock: Clock
    ) -> None:
        """Keep whom to reach; nothing is opened yet."""
        self.target = target
        self._pool, self._key, self._clock = pool, key, clock
        self._link: _Link | None = None
        self._links: set[_Link] = set()
        self._leftovers = Leftovers()
        self._opening: asyncio.Task[_Link] | None = None

    def run(self, order: Order) -> Ran:
        """Run a command; never raises for what the host does."""
        return self._pool.run(self, order)

    async def carry_out(self, command: Command, order: Order, began: Instant) -> Ran:
        """Run a command in the loop, and say how it ended."""
        wait = self._leftovers.wait_seconds(began)
        if wait > 0:
            text = (
                f"{self._leftovers.count} commands in a row hang there; next try in {ceil(wait)} s"
            )
            return command.ran(began, Problem(Reason.BUSY, f"{self.target.place}: {text}"))
        loop, now = asyncio.get_running_loop(), self._clock.now()
        end = loop.time() + order.deadline.remaining(now)
        leave = min(end, loop.time() + order.send_before.remaining(now))
        problem = None
        try:
            async with asyncio.timeout_at(leave) as limit:
                command.when_opened = lambda: limit.reschedule(end)
                await self._run(command, order)
        except TimeoutError:
            problem = self._late(command, began)
            if command.asked is not None:
                self._leftovers.given_up()
        except LoginError as error:
            problem = error.problem
        except (asyncssh.Error, OSError) as error:
            problem = Problem(Reason.UNREACHABLE, f"{self.target.place}: {error}")
        problem = problem or command.problem(self.target.place)
        if problem is None:
            self._leftovers.ended()
        if command.asked is None:
            self._leftovers.was_not_sent()
        return command.ran(began, problem)

    async def _run(self, command: Command, order: Order) -> None:
        """Run a command; once more, if a kept connection turns out dead before it could leave."""
        link = await self._usable()
        try:
            await link.run(command, order)
        except (asyncssh.Error, OSError):
            if command.asked is not None:
                raise
            await (await self._usable()).run(command, order)

    async def _usable(self) -> _Link:
        """Return the open connection; open one, which goes on even where nobody waits longer."""
        if self._link is not None and self._link.is_usable:
            return self._link
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._opening)

    async def _open(self) -> _Link:
        try:
            self._link = link = _Link(await open_connection(self.target, self._key))
            self._links = {each for each in self._links if not each.connection.is_closed()} | {link}
            return link
        finally:
            self._opening = None

    def end(self) -> None:
        """Cut every connection, with what runs on it, and stop opening one."""
        if self._opening is not None:
            self._opening.cancel()
        for link in self._links:
            link.connection.abort()

    def _late(self, command: Command, began: Instant) -> Problem:
        seconds = self._clock.now().seconds_since(command.asked or began)
        if command.asked is not None:
            text = f"the command was still running after {seconds:.1f} s"
        elif self._opening is not None:
            text = f"still connecting after {seconds:.1f} s"
        else:
            text = f"the command could not be sent within {seconds:.1f} s"
        return Problem(Reason.TIMEOUT, f"{self.target.place}: {text}")


@dataclass(slots=True, eq=False)
class _Link:
    """One open connection. After a failure it takes no more commands and ends with its last."""

    connection: asyncssh.SSHClientConnection
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHANNELS))
    running: int = 0
    is_retired: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether it takes commands."""
        return not self.is_retired and not self.connection.is_closed()

    async def run(self, command: Command, order: Order) -> None:
        """Run a command to its end."""
        self.running += 1
        try:
            async with self.places:
                await self._run(command, order)
        except BaseException:
            # What hangs may be the network or the host: the next command tries a new connection.
            self.is_retired = True
            raise
        finally:
            self.running -= 1
            if self.is_retired and not self.running:
                self.connection.close()

    async def _run(self, command: Command, order: Order) -> None:
        try:
            channel, _ = await self.connection.create_session(
                lambda: command, order.line, encoding=None, request_pty=False
            )
            with contextlib.suppress(BrokenPipeError):  # a quick command is over by now
                channel.write_eof()
            await command.ended.wait()
        finally:
            command.close()
