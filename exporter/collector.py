"""Views → metric families. Pure: time is passed in, nothing is read here.

A state that could not be read is ``unknown``; any other gauge that could not be read is
absent, and its ``*_up`` says so. Everything about the *pair* is a recording rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from cluster.clock import Instant
from cluster.config_model import Cluster
from cluster.model import ClusterView
from exporter import collector_nlb, collector_readings, collector_sip
from exporter.board import ModeHistory
from exporter.measures import Measure, Subject

MEASURES = (*collector_sip.MEASURES, *collector_nlb.MEASURES, *collector_readings.MEASURES)


def families(
    watched: Iterable[tuple[Cluster, ClusterView]],
    now: Instant,
    version: str,
    history: Mapping[tuple[str, str], ModeHistory] | None = None,
) -> Iterator[Metric]:
    """Yield every metric of the given clusters that has at least one sample.

    history: by (cluster, host); None leaves out the metrics made of it.
    """
    clusters = tuple(watched)
    subjects = [
        Subject(cluster, view, history[cluster.name, view.host] if history else None, now)
        for cluster, cluster_view in clusters
        for view in cluster_view.hosts
    ]
    for measure in MEASURES:
        family = _family(measure, subjects)
        if family.samples:
            yield family
    simulated = GaugeMetricFamily(
        "sipnlb_cluster_simulated",
        "1 for a cluster whose hosts are pretended by sipnlb-simulator; no series for real ones.",
        labels=["cluster"],
    )
    for cluster, _ in clusters:
        if cluster.simulated:
            simulated.add_metric([cluster.name], 1)
    if simulated.samples:
        yield simulated
    build = GaugeMetricFamily(
        "sipnlb_build_info", "Version of the program; always 1.", labels=["version", "program"]
    )
    build.add_metric([version, "exporter"], 1)
    yield build


def _family(measure: Measure, subjects: Iterable[Subject]) -> Metric:
    labels = ["cluster", "host", *measure.labels]
    family: CounterMetricFamily | GaugeMetricFamily
    if measure.is_counter:
        family = CounterMetricFamily(measure.name, measure.help, labels=labels)
    else:
        family = GaugeMetricFamily(measure.name, measure.help, labels=labels)
    for subject in subjects:
        for values, value in measure.samples(subject):
            family.add_metric([subject.cluster.name, subject.view.host, *values], value)
    return family
