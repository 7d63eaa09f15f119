"""How long one look at one host takes by each back end and runner, and one reading of each source.

    make setup
    .venv/bin/python -m tests.bench.looks [ROUNDS]

Everything asks the same host of one simulated site, by turns, in one run, so that the ratios
hold whatever else the machine does. Every one keeps its own connections, as the programs do; the
first time, which opens them and loads their library, stands by itself, and the next two do not
count, since runner winrm opens a session in each. Runner peer asks a real exporter whose own
loops rest; its look includes the exporter's, by back end nlb and runner local.

Real are sshd, HTTP, TLS and the exporter; nothing is Windows. Every command of the site, be it
nlb, powershell or mlcmd, takes the same assumed time and starts as quickly as a script does: what
the real ones need is not in here. The figures depend on the machine and are asserted nowhere.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster import config
from cluster.clock import SystemClock, deadline_in
from cluster.config_model import Cluster
from cluster.host_reader import host_reader
from cluster.model import Reading, SipMode
from cluster.nlb.back_ends import BACK_ENDS
from cluster.observe import observe
from cluster.runners.table import RUNNERS
from cluster.runners.winrm_pool import MOST_SESSIONS
from cluster.surroundings import Surroundings
from simulator.knobs import Knobs
from tests.integration import test_exporter
from tests.integration.running import ROOT, RunningSite, run_site
from tests.integration.running_psrp import run_psrp_host
from tests.integration.ssh_server import USER, run_ssh_server, runner_section

CLOCK = SystemClock()
SECONDS = 10.0
WINRM_ADDRESS = "127.0.0.11"
"""Runner winrm connects to the host's own address; the others do not need it."""

Ask = Callable[[], list[Reading[Any]]]
Change = Callable[[dict[str, Any]], None]
"""Changes one host's entry of clusters.yml in place."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is asked. site: with every mode source. directory: for files of the parts."""

    site: RunningSite
    directory: Path
    stack: ExitStack

    def document(self) -> dict[str, Any]:
        """Return the site's configuration, without what nobody asks for here."""
        file = self.site.directory / "clusters.yml"
        document: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
        entry = document["clusters"][0]
        entry.pop("service_probe")
        entry["hosts"][0]["address"] = WINRM_ADDRESS
        return document

    def host(self) -> dict[str, Any]:
        """Return the first host's entry."""
        return dict(self.document()["clusters"][0]["hosts"][0])

    def cluster(self, change: Change) -> Cluster:
        """Return the cluster, loaded as the programs load it, with its first host changed."""
        document = self.document()
        change(document["clusters"][0]["hosts"][0])
        file = self.directory / "clusters.yml"
        file.write_text(yaml.safe_dump(document), "utf-8")
        return config.load(file).clusters[0]

    def surroundings(self) -> Surroundings:
        """Return surroundings whose connections last as long as the bench."""
        given = Surroundings(CLOCK)
        self.stack.callback(given.shared.close)
        return given

    def look(self, change: Change) -> Ask:
        """Return a look at the first host, changed."""
        cluster = self.cluster(change)
        reader = host_reader(cluster, cluster.hosts[0], self.surroundings())

        def ask() -> list[Reading[Any]]:
            view = observe(cluster, [reader], deadline_in(CLOCK, SECONDS), CLOCK).hosts[0]
            return [*view.sip, view.node, *(reading for _, reading in view.ports), view.params]

        return ask

    def mode(self, source: dict[str, Any]) -> Ask:
        """Return a reading of the first host's mode from one source."""
        cluster = self.cluster(lambda host: host["sip_server"].update(sources=[source]))
        reader = host_reader(cluster, cluster.hosts[0], self.surroundings())
        return lambda: [reader.sip(0, deadline_in(CLOCK, SECONDS))]


def ssh(bench: Bench) -> dict[str, Any]:
    """Start a real sshd on loopback."""

    def program(name: str) -> Path:
        found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
        assert found is not None, f"{name} is missing: run 'make setup'"
        return Path(found)

    running = contextlib.contextmanager(run_ssh_server)
    server = bench.stack.enter_context(running(program, bench.directory / "sshd"))
    server.write_known_hosts()
    account = {"user": USER, "key_file": str(server.make_key("reader"))}
    return runner_section(server, read=account)


def winrm(bench: Bench) -> dict[str, Any]:
    """Start a host with PowerShell endpoints: https, both sides with certificates."""
    entry, host = bench.document()["clusters"][0], bench.host()
    rule, program = entry["port_rules"][0], Path(host["nlb"]["program"])
    cim = {
        "program": str(program.with_name("powershell")),
        "cluster_ip": entry["virtual_ip"],
        "host_id": host["host_id"],
        "rule": [rule["end"], rule["protocol"]],
    }
    folder = bench.directory / "psrp"
    running = run_psrp_host(folder, str(program), address=WINRM_ADDRESS, tls=True, cim=cim)
    return bench.stack.enter_context(running).runner()


