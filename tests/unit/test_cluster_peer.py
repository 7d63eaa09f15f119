"""A host that is read through its own exporter."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cluster import host_view_json
from cluster.clock import Clock, Deadline, SystemClock, deadline_in
from cluster.config_model import Cluster
from cluster.config_runners import PeerSettings
from cluster.errors import ClusterError
from cluster.host_reader import own_host_readers, runner_of
from cluster.host_view_json import Identity
from cluster.model import HostView, PortState, Problem, Reading, Reason, SipMode
from cluster.observe import observe
from cluster.page import PageError
from cluster.peer import MAX_UNDER_WAY, PeerReader
from cluster.surroundings import Surroundings
from tests.unit import exporter_samples as samples

RULE = samples.cluster().rules[0]
URL = "https://192.168.7.12:9876/api/v1/hosts/porto-2?cluster=porto"


def cluster(**runner: Any) -> Cluster:
    """Return porto with its second host as a peer."""
    pair = samples.cluster()
    settings = PeerSettings.model_validate(
        {"type": "peer", "url": "https://192.168.7.12:9876/", "lag": "7s", **runner}
    )
    return pair.model_copy(
        update={"hosts": (pair.hosts[0], pair.hosts[1].model_copy(update={"runner": settings}))}
    )


def answer(view: HostView | None = None, **identity: Any) -> bytes:
    """Return what the exporter on porto-2 answers: everything is read for the request."""
    ours = Identity("porto", "porto-2", 7, (RULE,))
    told = view or of_its_own(samples.backup())
    return host_view_json.write(told, replace(ours, **identity), samples.BEGIN.plus(-60)).encode()


def of_its_own(view: HostView) -> HostView:
    """Return the view with the application that is configured for porto-2."""
    sip = tuple(replace(r, value=replace(r.value, application="SIP_B")) for r in view.sip)
    return replace(view, sip=sip)


@dataclass
class Exporter:
    """Stands where the peer's exporter does: answers the same to everybody, and notes what came."""

    body: bytes = field(default_factory=answer)
    error: Exception | None = None
    hold: threading.Event | None = None
    began: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, Mapping[str, str] | None]] = field(default_factory=list)

    def __call__(
        self,
        url: str,
        deadline: Deadline,
        clock: Clock,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> bytes:
        """Answer."""
        self.requests.append((url, headers))
        self.began.set()
        if self.hold is not None:
            assert self.hold.wait(10)
        if self.error is not None:
            raise self.error
        return self.body


def reader(exporter: Exporter, clock: Clock | None = None, **runner: Any) -> PeerReader:
    """Return a reader of porto-2 that asks the exporter given."""
    pair = cluster(**runner)
    return PeerReader(pair, pair.hosts[1], clock or samples.FakeClock(), exporter)


def soon(clock: Clock | None = None) -> Deadline:
    """Return a deadline that is seconds away."""
    return deadline_in(clock or samples.FakeClock(), 5.0)


def test_every_reading_comes_from_the_exporter_on_the_host(tmp_path: Path) -> None:
    """Values, commands and lags are the host's own; each says that it came through the peer."""
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    exporter = Exporter()
    asked = reader(exporter, bearer_token_file=str(secret))

    node, port = asked.node(soon()), asked.port(RULE, soon())
    mode, params = asked.sip(0, soon()), asked.params(soon())

    assert (mode.value.mode, mode.value.scs_connected) == (SipMode.BACKUP, False)
    assert (node.value.host_id, port.value.state) == (7, PortState.DISABLED)
    assert params.value.mac == "03-bf-0a-07-00-64"
    assert [(r.source, r.lag_seconds) for r in (mode, node, port, params)] == [
        ("peer http", 4.0),
        ("peer nlb query", 0.0),
        ("peer nlb queryport", 0.0),
        ("peer nlb params", 0.0),
    ]
    assert exporter.requests[0] == (
        URL,
        {
            "Accept": "application/json",
            "X-Sipnlb-Timeout-Seconds": "4.980",
            "Authorization": "Bearer open sesame",
        },
    )


def test_a_live_reading_counts_from_the_sending_of_the_request() -> None:
    """Not from the answer, and not from before: 20 ms were spent on gathering."""
    clock = samples.FakeClock()

    read = reader(Exporter(), clock).node(deadline_in(clock, 5.0))

    assert read.asked == samples.BEGIN.plus(0.02)


def test_one_disconnected_source_of_several_counts(tmp_path: Path) -> None:
    """No connection to SCS, as any source of the host tells it, arrives with the mode."""
    told = of_its_own(samples.primary()).sip[0]
    cut_off = replace(told, value=replace(told.value, scs_connected=False))
    view = replace(samples.backup(), sip=(told, cut_off))

    read = reader(Exporter(answer(view))).sip(0, soon())

    assert (read.value.mode, read.value.scs_connected) == (SipMode.PRIMARY, False)


@pytest.mark.parametrize(
    ("exporter", "problem"),
    [
        (
            Exporter(error=PageError(Reason.HTTP_STATUS, "HTTP status 401")),
            Problem(Reason.HTTP_STATUS, "HTTP status 401"),
        ),
        (
            Exporter(error=PageError(Reason.TIMEOUT, "it did not answer in time")),
            Problem(Reason.TIMEOUT, "it did not answer in time"),
        ),
        (
            Exporter(error=ZeroDivisionError("a mistake")),
            Problem(Reason.BUG, "ZeroDivisionError: a mistake"),
        ),
        (
            Exporter(answer(host="porto-1", host_id=3)),
            Problem(
                Reason.OTHER_HOST,
                "configured is porto-2 with host id 7, the answer is of 'porto-1' with host id 3",
            ),
        ),
    ],
)
def test_without_a_sound_answer_everything_is_unknown(exporter: Exporter, problem: Problem) -> None:
    """Each reading has the reason, and the request to make by hand."""
    clock = samples.FakeClock()
    asked = reader(exporter, clock)

    readings: list[Reading[Any]] = [
        asked.sip(0, soon(clock)),
        asked.node(soon(clock)),
        asked.port(RULE, soon(clock)),
        asked.params(soon(clock)),
    ]

    nothing = asked.unread(Reason.TIMEOUT, "", samples.BEGIN)
    assert [r.value for r in readings] == [r.value for r in nothing.readings()]
    assert {r.problem for r in readings} == {problem}
    assert {r.command for r in readings} == {f"GET {URL}"}
    assert [r.lag_seconds for r in readings] == [7.0, 0.0, 0.0, 0.0]


def test_another_sip_server_is_no_reading_of_this_one() -> None:
    """The application that the page names must be the one configured here."""
    read = reader(Exporter(answer(samples.backup()))).sip(0, soon())

    assert (read.value.mode, read.problem) == (
        SipMode.UNKNOWN,
        Problem(
            Reason.OTHER_APPLICATION,
            "configured is application 'SIP_B', the answer is of 'SIP_P'",
        ),
    )


def test_a_secret_that_cannot_be_read_sends_nothing(tmp_path: Path) -> None:
    """No request goes out without its credentials."""
    exporter = Exporter()
    missing = str(tmp_path / "missing")

    read = reader(exporter, bearer_token_file=missing).node(soon())

    assert read.problem == Problem(
        Reason.UNREACHABLE,
        f"{missing}: the secret file cannot be read: No such file or directory "
        "(check path and rights)",
    )
    assert exporter.requests == []


def test_a_look_asks_once() -> None:
    """All readings of a look share one request."""
    clock, exporter, pair = SystemClock(), Exporter(), cluster()
    asked = PeerReader(pair, pair.hosts[1], clock, exporter)

    view = observe(pair, (asked,), deadline_in(clock, 5.0), clock)

    assert view.host("porto-2").mode is SipMode.BACKUP
    assert len(exporter.requests) == 1


def test_a_request_that_is_under_way_is_never_joined() -> None:
    """Its question is older than the asker's, so the asker gets one of its own."""
    clock = SystemClock()
    exporter = Exporter(hold=threading.Event())
    asked = reader(exporter, clock)
    assert exporter.hold is not None
    first: list[Reading[Any]] = []
    thread = threading.Thread(target=lambda: first.append(asked.node(deadline_in(clock, 5.0))))
    thread.start()
    assert exporter.began.wait(5)
    hold, exporter.hold = exporter.hold, None
    began = clock.now()

    second = asked.node(deadline_in(clock, 5.0))

    hold.set()
    thread.join(5)
    assert len(exporter.requests) == 2
    assert second.asked.seconds_since(began) >= 0 > first[0].asked.seconds_since(began)


def test_requests_that_hang_do_not_pile_up() -> None:
    """After a few that never come back further readings fail at once."""
    clock = SystemClock()
    exporter = Exporter(hold=threading.Event())
    asked = reader(exporter, clock)
    threads = []
    for number in range(MAX_UNDER_WAY):
        exporter.began.clear()
        threads.append(threading.Thread(target=asked.node, args=(deadline_in(clock, 5.0),)))
        threads[-1].start()
        assert exporter.began.wait(5), number

    read = asked.node(deadline_in(clock, 5.0))

    assert exporter.hold is not None
    exporter.hold.set()
    for thread in threads:
        thread.join(5)
    assert read.problem == Problem(Reason.BUSY, "earlier requests still hang")
    assert asked.node(deadline_in(clock, 5.0)).problem is None


class Impatient(samples.FakeClock):
    """A clock on which a wait for others ends without them."""

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Let the time pass, and let somebody else ask while the request is gathered."""
        self.move(seconds)
        if self.waits == []:
            self.waits.append(seconds)
            self.other()
        return wake.is_set()

    def other(self) -> None:
        """Ask too."""


def test_who_shares_a_request_waits_no_longer_than_its_own_deadline() -> None:
    """A slow request of somebody else is given up in time."""
    clock = Impatient()
    asked = reader(Exporter(), clock)
    given_up: list[Reading[Any]] = []
    clock.other = lambda: given_up.append(asked.node(deadline_in(clock, 2.0)))  # type: ignore[method-assign]

    asked.node(deadline_in(clock, 9.0))

    assert given_up[0].problem == Problem(Reason.TIMEOUT, "no answer in time")
    assert given_up[0].asked == samples.BEGIN.plus(0.02)
    assert given_up[0].duration_seconds() == pytest.approx(2.1)


def test_certificates_that_are_none_are_refused_at_once(tmp_path: Path) -> None:
    """The file is named before the first request."""
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")

    with pytest.raises(ClusterError) as refused:
        reader(Exporter(), ca_file=str(file))

    assert str(refused.value).startswith(f"{file}: cannot be used as certificates: ")
    assert str(refused.value).endswith(" (name a file in PEM form)")


def test_a_peer_is_neither_published_nor_commanded() -> None:
    """The exporter has no reader for it, and there is no runner that could carry a command."""
    pair, given = cluster(), Surroundings(samples.FakeClock())

    assert [each.host for each in own_host_readers(pair, given)] == ["porto-1"]
    with pytest.raises(KeyError):
        runner_of(pair, pair.hosts[1], given)
