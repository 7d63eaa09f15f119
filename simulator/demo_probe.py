"""Edge: a caller that sends SIP OPTIONS to the virtual IP all the time and keeps count.

Each request comes from a fresh source port, so that a split of NLB loses its share of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import takewhile
from typing import cast

from cluster.clock import Clock
from simulator.demo_report import OPTIONS_A_SECOND
from simulator.loopback import LOOPBACK
from simulator.sip_message import answering_host, options_request

INTERVAL_SECONDS = 1 / OPTIONS_A_SECOND
ANSWER_SECONDS = 0.5
OPEN_REQUESTS = 2 * round(ANSWER_SECONDS * OPTIONS_A_SECOND)
"""As many may be open at once, and as many again where this process is late."""
KEPT_REQUESTS = 20000


@dataclass(slots=True)
class Sent:
    """One request. at: monotonic seconds. host: who answered. ended: answered or given up."""

    at: float
    host: str | None = None
    ended: bool = False


class _Request(asyncio.DatagramProtocol):
    """The socket of one request."""

    def __init__(self, sent: Sent, target: tuple[str, int]) -> None:
        self._sent, self._target = sent, target
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request and wait a while for its answer."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        address, port = self._transport.get_extra_info("sockname")
        target = f"{self._target[0]}:{self._target[1]}"
        branch = secrets.token_hex(8)
        self._transport.sendto(options_request(target, f"{address}:{port}", branch), self._target)
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._end)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take the answer if it comes in time and from the virtual IP."""
        if not self._sent.ended and addr[:2] == self._target:
            self._sent.host = answering_host(data)
            self._end()

    def _end(self) -> None:
        self._sent.ended = True
        if self._transport is not None:
            self._transport.close()


class OptionsProbe:
    """The caller."""

    def __init__(self, port: int, clock: Clock) -> None:
        """Send to the virtual IP's UDP port on loopback."""
        self._target, self._clock = (LOOPBACK, port), clock
        self.sent: deque[Sent] = deque(maxlen=KEPT_REQUESTS)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[OptionsProbe]:
        """Send for as long as the block lasts."""
        sending = asyncio.create_task(self._send())
        try:
            yield self
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def latest(self, count: int) -> list[Sent]:
        """Return the last `count` requests before the first that is still open, oldest first.

        An open one may yet count as lost: nothing that was sent after it is judged before.
        """
        recent = list(self.sent)[-count - OPEN_REQUESTS :]
        return list(takewhile(lambda sent: sent.ended, recent))[-count:]

    def ended_after(self, at: float) -> list[Sent]:
        """Return what was sent after `at`, oldest first, up to the first that is still open."""
        later = list(takewhile(lambda sent: sent.at > at, reversed(self.sent)))[::-1]
        return list(takewhile(lambda sent: sent.ended, later))

    def lost_between(self, begin: float, end: float) -> int:
        """Count the requests sent in a span of monotonic seconds that nobody answered."""
        return sum(
            1 for sent in self.sent if begin <= sent.at < end and sent.ended and sent.host is None
        )

    async def _send(self) -> None:
        loop, due = asyncio.get_running_loop(), self._clock.now().monotonic
        while True:
            sent = Sent(self._clock.now().monotonic)
            self.sent.append(sent)
            await loop.create_datagram_endpoint(
                lambda sent=sent: _Request(sent, self._target),  # type: ignore[misc]  # bound now
                local_addr=(LOOPBACK, 0),
            )
            due += INTERVAL_SECONDS
            await asyncio.sleep(max(0.0, due - self._clock.now().monotonic))
