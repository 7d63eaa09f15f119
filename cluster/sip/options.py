"""SIP OPTIONS as a caller's: the request, and what a message says about its answer. Pure.

Documented: RFC 3261, sections 7.3.1 (folded and compact header fields), 8.1.1 (request),
11 (OPTIONS), 17.1.3 (which response belongs to which request), 18.3 (framing on a stream).
Strict where another's answer might be taken for ours, liberal in all else: a probe must not
call dead what a telephone can talk to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9][0-9])(?: (.*))?\Z", re.IGNORECASE)
_BRANCH = re.compile(r";\s*branch\s*=\s*([^\s;,]+)", re.IGNORECASE)
_CSEQ = re.compile(r"0*1\s+OPTIONS\Z")
_LENGTH = re.compile(r"[0-9]{1,7}\Z")
_COMPACT = {"v": "via", "i": "call-id", "l": "content-length"}
NOT_IMPLEMENTED = 501
REQUEST_TIMEOUT = 408


@dataclass(frozen=True, slots=True)
class SipAnswer:
    """The final answer to an OPTIONS. code: None where none came."""

    code: int | None = None
    phrase: str = ""

    @property
    def is_serving(self) -> bool:
        """Tell whether a SIP service is there.

        Every final answer proves that a SIP stack is reached and works: 404, 405 or 501 only say
        that it does not care for this request. Not so 408 (something behind it timed out) and
        the other 5xx (documented: RFC 3261, 21.5, "server failure"; 503 is "out of service").
        """
        if self.code is None or self.code == REQUEST_TIMEOUT:
            return False
        return self.code == NOT_IMPLEMENTED or not 500 <= self.code <= 599

    def __str__(self) -> str:
        """Show it as ``200 OK``."""
        return "no answer" if self.code is None else f"{self.code} {self.phrase}".rstrip()


@dataclass(frozen=True, slots=True)
class Call:
    """One OPTIONS transaction.

    target, local: address and port of the asked and of the asking side. token: text that no
    other request has, of letters and digits.
    """

    transport: str
    target: tuple[str, int]
    local: tuple[str, int]
    from_user: str
    token: str

    @property
    def branch(self) -> str:
        """The transaction's id; the cookie is RFC 3261's."""
        return f"z9hG4bK{self.token}"

    @property
    def call_id(self) -> str:
        """The request's Call-ID."""
        return f"{self.token}@sipnlb"

    @property
    def uri(self) -> str:
        """Who is asked."""
        return uri_of(self.transport, *self.target)

    def request(self) -> bytes:
        """Return the request as it is sent."""
        place = _place(*self.local)
        lines = [
            f"OPTIONS {self.uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {place};branch={self.branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.from_user}@{place}>;tag={self.token}",
            f"To: <{self.uri}>",
            f"Call-ID: {self.call_id}",
            "CSeq: 1 OPTIONS",
            f"Contact: <sip:{self.from_user}@{place}>",
            "Accept: application/sdp",
            "User-Agent: sipnlb",
            "Content-Length: 0",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def uri_of(transport: str, address: str, port: int) -> str:
    """Return the SIP address of a server: ``sip:10.0.0.100:5060``."""
    suffix = "" if transport == "udp" else f";transport={transport}"
    return f"sip:{_place(address, port)}{suffix}"


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says. answer: None where it is no answer to the request.

    is_final: False for a provisional (1xx) answer. fault: why it is no answer; else empty.
    length: bytes of the body that follows on a stream.
    """

    answer: SipAnswer | None = None
    is_final: bool = False
    fault: str = ""
    length: int = 0


def hear(head: bytes, call: Call) -> Heard:
    """Judge the head of a message (or a whole datagram) that came while `call` waits."""
    text = head.decode("utf-8", errors="replace").partition("\r\n\r\n")[0]
    lines = re.sub(r"\r\n[ \t]+", " ", text).split("\r\n")
    fields = _fields(lines[1:])
    given = fields.get("content-length", "0")
    length = int(given) if _LENGTH.match(given) else 0
    status = _STATUS.match(lines[0])
    if status is None:
        return Heard(fault=f"no SIP response: {lines[0][:80]!r}", length=length)
    fault = _of_another(fields, call)
    if fault:
        return Heard(fault=f"{status[1]} {fault}", length=length)
    answer = SipAnswer(int(status[1]), (status[2] or "").strip()[:80])
    return Heard(answer, is_final=status[1][0] != "1", length=length)


def head_end(data: bytes) -> int | None:
    """Return where the first head of a stream ends, its empty line included; None if it has not.

    Empty lines before it, which keep connections open, count to it.
    """
    begin = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(b"\r\n\r\n", begin)
    return None if end < 0 else end + 4


def _fields(lines: list[str]) -> dict[str, str]:
    """Return the first value of each header field, names in lower case."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        fields.setdefault(_COMPACT.get(key, key), value.strip())
    return fields


def _of_another(fields: dict[str, str], call: Call) -> str:
    """Say why a response belongs to another request, empty if it is ours."""
    branch = _BRANCH.search(fields.get("via", "").partition(",")[0])
    if branch is None or branch[1] != call.branch:
        return "with another branch"
    if fields.get("call-id") != call.call_id:
        return "with another Call-ID"
    if not _CSEQ.match(fields.get("cseq", "")):
        return "with another CSeq"
    return ""


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
