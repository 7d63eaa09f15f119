"""Reads the list of metrics that the programs promise: tests/data/metrics_contract.txt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONTRACT = Path(__file__).parents[1] / "data" / "metrics_contract.txt"


@dataclass(frozen=True, slots=True)
class ContractMetric:
    """One promised metric. type: ``gauge``, ``counter`` or ``histogram``."""

    name: str
    type: str
    labels: frozenset[str]

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus stores it."""
        if self.type != "histogram":
            return (self.name,)
        return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))


def contract_metrics(path: Path = CONTRACT) -> dict[str, ContractMetric]:
    """Return the promised metrics by name. A line that is not of the form: ValueError."""
    found: dict[str, ContractMetric] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, kind, labels = line.split()
        if kind not in {"gauge", "counter", "histogram"} or name in found:
            raise ValueError(f"{path.name}: not a new metric of a known type: {line}")
        names = frozenset() if labels == "-" else frozenset(labels.split(","))
        found[name] = ContractMetric(name, kind, names)
    return found


def contract_series() -> dict[str, frozenset[str]]:
    """Return every series name the programs promise, with its labels (``le`` for buckets)."""
    return {
        series: metric.labels | ({"le"} if series.endswith("_bucket") else frozenset())
        for metric in contract_metrics().values()
        for series in metric.series
    }
