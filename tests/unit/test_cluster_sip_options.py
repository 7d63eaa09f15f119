"""What an OPTIONS looks like, and what counts as its answer."""

from __future__ import annotations

import pytest

from cluster.config_service import ServiceProbe
from cluster.sip.options import Call, Heard, SipAnswer, head_end, hear, uri_of
from simulator.sip_message import options_answer

CALL = Call("udp", ("10.7.0.100", 5070), ("10.7.0.5", 40123), "probe", "a1b2c3")
IPV6 = Call("tls", ("2001:db8::7", 5071), ("2001:db8::9", 40124), "probe", "d4e5")
OURS = (
    "Via: SIP/2.0/UDP 10.7.0.5:40123;branch=z9hG4bKa1b2c3;received=10.7.0.5;rport=40123\r\n"
    "From: <sip:probe@10.7.0.5>;tag=a1b2c3\r\n"
    "To: <sip:10.7.0.100>;tag=77\r\n"
    "Call-ID: a1b2c3@sipnlb\r\n"
    "CSeq: 1 OPTIONS\r\n"
    "\r\n"
)


def response(status: str, rest: str = OURS) -> bytes:
    """Return a response with a status line and the rest of it."""
    return f"{status}\r\n{rest}".encode()


def test_the_request_is_as_rfc_3261_has_it() -> None:
    """It names whom it asks, where the answer goes, and which transaction it is."""
    assert CALL.request().decode() == (
        "OPTIONS sip:10.7.0.100:5070 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.7.0.5:40123;branch=z9hG4bKa1b2c3;rport\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:probe@10.7.0.5:40123>;tag=a1b2c3\r\n"
        "To: <sip:10.7.0.100:5070>\r\n"
        "Call-ID: a1b2c3@sipnlb\r\n"
        "CSeq: 1 OPTIONS\r\n"
        "Contact: <sip:probe@10.7.0.5:40123>\r\n"
        "Accept: application/sdp\r\n"
        "User-Agent: sipnlb\r\n"
        "Content-Length: 0\r\n"
        "\r\n"
    )


def test_ipv6_stands_in_brackets_and_a_stream_is_named() -> None:
    """The address can be read apart from the port, and the transport is asked for."""
    assert IPV6.request().decode().splitlines()[:2] == [
        "OPTIONS sip:[2001:db8::7]:5071;transport=tls SIP/2.0",
        "Via: SIP/2.0/TLS [2001:db8::9]:40124;branch=z9hG4bKd4e5;rport",
    ]
    assert uri_of("tcp", "10.7.0.100", 5070) == "sip:10.7.0.100:5070;transport=tcp"


def test_the_answer_to_the_request_is_heard() -> None:
    """Status and reason phrase of a final answer."""
    assert hear(response("SIP/2.0 200 OK"), CALL) == Heard(SipAnswer(200, "OK"), is_final=True)


def test_the_simulators_answer_is_one() -> None:
    """A sound answer of an independent writer is understood."""
    answer = options_answer(CALL.request(), "quito-1", "10.7.0.11")
    assert answer is not None
    assert hear(answer, CALL) == Heard(SipAnswer(200, "OK"), is_final=True)


def test_compact_folded_and_spaced_fields_are_read() -> None:
    """What a telephone understands is understood; a phrase may be missing or in another code."""
    rest = (
        "v : SIP/2.0/UDP 10.7.0.5:40123\r\n ; Branch = z9hG4bKa1b2c3;rport=1 , SIP/2.0/UDP far\r\n"
        "I: a1b2c3@sipnlb\r\nCSEQ:\r\n\t001   OPTIONS\r\nl: 42\r\n\r\n"
    )
    assert hear(response("sip/2.0 404", rest), CALL) == Heard(
        SipAnswer(404, ""), is_final=True, length=42
    )
    latin = b"SIP/2.0 480 Indisponibilit\xe9\r\n" + OURS.encode()
    assert hear(latin, CALL).answer == SipAnswer(480, "Indisponibilit\ufffd")


