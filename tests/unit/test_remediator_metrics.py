"""The whole exposition of a small remediator, as Prometheus gets it.

The golden file is made anew by ``python -m tests.unit.test_remediator_metrics``; read the
difference before you keep it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from cluster.flags import version
from remediator.evidence import ActionOutcome
from remediator.gauges import Gauges
from remediator.heartbeat import Pulse
from remediator.interlock_gauges import InterlockGauges
from remediator.journal import Journal
from remediator.journal_schema import Kind
from remediator.leases import SoleLease
from remediator.look_result import Ending
from remediator.make_guards import wire
from remediator.metrics import STAGES
from remediator.planner import ActionVerb
from remediator.resync import Resync
from remediator.rows import Hold, Row
from remediator.service import Service
from remediator.web import WebhookOutcome
from remediator.webhook import AlertOutcome
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_service import FakeExecutor

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden" / "remediator.metrics"


def exposition(folder: Path) -> str:
    """Expose a remediator of two clusters to which a few things have happened."""
    config = samples.config(
        journal=folder / "journal.db",
        remediator="  policy: {level: enforce}\n"
        "  alertmanagers: [{url: 'http://am-1:9093'}, {url: 'http://am-2:9093'}]\n",
    )
    clock = samples.FakeClock()
    registry = CollectorRegistry()
    metrics = samples.metrics(registry, config)
    journal = Journal(config.remediator.journal.url, clock)
    resync = Resync(config.remediator.alertmanagers, ("quito", "lima"))
    resync.problems = {"http://am-1:9093": None, "http://am-2:9093": "ConnectionError: refused"}
    service = Service(config, clock, FakeExecutor(), journal, metrics, resync)
    registry.register(Gauges(config, service))
    wired = wire(config, clock, journal)
    registry.register(InterlockGauges(config, wired, journal, clock, SoleLease()))
    pulse = Pulse({"url": lambda: None}, service, clock, lambda do: do())
    registry.register(pulse)
    try:
        journal.open_note(Kind.PERSON, "lima", "", "bug", "it broke")
        journal.open_note(Kind.FENCE, "quito", "quito-2", "fence_pending", "gone")
        service.verified["quito"] = samples.BEGIN.plus(-90).utc
        watchdog = samples.sent({"sipnlb": "watchdog"}, fingerprint="w")
        service.accept(samples.body([samples.sent(), samples.sent({}), watchdog]))
        pulse.turn()
        for outcome, times in ((WebhookOutcome.TAKEN, 3), (WebhookOutcome.UNAUTHORIZED, 2)):
            for _ in range(times):
                metrics.webhook(outcome)
        metrics.remediation("quito", Row.PRIMARY_CLOSED, Ending.REMEDIATED)
        metrics.action(ActionVerb.ENABLE, ActionOutcome.VERIFIED)
        metrics.action(ActionVerb.ENABLE, ActionOutcome.VERIFIED)
        metrics.action(ActionVerb.DISABLE, ActionOutcome.NO_ANSWER)
        metrics.hold(Hold.FENCE_PENDING)
        metrics.remediated(1.25)
        metrics.remediated(-0.5)
        metrics.stage("verify", 0.75)
        return generate_latest(registry).decode().replace(version(), "VERSION")
    finally:
        service.stop()
        journal.close()


@pytest.fixture(autouse=True)
def without_created() -> Iterator[None]:
    """Expose as the program does: without the times at which counters were made."""
    prometheus_client.disable_created_metrics()
    yield
    prometheus_client.enable_created_metrics()


def test_the_exposition_is_the_golden_one(tmp_path: Path) -> None:
    """Every family, label and value of a remediator to which a few things have happened."""
    assert GOLDEN.read_text("utf-8") == exposition(tmp_path)


def test_every_label_value_exists_from_the_start() -> None:
    """A rate must not miss the first event: every outcome of everything stands at 0."""
    registry = CollectorRegistry()
    samples.metrics(registry, samples.config())
    found = {
        (sample.name, *sample.labels.values())
        for family in registry.collect()
        for sample in family.samples
        if sample.name.endswith(("_total", "_count"))
    }
    prefix = "sipnlb_remediator_"
    assert found == {
        *((prefix + "webhooks_total", outcome) for outcome in WebhookOutcome),
        *((prefix + "alerts_total", outcome) for outcome in AlertOutcome),
        *((prefix + "remediations_total", row, end) for row in Row for end in Ending),
        *(
            (prefix + "remediations_by_cluster_total", cluster, end)
            for cluster in ("quito", "lima")
            for end in Ending
        ),
        *((prefix + "actions_total", v, outcome) for v in ActionVerb for outcome in ActionOutcome),
        *((prefix + "holds_total", hold) for hold in Hold),
        *((prefix + "stage_duration_seconds_count", stage) for stage in STAGES),
        (prefix + "remediation_duration_seconds_count",),
    }
    assert {s.value for f in registry.collect() for s in f.samples} == {0.0}


def test_the_families_are_those_of_the_contract(tmp_path: Path) -> None:
    """Name and type of each family are in the contract, and none of the contract is missing."""
    lines = (TESTS / "data" / "metrics_contract.txt").read_text("utf-8").splitlines()
    contract = {
        (line.split()[0], line.split()[1])
        for line in lines
        if line.startswith(("sipnlb_remediator_", "sipnlb_build_info"))
    }
    types = [
        line.split()[2:] for line in exposition(tmp_path).splitlines() if line.startswith("# TYPE")
    ]
    assert {(name, kind) for name, kind in types} == contract


if __name__ == "__main__":
    prometheus_client.disable_created_metrics()
    with tempfile.TemporaryDirectory() as made:
        GOLDEN.write_text(exposition(Path(made)), "utf-8")


def test_what_began_before_the_world_spoils_no_figure() -> None:
    """A start in the year 1 is not timed, and neither is one to come counted below nothing."""
    registry = CollectorRegistry()
    metrics = samples.metrics(registry, samples.config())
    for seconds in (-7e9, 2.5, 86401.0, 6.4e10):
        metrics.stage("alert", seconds)
        metrics.remediated(seconds)

    prefix = "sipnlb_remediator_"
    alert = {"stage": "alert"}
    assert registry.get_sample_value(prefix + "stage_duration_seconds_sum", alert) == 2.5
    assert registry.get_sample_value(prefix + "stage_duration_seconds_count", alert) == 2
    assert registry.get_sample_value(prefix + "remediation_duration_seconds_sum") == 2.5
