"""Edge: ``sipnlb-exporter check``, the first-hour doctor. Looks once and says what to do.

Changes nothing, needs no running exporter, and opens no account that may switch a port.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import yaml

from cluster.clock import Clock, deadline_in
from cluster.config import load
from cluster.config_model import Cluster, Config
from cluster.errors import ClusterError
from cluster.flags import EXIT_FAILED, EXIT_OK, EXIT_WRONG_USE
from cluster.host_reader import host_readers
from cluster.model import Reading
from cluster.neighbours import neighbour
from cluster.observe import observe
from cluster.programs import RunGroup
from cluster.sip.options import SipAnswer
from cluster.sip.options_probe import OptionsProbe
from cluster.surroundings import Surroundings
from exporter.check_report import PLAIN, Section, as_data, table
from exporter.checks import cluster_findings
from exporter.checks_cluster import hears_itself
from exporter.checks_prometheus import prometheus_findings
from exporter.findings import Finding, all_right, elsewhere

LOOK_SECONDS = 5.0
"""How long one look at a cluster may take: longer than a look of the remediator, so that a slow
host is told from a dead one."""

LOOKS_AT_ONCE = 8

DESCRIPTION = (
    "Look at every host once and say what is right, wrong or could not be told, and what to do. "
    "Changes nothing. Exit status: 0 nothing is wrong and everything could be told, 1 something "
    "is wrong or could not be told, 2 wrong use or a refused configuration."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the sub-command."""
    parser.add_argument(
        "clusters", nargs="*", metavar="CLUSTER", help="names of clusters (default: all)"
    )
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        default=argparse.SUPPRESS,  # it may also stand before the sub-command
        metavar="FILE",
        help="configuration of clusters and programs (default: clusters.yml)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--problems", action="store_true", help="leave out of the table what is right"
    )
    parser.add_argument(
        "--prometheus.config",
        dest="prometheus_config",
        type=Path,
        metavar="FILE",
        help="also check the scrape jobs in this configuration of Prometheus",
    )


def run(options: argparse.Namespace, clock: Clock, stdout: TextIO, stderr: TextIO) -> int:
    """Print what is found; return the exit status."""
    try:
        config = load(options.config_file)
        clusters = _chosen(config, options.clusters)
        site = tuple(_site(options.prometheus_config))
        found = (*(each for cluster in _look(config, clusters, clock) for each in cluster), *site)
    except ClusterError as error:
        print(f"check: {error}", file=stderr)
        return EXIT_WRONG_USE
    status = EXIT_OK if all_right(found) else EXIT_FAILED
    if options.json:
        print(json.dumps(as_data(found, status), indent=2), file=stdout)
        return status
    width = shutil.get_terminal_size().columns
    text = table(_sections(clusters), found, width, without_right=options.problems)
    print(_printable(text, stdout.encoding), file=stdout)
    return status


def _chosen(config: Config, names: list[str]) -> tuple[Cluster, ...]:
    """Return the named clusters, all where none is named. Raises `ClusterError`."""
    known = ", ".join(cluster.name for cluster in config.clusters)
    for name in names:
        if config.cluster(name) is None:
            raise ClusterError(name, "no cluster of that name is configured", f"there are {known}")
    return tuple(each for each in config.clusters if not names or each.name in names)


def _look(
    config: Config, clusters: tuple[Cluster, ...], clock: Clock
) -> Iterator[tuple[Finding, ...]]:
    """Look at the clusters, some side by side; yield the findings of each, in order."""
    given = Surroundings(clock, group=RunGroup())

    def look(cluster: Cluster) -> tuple[Finding, ...]:
        deadline = deadline_in(clock, LOOK_SECONDS)
        view = observe(cluster, host_readers(cluster, given), deadline, clock)
        way = neighbour(cluster.virtual_ip, deadline_in(clock, LOOK_SECONDS), clock)
        return tuple(cluster_findings(config, cluster, view, way, _answer(cluster, clock)))

    try:
        with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
            yield from pool.map(look, clusters)
    finally:
        assert given.group is not None
        given.group.end()
        given.shared.close()


def _answer(cluster: Cluster, clock: Clock) -> Reading[SipAnswer] | None:
    """Ask the virtual IP once, as its probe is configured; None where nothing is to be asked."""
    probe = cluster.service_probe
    if probe is None or hears_itself(cluster):
        return None
    return OptionsProbe(cluster, probe, clock).ask(deadline_in(clock, probe.timeout))


def _site(prometheus_config: Path | None) -> Iterator[Finding]:
    """Yield what concerns all clusters. Raises `ClusterError` if the file cannot be read."""
    if prometheus_config is None:
        yield Finding(
            "Prometheus",
            elsewhere(
                "its configuration was not given",
                "name it with --prometheus.config, to have its labels and intervals checked",
            ),
        )
        return
    hint = "name the configuration of Prometheus"
    try:
        document = yaml.safe_load(prometheus_config.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = getattr(error, "strerror", None) or "it is not YAML"
        raise ClusterError(str(prometheus_config), f"cannot be read: {why}", hint) from error
    yield from prometheus_findings(document)


def _sections(clusters: tuple[Cluster, ...]) -> Iterator[Section]:
    for cluster in clusters:
        simulated = ", SIMULATED" if cluster.simulated else ""
        about = f"virtual IP {cluster.virtual_ip}, {cluster.operation_mode}{simulated}"
        yield Section(cluster.name, about, cluster.name)
        for host in cluster.hosts:
            about = f"host id {host.host_id}, {host.address}, {host.runner.type}"
            yield Section(host.name, about, cluster.name, host.name)
    yield Section("all clusters", "", None)


def _printable(text: str, encoding: str | None) -> str:
    """Return the text, with plain signs where the terminal lacks the others."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        plain = text.translate(PLAIN)
        return plain.encode(encoding or "utf-8", "replace").decode(encoding or "utf-8")
    return text
