"""Command-line flags that the programs share, in the habit of the Prometheus ecosystem."""

from __future__ import annotations

import argparse
from importlib import metadata
from pathlib import Path

from cluster import log

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_WRONG_USE = 2

NO_HOST_ASKED = "no host was asked, see sipnlb-exporter check"
"""What a sound configuration does not say."""


def version() -> str:
    """Return the installed version; ``0+unknown`` if sipnlb runs without being installed."""
    try:
        return metadata.version("sipnlb")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def add_program_flags(parser: argparse.ArgumentParser, default_port: int) -> None:
    """Add the flags of a program that runs on and answers HTTP."""
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        default=Path("clusters.yml"),
        metavar="FILE",
        help="configuration of clusters and programs (default: %(default)s)",
    )
    parser.add_argument(
        "--config.check",
        dest="config_check",
        action="store_true",
        help="check the configuration, say what is wrong with it, and exit (0 sound, 2 refused)",
    )
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        default=f"127.0.0.1:{default_port}",
        metavar="HOST:PORT",
        help="address to answer HTTP on; port 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="TLS, users and headers of the HTTP side, in the form of Prometheus' programs; "
        "read anew when it changes (default: plain HTTP)",
    )
    parser.add_argument(
        "--log.level",
        dest="log_level",
        choices=log.LEVELS,
        default="info",
        help="least severe lines to write (default: %(default)s)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        choices=log.FORMATS,
        default="logfmt",
        help="form of log lines (default: %(default)s)",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version()}")
