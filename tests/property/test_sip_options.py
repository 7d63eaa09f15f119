"""Whatever comes back for an OPTIONS, there is an answer or a named problem, in bounded time."""

from __future__ import annotations

import socket

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster.clock import SystemClock, deadline_in
from cluster.model import Reason
from cluster.sip.options import Call, SipAnswer, head_end, hear
from cluster.sip.options_talk import Talk, Unanswered
from tests.property.test_parsers import mutations

CALL = Call("tcp", ("10.7.0.100", 5070), ("10.7.0.5", 40123), "probe", "a1b2c3")
SOUND = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 10.7.0.5:40123;branch=z9hG4bKa1b2c3\r\n"
    b"Call-ID: a1b2c3@sipnlb\r\nCSeq: 1 OPTIONS\r\nContent-Length: 4\r\n\r\nbody"
)
TRYING = SOUND.replace(b"200 OK", b"100 Trying")
peers = st.one_of(
    st.binary(max_size=400),
    mutations([SOUND, TRYING + SOUND, b"\r\n\r\n" + TRYING]),
    st.lists(st.sampled_from([SOUND, TRYING, b"\r\n", b"SIP/2.0 200 OK\r\n\r\n"])).map(b"".join),
)


@given(peers)
@example(b"SIP/2.0 " + b"2" * 5000)
@example(SOUND.replace(b" 4\r\n", b" " + b"9" * 5000 + b"\r\n"))
def test_any_message_is_judged(message: bytes) -> None:
    """Nothing that is sent to us raises, and only an answer to our request is one."""
    heard = hear(message, CALL)

    assert (heard.answer is None) == bool(heard.fault)
    assert heard.length >= 0
    if heard.answer is not None:
        assert CALL.branch.encode() in message
    end = head_end(message)
    assert end is None or message[:end].endswith(b"\r\n\r\n")


@given(peers)
@settings(deadline=None)
@example(TRYING + SOUND)
@example(b"\r\n" * 40000)
def test_any_stream_ends_in_an_answer_or_a_named_problem(stream: bytes) -> None:
    """A peer that sends anything and closes is answered for within the deadline."""
    clock = SystemClock()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        theirs.sendall(stream)
        theirs.shutdown(socket.SHUT_WR)
        code, reason = outcome(Talk(CALL, deadline_in(clock, 5.0), clock), ours)

    assert (code is None) == (reason in {Reason.UNREACHABLE, Reason.MALFORMED, Reason.TOO_LARGE})
    assert code is None or 200 <= code <= 699


def outcome(talk: Talk, caller: socket.socket) -> tuple[int | None, Reason | None]:
    """Return the code of the answer, or the reason that there is none."""
    try:
        return talk.over_stream(caller).code, None
    except Unanswered as unanswered:
        return None, unanswered.problem.reason


def test_an_answer_behind_a_provisional_one_with_a_body_is_found() -> None:
    """The body of what is no final answer is passed over, whole."""
    clock = SystemClock()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(TRYING[:60])
        theirs.sendall(TRYING[60:] + SOUND)
        talk = Talk(CALL, deadline_in(clock, 5.0), clock)

        assert talk.over_stream(ours) == SipAnswer(200, "OK")
