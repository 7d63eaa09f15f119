"""Edge: ``sipnlb-exporter explain KIND FILE``. Reads one file, prints JSON, asks no host."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TextIO

from cluster.config_values import code_page
from cluster.errors import ClusterError
from cluster.flags import EXIT_FAILED, EXIT_OK, EXIT_WRONG_USE
from cluster.nlb import phrases
from exporter.explanation import Kind, explain, says_something

MAX_BYTES = 4 * 1024 * 1024
"""More than the largest answer that is read from a host."""

MAX_LOG_BYTES = 64 * 1024 * 1024
"""Several times what a segment of a SIP Server log has on a real site (documented: 10 MB)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the sub-command."""
    parser.add_argument("kind", choices=[str(kind) for kind in Kind], help="what was captured")
    parser.add_argument("file", metavar="FILE", help="the captured output; - for standard input")
    add_text_arguments(parser)


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how the text of the NLB utility is to be read."""
    parser.add_argument(
        "--code-page",
        dest="code_page",
        default="cp437",
        metavar="NAME",
        help="in which nlb printed, where the file has no byte order mark (default: %(default)s)",
    )
    parser.add_argument(
        "--phrases-file",
        dest="phrases_file",
        metavar="FILE",
        help="phrases of this site, tried before the built-in ones, as nlb.phrases_file",
    )


def run(options: argparse.Namespace, stdin: BinaryIO, stdout: TextIO, stderr: TextIO) -> int:
    """Print what the product makes of a captured output; return the exit status."""
    try:
        page = code_page(options.code_page)
        tables = phrases.load(options.phrases_file)
        most = MAX_LOG_BYTES if options.kind == str(Kind.LOG) else MAX_BYTES
        raw = _read(options.file, stdin, most)
    except (ClusterError, ValueError) as error:
        print(f"explain: {error}", file=stderr)
        return EXIT_WRONG_USE
    explanation = explain(Kind(options.kind), raw, tables, page)
    if options.kind == str(Kind.MLCMD):  # a plain list: its problems have no place in it
        for problem in explanation["problems"]:
            print(f"explain: {problem}", file=stderr)
    shown = explanation["applications"] if options.kind == str(Kind.MLCMD) else explanation
    print(json.dumps(shown, indent=2), file=stdout)
    return EXIT_OK if says_something(explanation) else EXIT_FAILED


def _read(file: str, stdin: BinaryIO, most: int) -> bytes:
    if file == "-":
        return _capped("standard input", stdin.read, most)
    try:
        with Path(file).open("rb") as captured:
            return _capped(file, captured.read, most)
    except OSError as error:
        raise ClusterError(file, f"cannot be read: {error.strerror}", "name a file") from error


def _capped(name: str, read: Callable[[int], bytes], most: int) -> bytes:
    raw = read(most + 1)
    if len(raw) > most:
        raise ClusterError(name, f"is larger than {most} bytes", "is it the output of one command?")
    return raw