def test_a_provisional_answer_is_not_the_last() -> None:
    """100 Trying says only that somebody works on it."""
    assert hear(response("SIP/2.0 100 Trying"), CALL) == Heard(SipAnswer(100, "Trying"))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (b"", "no SIP response: ''"),
        (b"OPTIONS sip:x SIP/2.0\r\n\r\n", "no SIP response: 'OPTIONS sip:x SIP/2.0'"),
        (b"SIP/2.0 099 Low\r\n\r\n", "no SIP response: 'SIP/2.0 099 Low'"),
        (b"SIP/2.0 700 High\r\n\r\n", "no SIP response: 'SIP/2.0 700 High'"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no SIP response: 'HTTP/1.1 200 OK'"),
        (response("SIP/2.0 200 OK", "\r\n"), "200 with another branch"),
        (
            response("SIP/2.0 200 OK", OURS.replace("a1b2c3;rec", "zzz;rec")),
            "200 with another branch",
        ),
        (
            response("SIP/2.0 486 Busy", OURS.replace("a1b2c3@sipnlb", "other@sipnlb")),
            "486 with another Call-ID",
        ),
        (
            response("SIP/2.0 200 OK", OURS.replace("1 OPTIONS", "1 INVITE")),
            "200 with another CSeq",
        ),
        (
            response("SIP/2.0 200 OK", OURS.replace("1 OPTIONS", "2 OPTIONS")),
            "200 with another CSeq",
        ),
    ],
)
def test_what_is_no_answer_to_the_request_is_none(given: bytes, fault: str) -> None:
    """Another's answer is never taken for ours, and what came instead is said."""
    assert hear(given, CALL) == Heard(fault=fault)


def test_a_length_that_is_none_counts_as_nothing() -> None:
    """A peer's Content-Length cannot make us wait for what is no number."""
    rest = OURS.replace("\r\n\r\n", "\r\nContent-Length: -5\r\n\r\n")
    assert hear(response("SIP/2.0 200 OK", rest), CALL).length == 0
    assert hear(b"x\r\nContent-Length: 7\r\n\r\n", CALL).length == 7


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", None),
        (b"\r\n\r\n", None),
        (b"SIP/2.0 200 OK\r\nA: b\r\n", None),
        (b"ab\r\n\r\nrest", 6),
        (b"\r\n\r\nab\r\n\r\nrest", 10),
    ],
)
def test_heads_end_with_an_empty_line(data: bytes, end: int | None) -> None:
    """Empty lines before a head keep connections open and end nothing."""
    assert head_end(data) == end


@pytest.mark.parametrize(
    ("code", "serving"),
    [
        (None, False), (200, True), (302, True), (404, True), (405, True), (408, False),
        (480, True), (500, False), (501, True), (503, False), (504, False), (603, True),
    ],
)  # fmt: skip
def test_an_answer_of_a_working_stack_is_a_service(code: int | None, serving: bool) -> None:
    """Out of service, failure and a time-out behind it are none."""
    assert SipAnswer(code).is_serving is serving


def test_answers_in_words() -> None:
    """Log and journal show the code, its phrase where there is one, or that none came."""
    assert [str(a) for a in (SipAnswer(), SipAnswer(200, "OK"), SipAnswer(404))] == [
        "no answer", "200 OK", "404",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"ca_file": "ca.pem"}, "ca_file and server_name are only of use with transport: tls"),
        ({"server_name": "sip.x"}, "ca_file and server_name are only of use with transport: tls"),
        (
            {"timeout": "7s", "refresh": "6s"},
            "timeout must not be longer than refresh, else probes pile up",
        ),
        ({"from_user": "a b"}, "String should match pattern"),
        ({"server_name": "-x"}, "String should match pattern"),
    ],
)
def test_a_probe_that_contradicts_itself_is_refused(given: dict[str, str], problem: str) -> None:
    """What cannot be meant is said when the configuration is loaded."""
    with pytest.raises(ValueError, match=problem):
        ServiceProbe.model_validate(given)


def test_a_probe_over_tls_may_name_its_certificates() -> None:
    """With TLS they are of use."""
    probe = ServiceProbe.model_validate(
        {"transport": "tls", "ca_file": "ca.pem", "server_name": "sip.example.com"}
    )
    assert (probe.ca_file, probe.server_name) == ("ca.pem", "sip.example.com")
