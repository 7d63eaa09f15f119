"""What the parts of a configuration must be to each other. Pure.

Each check yields problems; all of them are reported together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from cluster.config_exec import contradictions_of_exec
from cluster.config_journal import contradictions_of_lease
from cluster.config_log import contradictions_of_log
from cluster.config_model import Cluster, Config, Rule
from cluster.config_nlb import contradictions_of_nlb
from cluster.config_peers import contradictions_of_peers
from cluster.config_section import ClientCredentials
from cluster.config_sources import HttpSource
from cluster.config_ssh import contradictions_of_ssh
from cluster.config_winrm import contradictions_of_winrm
from cluster.errors import ConfigProblem
from cluster.model import ALL_VIPS
from cluster.strict_yaml import Document, Path, path_text


def contradictions(config: Config, document: Document) -> list[ConfigProblem]:
    """Return what contradicts itself in a configuration whose parts are each well formed."""
    found: list[tuple[Path, str, str]] = list(
        _repeated(
            (("clusters", index, "name"), cluster.name)
            for index, cluster in enumerate(config.clusters)
        )
    )
    found += _repeated(
        (("clusters", c, "hosts", h, "sip_server", "sources", number, "url"), source.url)
        for c, cluster in enumerate(config.clusters)
        for h, host in enumerate(cluster.hosts)
        for number, source in enumerate(host.sip_server.sources)
        if isinstance(source, HttpSource)
    )
    found += contradictions_of_exec(config)
    found += _useless_certificates(config)
    found += contradictions_of_log(config)
    settings = config.remediator
    found += contradictions_of_lease(
        settings.lease, settings.command_timeout, settings.max_age, settings.journal
    )
    for index, cluster in enumerate(config.clusters):
        found += _in_cluster(cluster, ("clusters", index))
        found += contradictions_of_nlb(cluster, ("clusters", index))
        found += contradictions_of_ssh(cluster, ("clusters", index))
        found += contradictions_of_winrm(cluster, ("clusters", index))
        found += contradictions_of_peers(cluster, config.remediator.policy, ("clusters", index))
        found += _shared_rules(config, index)
    return [
        ConfigProblem(document.line_of(path), path_text(path), problem, hint)
        for path, problem, hint in found
    ]


def _useless_certificates(config: Config) -> Iterator[tuple[Path, str, str]]:
    """Find certificates beside addresses that are asked in the clear."""
    asked: list[tuple[Path, tuple[str, ...], ClientCredentials]] = [
        (("remediator", "alertmanagers", number), (each.url,), each)
        for number, each in enumerate(config.remediator.alertmanagers)
    ]
    heartbeat = config.remediator.heartbeat
    if heartbeat is not None:
        asked.append((("remediator", "heartbeat"), heartbeat.urls, heartbeat))
    for place, urls, each in asked:
        for key in ("ca_file", "cert_file"):
            if getattr(each, key) and not any(urlsplit(url).scheme == "https" for url in urls):
                yield (*place, key), "it is of no use with http", "use https in the url"


def _in_cluster(cluster: Cluster, at: Path) -> Iterator[tuple[Path, str, str]]:
    for key in ("name", "host_id", "address"):
        yield from _repeated(
            ((*at, "hosts", number, key), getattr(host, key))
            for number, host in enumerate(cluster.hosts)
        )
    shared = {cluster.virtual_ip, cluster.nlb_ip}
    for number, host in enumerate(cluster.hosts):
        place = (*at, "hosts", number)
        if host.address in shared:
            yield (
                (*place, "address"),
                f"{host.address} is the cluster's own address",
                "give the host's dedicated address: whoever takes the traffic answers on the other",
            )
        for order, source in enumerate(host.sip_server.sources):
            if isinstance(source, HttpSource) and urlsplit(source.url).hostname in shared:
                yield (
                    (*place, "sip_server", "sources", order, "url"),
                    "the page would be read through the cluster's own address",
                    "use the host's dedicated address",
                )
    probe = cluster.service_probe
    if probe is not None and probe.address in {host.address for host in cluster.hosts}:
        yield (
            (*at, "service_probe", "address"),
            f"{probe.address} is the dedicated address of a host",
            "give an address that callers use; OPTIONS to one host say nothing of the service",
        )
    yield from _shared_programs(cluster, at)
    for number, rule in enumerate(cluster.port_rules):
        for other_number, other in enumerate(cluster.port_rules[:number]):
            yield from _overlap(rule, other, (*at, "port_rules", number), other_number)


def _shared_rules(config: Config, index: int) -> Iterator[tuple[Path, str, str]]:
    """Find rules of one NLB cluster that stand in two clusters: they would fight over a port."""
    cluster = config.clusters[index]
    for before, other in enumerate(config.clusters[:index]):
        if other.nlb_ip != cluster.nlb_ip:
            continue
        for number, rule in enumerate(cluster.port_rules):
            if any(rule.start <= each.end and each.start <= rule.end for each in other.port_rules):
                yield (
                    ("clusters", index, "port_rules", number),
                    f"a rule of clusters[{before}], which is the same NLB cluster, has these ports",
                    "write each rule of an NLB cluster once",
                )


def _shared_programs(cluster: Cluster, at: Path) -> Iterator[tuple[Path, str, str]]:
    """Find hosts that one program on this machine would answer for: it knows only one of them."""
    seen: dict[str | None, int] = {}
    for number, host in enumerate(cluster.hosts):
        program = host.nlb.program
        if host.runner.type != "local":
            continue
        if program in seen:
            yield (
                (*at, "hosts", number, "nlb", "program"),
                f"hosts[{seen[program]}] has the same program"
                if program
                else f"hosts[{seen[program]}] too is asked with this machine's own NLB utility",
                "one program answers for one host; name each host's own",
            )
        seen.setdefault(program, number)


def _overlap(
    rule: Rule, other: Rule, place: Path, other_number: int
) -> Iterator[tuple[Path, str, str]]:
    same_vip = rule.vip == other.vip or ALL_VIPS in {rule.vip, other.vip}
    if same_vip and rule.start <= other.end and other.start <= rule.end:
        yield (
            place,
            f"overlaps port_rules[{other_number}]",
            "NLB switches a whole rule; write each rule once, as the host reports it",
        )
    elif rule.start == other.start:
        yield (
            place,
            f"begins at the same port as port_rules[{other_number}]",
            "metrics and alerts name a rule by its first port, so that two of them look alike",
        )


def _repeated(values: Iterable[tuple[Path, object]]) -> Iterator[tuple[Path, str, str]]:
    seen: dict[object, Path] = {}
    for path, value in values:
        if value in seen:
            yield path, f"{value!r} is already {path_text(seen[value])}", "each must be unique"
        seen.setdefault(value, path)
