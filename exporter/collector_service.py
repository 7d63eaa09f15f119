"""The ``sip_virtual_ip_*`` metrics. Pure. By hand: ``sip-options sip:VIRTUAL-IP:5060``.

They are of a cluster, not of a host: OPTIONS to the virtual IP tests the service, and nobody
outside can tell which host answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from cluster.model import Reading
from cluster.sip.options import SipAnswer


def service_families(readings: Mapping[str, Reading[SipAnswer]]) -> Iterator[Metric]:
    """Yield the metrics of the latest OPTIONS of each cluster; none where none was sent."""
    up = _gauge("up", "1 if a SIP service answered OPTIONS to the virtual IP, else 0.")
    code = _gauge("response_code", "Status code of the answer to OPTIONS; absent without one.")
    duration = _gauge(
        "duration_seconds",
        "Time from the first sending of OPTIONS to its answer; absent without one.",
    )
    for cluster, reading in sorted(readings.items()):
        up.add_metric([cluster], float(reading.value.is_serving))
        if reading.value.code is not None:
            code.add_metric([cluster], float(reading.value.code))
            duration.add_metric([cluster], reading.duration_seconds())
    yield from (family for family in (up, code, duration) if family.samples)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"sip_virtual_ip_{name}", text, labels=["cluster"])