def only_http(host: dict[str, Any]) -> None:
    """Leave a host one mode source, the page."""
    sources = host["sip_server"]["sources"]
    host["sip_server"]["sources"] = [each for each in sources if each["type"] == "http"]


def over(back_end: str, section: dict[str, Any]) -> Change:
    """Return what makes a host asked by this back end through this runner."""

    def change(host: dict[str, Any]) -> None:
        program = Path(host["nlb"]["program"])
        programs = {"nlb": program, "cim": program.with_name("powershell")}
        only_http(host)
        host["runner"], host["nlb"] = section, {"backend": back_end}
        if section["type"] != "winrm":  # there the endpoint knows its programs
            host["nlb"]["program"] = str(programs[back_end])

    return change


def peer(bench: Bench) -> Change:
    """Start an exporter; return what makes the host read through it."""
    file = bench.directory / "exporter.yml"
    rest = dict.fromkeys(("sip_server", "nlb", "params"), "1h")
    document = bench.document() | {"exporter": {"refresh": rest}}
    for host in document["clusters"][0]["hosts"]:
        only_http(host)
    file.write_text(yaml.safe_dump(document), "utf-8")
    exporter = test_exporter.start(file)
    bench.stack.callback(exporter.stop)

    def change(host: dict[str, Any]) -> None:
        host["runner"] = {"type": "peer", "url": exporter.url, "lag": "0s"}
        del host["nlb"], host["sip_server"]["sources"]

    return change


def looks(bench: Bench) -> dict[str, Ask]:
    """Return a look for every combination."""
    sections = {"local": {"type": "local"}, "ssh": ssh(bench), "winrm": winrm(bench)}
    pairs = itertools.product(BACK_ENDS, RUNNERS)
    made = {f"{each} {runner}": bench.look(over(each, sections[runner])) for each, runner in pairs}
    return made | {"peer (nlb local)": bench.look(peer(bench))}


def modes(bench: Bench) -> dict[str, Ask]:
    """Return a reading for every mode source. Plain stands for any script of a site."""
    server = bench.host()["sip_server"]
    sources = {source["type"]: source for source in server["sources"]}
    script = bench.directory / "modes"
    script.write_text(f"#!/bin/sh\necho '{server['application']} primary'\n", "utf-8")
    script.chmod(0o755)
    plain = sources["exec"] | {"command": [str(script)], "format": "plain"}
    named = {"http": sources["http"], "log": sources["log"], "exec mlcmd": sources["exec"]}
    return {name: bench.mode(source) for name, source in (named | {"exec plain": plain}).items()}


def milliseconds(name: str, ask: Ask) -> float:
    """Ask once; return how long it took. One that does not know all stops the run."""
    began = CLOCK.now()
    readings = ask()
    taken = 1000 * CLOCK.now().seconds_since(began)
    assert all(reading.problem is None for reading in readings), (name, readings)
    assert readings[0].value.mode is SipMode.PRIMARY, (name, readings)
    return taken


def show(title: str, first: dict[str, float], taken: dict[str, list[float]]) -> None:
    """Print one table; ratios are to its first line."""
    base = statistics.median(next(iter(taken.values())))
    print(f"\n{title:24} {'first':>8} {'median':>8} {'p95':>8} {'ratio':>6}")
    for name, times in taken.items():
        median, late = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"{name:24} {first[name]:8.1f} {median:8.1f} {late:8.1f} {median / base:6.2f}")


@contextlib.contextmanager
def started() -> Iterator[Bench]:
    """Run a site with every mode source, whose pages do not lag."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        sources = [f"--source={source}" for source in ("http", "log", "exec")]
        running = contextlib.contextmanager(run_site)
        site = stack.enter_context(running(Path(name) / "site", "--lag", "0", *sources))
        yield Bench(site, Path(name), stack)


def main(rounds: int) -> None:
    """Measure and print."""
    before = os.getloadavg()[0]
    with started() as bench:
        tables = {"one look at one host": looks(bench), "one reading of the mode": modes(bench)}
        asked = {name: ask for table in tables.values() for name, ask in table.items()}
        first = {name: milliseconds(name, ask) for name, ask in asked.items()}
        taken: dict[str, list[float]] = {name: [] for name in asked}
        for number in range(MOST_SESSIONS - 1 + rounds):  # to and fro: nobody has one forerunner
            for name in list(asked)[:: -1 if number % 2 else 1]:
                taken[name].append(milliseconds(name, asked[name]))
    load = f"load {before:.2f} before, {os.getloadavg()[0]:.2f} after, {os.cpu_count()} cores"
    print(f"Milliseconds, {rounds} rounds; {load}.")
    print(f"Every command of the site takes {1000 * Knobs().command_seconds:g} ms of it (assumed).")
    for title, table in tables.items():
        show(title, first, {name: taken[name][-rounds:] for name in table})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
