"""Edge: carries one OPTIONS and its answer over a socket, within one deadline and bounded memory.

What may come back is judged by `cluster.sip.options`; sockets are opened by `options_probe`.
"""

from __future__ import annotations

import socket

from cluster.clock import Clock, Deadline, Instant
from cluster.model import Problem, Reason
from cluster.sip.options import MAX_HEAD_BYTES, Call, Heard, SipAnswer, head_end, hear

MAX_STREAM_BYTES = 4 * MAX_HEAD_BYTES
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 4.0
"""Between sendings over UDP: T1 and T2 (documented: RFC 3261, section 17.1.2.2)."""
SHORTEST_WAIT_SECONDS = 0.001


class Unanswered(Exception):  # noqa: N818 - an outcome, not an error
    """No answer to the request came, with the problem that a reading carries."""

    def __init__(self, reason: Reason, text: str) -> None:
        """Keep the problem."""
        super().__init__(text)
        self.problem = Problem(reason, text)


class Talk:
    """One transaction. asked, raw: when the request was first sent, and the last message heard."""

    def __init__(self, call: Call, deadline: Deadline, clock: Clock) -> None:
        """Keep what is asked and how long there is."""
        self.asked: Instant = clock.now()
        self.raw = b""
        self._call = call
        self._deadline = deadline
        self._clock = clock
        self._fault = ""

    def over_udp(self, caller: socket.socket) -> SipAnswer:
        """Send to the connected socket until a final answer comes. Raises `Unanswered`, OSError."""
        due, pause = self._clock.now(), FIRST_PAUSE_SECONDS
        while True:
            now = self._clock.now()
            if now.seconds_since(due) >= 0:
                caller.send(self._call.request())
                due, pause = now.plus(pause), min(2 * pause, LONGEST_PAUSE_SECONDS)
            wait = min(self._left(), due.seconds_since(now))
            caller.settimeout(max(SHORTEST_WAIT_SECONDS, wait))
            try:
                heard = self._hear(caller.recv(MAX_HEAD_BYTES))
            except TimeoutError:
                continue
            if heard.answer is not None and heard.is_final:
                return heard.answer
            if heard.answer is not None:  # it is being worked on
                pause = LONGEST_PAUSE_SECONDS

    def over_stream(self, connected: socket.socket) -> SipAnswer:
        """Send once, then read messages until a final answer comes. Raises as `over_udp` does."""
        connected.settimeout(self._left())
        connected.sendall(self._call.request())
        buffer, received, unwanted = b"", 0, 0
        while True:
            dropped = min(unwanted, len(buffer))  # the body of a message that is no final answer
            buffer, unwanted = buffer[dropped:], unwanted - dropped
            end = None if unwanted else head_end(buffer)
            if end is not None:
                heard = self._hear(buffer[:end].lstrip(b"\r\n"))
                if heard.answer is not None and heard.is_final:
                    return heard.answer
                buffer, unwanted = buffer[end:], heard.length
                continue
            if len(buffer) > MAX_HEAD_BYTES or received > MAX_STREAM_BYTES:
                raise Unanswered(Reason.TOO_LARGE, f"{received} bytes without an answer")
            connected.settimeout(self._left())
            more = connected.recv(MAX_HEAD_BYTES)
            if not more:
                raise self._silence(Reason.UNREACHABLE, "the connection was closed")
            buffer, received = buffer + more, received + len(more)

    def _hear(self, data: bytes) -> Heard:
        heard = hear(data, self._call)
        self.raw = data
        self._fault = heard.fault or self._fault
        return heard

    def _left(self) -> float:
        left = self._deadline.remaining(self._clock.now())
        if left <= 0:
            raise self._silence(Reason.TIMEOUT, "no answer in time")
        return left

    def _silence(self, reason: Reason, text: str) -> Unanswered:
        """Say why there is no answer: what came in its place tells more than that none came."""
        if self._fault:
            return Unanswered(Reason.MALFORMED, f"what came is no answer: {self._fault}")
        return Unanswered(reason, text)
