"""The statistics page ``/serverx`` of a simulated SIP Server. Pure.

Element names documented: a public exporter of these statistics. Root name, texts of ``rem``
and numbers are invented: no page has been published.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from cluster.model import SipMode
from simulator.faults import PageFault
from simulator.knobs import Knobs
from simulator.sip_server import SipServer

ROLES = {SipMode.PRIMARY: "Primary (Active)", SipMode.BACKUP: "Backup (Passive)"}
VERSION = "8.1.104.05"
STALE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Page:
    """An HTTP answer. length: the Content-Length announced, which a fault may contradict."""

    status: str
    body: bytes
    length: int


def page(server: SipServer, now: float, knobs: Knobs, fault: PageFault, *, bare: bool) -> Page:
    """Return the page as it was `lag_seconds` before `now`, or longer ago by a fault.

    bare: only the element sipServer, as ``/serverx?sipServer`` gives it.
    """
    if fault is PageFault.HTTP_500:
        return _sound("500 Internal Server Error", b"simulated failure\n")
    if fault is PageFault.EMPTY:
        return _sound("200 OK", b"")
    if fault is PageFault.ENTITY_BOMB:
        return _sound("200 OK", _bomb())
    lag = knobs.lag_seconds + (STALE_SECONDS if fault is PageFault.STALE else 0.0)
    body = _document(server, now - lag, knobs, fault, bare=bare)
    if fault is PageFault.TRUNCATED:
        return Page("200 OK", body[: len(body) // 2], len(body))
    return _sound("200 OK", body)


def _sound(status: str, body: bytes) -> Page:
    return Page(status, body, len(body))


def _document(
    server: SipServer, moment: float, knobs: Knobs, fault: PageFault, *, bare: bool
) -> bytes:
    facts = server.facts_at(moment)
    link_seconds = None if facts.link_since is None else moment - facts.link_since
    ready = link_seconds is not None and (
        facts.mode is SipMode.BACKUP or link_seconds >= knobs.readiness_seconds
    )
    role = "Recovering (Unknown)" if fault is PageFault.UNKNOWN_ROLE else ROLES[facts.mode]
    fields = [
        ("NAME", "Application name", server.application),
        ("HA_ROLE", "HA role", role),
        ("HA_LINK", "HA link established", _flag(facts.link_since is not None)),
        ("CONNECTION_TO_SCS", "Connection to SCS", _flag(facts.scs_connected)),
        ("APPLICATION_SERVICE", "Application Service Available", "1"),
        ("READINESS_SWITCHOVER", "Readiness For Switchover", _flag(ready)),
        ("READINESS_UPGRADE", "Readiness For Upgrade", _flag(facts.mode is SipMode.BACKUP)),
        ("SIPS_PROCESS_ID", "Process identifier", str(server.process_id)),
    ]
    if fault is PageFault.ABSENT_ROLE:
        fields = [field for field in fields if field[0] != "HA_ROLE"]
    indent = "" if bare else "  "
    lines = [
        f'{indent}  <{name} rem="{escape(rem)}">{escape(value)}</{name}>'
        for name, rem, value in fields
    ]
    server_element = [f"{indent}<sipServer>", *lines, f"{indent}</sipServer>"]
    inner = (
        server_element
        if bare
        else [
            "<serverx>",
            "  <!-- simulated by sipnlb-simulator -->",
            f"  <version>{VERSION}</version>",
            *server_element,
            "</serverx>",
        ]
    )
    return "\n".join(['<?xml version="1.0"?>', *inner, ""]).encode()


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _bomb() -> bytes:
    """Entities that would expand to some gigabytes."""
    entities = ['<!ENTITY a0 "bombbombbombbomb">']
    entities += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 16}">' for n in range(1, 8)]
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE serverx [\n'
        + "\n".join(entities)
        + "\n]>\n<serverx><sipServer><HA_ROLE>&a7;</HA_ROLE></sipServer></serverx>\n"
    ).encode()
