"""Edge: ``sipnlb-exporter clusters --from-nlb``. Prints a skeleton of ``clusters.yml``.

Asks this machine's NLB utility, or reads captured outputs of any hosts. Changes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from cluster import programs
from cluster.clock import Clock, deadline_in
from cluster.config_values import code_page
from cluster.errors import ClusterError
from cluster.flags import EXIT_FAILED, EXIT_OK, EXIT_WRONG_USE
from cluster.nlb import phrases
from cluster.nlb.dialect import TextDialect
from cluster.nlb.output import decode, parse_query
from cluster.nlb.params import parse_params
from cluster.nlb.phrases import Phrases
from cluster.runners.local import LocalRunner
from cluster.runners.request import Request, Verb
from exporter.explain import add_text_arguments
from exporter.skeleton import Report, skeleton

MAX_BYTES = 4 * 1024 * 1024
ASK_SECONDS = 10.0

DESCRIPTION = (
    "Print a skeleton of clusters.yml, made of what NLB reports. What NLB cannot know is left "
    "empty and marked TODO, and --config.check refuses the file until it is written. Exit status: "
    "0 printed, 1 nothing could be read, 2 wrong use."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the sub-command."""
    parser.add_argument(
        "--from-nlb",
        dest="from_nlb",
        action="store_true",
        required=True,
        help="of what NLB reports (the only way there is)",
    )
    parser.add_argument(
        "--params",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="captured output of 'nlb params', one file a host; without it this machine is asked",
    )
    parser.add_argument(
        "--program", metavar="PATH", help="NLB utility of this machine (default: the system's own)"
    )
    add_text_arguments(parser)


def run(options: argparse.Namespace, clock: Clock, stdout: TextIO, stderr: TextIO) -> int:
    """Print the skeleton; return the exit status."""
    try:
        page = code_page(options.code_page)
        tables = phrases.load(options.phrases_file)
        if options.params and options.program:
            raise ClusterError("--program", "asks this machine, --params does not", "give one")
        texts = _captured(options.params, page) if options.params else None
    except (ClusterError, ValueError) as error:
        print(f"clusters: {error}", file=stderr)
        return EXIT_WRONG_USE
    program = options.program or programs.default_nlb_program()
    try:
        reports = (
            _ask_here(TextDialect(program, tables, page), clock)
            if texts is None
            else _of_hosts(texts, tables)
        )
    except ClusterError as error:
        print(f"clusters: {error}", file=stderr)
        return EXIT_FAILED
    print(skeleton(reports), end="", file=stdout)
    return EXIT_OK


def _captured(files: list[Path], page: str) -> list[tuple[str, str]]:
    """Return name and text of each file. Raises `ClusterError` if one cannot be read."""
    return [(str(file), decode(_bytes(file), page)) for file in files]


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as captured:
            raw = captured.read(MAX_BYTES + 1)
    except OSError as error:
        raise ClusterError(str(file), f"cannot be read: {error.strerror}", "name a file") from error
    if len(raw) > MAX_BYTES:
        hint = "is it the output of one command?"
        raise ClusterError(str(file), f"is larger than {MAX_BYTES} bytes", hint)
    return raw


def _of_hosts(texts: list[tuple[str, str]], tables: Phrases) -> tuple[Report, ...]:
    """Return what the outputs report. Raises `ClusterError` for two of one host."""
    seen: dict[tuple[str | None, int | None], str] = {}
    reports: list[Report] = []
    for name, text in texts:
        of_one = tuple(_read(name, text, tables))
        for report in of_one:
            cluster_ip, host_id = report.params.cluster_ip, report.params.host_id
            if (cluster_ip, host_id) in seen:
                raise ClusterError(
                    name,
                    f"is of host {host_id} of cluster {cluster_ip}, and so is "
                    f"{seen[cluster_ip, host_id]}",
                    "give one output of each host",
                )
        whose = ((report.params.cluster_ip, report.params.host_id) for report in of_one)
        seen |= {(ip, host_id): name for ip, host_id in whose if ip and host_id}
        reports += of_one
    return tuple(reports)


def _read(name: str, text: str, tables: Phrases) -> Iterator[Report]:
    """Yield what one output of ``nlb params`` reports, one a cluster."""
    parsed = parse_params(text, tables)
    if not parsed.blocks:
        raise ClusterError(
            name,
            "no parameters in it: " + "; ".join(parsed.problems),
            "capture what 'nlb params' prints; 'sipnlb-exporter explain nlb-params' tells more",
        )
    yield from (Report(params) for params in parsed.blocks)


def _ask_here(dialect: TextDialect, clock: Clock) -> tuple[Report, ...]:
    """Ask this machine's utility. Raises `ClusterError` if it does not answer."""
    params = _said(dialect, Request(Verb.PARAMS), clock)
    asked = parse_query(_said(dialect, Request(Verb.QUERY), clock), dialect.phrases)
    members = {status.cluster_ip: status.members for status in asked.blocks}
    return tuple(
        Report(report.params, is_here=True, members=members.get(report.params.cluster_ip))
        for report in _read(f"{dialect.program} params", params, dialect.phrases)
    )


def _said(dialect: TextDialect, request: Request, clock: Clock) -> str:
    runner = LocalRunner(dialect.argv, clock)
    answer = runner.run(request, deadline_in(clock, ASK_SECONDS))
    if answer.problem is not None:
        hint = "run it on a node, name --program, or capture 'nlb params' and name --params"
        raise ClusterError(answer.command, str(answer.problem), hint)
    return decode(answer.stdout + answer.stderr, dialect.code_page)
