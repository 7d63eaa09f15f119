"""What ``/sd`` answers: one target group a cluster, for ``/probe``. Pure.

documented: Prometheus, HTTP SD format. The only label is ``__param_cluster``: a label of the
target must not clash with those of the series. A target is named by its cluster; who scrapes
puts the exporter's address in its place, from ``__meta_url``, which is what it asked itself.
An address of ours would be a guess, and the Host header is the caller's.
"""

from __future__ import annotations

from typing import Any

from cluster.config_model import Config


def target_groups(config: Config) -> list[dict[str, Any]]:
    """Return the target groups as plain data for JSON, in configured order."""
    return [
        {"targets": [cluster.name], "labels": {"__param_cluster": cluster.name}}
        for cluster in config.clusters
    ]
