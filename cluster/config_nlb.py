"""Which keys of a host's section ``nlb`` belong to which back end. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.config_model import Cluster
from cluster.strict_yaml import Path

_BACK_END_OF = {"phrases_file": "nlb", "code_page": "nlb", "scripts": "cim"}


def contradictions_of_nlb(cluster: Cluster, at: Path) -> Iterator[tuple[Path, str, str]]:
    """Find keys that the configured back end has no use for: somebody expects another one."""
    for number, host in enumerate(cluster.hosts):
        for key, back_end in _BACK_END_OF.items():
            if key in host.nlb.model_fields_set and host.nlb.backend != back_end:
                yield (
                    (*at, "hosts", number, "nlb", key),
                    f"belongs to backend {back_end}, and this host has {host.nlb.backend}",
                    "remove it, or change the backend",
                )
