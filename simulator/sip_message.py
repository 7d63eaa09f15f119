"""SIP as far as OPTIONS needs it: the request that probes, the 200 that answers. Pure.

Documented: RFC 3261, sections 8.1.1, 8.2.6 and 11. Nothing else of SIP is simulated.
"""

from __future__ import annotations

import re

MAX_DATAGRAM = 8192
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id"}
_ECHOED = {"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq"}
_STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ")
_SERVER = re.compile(rb"^Server: sipnlb-simulator \(simulated; host (\S+)\)\r?$", re.MULTILINE)


def options_request(target: str, client: str, branch: str) -> bytes:
    """Return an OPTIONS. target, client: ``HOST:PORT``. branch: unique text of this request."""
    return "\r\n".join(
        [
            f"OPTIONS sip:{target} SIP/2.0",
            f"Via: SIP/2.0/UDP {client};branch=z9hG4bK{branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:probe@{client}>;tag={branch}",
            f"To: <sip:{target}>",
            f"Call-ID: {branch}@{client.rpartition(':')[0]}",
            "CSeq: 1 OPTIONS",
            f"Contact: <sip:probe@{client}>",
            "Accept: application/sdp",
            "Content-Length: 0",
            "",
            "",
        ]
    ).encode()


def options_answer(request: bytes, host: str, address: str) -> bytes | None:
    """Return the 200 to an OPTIONS, or None where the datagram is no sound OPTIONS."""
    if len(request) > MAX_DATAGRAM:
        return None
    head = request.decode("utf-8", errors="replace").partition("\r\n\r\n")[0]
    lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    if not re.match(r"OPTIONS \S+ SIP/2\.0\Z", lines[0]):
        return None
    headers = [
        (name.strip(), value.strip())
        for name, _, value in (line.partition(":") for line in lines[1:])
    ]
    named = [(_COMPACT.get(name.lower(), name.lower()), value) for name, value in headers]
    if not set(_ECHOED) <= {name for name, _ in named}:
        return None
    answer = ["SIP/2.0 200 OK"]
    for name, value in named:
        tag = f";tag=sim-{host}" if name == "to" and ";tag=" not in value else ""
        if name in _ECHOED:
            answer.append(f"{_ECHOED[name]}: {value}{tag}")
    answer += [
        f"Contact: <sip:{address}:5060>",
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS",
        "Accept: application/sdp",
        f"Server: sipnlb-simulator (simulated; host {host})",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(answer).encode()


def answering_host(datagram: bytes) -> str | None:
    """Return the simulated host behind a 200, or None if it is no such answer."""
    status, server = _STATUS.match(datagram), _SERVER.search(datagram)
    if status is None or status[1] != b"200" or server is None:
        return None
    return server[1].decode()
