"""The ``sip_server_*`` metrics. Pure. By hand: ``curl http://HOST:HTTP-PORT/serverx``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cluster.model import SipMode, SipStatus
from cluster.sip.agreement import source_labels
from exporter.measures import Measure, Sample, Subject, if_known, state_set


def _up(subject: Subject) -> Iterator[Sample]:
    for source, reading in zip(source_labels(subject.view), subject.view.sip, strict=True):
        yield (source,), float(reading.problem is None)


def _source_mode(subject: Subject) -> Iterator[Sample]:
    if len(subject.view.sip) > 1:
        for source, reading in zip(source_labels(subject.view), subject.view.sip, strict=True):
            yield from state_set(SipMode, reading.value.mode, source)


def _changes(subject: Subject) -> tuple[Sample, ...]:
    return if_known(subject.history.changes if subject.history else None)


def _since(subject: Subject) -> tuple[Sample, ...]:
    since = subject.history.since if subject.history else None
    return if_known(since.timestamp() if since else None)


def _told(tell: Callable[[SipStatus], bool | None]) -> Callable[[Subject], tuple[Sample, ...]]:
    """Measure a fact of the first source that tells it."""

    def samples(subject: Subject) -> tuple[Sample, ...]:
        told = (tell(reading.value) for reading in subject.view.sip)
        return if_known(next((value for value in told if value is not None), None))

    return samples


MEASURES = (
    Measure(
        "sip_server_up",
        "1 if the mode source answered and its answer could be read, else 0.",
        _up,
        ("source",),
    ),
    Measure(
        "sip_server_mode",
        "Mode of the SIP Server: 1 for the present one; unknown if it cannot be read or the "
        "reading is too old.",
        lambda subject: state_set(SipMode, subject.view.mode),
        ("mode",),
    ),
    Measure(
        "sip_server_source_mode",
        "Mode as each source tells it; only for hosts with more than one source.",
        _source_mode,
        ("source", "mode"),
    ),
    Measure(
        "sip_server_mode_changes_total",
        "Changes of the mode between primary and backup since the exporter started; "
        "unknown in between does not count.",
        _changes,
    ),
    Measure(
        "sip_server_mode_since_timestamp_seconds",
        "When the last known mode was first read, as seconds since 1970; "
        "at the earliest the exporter's start.",
        _since,
    ),
    Measure(
        "sip_server_ha_link_up",
        "1 if the SIP Server has its link to the other one of the pair (HA_LINK), 0 if not.",
        _told(lambda status: status.ha_link_up),
    ),
    Measure(
        "sip_server_scs_connected",
        "1 if the SIP Server is connected to Solution Control Server (CONNECTION_TO_SCS), "
        "0 if not: then the other one may be promoted while this one stays primary.",
        lambda subject: if_known(subject.view.scs_connected),
    ),
    Measure(
        "sip_server_service_available",
        "1 if the SIP Server says that its service is available (APPLICATION_SERVICE), 0 if not.",
        _told(lambda status: status.service_available),
    ),
    Measure(
        "sip_server_ready_for_switchover",
        "1 if the SIP Server says that a switchover would lose no call (READINESS_SWITCHOVER), "
        "0 if not.",
        _told(lambda status: status.ready_for_switchover),
    ),
)
