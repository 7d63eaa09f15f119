"""Both programs on a simulated site, each asking for a token, to be attacked through HTTP."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.running import RunningSite, run_site, until
from tests.integration.test_remediator import ROOT, RunningRemediator, make


@dataclass(frozen=True, slots=True)
class Attacked:
    """What runs. exporter: its address. log: of the exporter."""

    site: RunningSite
    remediator: RunningRemediator
    exporter: str
    exporter_pid: int
    log: Path


def errors(log: Path) -> list[str]:
    """Return the lines of a log by which a program says that something failed."""
    lines = log.read_text("utf-8").splitlines()
    return [line[:300] for line in lines if re.match(r"ts=\S+ level=error ", line)]


@contextmanager
def attacked(
    folder: Path,
    prepare: Callable[[RunningRemediator], object] = lambda _: None,
    **settings: Any,
) -> Iterator[Attacked]:
    """Run a site, a remediator that may act, and an exporter; end them by their ids.

    prepare: told of the remediator before it starts. settings: of the remediator. Alertmanager is
    asked so rarely that no look comes of that.
    """
    with contextmanager(run_site)(folder, "--lag", "0") as site:
        made = make(site, folder, **{"resync": "1h", **settings})
        config = yaml.safe_load(made.configuration.read_text("utf-8"))
        config["exporter"] = {"web": config["remediator"]["web"]}
        made.configuration.write_text(yaml.safe_dump(config), "utf-8")
        prepare(made)
        made.start()
        try:
            until(lambda: bool(made.rows("decision")))
            with _exporter(made.configuration, folder / "exporter.log") as (url, pid):
                yield Attacked(site, made, url, pid, folder / "exporter.log")
        finally:
            assert made.process is not None
            if made.process.poll() is None:
                made.end(signal.SIGTERM)


@contextmanager
def _exporter(configuration: Path, log: Path) -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "exporter", f"--config.file={configuration}"]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*command, "--web.listen-address=127.0.0.1:0"], stderr=said, cwd=ROOT
        )
    try:
        url: list[str] = []

        def listens() -> bool:
            assert process.poll() is None, log.read_text("utf-8")
            url[:] = re.findall(r"event=listening url=(\S+)", log.read_text("utf-8"))
            return bool(url)

        until(listens)
        yield url[0], process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
