"""``sipnlb-simulator``: a pretend site, commands to it, and the demonstration.

Exit status: 0 done (demo: every workflow ended right), 1 it could not be done or ended wrong,
2 wrong use. POSIX only: the commands of simulated hosts are executable scripts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cluster.flags import EXIT_FAILED, EXIT_OK, EXIT_WRONG_USE, version
from simulator.description import MAX_CLUSTERS
from simulator.knobs import Overlap
from simulator.sip_log_text import LogProfile, MessageFormat, TimeFormat
from simulator.tool_text import ExitProfile
from simulator.world import OPERATIONS

_LINE_ENDS = {"crlf": "\r\n", "lf": "\n", "crcrlf": "\r\r\n"}
_HELP = {
    "switchover": "let the Management Layer switch the pair over",
    "fail": "let a SIP Server process die, by default the primary's",
    "restart": "launch the SIP Server that died",
    "disconnect": "cut a host off the network, by default the primary's",
    "reconnect": "give the host that was cut off its network back",
    "state": "show the true state of a cluster",
}


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(
        prog="sipnlb-simulator",
        description="A simulated site of SIP Server pairs behind Windows NLB. Nothing is real.",
        epilog="exit status: 0 done, 1 not done or ended wrong, 2 wrong use",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {version()}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    site = commands.add_parser("site", help="run a simulated site until interrupted")
    _add_site(site)
    _add_sources(site)
    for name in (*OPERATIONS, "state"):
        _add_operation(commands.add_parser(name, help=_HELP[name]), name)
    _add_demo(commands.add_parser("demo", help="play the three workflows on a whole stack"))
    return top


def _add_site(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--clusters",
        type=_clusters,
        default=1,
        metavar="N",
        help=f"number of clusters, 1 to {MAX_CLUSTERS} (default: %(default)s)",
    )
    command.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="where clusters.yml and the hosts' commands go (default: a temporary one)",
    )
    command.add_argument(
        "--lag",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="how old a statistics page is when it is given (default: %(default)s)",
    )
    command.add_argument(
        "--control-port",
        type=_port,
        default=0,
        metavar="PORT",
        help="port of the control API; 0 takes a free one (default: %(default)s)",
    )
    command.add_argument(
        "--pace",
        choices=("quick", "documented"),
        default="quick",
        help="waits of a demonstration, or the documented ones (default: %(default)s)",
    )
    command.add_argument(
        "--overlap",
        choices=[str(kind) for kind in Overlap],
        default=str(Overlap.BACKUP_BACKUP),
        help="what both servers are for a moment of a switchover (default: %(default)s)",
    )
    command.add_argument(
        "--nlb-version",
        choices=("2.4", "2.6"),
        default="2.6",
        help="version that the NLB utility prints as (default: %(default)s)",
    )
    command.add_argument(
        "--nlb-line-end",
        choices=sorted(_LINE_ENDS),
        default="crlf",
        help="line ends of the NLB utility (default: %(default)s)",
    )
    command.add_argument(
        "--nlb-exit-status",
        choices=[str(kind) for kind in ExitProfile],
        default=str(ExitProfile.ONE),
        help="exit status of the NLB utility (default: %(default)s)",
    )
    command.add_argument(
        "--rules-stay-disabled",
        action="store_true",
        help="a node that starts keeps its rules as they were, instead of enabling all",
    )
    command.add_argument(
        "--wider-rule", action="store_true", help="hosts report a wider rule than is configured"
    )
    command.add_argument(
        "--foreign-cluster", action="store_true", help="each host is in a second NLB cluster too"
    )
    command.add_argument(
        "--operation-mode",
        choices=("unicast", "multicast", "igmp_multicast"),
        default="unicast",
        help="operation mode of the NLB clusters (default: %(default)s)",
    )
    command.add_argument(
        "--affinity",
        choices=("none", "single"),
        default="none",
        help="affinity of the SIP rule; none spreads callers of one address (default: %(default)s)",
    )
    command.add_argument(
        "--remote-control", action="store_true", help="hosts report NLB remote control as on"
    )
    command.add_argument(
        "--backend",
        choices=("nlb", "cim"),
        default="nlb",
        help="back end that clusters.yml names; hosts have the commands of both (default: nlb)",
    )


def _add_sources(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--source",
        action="append",
        choices=("http", "log", "exec"),
        help="mode source that clusters.yml names; again for more, the first one decides "
        "(default: http)",
    )
    command.add_argument(
        "--log-message-format",
        choices=[str(kind) for kind in MessageFormat],
        default=str(MessageFormat.SHORT),
        help="records of SIP Server logs (default: %(default)s)",
    )
    command.add_argument(
        "--log-time-format",
        choices=[str(kind) for kind in TimeFormat],
        default=str(TimeFormat.ISO8601),
        help="stamps of SIP Server logs (default: %(default)s)",
    )


def _add_operation(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument("cluster", metavar="CLUSTER")
    command.add_argument(
        "--control",
        metavar="URL",
        help="control API of the site (default: of the only one that runs)",
    )
    if name not in {"switchover", "state"}:
        command.add_argument("--host", metavar="HOST", help="another host than the usual one")
    if name == "state":
        command.add_argument("--json", action="store_true", help="all of it, as JSON")


def _add_demo(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--deployment",
        choices=("central", "on-node"),
        default="central",
        help="one exporter and remediator, or both on each node (default: %(default)s)",
    )
    command.add_argument(
        "--json", type=_new_file, metavar="FILE", help="write the results to a file as JSON"
    )
    command.add_argument(
        "--keep", action="store_true", help="leave all running until interrupted, with addresses"
    )
    command.add_argument(
        "--lag",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how old a statistics page is when it is given (default: %(default)s)",
    )
    command.add_argument(
        "--plain", action="store_true", help="plain lines instead of the live display"
    )


def _clusters(text: str) -> int:
    return _whole(text, 1, MAX_CLUSTERS)


def _port(text: str) -> int:
    return _whole(text, 0, 65535)


def _whole(text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 60")
    return seconds


def _new_file(text: str) -> Path:
    """Refuse at once what could not be written a minute later."""
    file = Path(text)
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text} cannot be written")
    return file


def main(argv: Sequence[str]) -> int:
    """Carry out a command line; return the exit status."""
    if sys.platform == "win32":
        print("sipnlb-simulator runs on Linux and macOS only", file=sys.stderr)
        return EXIT_FAILED
    try:
        given = parser().parse_args(list(argv))
    except SystemExit as ended:
        return EXIT_OK if ended.code in {0, None} else EXIT_WRONG_USE
    try:
        return _run(given)
    except ModuleNotFoundError as missing:
        if missing.name not in {"aiohttp", "rich"}:
            raise
        hint = "install sipnlb with its extra simulator, as in pip install '.[simulator]'"
        print(f"{missing}: {hint}", file=sys.stderr)
        return EXIT_FAILED


def _run(given: argparse.Namespace) -> int:
    """Carry out a command. Its modules need POSIX and the extra packages, so they come late."""
    if given.command == "demo":
        from simulator import demo  # noqa: PLC0415 # see above
        from simulator.demo_nodes import Deployment  # noqa: PLC0415 # see above

        return asyncio.run(
            demo.command(
                demo.Options(
                    given.json,
                    keep=given.keep,
                    lag_seconds=given.lag,
                    plain=given.plain,
                    deployment=Deployment(given.deployment),
                )
            )
        )
    if given.command == "site":
        from simulator import site_command  # noqa: PLC0415 # see above

        return asyncio.run(
            site_command.run(
                site_command.Options(
                    clusters=given.clusters,
                    directory=given.directory,
                    lag_seconds=given.lag,
                    control_port=given.control_port,
                    documented_pace=given.pace == "documented",
                    overlap=Overlap(given.overlap),
                    version=given.nlb_version,
                    line_end=_LINE_ENDS[given.nlb_line_end],
                    exit_profile=ExitProfile(given.nlb_exit_status),
                    rules_stay_disabled=given.rules_stay_disabled,
                    wider_rule=given.wider_rule,
                    foreign_cluster=given.foreign_cluster,
                    operation_mode=given.operation_mode,
                    affinity=given.affinity,
                    remote_control=given.remote_control,
                    back_end=given.backend,
                    sources=tuple(given.source or ("http",)),
                    logs=LogProfile(
                        MessageFormat(given.log_message_format), TimeFormat(given.log_time_format)
                    ),
                )
            )
        )
    from simulator import control_client  # noqa: PLC0415 # see above

    return control_client.command(
        given.command,
        given.cluster,
        given.control,
        host=getattr(given, "host", None),
        as_json=getattr(given, "json", False),
    )


def entry_point() -> None:
    """Run as a program."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    entry_point()
