"""How long one query takes by each runner: python -m tests.bench.runner_round_trip [N].

All of them carry the same requests to the same simulated host, by turns, in one run, so that the
ratios hold whatever else the machine does. A new runner is a function and a line in `RUNNERS`.
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import yaml

from cluster import config
from cluster.clock import SystemClock, deadline_in
from cluster.host_reader import runner_of
from cluster.runners.request import Request, Runner, Verb
from cluster.surroundings import Surroundings
from tests.integration.running import RunningSite, run_site
from tests.integration.running_psrp import run_psrp_host
from tests.integration.ssh_server import USER, run_ssh_server, runner_section

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0
WINRM_ADDRESS = "127.0.0.11"
"""Runner winrm connects to the host's own address; the other runners do not need it."""


def wired(
    site: RunningSite, directory: Path, section: dict[str, Any], given: Surroundings
) -> Runner:
    """Return the first host's runner, wired as the programs do it from this ``runner`` section."""
    document = yaml.safe_load((site.directory / "clusters.yml").read_text("utf-8"))
    document["clusters"][0]["hosts"][0]["address"] = WINRM_ADDRESS
    document["clusters"][0].pop("service_probe", None)  # it has that address too
    for host in document["clusters"][0]["hosts"]:
        host["runner"] = section
    file = directory / "clusters.yml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    cluster = config.load(file).clusters[0]
    return runner_of(cluster, cluster.hosts[0], given)[0]


@contextlib.contextmanager
def local(site: RunningSite, directory: Path, given: Surroundings) -> Iterator[Runner]:
    """Programs of this machine."""
    yield wired(site, directory, {"type": "local"}, given)


@contextlib.contextmanager
def ssh(site: RunningSite, directory: Path, given: Surroundings) -> Iterator[Runner]:
    """A real sshd on loopback."""

    def program(name: str) -> Path:
        found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
        assert found is not None, f"{name} is missing: run 'make setup'"
        return Path(found)

    for server in run_ssh_server(program, directory / "sshd"):
        server.write_known_hosts()
        account = {"user": USER, "key_file": str(server.make_key("reader"))}
        yield wired(site, directory, runner_section(server, read=account), given)


def winrm(transport: str) -> Callable[..., AbstractContextManager[Runner]]:
    """PSRP with NTLM over http, or with certificates over https, to a peer on loopback."""

    @contextlib.contextmanager
    def made(site: RunningSite, directory: Path, given: Surroundings) -> Iterator[Runner]:
        program = next(iter(site.listeners["sip-east"]["programs"].values()))
        tls = transport == "https"
        with run_psrp_host(directory / "psrp", program, tls=tls, address=WINRM_ADDRESS) as host:
            yield wired(site, directory, host.runner(), given)

    return made


RUNNERS: dict[str, Callable[[RunningSite, Path, Surroundings], AbstractContextManager[Runner]]] = {
    "local": local,
    "ssh": ssh,
    "winrm http": winrm("http"),
    "winrm https": winrm("https"),
}


def main(count: int) -> None:
    """Measure and print; the first query of each runner, which connects, stands by itself."""
    given = Surroundings(SystemClock())
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        running = contextlib.contextmanager(run_site)
        site = stack.enter_context(running(directory / "site", "--lag", "0"))
        runners = {}
        for kind, make in RUNNERS.items():
            (directory / kind).mkdir()
            runners[kind] = stack.enter_context(make(site, directory / kind, given))
        stack.callback(given.shared.close)
        first = {kind: query(runner, given) for kind, runner in runners.items()}
        taken: dict[str, list[float]] = {kind: [] for kind in runners}
        for _ in range(count):
            for kind, runner in runners.items():
                taken[kind].append(query(runner, given))
    base = statistics.median(taken["local"])
    print(f"{'runner':11} {'first':>8} {'median':>8} {'p95':>8}  ratio   (ms, {count} queries)")
    for kind, times in taken.items():
        median, late = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        figures = f"{first[kind]:8.1f} {median:8.1f} {late:8.1f}"
        print(f"{kind:11} {figures} {median / base:6.2f}")


def query(runner: Runner, given: Surroundings) -> float:
    """Ask for the node's state once; return the milliseconds. A failed one stops the run."""
    began = given.clock.now()
    answer = runner.run(Request(Verb.QUERY), deadline_in(given.clock, SECONDS))
    assert answer.problem is None, answer
    assert b"converged" in answer.stdout, answer
    return 1000 * given.clock.now().seconds_since(began)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
