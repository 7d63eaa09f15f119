"""Checks of where the mode of one SIP Server is read. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.model import REASON_TEXT, Problem, Reading, Reason, SipMode, SipStatus
from cluster.sip.agreement import source_labels
from exporter.checks_subject import OfHost
from exporter.findings import Verdict, right, unknown, wrong

_MEND_REASON = {
    Reason.OTHER_APPLICATION: "put sip_server.application right, or the address of the source",
    Reason.NOT_RUNNING: "start the SIP Server, if it should run",
    Reason.BUG: "report it, with the page /probe?cluster=NAME&debug=true",
}
_MEND_SOURCE = {
    "http": "has the SIP Server its option http-port, and is that port open to this machine?",
    "log": "is the path the one of its log option, and may this account read it?",
    "exec": "does the program answer within the timeout of the source when it is run by hand?",
}
_MEND_PEER = "see what 'sipnlb-exporter check' says on that host itself"


def sources(of: OfHost) -> Iterator[Verdict]:
    """Say of each source whether it knows the mode."""
    for label, reading in zip(source_labels(of.view), of.view.sip, strict=True):
        if reading.problem is None:
            yield right(f"{label}: {reading.value.mode}")
            continue
        yield wrong(f"{label}: {_why(reading.problem)}", _advice(of, reading, reading.problem))


def sources_agree(of: OfHost) -> Iterator[Verdict]:
    """Say whether the sources tell one mode, where there are several."""
    labels = source_labels(of.view)
    told = {
        label: reading.value.mode
        for label, reading in zip(labels, of.view.sip, strict=True)
        if reading.value.mode is not SipMode.UNKNOWN
    }
    if not told:
        yield wrong("no source knows the mode", "mend a source: nothing is done for this host")
    elif len(set(told.values())) > 1:
        said = ", ".join(f"{label} says {mode}" for label, mode in told.items())
        yield wrong(
            said,
            f"in a switchover wait {of.cluster.largest_lag + 2:.0f} s and check again; if it "
            f"stays, one of them is wrong, and the first in order ({next(iter(told))}) decides",
        )
    elif len(labels) > 1:
        yield right(f"{of.view.mode} from {' and '.join(told)}")


def connected_to_scs(of: OfHost) -> Iterator[Verdict]:
    """Say whether the SIP Server is connected to Solution Control Server."""
    match of.view.scs_connected:
        case True:
            yield right("connected")
        case False:
            yield wrong(
                "not connected to Solution Control Server",
                "see to LCA and the Management Layer: a mode from a SIP Server that is cut off "
                "may be old, and no unknown peer is closed on its word",
            )
        case None if of.config.remediator.policy.unknown_scs == "hold" and _is_read(of):
            yield unknown(
                "no source tells",
                "add a source of type http, or set remediator.policy.unknown_scs: as it is, the "
                "open port of a peer of unknown mode is left to a person",
            )


def ha_link(of: OfHost) -> Iterator[Verdict]:
    """Say whether the pair is connected, where a source tells."""
    told = {reading.value.ha_link_up for reading in of.view.sip}
    if False in told:
        yield wrong(
            "down: the backup does not get the calls of the primary",
            "see to the connection between the pair; in unicast mode it needs the second card",
        )
    elif True in told:
        yield right("up")


def _is_read(of: OfHost) -> bool:
    return of.view.mode is not SipMode.UNKNOWN


def _why(problem: Problem) -> str:
    return f"{REASON_TEXT[problem.reason]}{': ' + problem.text if problem.text else ''}"


def _advice(of: OfHost, reading: Reading[SipStatus], problem: Problem) -> str:
    by_hand = f" (by hand: {reading.command})" if reading.command else ""
    if problem.reason in _MEND_REASON:
        return _MEND_REASON[problem.reason]
    if of.host.is_peer:
        return _MEND_PEER
    return _MEND_SOURCE.get(reading.source, "see to the source") + by_hand
