"""OPTIONS and its answer are sound SIP."""

from __future__ import annotations

import pytest

from simulator.sip_message import MAX_DATAGRAM, answering_host, options_answer, options_request

REQUEST = options_request("10.0.0.100:5060", "192.0.2.9:40123", "abc123")


def test_the_request_is_a_complete_options() -> None:
    """The request has every header that RFC 3261 asks for."""
    assert REQUEST.decode() == (
        "OPTIONS sip:10.0.0.100:5060 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.9:40123;branch=z9hG4bKabc123;rport\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:probe@192.0.2.9:40123>;tag=abc123\r\n"
        "To: <sip:10.0.0.100:5060>\r\n"
        "Call-ID: abc123@192.0.2.9\r\n"
        "CSeq: 1 OPTIONS\r\n"
        "Contact: <sip:probe@192.0.2.9:40123>\r\n"
        "Accept: application/sdp\r\n"
        "Content-Length: 0\r\n"
        "\r\n"
    )


def test_the_answer_echoes_the_dialogue_and_names_the_host() -> None:
    """Via, From, Call-ID and CSeq come back as they were, To gets a tag."""
    answer = options_answer(REQUEST, "sip-east-2", "10.1.0.12")
    assert answer is not None
    assert answer.decode() == (
        "SIP/2.0 200 OK\r\n"
        "Via: SIP/2.0/UDP 192.0.2.9:40123;branch=z9hG4bKabc123;rport\r\n"
        "From: <sip:probe@192.0.2.9:40123>;tag=abc123\r\n"
        "To: <sip:10.0.0.100:5060>;tag=sim-sip-east-2\r\n"
        "Call-ID: abc123@192.0.2.9\r\n"
        "CSeq: 1 OPTIONS\r\n"
        "Contact: <sip:10.1.0.12:5060>\r\n"
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
        "Accept: application/sdp\r\n"
        "Server: sipnlb-simulator (simulated; host sip-east-2)\r\n"
        "Content-Length: 0\r\n"
        "\r\n"
    )
    assert answering_host(answer) == "sip-east-2"


def test_compact_and_folded_headers_are_understood() -> None:
    """Short header names and continued lines are the same headers; a To tag stays."""
    request = (
        b"OPTIONS sip:x SIP/2.0\r\nv: SIP/2.0/UDP a\r\nv: SIP/2.0/UDP b\r\n"
        b"f: <sip:y>\r\n ;tag=1\r\n"
        b"t: <sip:x>;tag=77\r\ni: 5@y\r\nCSeq: 9 OPTIONS\r\n\r\n"
    )
    answer = options_answer(request, "h", "10.0.0.1")
    assert answer is not None
    assert answer.decode().splitlines()[1:7] == [
        "Via: SIP/2.0/UDP a",
        "Via: SIP/2.0/UDP b",
        "From: <sip:y> ;tag=1",
        "To: <sip:x>;tag=77",
        "Call-ID: 5@y",
        "CSeq: 9 OPTIONS",
    ]


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\xff\x00\xfe",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        REQUEST.replace(b"CSeq", b"XSeq"),
        REQUEST + b"x" * MAX_DATAGRAM,
    ],
)
def test_other_datagrams_get_no_answer(datagram) -> None:
    """What is no sound OPTIONS is dropped in silence."""
    assert options_answer(datagram, "h", "10.0.0.1") is None


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"SIP/2.0 503 No\r\nServer: sipnlb-simulator (simulated; host h)\r\n",
    ],
)
def test_other_answers_name_no_host(datagram) -> None:
    """Only a 200 of the simulator tells which host is behind it."""
    assert answering_host(datagram) is None
