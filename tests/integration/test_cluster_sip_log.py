"""The source `log` on real files and processes: rotation under its eyes, crashes, 10 GB of log."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from cluster.clock import SystemClock, deadline_in
from cluster.config_sources import TcpLiveness
from cluster.model import Problem, Reason, SipMode
from cluster.sip.liveness import TcpCheck
from cluster.sip.log_folder import LogFolder
from cluster.sip.log_tail import LogTail
from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.unit import sip_log_samples as samples
from tests.unit.sip_log_samples import BACKUP, PRIMARY, append, header, record, write

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
ONE, TWO = "sip-east-1", "sip-east-2"
GIGABYTE = 10**9


def tail_in(folder: Path, *, follows: bool = False) -> LogTail:
    """Return a tail as the programs have it."""
    log = LogFolder(folder / samples.BASE, "cp1252")
    return LogTail(log, CLOCK, None, wants_moment=True, follows=follows)


# -- files


def test_no_role_is_missed_while_it_is_written_and_rotated(tmp_path: Path) -> None:
    """A writer that never waits; the tail ends with the writer's last word."""
    tail = tail_in(tmp_path)
    done = threading.Event()

    def write_on() -> None:
        for number in range(1, 41):
            path = write(tmp_path, header(number, minutes=number), number)
            for line in range(60):
                append(path, "13:54:59.856: SIPCM: id=1\r\n" * 20)
                append(path, record((PRIMARY, BACKUP)[line % 2], number))
            if number > 5:
                (tmp_path / samples.name(number - 5)).unlink()
        append(path, record(PRIMARY, 99))
        done.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    seen = set()
    while not done.is_set():
        told = tail.read(deadline_in(CLOCK, 1.0))
        seen.add(told.problem.reason if told.problem else told.state.mode)
    writer.join()

    assert tail.read(deadline_in(CLOCK, 1.0)).state.mode is SipMode.PRIMARY
    assert seen <= {SipMode.PRIMARY, SipMode.BACKUP, Reason.UNREACHABLE, Reason.ROLE_NOT_TOLD}
    assert seen & {SipMode.PRIMARY, SipMode.BACKUP}


@pytest.mark.parametrize("role_at", ["end", "nowhere"])
def test_ten_gigabytes_cost_neither_memory_nor_the_deadline(tmp_path: Path, role_at: str) -> None:
    """A role at the end is found at once; the search for one that is nowhere is cut in pieces."""
    path = write(tmp_path, header(1))
    with path.open("r+b") as file:
        file.seek(10 * GIGABYTE)
        file.write(b"\r\n" + (record(PRIMARY).encode() if role_at == "end" else b""))
    tail = tail_in(tmp_path)
    tracemalloc.start()
    began = time.monotonic()
    told = tail.read(deadline_in(CLOCK, 0.5))
    took = time.monotonic() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert took < 0.75
    assert peak < 16 * 1024 * 1024
    if role_at == "end":
        assert (told.problem, told.state.mode) == (None, SipMode.PRIMARY)
    else:
        assert told.problem is not None
        assert told.problem.reason is Reason.TIMEOUT


def test_it_follows_by_itself_where_nobody_reads(tmp_path: Path) -> None:
    """The remediator reads seldom; rotation does not outrun it all the same."""
    path = write(tmp_path, header(1) + record(PRIMARY))
    tail = tail_in(tmp_path, follows=True)
    assert tail.read(deadline_in(CLOCK, 1.0)).state.mode is SipMode.PRIMARY
    append(path, record(BACKUP, 1))
    try:
        until(lambda: tail._state.mode is SipMode.BACKUP)
    finally:
        tail.close()


# -- the sign of life


def test_a_port_that_accepts_is_a_sign_of_life() -> None:
    """One that refuses is none; each answer is asked for anew where it must be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        settings = TcpLiveness.model_validate({"type": "tcp", "port": port})
        live = TcpCheck(settings, "127.0.0.1", CLOCK, live=True)
        calm = TcpCheck(settings, "127.0.0.1", CLOCK, live=False)
        answers = [check.problem(deadline_in(CLOCK, 1.0)) for check in (live, calm)]
    refused = Problem(Reason.NOT_ALIVE, f"liveness tcp 127.0.0.1:{port}: Connection refused")

    assert answers == [None, None]
    assert live.problem(deadline_in(CLOCK, 1.0)) == refused
    assert calm.problem(deadline_in(CLOCK, 1.0)) is None
    until(lambda: calm.problem(deadline_in(CLOCK, 1.0)) == refused)


def test_a_port_that_does_not_answer_costs_no_more_than_the_deadline() -> None:
    """A listener whose queue is full drops what comes, as a host that is gone does."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            queued = stack.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(server.getsockname())
        port = server.getsockname()[1]
        settings = TcpLiveness(type="tcp", address="127.0.0.1", port=port)
        check = TcpCheck(settings, "10.7.0.11", CLOCK, live=True)
        began = time.monotonic()
        problem = check.problem(deadline_in(CLOCK, 0.3))
        late = check.problem(deadline_in(CLOCK, 0.0))

    assert problem == Problem(Reason.NOT_ALIVE, f"liveness tcp 127.0.0.1:{port}: no answer in time")
    assert time.monotonic() - began < 0.55
    assert late == Problem(
        Reason.TIMEOUT, f"liveness tcp 127.0.0.1:{port}: no time was left to ask"
    )


