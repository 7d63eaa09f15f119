"""The program ``sipnlb-remediator``: wires the parts, runs until it is told to stop.

Exit status: 0 stopped or sound, 1 failed while running, 2 wrong use or refused configuration.
"""

from __future__ import annotations

import argparse
import os
import random
import sys

import prometheus_client
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from cluster import flags, log
from cluster.client_context import client_context
from cluster.clock import SystemClock, deadline_in
from cluster.config import load
from cluster.config_model import Cluster, Config, Host
from cluster.door import Door, check_credentials
from cluster.errors import ClusterError
from cluster.host_reader import host_readers
from cluster.model import ClusterView
from cluster.observe import observe
from cluster.preflight import cannot_act, preflight, wire_reader
from cluster.serve import WebServer, is_loopback, parse_listen_address
from cluster.sip.options_probe import OptionsProbe
from cluster.stop import StopAsked
from cluster.surroundings import Surroundings, path_of
from cluster.web_file import WebFile
from remediator.acting import Actor, ObserveHosts
from remediator.command import COMMANDS, command_of
from remediator.evidence import ActionOutcome
from remediator.executor import Executor
from remediator.gauges import Gauges
from remediator.guards import Guards
from remediator.heartbeat import Pulse
from remediator.heartbeat_calls import calls_of
from remediator.interlock_gauges import InterlockGauges
from remediator.journal import Journal
from remediator.leases import Leases, only_with_lease
from remediator.look_result import Ending
from remediator.looks import Trigger
from remediator.make_guards import wire as wire_guards
from remediator.make_journal import check_journal, open_journal
from remediator.metrics import Metrics
from remediator.planner import ActionVerb
from remediator.resync import Resync
from remediator.rows import Hold, Row
from remediator.service import Service
from remediator.switch import Switch
from remediator.web import MAX_BODY_BYTES, WebhookOutcome, create_app
from remediator.webhook import AlertOutcome

DEFAULT_PORT = 9877
WEB_THREADS = 16


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="sipnlb-remediator",
        usage="%(prog)s [FLAGS]\n       %(prog)s COMMAND [FLAGS]",
        description="Make NLB ports follow the SIP Server mode: look at the clusters when an alert "
        "gives a reason to, decide by what is read, act and read again.",
        epilog=f"With a command it asks or tells the one that runs: {', '.join(COMMANDS)}. See "
        "%(prog)s COMMAND --help.",
    )
    flags.add_program_flags(made, DEFAULT_PORT)
    return made


def main(argv: list[str] | None = None) -> int:
    """Run the program; return its exit status."""
    given = sys.argv[1:] if argv is None else argv
    command = command_of(given)
    if command is not None:
        return command(given[1:])
    options = parser().parse_args(given)
    log.configure(options.log_level, options.log_format)
    try:
        config = load(options.config_file)
        address = parse_listen_address(options.listen_address)
        web = WebFile(options.web_config_file, SystemClock(), "remediator")
        local = is_loopback(address[0])
        door = Door(config.remediator.web, "remediator", web, on_loopback=local)
        if door.is_open and not local:
            raise ClusterError(
                options.listen_address,
                "beyond loopback the API needs credentials",
                "set remediator.web, or basic_auth_users in the file of --web.config.file",
            )
        door.check()
        for asked in config.asked:
            check_credentials(asked)
            client_context(asked.ca_file, asked.cert_file, asked.key_file)
        check_journal(config.remediator.journal, SystemClock())
        preflight(config, options.config_file, SystemClock(), wire, cannot_act(config))
        if options.config_check:
            level = config.remediator.policy.level
            said = f"{config.size}, level {level}; {flags.NO_HOST_ASKED}"
            print(f"{options.config_file}: sound: {said}")
            return flags.EXIT_OK
    except ClusterError as error:
        print(f"sipnlb-remediator: {error}", file=sys.stderr)
        return flags.EXIT_WRONG_USE
    try:
        return run(config, address, door, web)
    except ClusterError as error:
        print(f"sipnlb-remediator: {error}", file=sys.stderr)
        return flags.EXIT_FAILED


