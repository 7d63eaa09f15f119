"""The exporter as a process, against hosts that do everything wrong that a host can do.

The hosts are stand-ins: small scripts for the NLB utility, a small HTTP server for the
SIP Server pages. Wording as in `tests/data`: constructed, partly assumed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts"),
]

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
PATIENCE_SECONDS = 20
REFRESH_SECONDS = 1.0
TIMEOUT_SECONDS = 0.8

GOOD_TOOL = f"""#!/bin/sh
case "$1" in
query) sed 's/Host 3/Host @ID@/' '{DATA}/nlb/query_healthy.txt' ;;
queryport) cat '{DATA}/nlb/queryport_enabled.txt' ;;
params) sed 's/^HostPriority.*=.*/HostPriority = @ID@/' '{DATA}/nlb/params_healthy.txt' ;;
esac
"""
TOOLS = {
    "good": GOOD_TOOL,
    "hangs": "#!/bin/sh\nsleep 86399\n",
    "garbage": "#!/bin/sh\nhead -c 3000 /dev/urandom\necho Zufall\n",
    "silent": "#!/bin/sh\nexit 0\n",
    "exits-1": GOOD_TOOL + "exit 1\n",
    "denied": f"#!/bin/sh\ncat '{DATA}/nlb/denied.txt'\nexit 1\n",
    "floods": "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x\n",
}
PRIMARY = (DATA / "sip" / "primary.xml").read_bytes()
PAGES = {
    "primary": PRIMARY,
    "backup": (DATA / "sip" / "backup_as_root.xml").read_bytes(),
    "cut-xml": PRIMARY[:200],
    "bomb": (DATA / "sip" / "entity_bomb.xml").read_bytes(),
    "role": (DATA / "sip" / "unknown_role.xml").read_bytes(),
    "empty": b"",
}


class Pages(BaseHTTPRequestHandler):
    """Answers as the path's name says."""

    server: PageServer

    def do_GET(self) -> None:
        """Answer."""
        name = self.path.partition("?")[0].strip("/")
        if name in PAGES:
            self._send(PAGES[name], len(PAGES[name]))
        elif name == "cut-body":
            self._send(PRIMARY[:300], len(PRIMARY))
        elif name == "large":
            self._send(b"<a>" + b" " * 5_000_000 + b"</a>", 5_000_007)
        elif name == "drips":
            self._send(b"", len(PRIMARY))
            self._drip(PRIMARY)
        elif name == "drips-header":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 100_000)
        elif name == "hangs":
            self.server.closing.wait(PATIENCE_SECONDS)
        else:
            self.send_error(503)

    def _send(self, body: bytes, announced: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def _drip(self, body: bytes) -> None:
        with contextlib.suppress(OSError):
            for byte in body:
                if self.server.closing.wait(0.1):
                    return
                self.wfile.write(bytes([byte]))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class PageServer(ThreadingHTTPServer):
    """Serves the pages until it is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Pages)
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Let every answer end."""
        self.closing.set()
        self.shutdown()
        self.server_close()


def unused_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    text: str
    content_type: str
    seconds: float


@dataclass
class Exporter:
    """A running exporter."""

    process: subprocess.Popen[bytes]
    log_file: Path
    url: str = ""
    stopped: list[int] = field(default_factory=list)

    def log(self) -> str:
        """Return what it has logged so far."""
        return self.log_file.read_text("utf-8")

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page."""
        began = time.monotonic()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
                body, status, kind = response.read(), response.status, response.headers
        except urllib.error.HTTPError as error:
            with error:
                body, status, kind = error.read(), error.code, error.headers
        seconds = time.monotonic() - began
        return Answer(status, body.decode(), kind["Content-Type"], seconds)

    def series(self, path: str = "/metrics") -> dict[str, float]:
        """Return all samples of a scrape."""
        lines = [line for line in self.get(path).text.splitlines() if not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Stop it; return its exit status and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_SECONDS)
        return status, time.monotonic() - began


def wait_for(what: str, found: Callable[[], bool]) -> None:
    """Wait until it is so, or fail."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not found():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)


def start(config: Path) -> Exporter:
    """Start an exporter and wait until it listens."""
    log_file = config.with_suffix(".log")
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [
                *[sys.executable, "-m", "exporter", "--config.file", str(config)],
                *["--web.listen-address", "127.0.0.1:0"],
            ],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    exporter = Exporter(process, log_file)

    def listens() -> bool:
        assert process.poll() is None, exporter.log()
        said = re.search(r"event=listening url=(\S+)", exporter.log())
        exporter.url = said[1] if said else ""
        return said is not None

    try:
        wait_for("the exporter listens", listens)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return exporter


def host(name: str, number: int, tool: str, page: str) -> str:
    """Return the configuration of one host."""
    application = "SIP_B" if "/backup?" in page else "SIP_P"
    return f"""
      - name: {name}
        host_id: {number}
        address: 127.0.1.{number}
        runner: {{type: local}}
        nlb: {{program: '{tool}'}}
        sip_server: {{application: {application}, sources: [{{type: http, url: '{page}', lag: 0s}}]}}"""


def write_config(folder: Path, pages: str, names: dict[str, list[tuple[str, str]]]) -> Path:
    """Write tools and configuration. names: cluster → (host, kind of tool or page)."""
    text = "clusters:"
    for cluster, hosts in names.items():
        start = 5070 if cluster == "tools" else 5080
        text += f"""
  - name: {cluster}
    virtual_ip: 10.7.0.100
    operation_mode: multicast
    port_rules: [{{vip: all, start: {start}, end: {start + 1}, protocol: udp}}]
    hosts:"""
        for number, (tool, page) in enumerate(hosts, 1):
            url = page if page.startswith("http") else f"{pages}/{page}"
            name = tool if cluster == "tools" else url.rpartition("/")[2]
            program = folder / f"{cluster}-{number}-{tool}"
            if tool in TOOLS:
                program.write_text(TOOLS[tool].replace("@ID@", str(number)), "utf-8")
                program.chmod(0o755)
            text += host(name, number, str(program), f"{url}?of={cluster}-{number}")
    text += f"""
exporter:
  refresh: {{sip_server: {REFRESH_SECONDS * 1000:.0f}ms, nlb: 1s, params: 2s}}
  timeout: {TIMEOUT_SECONDS * 1000:.0f}ms
"""
    file = folder / "clusters.yml"
    file.write_text(text, "utf-8")
    return file


@pytest.fixture(scope="module")
def page_server() -> Iterator[PageServer]:
    """Serve the SIP Server pages."""
    server = PageServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def exporter(
    tmp_path_factory: pytest.TempPathFactory, page_server: PageServer
) -> Iterator[Exporter]:
    """Run one exporter that watches every kind of bad host and has read each of them."""
    tools = [*TOOLS, "missing"]
    pages = [*PAGES, "cut-body", "large", "drips", "drips-header", "hangs", "status"]
    refused = f"http://127.0.0.1:{unused_port()}/refused"
    config = write_config(
        tmp_path_factory.mktemp("exporter"),
        page_server.url,
        {
            "tools": [(tool, "primary") for tool in tools],
            "pages": [("good", page) for page in [*pages, refused]],
        },
    )
    running = start(config)
    try:
        wait_for("ready", lambda: running.get("/-/ready").status == 200)
        yield running
    finally:
        running.process.terminate()
        try:
            running.process.wait(PATIENCE_SECONDS)
        finally:
            running.process.kill()


TOOL_REASONS = {
    "good": None,
    "exits-1": None,
    "hangs": "timeout",
    "garbage": "unknown_text",
    "silent": "no_output",
    "denied": "not_installed_or_denied",
    "floods": "too_large",
    "missing": "not_installed",
}
PAGE_REASONS = {
    "primary": None,
    "backup": None,
    "cut-xml": "malformed",
    "cut-body": "malformed",
    "bomb": "malformed",
    "empty": "no_output",
    "role": "unknown_text",
    "large": "too_large",
    "drips": "timeout",
    "drips-header": "timeout",
    "hangs": "timeout",
    "status": "http_status",
    "refused": "unreachable",
}


def problems(series: dict[str, float], cluster: str, reading: str) -> dict[str, str | None]:
    """Return the reason per host."""
    hosts = {
        match[1]: None
        for name in series
        if (match := re.match(rf'nlb_up{{cluster="{cluster}",host="([^"]+)"', name))
    }
    pattern = (
        rf'sipnlb_reading_problem{{cluster="{cluster}",host="([^"]+)",'
        rf'reading="{reading}",reason="([^"]+)"}}'
    )
    found = {match[1]: match[2] for name in series if (match := re.match(pattern, name))}
    return {**hosts, **found}


@pytest.mark.parametrize("reading", ["node", "port_5070", "params"])
@pytest.mark.parametrize("path", ["/metrics", "/probe?cluster=tools"])
def test_everything_that_the_utility_does_wrong_has_its_name(
    exporter: Exporter, path: str, reading: str
) -> None:
    """A utility that hangs, prints garbage or nothing, is denied or missing is unknown with the
    reason; good text with exit status 1 is good.
    """
    assert problems(exporter.series(path), "tools", reading) == TOOL_REASONS


@pytest.mark.parametrize("path", ["/metrics", "/probe?cluster=pages"])
def test_everything_that_the_page_does_wrong_has_its_name(exporter: Exporter, path: str) -> None:
    """A page that hangs, drips, is cut, is hostile or says unknown things is unknown with the
    reason.
    """
    assert problems(exporter.series(path), "pages", "mode_http") == PAGE_REASONS


def test_what_cannot_be_read_is_unknown_and_what_can_is_not(exporter: Exporter) -> None:
    """Each bad host is unknown; hosts beside it keep their values."""
    series = exporter.series()

    def is_unknown(metric: str, cluster: str, name: str, labels: str) -> bool:
        return series[f'{metric}{{cluster="{cluster}",host="{name}",{labels}="unknown"}}'] == 1

    ports = {
        name: is_unknown("nlb_port_state", "tools", name, 'port="5070",state')
        for name in TOOL_REASONS
    }
    nodes = {name: is_unknown("nlb_node_state", "tools", name, "state") for name in TOOL_REASONS}
    modes = {name: is_unknown("sip_server_mode", "pages", name, "mode") for name in PAGE_REASONS}
    bad_tools = {name: reason is not None for name, reason in TOOL_REASONS.items()}
    assert (ports, nodes) == (bad_tools, bad_tools)
    assert modes == {name: reason is not None for name, reason in PAGE_REASONS.items()}


def test_hosts_that_hang_cost_the_others_nothing(exporter: Exporter) -> None:
    """The readings of a good host stay fresh, and a scrape waits for nobody."""
    answer = exporter.get("/metrics")
    series = exporter.series()
    age = series['sipnlb_reading_age_seconds{cluster="tools",host="good",reading="node"}']
    assert age < 3 * REFRESH_SECONDS
    assert answer.seconds < 1


def test_a_probe_keeps_to_the_time_of_the_scrape(exporter: Exporter) -> None:
    """With hosts that hang and drip a probe answers within the scrape's time-out, with values
    of those that answered.
    """
    answer = exporter.get("/probe?cluster=pages", X_Prometheus_Scrape_Timeout_Seconds="1")
    assert answer.status == 200
    assert 'sip_server_mode{cluster="pages",host="backup",mode="backup"} 1.0' in answer.text
    assert answer.seconds < 1


def test_the_expositions_satisfy_promtool(
    exporter: Exporter, real_part: Callable[[str], Path]
) -> None:
    """`promtool check metrics` finds nothing to say about either page."""
    promtool = str(real_part("promtool"))
    for path in ("/metrics", "/probe?cluster=tools"):
        text = exporter.get(path).text
        said = subprocess.run(
            [promtool, "check", "metrics"], input=text.encode(), capture_output=True, check=False
        )
        assert (said.returncode, said.stdout, said.stderr) == (0, b"", b""), path


def test_the_openmetrics_form_can_be_parsed(exporter: Exporter) -> None:
    """The negotiated OpenMetrics text is accepted by a strict parser."""
    answer = exporter.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = text_string_to_metric_families(answer.text)
    names = {family.name for family in families}
    assert {"sip_server_mode", "nlb_port_state", "sipnlb_reading_problem"} <= names


def test_the_debug_page_shows_commands_and_raw_output(exporter: Exporter) -> None:
    """Each command, its output, how it was read and the metrics stand on the debug page."""
    page = exporter.get("/probe?cluster=tools&debug=true").text
    section = page.partition("== Host exits-1, reading port_5070\n")[2].partition("\n\n")[0]
    lines = section.split("\n")
    assert re.fullmatch(r"asked:    \S+Z, \d\.\d{3} s ago", lines[0])
    assert re.fullmatch(r"took:     \d\.\d{3} s", lines[1])
    assert re.fullmatch(r"command:  \S+/tools-5-exits-1 queryport 5070", lines[3])
    assert [lines[2], *lines[4:]] == [
        "lag:      up to 0 s",
        "read as:  state=enabled, accepted=1234, dropped=56",
        "problem:  none",
        "output:",
        "  | NLB Cluster Control Utility V2.6",
        "  | Cluster 10.7.0.100",
        "  | Retrieving state for port rule 5070",
        "  | Rule is enabled",
        "  | Packets: Accepted=1234, Dropped=56",
        "  | [exit status 1]",
    ]
    assert 'nlb_port_state{cluster="tools",host="exits-1",port="5070",state="enabled"} 1.0' in page


def test_the_landing_page_names_problems(exporter: Exporter) -> None:
    """A person sees on the first page what is wrong with each host."""
    page = exporter.get("/").text
    assert "<li>node: the answer is empty: the utility printed nothing</li>" in page
    assert "<li>mode_http: the HTTP status is not 200: HTTP status 503</li>" in page


def test_unknown_clusters_and_paths_are_404(exporter: Exporter) -> None:
    """What does not exist is said plainly, with the clusters that do."""
    answers = [exporter.get(path) for path in ("/probe?cluster=north", "/probe", "/a/b")]
    assert [(answer.status, answer.text) for answer in answers] == [
        (404, "no cluster 'north' is configured; there are tools, pages\n"),
        (400, "name a cluster: /probe?cluster=NAME, one of tools, pages\n"),
        (404, "404 Not Found\n"),
    ]


def test_a_failure_that_lasts_is_logged_once(exporter: Exporter) -> None:
    """A reading that fails again and again writes one line, not one a reading."""
    began = exporter.series()

    def read_again() -> bool:
        ages = exporter.series()
        name = 'sipnlb_reading_age_seconds{cluster="tools",host="silent",reading="params"}'
        return ages[name] < began[name] or ages[name] > 5

    wait_for("another reading", read_again)
    lines = [
        line
        for line in exporter.log().splitlines()
        if "cluster=tools host=silent reading=params" in line
    ]
    assert len(lines) == 1
    assert "level=warning" in lines[0]
    assert 'event="reading fails"' in lines[0]
    assert "reason=no_output" in lines[0]


def napping(seconds: int) -> set[int]:
    """Return the process ids of hanging utilities that sleep that long."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        if process.info["cmdline"] == ["sleep", str(seconds)]:
            found.add(process.pid)
    return found


@pytest.mark.parametrize(
    ("number", "nap"), [(signal.SIGTERM, 86301), (signal.SIGINT, 86302)], ids=["term", "int"]
)
def test_it_stops_within_two_seconds_and_leaves_nothing_behind(
    tmp_path: Path, page_server: PageServer, number: int, nap: int
) -> None:
    """Stopped amid readings and a probe that hang, it exits with 0 and ends what it started."""
    nap += os.getpid() * 100_000  # another run of the tests may hang beside this one
    config = write_config(
        tmp_path, page_server.url, {"tools": [("hangs", "hangs"), ("good", "drips")]}
    )
    config.write_text(config.read_text("utf-8").replace("800ms", "60s"), "utf-8")
    (tmp_path / "tools-1-hangs").write_text(f"#!/bin/sh\nsleep {nap}\n", "utf-8")
    exporter = start(config)
    probe = threading.Thread(target=_ignore_errors, args=(exporter, "/probe?cluster=tools"))
    try:
        wait_for("the loops hang", lambda: len(napping(nap)) == 3)
        probe.start()
        wait_for("the probe hangs", lambda: len(napping(nap)) == 6)
        status, seconds = exporter.stop(number)
    finally:
        exporter.process.kill()
        exporter.process.wait()
        probe.join(PATIENCE_SECONDS)
    assert (status, napping(nap)) == (0, set())
    assert seconds < 2
    assert "event=stopped" in exporter.log()


def _ignore_errors(exporter: Exporter, path: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        exporter.get(path)


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def test_a_sound_configuration_is_called_sound(tmp_path: Path) -> None:
    """`--config.check` counts clusters and hosts and starts nothing."""
    config = write_config(
        tmp_path,
        "http://127.0.0.1:9",
        {"tools": [("good", "a"), ("silent", "b")], "pages": [("good", "c"), ("good", "d")]},
    )
    done = run("--config.file", str(config), "--config.check")
    assert (done.returncode, done.stdout.decode(), done.stderr) == (
        0,
        f"{config}: sound: 2 clusters, 4 hosts; no host was asked, see sipnlb-exporter check\n",
        b"",
    )


@pytest.mark.parametrize("flags", [["--config.check"], []])
def test_a_refused_configuration_is_told_whole(tmp_path: Path, flags: list[str]) -> None:
    """Unknown and duplicate keys are all named on standard error; exit status 2."""
    config = write_config(
        tmp_path, "http://127.0.0.1:9", {"tools": [("good", "a"), ("silent", "b")]}
    )
    text = config.read_text("utf-8")
    text = text.replace("timeout: 800ms", "timout: 800ms\n  refresh: {}").replace(
        "operation_mode: multicast", "operation_mode: anycast"
    )
    config.write_text(text, "utf-8")
    done = run("--config.file", str(config), *flags)
    expected = (
        f"sipnlb-exporter: {config}: 3 problems\n"
        "  line 4, clusters[0].operation_mode: 'anycast' is not one of "
        "'unicast', 'multicast' or 'igmp_multicast'\n"
        "  line 21, exporter.timout: unknown key (did you mean 'timeout'?)\n"
        "  line 22, exporter.refresh: this key stands twice, first in line 20 "
        "(keep one of the two)\n"
    )
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", expected)


def test_a_missing_configuration_is_told(tmp_path: Path) -> None:
    """A file that is not there is wrong use."""
    done = run("--config.file", str(tmp_path / "none.yml"))
    expected = (
        f"sipnlb-exporter: {tmp_path}/none.yml: cannot be read: No such file or directory "
        "(name it with --config.file)\n"
    )
    assert (done.returncode, done.stderr.decode()) == (2, expected)


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """Where it cannot listen it says so and fails."""
    config = write_config(
        tmp_path, "http://127.0.0.1:9", {"tools": [("good", "a"), ("silent", "b")]}
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("--config.file", str(config), "--web.listen-address", address)
    assert done.returncode == 1
    assert done.stderr.decode().endswith(
        f"sipnlb-exporter: {address}: is listened on already (choose another --web.listen-address)\n"
    )


def test_explain_reads_standard_input() -> None:
    """A captured output can be piped in; what is made of it is JSON on standard output."""
    raw = (DATA / "nlb" / "queryport_enabled.txt").read_bytes().replace(b"\n", b"\r\r\n")
    done = run("explain", "nlb-queryport", "-", stdin=raw)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (
        0,
        {"port_state": "enabled", "accepted": 1234, "dropped": 56, "problems": []},
        b"",
    )


def test_wrong_use_is_status_2() -> None:
    """An unknown flag, kind or missing argument is wrong use."""
    for arguments in (["--nonsense"], ["explain", "nlb-ip2mac", "-"], ["explain", "serverx"]):
        done = run(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith(b"usage: sipnlb-exporter")