# -- a site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose modes are read from logs."""
    yield from run_site(tmp_path, "--source=log", "--log-time-format=locale")


class Exporter:
    """An exporter of the site, as a process."""

    def __init__(self, site: RunningSite, tmp_path: Path) -> None:
        config = yaml.safe_load((site.directory / "clusters.yml").read_text())
        config["exporter"] = {"state_directory": str(tmp_path / "state")}
        file = tmp_path / "clusters.yml"
        file.write_text(yaml.safe_dump(config))
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "exporter",
                f"--config.file={file}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )

    def mode(self, host: str) -> str:
        """Return the mode, or `unknown` and why; empty while nothing is there."""
        try:
            text = requests.get(f"{self.url}/metrics", timeout=5).text
        except requests.ConnectionError:
            return ""
        lines = [line for line in text.splitlines() if f'host="{host}"' in line]
        modes = [
            m
            for m in ("primary", "backup", "unknown")
            for line in lines
            if line.startswith("sip_server_mode{")
            and f'mode="{m}"' in line
            and line.endswith(" 1.0")
        ]
        why = [
            line.partition('reason="')[2].partition('"')[0]
            for line in lines
            if line.startswith("sipnlb_reading_problem{")
            and 'reading="mode_log"' in line
            and line.endswith(" 1.0")
        ]
        return " ".join(modes + why)

    def end(self) -> None:
        """End it by its process id."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()


def test_the_exporter_follows_a_pair_by_its_logs(site: RunningSite, tmp_path: Path) -> None:
    """Switchover, crash, a host cut off, rotation and truncation, and its own restart."""
    exporter = Exporter(site, tmp_path)
    east = "/api/v1/clusters/sip-east"
    try:
        until(lambda: (exporter.mode(ONE), exporter.mode(TWO)) == ("primary", "backup"))
        assert site.post(f"{east}/switchover").ok
        until(lambda: (exporter.mode(ONE), exporter.mode(TWO)) == ("backup", "primary"))

        assert site.post(f"{east}/hosts/{TWO}/fault", {"log": "role_rotated_out"}).ok
        logs = Path(site.listeners["sip-east"]["logs"][TWO]).parent
        until(lambda: not any("04563" in f.read_text("cp1252") for f in logs.iterdir()))
        assert exporter.mode(TWO) == "primary"
        exporter.end()
        exporter = Exporter(site, tmp_path)
        until(lambda: exporter.mode(TWO) == "primary")
        exporter.end()
        for kept in (tmp_path / "state").iterdir():
            kept.write_text("damaged")
        exporter = Exporter(site, tmp_path)
        until(lambda: exporter.mode(TWO) == "unknown role_rotated_away")
        assert exporter.mode(ONE) == "backup"

        assert site.post(f"{east}/switchover").ok
        until(lambda: (exporter.mode(ONE), exporter.mode(TWO)) == ("primary", "backup"))
        assert site.post(f"{east}/switchover").ok
        until(lambda: (exporter.mode(ONE), exporter.mode(TWO)) == ("backup", "primary"))
        assert site.post(f"{east}/fail").ok
        until(lambda: (exporter.mode(ONE), exporter.mode(TWO)) == ("primary", "unknown not_alive"))
        assert site.post(f"{east}/restart").ok
        until(lambda: exporter.mode(TWO) == "backup")
        assert site.post(f"{east}/disconnect", {"host": TWO}).ok
        until(lambda: exporter.mode(TWO) == "unknown unreachable")
        assert site.post(f"{east}/reconnect").ok
        until(lambda: exporter.mode(TWO) == "backup")
        assert site.post(f"{east}/hosts/{ONE}/fault", {"log": "truncated"}).ok
        until(lambda: exporter.mode(ONE) == "unknown role_not_told")
        until(lambda: site.post(f"{east}/switchover").ok)
        until(lambda: (exporter.mode(ONE), exporter.mode(TWO)) == ("backup", "primary"))
    finally:
        exporter.end()


def test_explain_reads_a_segment(site: RunningSite) -> None:
    """One file, from a command line."""
    until(lambda: site.host(TWO)["mode"] == "backup")
    (segment,) = Path(site.listeners["sip-east"]["logs"][TWO]).parent.iterdir()
    ended = subprocess.run(
        [sys.executable, "-m", "exporter", "explain", "log", str(segment)],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    explanation = json.loads(ended.stdout)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (explanation["mode"], explanation["standby"]) == ("backup", "hot")
    assert (explanation["problems"], len(explanation["since"])) == ([], 23)
