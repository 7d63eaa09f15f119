"""The queries of the shipped dashboards, ready to be run on a Prometheus.

`dashboard_queries` puts values in place of Grafana's variables, so that a test can send
each query to the demo's Prometheus and ask for data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DASHBOARDS = tuple(sorted((Path(__file__).parents[2] / "grafana" / "dashboards").glob("*.json")))
RANGE = "1h"
RATE_INTERVAL = "1m"


def load_dashboard(path: Path) -> dict[str, Any]:
    """Return a dashboard as Grafana would load it."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel that shows data, also those inside rows."""
    for panel in dashboard["panels"]:
        yield from panels(panel) if "panels" in panel else ()
        if panel["type"] != "row":
            yield panel


def with_values(expression: str, cluster: str) -> str:
    """Return an expression with values for Grafana's variables."""
    values = {"cluster": cluster, "__range": RANGE, "__rate_interval": RATE_INTERVAL}
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], expression)


def dashboard_queries(path: Path, cluster: str) -> list[tuple[str, str]]:
    """Return (panel title, PromQL expression) for every query of a dashboard.

    A variable that `with_values` does not know: KeyError.
    """
    return [
        (panel["title"], with_values(target["expr"], cluster))
        for panel in panels(load_dashboard(path))
        for target in panel["targets"]
    ]
