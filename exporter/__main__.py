"""The command ``sipnlb-exporter``: wires the parts, runs until it is told to stop.

Exit status: 0 stopped as asked, 1 failed, 2 wrong use or a refused configuration.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from cluster import log
from cluster.clock import Clock, SystemClock, deadline_in
from cluster.config import load
from cluster.config_model import Cluster, Config, Host
from cluster.door import Door
from cluster.errors import ClusterError
from cluster.flags import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_WRONG_USE,
    NO_HOST_ASKED,
    add_program_flags,
    version,
)
from cluster.host_reader import HostReads, own_host_readers
from cluster.model import ClusterView, Reason
from cluster.preflight import preflight, wire_reader
from cluster.programs import RunGroup
from cluster.serve import WebServer, is_loopback, parse_listen_address
from cluster.stop import StopAsked
from cluster.surroundings import Surroundings, path_of
from cluster.web_file import WebFile
from exporter import check, clusters_command, explain
from exporter.board import Board
from exporter.hosts_api import HostsApi
from exporter.pace import limits_of, refresh_seconds, timeout_seconds
from exporter.probe import Prober
from exporter.virtual_ip import virtual_ips
from exporter.watch import Watch
from exporter.web import Parts, create_app

DEFAULT_PORT = 9876
WEB_THREADS = 24
MAX_BODY_BYTES = 64 * 1024
STOP_SECONDS = 0.8
"""How long running answers and readings, side by side, have to end; what hangs is left behind."""


def entry_point() -> None:
    """Run the command and exit with its status."""
    sys.exit(main())


def main(argv: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as ended:  # argparse ends the program itself; here a number is returned
        return ended.code if isinstance(ended.code, int) else EXIT_WRONG_USE
    if options.command == "explain":
        return explain.run(options, sys.stdin.buffer, sys.stdout, sys.stderr)
    if options.command == "check":
        return check.run(options, SystemClock(), sys.stdout, sys.stderr)
    if options.command == "clusters":
        return clusters_command.run(options, SystemClock(), sys.stdout, sys.stderr)
    try:
        config = load(options.config_file)
        address = parse_listen_address(options.listen_address)
        web = WebFile(options.web_config_file, SystemClock(), "exporter")
        door = Door(config.exporter.web, "exporter", web, on_loopback=is_loopback(address[0]))
        door.check()
        preflight(config, options.config_file, SystemClock(), _wire)
    except ClusterError as error:
        print(f"sipnlb-exporter: {error}", file=sys.stderr)
        return EXIT_WRONG_USE
    if options.config_check:
        print(f"{options.config_file}: sound: {config.size}; {NO_HOST_ASKED}")
        return EXIT_OK
    log.configure(options.log_level, options.log_format)
    try:
        _serve(config, address, door, web)
    except ClusterError as error:
        print(f"sipnlb-exporter: {error}", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_OK


def _wire(cluster: Cluster, host: Host, given: Surroundings) -> None:
    """Wire what this program needs of a host: nothing of a peer, which publishes itself."""
    if not host.is_peer:
        wire_reader(cluster, host, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sipnlb-exporter",
        description="Publish mode and NLB port state of SIP Server pairs as metrics.",
    )
    add_program_flags(parser, DEFAULT_PORT)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    explain.add_arguments(
        commands.add_parser(
            "explain",
            help="print as JSON what is made of a captured output",
            description="Print as JSON what the exporter makes of a captured output. "
            "Exit status: 0 something was read, 1 nothing was, 2 wrong use.",
        )
    )
    check.add_arguments(
        commands.add_parser(
            "check",
            help="look at every host once and say what is wrong and what to do",
            description=check.DESCRIPTION,
        )
    )
    clusters_command.add_arguments(
        commands.add_parser(
            "clusters",
            help="print a skeleton of clusters.yml, made of what NLB reports",
            description=clusters_command.DESCRIPTION,
        )
    )
    return parser


def _serve(config: Config, address: tuple[str, int], door: Door, web: WebFile) -> None:
    """Run until SIGTERM or SIGINT. Raises `ClusterError` if it cannot begin."""
    clock, group = SystemClock(), RunGroup()
    given = Surroundings(
        clock, group=group, live=False, state_directory=path_of(config.exporter.state_directory)
    )
    logger = log.get("exporter")
    readers = [each for cluster in config.clusters for each in own_host_readers(cluster, given)]
    settings = config.exporter
    hosts = {(c.name, host.name): host for c in config.clusters for host in c.hosts}
    board = Board(
        _first_views(config, readers, clock),
        lambda cluster, host, key: limits_of(settings, hosts[cluster, host], key),
    )
    watch = Watch(
        readers,
        board,
        lambda cluster, host, key: refresh_seconds(settings, hosts[cluster, host], key),
        lambda cluster, host, key: timeout_seconds(settings, hosts[cluster, host], key),
        clock,
        logger,
    )
    prober = Prober(given)
    service = virtual_ips(config.clusters, clock, logger)
    # A peer's question is answered from now, never from what a slow source told before.
    live = Prober(replace(given, live=True))
    beyond = not is_loopback(address[0])
    peers = HostsApi(config, door, live.look_at_host, clock, is_open_to_all=beyond)
    app = create_app(
        Parts(config, board, clock, prober.look, watch.is_ready, version(), service, door, peers)
    )
    server = WebServer(
        app,
        address,
        threads=WEB_THREADS,
        max_body_bytes=MAX_BODY_BYTES,
        terms=web.terms,
    )
    stop = StopAsked()
    watch.start()
    service.start()
    server.start()
    logger.info("listening", url=server.url, clusters=len(config.clusters), version=version())
    logger.info("stopping", signal=stop.wait(clock))
    watch.stop()
    service.stop()
    group.end()
    deadline = deadline_in(clock, STOP_SECONDS)
    server.close(deadline.remaining(clock.now()))
    ended = watch.join(deadline.remaining(clock.now()))
    given.shared.close()
    logger.info("stopped", all_readings_ended=ended)


def _first_views(config: Config, readers: list[HostReads], clock: Clock) -> list[ClusterView]:
    """Return views in which nothing has been read yet."""
    now = clock.now()
    return [
        ClusterView(
            cluster.name,
            cluster.rules,
            tuple(
                reader.unread(Reason.NEVER_READ, "", now)
                for reader in readers
                if reader.cluster == cluster.name
            ),
            now,
            now,
        )
        for cluster in config.clusters
    ]


if __name__ == "__main__":
    entry_point()
