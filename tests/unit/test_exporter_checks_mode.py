"""Checks of where the mode of one SIP Server is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.model import HostView, Problem, Reading, Reason, SipMode, SipStatus
from exporter import checks_mode as checks
from tests.unit import check_samples as check
from tests.unit import exporter_samples as samples

HAND = " (by hand: GET http://10.7.0.11:8090/serverx)"


def host(*readings: Reading[SipStatus]) -> HostView:
    """Return porto-1 with those sources."""
    return replace(samples.primary(), sip=readings)


def failed(reason: Reason, source: str = "http", text: str = "") -> Reading[SipStatus]:
    """Return a failed reading of a source."""
    return samples.sip(SipMode.UNKNOWN, problem=Problem(reason, text), source=source)


def test_each_source_tells_its_mode() -> None:
    """Two of one kind are told apart."""
    view = host(samples.sip(SipMode.PRIMARY), samples.sip(SipMode.BACKUP))
    assert check.told(checks.sources, view=view) == ["✓ http: primary", "✓ http_2: backup"]


@pytest.mark.parametrize(
    ("reading", "found"),
    [
        (
            failed(Reason.UNREACHABLE, text="refused"),
            "✗ http: cannot be reached: refused → has the SIP Server its option http-port, and is that port open to "
            f"this machine?{HAND}",
        ),
        (
            failed(Reason.TIMEOUT, "log"),
            "✗ log: no answer within the deadline → is the path the one of its log option, and may this account "
            f"read it?{HAND}",
        ),
        (
            failed(Reason.NOT_INSTALLED, "exec"),
            "✗ exec: the program cannot be started → does the program answer within the timeout of the source when "
            f"it is run by hand?{HAND}",
        ),
        (
            failed(Reason.MALFORMED, "new"),
            f"✗ new: the answer is not of its format → see to the source{HAND}",
        ),
        (
            failed(Reason.OTHER_APPLICATION),
            "✗ http: the answer is of another SIP Server than the configured one → put sip_server.application "
            "right, or the address of the source",
        ),
        (
            replace(failed(Reason.MALFORMED, "new"), command=""),
            "✗ new: the answer is not of its format → see to the source",
        ),
    ],
)
def test_a_source_that_fails_says_what_to_look_at(reading: Reading[SipStatus], found: str) -> None:
    """The advice is of the reason, or of the kind of source."""
    assert check.told(checks.sources, view=host(reading)) == [found]


def test_the_sources_of_a_peer_are_mended_on_it() -> None:
    """This machine does not read them."""
    view = host(failed(Reason.TIMEOUT))
    assert check.told(checks.sources, view=view, config=check.config(*check.PEER)) == [
        "✗ http: no answer within the deadline → see what 'sipnlb-exporter check' says on that host itself"
    ]


def test_sources_that_agree_are_named() -> None:
    """One alone has nothing to agree with."""
    view = host(samples.sip(SipMode.BACKUP), samples.sip(SipMode.BACKUP, source="log"))
    assert check.told(checks.sources_agree, view=view) == ["✓ backup from http and log"]
    assert check.told(checks.sources_agree) == []


def test_a_source_that_does_not_know_disagrees_with_nobody() -> None:
    """The other one tells the mode."""
    view = host(failed(Reason.TIMEOUT), samples.sip(SipMode.PRIMARY, source="log"))
    assert check.told(checks.sources_agree, view=view) == ["✓ primary from log"]


def test_sources_that_disagree_are_told_with_who_decides() -> None:
    """The slowest source of porto lags by 4 s."""
    view = host(samples.sip(SipMode.PRIMARY), samples.sip(SipMode.BACKUP, source="log"))
    assert check.told(checks.sources_agree, view=view) == [
        "✗ http says primary, log says backup → in a switchover wait 6 s and check again; if it stays, one of them "
        "is wrong, and the first in order (http) decides"
    ]


def test_a_host_without_any_mode_is_wrong() -> None:
    """Nothing would ever be done for it."""
    view = host(failed(Reason.TIMEOUT), failed(Reason.MALFORMED))
    assert check.told(checks.sources_agree, view=view) == [
        "✗ no source knows the mode → mend a source: nothing is done for this host"
    ]


def with_flags(mode: SipMode = SipMode.PRIMARY, **flags: Any) -> HostView:
    """Return porto-1 with one source that tells those."""
    reading = samples.sip(mode)
    return host(replace(reading, value=replace(reading.value, mode=mode, **flags)))


UNTOLD = (
    "? no source tells → add a source of type http, or set remediator.policy.unknown_scs: as it is, the open port of "
    "a peer of unknown mode is left to a person"
)


@pytest.mark.parametrize(
    ("mode", "connected", "found"),
    [
        (SipMode.PRIMARY, True, ["✓ connected"]),
        (
            SipMode.PRIMARY,
            False,
            [
                "✗ not connected to Solution Control Server → see to LCA and the Management Layer: a mode from a SIP "
                "Server that is cut off may be old, and no unknown peer is closed on its word"
            ],
        ),
        (SipMode.PRIMARY, None, [UNTOLD]),
        (SipMode.UNKNOWN, None, []),
    ],
)
def test_the_connection_to_scs(mode: SipMode, connected: bool | None, found: list[str]) -> None:
    """Told, and not told by a source that does know the mode."""
    view = with_flags(mode, scs_connected=connected)
    assert check.told(checks.connected_to_scs, view=view) == found


def test_a_site_that_settled_unknown_scs_needs_no_source_of_it() -> None:
    """The policy has decided."""
    config = check.config(
        ("exporter:\n", "remediator: {policy: {unknown_scs: disable}}\nexporter:\n")
    )
    view = with_flags(scs_connected=None)
    assert check.told(checks.connected_to_scs, view=view, config=config) == []


@pytest.mark.parametrize(
    ("up", "found"),
    [
        (True, ["✓ up"]),
        (
            False,
            [
                "✗ down: the backup does not get the calls of the primary → see to the connection between the pair; "
                "in unicast mode it needs the second card"
            ],
        ),
        (None, []),
    ],
)
def test_the_link_between_the_pair(up: bool | None, found: list[str]) -> None:
    """Said only where a source tells."""
    assert check.told(checks.ha_link, view=with_flags(ha_link_up=up)) == found
