"""XML of SIP Server's ``/serverx`` page → what it says. Pure.

Fields documented: a public exporter of these statistics; the root element's name is unknown,
so ``sipServer`` is looked for anywhere, root included.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from cluster.model import Problem, Reason, SipMode, SipStatus

MAX_DEPTH = 64
_WORDS = {"primary": SipMode.PRIMARY, "backup": SipMode.BACKUP}
_FLAGS = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}


class _RefusedError(Exception):
    """The document has something in it that an honest page never has."""


def parse_serverx(body: bytes) -> tuple[SipStatus, tuple[str, ...], Problem | None]:
    """Read a page: (what it says, what could not be read, why the mode is unknown or None).

    The mode is the first word of ``HA_ROLE`` without regard to case: ``Primary (Active)`` or
    ``Backup (Passive)`` (documented); anything else is unknown.
    """
    if not body.strip():
        problem = Problem(Reason.NO_OUTPUT, "the page is empty")
        return SipStatus(), (str(problem),), problem
    try:
        root = _tree(body)
    except (expat.ExpatError, _RefusedError, LookupError, ValueError) as error:
        problem = Problem(Reason.MALFORMED, f"not the XML of /serverx: {error}")
        return SipStatus(), (str(problem),), problem
    server = next((element for element in root.iter() if element.tag == "sipServer"), None)
    if server is None:
        problem = Problem(Reason.MALFORMED, "no element sipServer in the page")
        return SipStatus(), (str(problem),), problem
    return _status(server)


def _status(server: Element) -> tuple[SipStatus, tuple[str, ...], Problem | None]:
    texts = {element.tag: (element.text or "").strip() for element in server.iter()}
    roles = {(e.text or "").strip() for e in server.iter() if e.tag == "HA_ROLE"}
    role = " and ".join(sorted(roles)) if len(roles) > 1 else texts.get("HA_ROLE")
    mode = SipMode.UNKNOWN
    if role and len(roles) == 1:
        mode = _WORDS.get(role.split()[0].lower(), SipMode.UNKNOWN)
    problem = None
    if mode is SipMode.UNKNOWN:
        shown = f"HA_ROLE is {role[:80]!r}" if role else "HA_ROLE is missing or empty"
        problem = Problem(Reason.UNKNOWN_TEXT, shown)
    flags = {
        name: _FLAGS.get(texts.get(name, "").lower())
        for name in ("HA_LINK", "CONNECTION_TO_SCS", "APPLICATION_SERVICE", "READINESS_SWITCHOVER")
    }
    unread = [f"{name} is missing or unreadable" for name, flag in flags.items() if flag is None]
    if not texts.get("NAME"):
        unread.append("NAME is missing or empty")
    status = SipStatus(
        mode=mode,
        ha_link_up=flags["HA_LINK"],
        scs_connected=flags["CONNECTION_TO_SCS"],
        service_available=flags["APPLICATION_SERVICE"],
        ready_for_switchover=flags["READINESS_SWITCHOVER"],
        application=texts.get("NAME") or None,
    )
    return status, (*((problem.text,) if problem else ()), *unread), problem


def _tree(body: bytes) -> Element:
    """Build the element tree, refusing every document type declaration.

    Without one there are no entities to expand and nothing outside to load.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _RefusedError(f"elements nested deeper than {MAX_DEPTH}")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    def doctype(*_: object) -> None:
        raise _RefusedError("it declares a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(body, True)
    return builder.close()
