"""The service behind a virtual IP as metrics, log lines and a page."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from cluster.clock import Deadline
from cluster.config import parse
from cluster.config_service import ServiceProbe
from cluster.model import Problem, Reading, Reason
from cluster.sip.options import SipAnswer
from exporter.collector_service import service_families
from exporter.virtual_ip import VirtualIps, virtual_ips
from tests.unit import exporter_samples as samples
from tests.unit.exporter_samples import FakeClock
from tests.unit.test_exporter_watch import Log
from tests.unit.test_exporter_web import client

PROBE = ServiceProbe.model_validate({"timeout": "3s", "refresh": "7s", "port": 5070})
PROBED = parse(
    samples.CONFIG.replace(
        "    port_rules:", "    service_probe: {port: 5070, refresh: 7s}\n    port_rules:"
    ),
    "clusters.yml",
)
SILENT = Problem(Reason.TIMEOUT, "no answer in time")


def reading(answer: SipAnswer, *, ago: float = 1.0) -> Reading[SipAnswer]:
    """Make a reading that took an eighth of a second."""
    return Reading(
        answer,
        "options",
        samples.BEGIN.plus(-ago),
        samples.BEGIN.plus(0.125 - ago),
        problem=None if answer.code else SILENT,
        command="OPTIONS sip:10.7.0.100:5070",
        raw="SIP/2.0 200 OK",
    )


class FakeCaller:
    """Gives the same answer to everybody, and keeps how long they would have waited."""

    def __init__(self, *answers: SipAnswer, ago: float = 1.0) -> None:
        self.answers = list(answers)
        self.ago = ago
        self.deadlines: list[float] = []

    def ask(self, deadline: Deadline) -> Reading[SipAnswer]:
        """Answer at once."""
        self.deadlines.append(deadline.monotonic - samples.BEGIN.monotonic)
        return reading(self.answers.pop(0), ago=self.ago)


def exposed(readings: dict[str, Reading[SipAnswer]]) -> list[str]:
    """Return the samples of readings, as text."""

    class Some(Collector):
        def collect(self) -> list[Metric]:
            return list(service_families(readings))

    registry = CollectorRegistry()
    registry.register(Some())
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def run(caller: FakeCaller, times: int) -> tuple[VirtualIps, FakeClock, Log]:
    """Run the loop of ``porto`` until it has asked so often."""
    clock, log = FakeClock(), Log()
    service = VirtualIps({"porto": (caller, PROBE)}, clock, log)
    ask = caller.ask

    def counted(deadline: Deadline) -> Reading[SipAnswer]:
        answer = ask(deadline)
        if len(caller.deadlines) > times:
            service.stop()
        return answer

    caller.ask = counted  # type: ignore[method-assign]
    service._loop("porto").run()
    return service, clock, log


def test_an_answer_is_three_numbers_of_the_cluster() -> None:
    """It is up, with its code and its time; what answers and is out of service is not up."""
    assert exposed(
        {"porto": reading(SipAnswer(200, "OK")), "braga": reading(SipAnswer(503, "Busy"))}
    ) == [
        'sip_virtual_ip_up{cluster="braga"} 0.0',
        'sip_virtual_ip_up{cluster="porto"} 1.0',
        'sip_virtual_ip_response_code{cluster="braga"} 503.0',
        'sip_virtual_ip_response_code{cluster="porto"} 200.0',
        'sip_virtual_ip_duration_seconds{cluster="braga"} 0.125',
        'sip_virtual_ip_duration_seconds{cluster="porto"} 0.125',
    ]


def test_without_an_answer_only_its_absence_is_told() -> None:
    """Code and time are absent, and without a probe so is everything."""
    assert exposed({"porto": reading(SipAnswer())}) == ['sip_virtual_ip_up{cluster="porto"} 0.0']
    assert exposed({}) == []


def test_an_answer_ages_out() -> None:
    """A loop that hangs does not keep a service up for ever."""
    fresh, _, _ = run(FakeCaller(*[SipAnswer(200, "OK")] * 3, ago=7.0), 2)
    old, _, _ = run(FakeCaller(*[SipAnswer(200, "OK")] * 3, ago=7.5), 2)

    assert fresh.latest()["porto"].value == SipAnswer(200, "OK")
    stale = old.latest()["porto"]
    assert (stale.value, stale.problem) == (
        SipAnswer(),
        Problem(Reason.STALE, "asked 21.5 s ago"),
    )


def test_one_line_is_written_when_the_answer_changes() -> None:
    """Equal answers are told once, an answer that is missing as a warning."""
    ok, none = SipAnswer(200, "OK"), SipAnswer()
    caller = FakeCaller(ok, ok, none, none, ok, ok)
    _, clock, log = run(caller, 5)

    common: dict[str, Any] = {
        "cluster": "porto",
        "asked": "OPTIONS sip:10.7.0.100:5070",
        "duration_seconds": 0.125,
    }
    assert log.lines == [
        ("info", "virtual IP answers", common | {"after": "200 OK"}),
        (
            "warning",
            "virtual IP does not serve",
            common
            | {"before": "200 OK", "after": "no answer", "problem": "timeout: no answer in time"},
        ),
        ("info", "virtual IP answers", common | {"before": "no answer", "after": "200 OK"}),
    ]
    assert clock.waits == [7.0] * 5
    assert caller.deadlines == [3.0, 10.0, 17.0, 24.0, 31.0, 38.0]


def test_a_probe_asks_now_and_within_the_scrapes_time() -> None:
    """The shorter of the two times holds, and the debug page shows the exchange."""
    caller = FakeCaller(SipAnswer(404, "Not Found"), SipAnswer(404, "Not Found"))
    asked = client(service=VirtualIps({"porto": (caller, PROBE)}, FakeClock(), Log()))
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1.75"}

    text = asked.get("/probe?cluster=porto", headers=headers).text
    page = asked.get("/probe?cluster=porto&debug=true").text

    assert 'sip_virtual_ip_response_code{cluster="porto"} 404.0\n' in text
    assert caller.deadlines == [1.5, 3.0]
    assert (
        "== Virtual IP\n"
        "asked:    2024-05-20T08:15:01.000Z, 1.000 s ago\n"
        "took:     0.125 s\n"
        "lag:      up to 0 s\n"
        "command:  OPTIONS sip:10.7.0.100:5070\n"
        "read as:  code=404, phrase=Not Found\n"
        "problem:  none\n"
        "output:\n"
        "  | SIP/2.0 200 OK\n" in page
    )


def test_it_is_known_since_when_a_service_answers_or_not() -> None:
    """The first of the like answers counts; another code of the same worth changes nothing."""
    ok, busy, none = SipAnswer(200, "OK"), SipAnswer(503, "Busy"), SipAnswer()
    for answers, begun in (
        ([ok, SipAnswer(404, "Not Found"), ok], 21.0),
        ([ok, none, busy, none], 14.0),
        ([none, none, ok], 7.0),
    ):
        service = VirtualIps({"porto": (FakeCaller(), PROBE)}, FakeClock(), Log())
        for ago, answer in zip((21.0, 14.0, 7.0, 0.0), answers, strict=False):
            service._put("porto", reading(answer, ago=ago))
        assert service.since() == {"porto": samples.BEGIN.plus(-begun)}


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ([], '<p class="verdict unknown">Virtual IP 10.7.0.100: not asked yet · '),
        (
            [SipAnswer(200, "OK")],
            '<p class="verdict right">Virtual IP 10.7.0.100: '
            "200 OK to OPTIONS sip:10.7.0.100:5070 · ",
        ),
        (
            [SipAnswer()],
            '<p class="verdict wrong">Virtual IP 10.7.0.100: no answer to '
            "OPTIONS sip:10.7.0.100:5070 since 2024-05-20 08:15:01 UTC (8 s) · ",
        ),
        (
            [SipAnswer(503, "<Busy>")],
            '<p class="verdict wrong">Virtual IP 10.7.0.100: 503 &lt;Busy&gt; to '
            "OPTIONS sip:10.7.0.100:5070; no service since 2024-05-20 08:15:01 UTC (8 s) · ",
        ),
    ],
)
def test_the_landing_page_says_what_the_virtual_ip_answers(
    answers: list[SipAnswer], line: str
) -> None:
    """Where a probe is configured the page says since when nobody serves there."""
    clock = FakeClock()
    service = VirtualIps({"porto": (FakeCaller(), PROBE)}, clock, Log())
    for answer in answers:
        service._put("porto", reading(answer))
    clock.move(7.0)
    assert line in client(config=PROBED, service=service, clock=clock).get("/").text


def test_the_landing_page_says_that_nobody_asks_any_more() -> None:
    """A loop that hangs is not taken for a service that is silent, nor for one that answers."""
    clock = FakeClock()
    service = VirtualIps({"porto": (FakeCaller(), PROBE)}, clock, Log())
    service._put("porto", reading(SipAnswer(200, "OK")))
    clock.move(20.5)
    page = client(config=PROBED, service=service, clock=clock).get("/").text
    assert (
        '<p class="verdict unknown">Virtual IP 10.7.0.100: '
        "not asked since 2024-05-20 08:15:01 UTC · "
    ) in page


def test_nothing_is_asked_where_no_probe_is_configured() -> None:
    """It is off by default: no loop, no metric, no section."""
    service = virtual_ips(samples.config().clusters, FakeClock(), Log())

    assert service._threads == []
    assert service.begin("porto", 5.0)() is None
    assert "sip_virtual_ip" not in client(service=service).get("/metrics").text
    assert "Virtual IP" not in client(service=service).get("/probe?cluster=porto&debug=true").text


def test_every_configured_probe_has_a_loop_of_its_own() -> None:
    """One virtual IP that does not answer holds up no other."""
    (cluster,) = samples.config().clusters
    probed = cluster.model_copy(update={"service_probe": PROBE})
    other = probed.model_copy(update={"name": "braga"})

    service = virtual_ips(
        (probed, cluster.model_copy(update={"name": "faro"}), other), FakeClock(), Log()
    )

    assert [thread.name for thread in service._threads] == [
        "porto virtual IP",
        "braga virtual IP",
    ]