def run(config: Config, address: tuple[str, int], door: Door, web: WebFile) -> int:
    """Run until SIGTERM or SIGINT. Raises `ClusterError` if it cannot start."""
    clock = SystemClock()
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    metrics = make_metrics(registry, config)
    opened = open_journal(config, clock, address[1])
    journal = opened.journal
    given = Surroundings(clock, state_directory=path_of(config.remediator.state_directory))
    wired = wire_guards(config, clock, journal, opened.leases)
    service = make_service(config, given, journal, metrics, wired.guards, opened.leases)
    registry.register(Gauges(config, service))
    registry.register(InterlockGauges(config, wired, journal, clock, opened.leases))
    pulse = Pulse(calls_of(config.remediator.heartbeat, clock), service, clock)
    registry.register(pulse)
    application = create_app(config, service, metrics, registry, door, clock, wired.silences.words)
    # The application refuses and counts what is too large; the server's own limit stands behind it.
    server = WebServer(
        application.wsgi_app,
        address,
        threads=WEB_THREADS,
        max_body_bytes=2 * MAX_BODY_BYTES,
        terms=web.terms,
    )
    stop = StopAsked()
    wired.start(lambda cluster: service.request(cluster, Trigger.HOLD))
    service.start()
    server.start()
    pulse.begin()
    log.get("remediator").info(
        "started",
        version=flags.version(),
        url=server.url,
        policy=config.remediator.policy.level,
        order=config.remediator.policy.order,
        clusters=len(config.clusters),
        simulated=[cluster.name for cluster in config.clusters if cluster.simulated],
        credentials="none" if door.is_open else "required",
        pid=os.getpid(),
    )
    log.get("remediator").info("stopping", signal=stop.wait(clock))
    pulse.stop()
    service.stop()
    wired.stop()
    given.shared.close()
    server.close()
    opened.close()
    log.get("remediator").info("stopped")
    return flags.EXIT_OK


def wire(cluster: Cluster, host: Host, given: Surroundings) -> None:
    """Wire what this program needs of a host: its reader, and the switch unless it is a peer."""
    wire_reader(cluster, host, given)
    Switch((cluster.model_copy(update={"hosts": (host,)}),), given)


def make_service(
    config: Config,
    given: Surroundings,
    journal: Journal,
    metrics: Metrics,
    guards: Guards,
    leases: Leases,
) -> Service:
    """Wire the service with real readers and the real switch."""
    settings, clock = config.remediator, given.clock
    looking = make_observer(config, given)
    switch = Switch(config.clusters, given)
    actor = Actor(settings, clock, looking, switch, journal, metrics)
    jitter = random.Random()  # noqa: S311 - it only spreads pauses between tries
    callers = {
        cluster.name: OptionsProbe(cluster, cluster.service_probe, clock)
        for cluster in config.clusters
        if cluster.service_probe is not None and cluster.service_probe.verify_remediations
    }
    leased = only_with_lease(looking, leases)
    executor = Executor(settings, clock, leased, actor, journal, metrics, jitter, callers, guards)
    names = {cluster.name for cluster in config.clusters}
    resync = Resync(settings.alertmanagers, names)
    return Service(config, clock, executor, journal, metrics, resync, leases)


def make_observer(config: Config, given: Surroundings) -> ObserveHosts:
    """Return what takes fresh views for looks, with readers of its own."""
    clock = given.clock
    readers = {cluster.name: host_readers(cluster, given) for cluster in config.clusters}

    def look_at(cluster: Cluster, hosts: tuple[str, ...] | None) -> ClusterView:
        chosen = [
            reader for reader in readers[cluster.name] if hosts is None or reader.host in hosts
        ]
        return observe(cluster, chosen, deadline_in(clock, config.remediator.look_timeout), clock)

    return look_at


def make_metrics(registry: CollectorRegistry, config: Config) -> Metrics:
    """Register the counters with every value of their labels."""
    return Metrics(
        registry,
        webhook_outcomes=WebhookOutcome,
        alert_outcomes=AlertOutcome,
        rows=Row,
        endings=Ending,
        verbs=ActionVerb,
        action_outcomes=ActionOutcome,
        holds=Hold,
        clusters=[cluster.name for cluster in config.clusters],
    )


if __name__ == "__main__":
    sys.exit(main())
