"""Both programs behind TLS, passwords and certificates, and who then gets what from them."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import requests
import trustme
import yaml

from cluster.clock import SystemClock, deadline_in
from cluster.config import load
from cluster.config_runners import PeerSettings
from cluster.host_reader import host_reader
from cluster.observe import observe
from cluster.surroundings import Surroundings
from simulator.demo_tools import unpacked_pages
from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_remediator import alert, payload

pytestmark = pytest.mark.integration

ALERTMANAGER = ROOT / "alertmanager"
CANARY = "canary-5e1d0b"
SECRETS = {name: f"{CANARY}-{name}" for name in ("webhook", "reader", "prometheus", "ana", "peer")}


@dataclass
class House:
    """The two programs of a site, as they run, and what opens them."""

    folder: Path
    site: RunningSite
    authority: trustme.CA
    urls: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def ask(
        self, program: str, path: str, *, user: str = "", token: str = "", **more: Any
    ) -> requests.Response:
        """Ask a program, as somebody."""
        headers = {"Authorization": f"Bearer {SECRETS[token]}"} if token else {}
        return requests.request(
            more.pop("method", "GET"),
            self.urls[program] + path,
            headers=headers | more.pop("headers", {}),
            auth=(user, SECRETS[user]) if user else None,
            verify=str(self.folder / "ca.pem"),
            timeout=10,
            **more,
        )

    def log(self, program: str) -> str:
        """Return what a program has logged."""
        return (self.folder / f"{program}.log").read_text("utf-8")

    def certify(
        self, name: str, common_name: str | None = None, organization_name: str | None = None
    ) -> tuple[str, str]:
        """Issue a certificate; return the files of it and its key."""
        made = self.authority.issue_cert(
            "127.0.0.1", common_name=common_name, organization_name=organization_name
        )
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(made.cert_chain_pems[0].bytes())
        made.private_key_pem.write_to_path(str(files[1]))
        return str(files[0]), str(files[1])

    def start(self, program: str) -> None:
        """Start a program and wait until it answers."""
        port = free_port()
        self.urls[program] = f"https://127.0.0.1:{port}"
        with (self.folder / f"{program}.log").open("wb") as log:
            self.processes[program] = subprocess.Popen(
                [
                    *(sys.executable, "-m", program),
                    f"--config.file={self.folder / 'clusters.yml'}",
                    f"--web.config.file={self.folder / 'web.yml'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                    "--log.level=debug",
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        until(lambda: self._is_ready(program))

    def _is_ready(self, program: str) -> bool:
        assert self.processes[program].poll() is None, self.log(program)
        try:
            return self.ask(program, "/-/healthy", user="ana").ok
        except requests.ConnectionError:
            return False

    def end(self) -> None:
        """End every program by its process id."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            finally:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run both programs on a site of two hosts."""
    folder = tmp_path_factory.mktemp("house")
    for site in run_site(folder, "--lag", "0"):
        made = House(folder, site, trustme.CA())
        _write(made)
        try:
            for program in ("exporter", "remediator"):
                made.start(program)
            yield made
        finally:
            made.end()


def _write(house: House) -> None:
    """Write certificates, secrets and configurations."""
    folder = house.folder
    house.authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    house.certify("program")
    for name, secret in SECRETS.items():
        (folder / name).write_text(f"{secret}\n")
    users = {
        name: bcrypt.hashpw(SECRETS[name].encode(), bcrypt.gensalt(4)).decode()
        for name in ("prometheus", "ana")
    }
    web = {
        "tls_server_config": {
            "cert_file": "program.pem",
            "key_file": "program.key",
            "client_auth_type": "VerifyClientCertIfGiven",
            "client_ca_file": "ca.pem",
        },
        "basic_auth_users": users,
    }
    (folder / "web.yml").write_text(yaml.safe_dump(web))
    config = yaml.safe_load((house.site.directory / "clusters.yml").read_text())
    config["exporter"] = {
        "web": {
            "bearer_token_file": str(folder / "peer"),
            "client_certificates": ["CN=node-2,O=Moss"],
        }
    }
    config["remediator"] = {
        "web": {
            "webhook": {"bearer_token_file": str(folder / "webhook")},
            "read": {"bearer_token_file": str(folder / "reader")},
            "operate": {"users": ["ana"], "client_certificates": ["CN=op-7"]},
        },
        "journal": {"url": f"sqlite:///{folder / 'journal.db'}"},
    }
    (folder / "clusters.yml").write_text(yaml.safe_dump(config))


@contextmanager
def prometheus(program: Path, house: House) -> Iterator[str]:
    """Run Prometheus with the shipped configuration, its lines on TLS and passwords switched on."""
    text = (ALERTMANAGER / "prometheus.yml").read_text("utf-8")
    text, switched = re.subn(
        r"^    # (scheme|tls_config|basic_auth):", r"    \1:", text, flags=re.MULTILINE
    )
    assert switched == 6
    for name, port in (("exporter", 9876), ("remediator", 9877)):
        text = text.replace(f"127.0.0.1:{port}", house.urls[name].removeprefix("https://"))
    document: dict[str, Any] = yaml.safe_load(text)
    del document["alerting"]["alertmanagers"]
    folder = house.folder / "prometheus-server"
    folder.mkdir()
    shutil.copytree(ALERTMANAGER / "rules", folder / "rules")
    shutil.copy(house.folder / "ca.pem", folder / "site-ca.pem")
    shutil.copy(house.folder / "prometheus", folder / "prometheus-password")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(document))
    address, pages = f"127.0.0.1:{free_port()}", unpacked_pages(program)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(program),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
                *([f"--web.local-assets={pages}/"] if pages else []),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(15)


def test_prometheus_scrapes_both_over_tls_with_its_password(
    house: House, real_part: Callable[[str], Path]
) -> None:
    """With the shipped configuration, as its comments say."""
    with prometheus(real_part("prometheus"), house) as url:

        def up() -> dict[str, str]:
            query = {"query": "up or sipnlb_build_info"}
            answer = requests.get(f"{url}/api/v1/query", params=query, timeout=5).json()
            return {
                f"{each['metric']['__name__']} {each['metric']['job']}": each["value"][1]
                for each in answer["data"]["result"]
            }

        def all_up() -> bool:
            try:
                return up() == {
                    f"{name} sipnlb-{job}": "1"
                    for name in ("up", "sipnlb_build_info")
                    for job in ("exporter", "remediator")
                }
            except requests.RequestException:
                return False

        until(all_up)


@pytest.mark.parametrize("program", ["exporter", "remediator"])
def test_without_a_password_there_is_no_page(house: House, program: str) -> None:
    """Not one, and every answer carries the headers that protect who reads it."""
    pages = ("/", "/metrics", "/-/healthy", "/-/ready", "/sd", "/nowhere", "/api/v1/clusters")
    for path in pages:
        stranger = house.ask(program, path)
        assert stranger.status_code == 401, path
        assert stranger.headers["WWW-Authenticate"] == f'Basic realm="sipnlb-{program}"'
        known = house.ask(program, path, user="prometheus")
        assert known.status_code in {200, 403, 404, 503}, path
        for answer in (stranger, known):
            assert answer.headers["X-Frame-Options"] == "deny"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Server"] == "sipnlb"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_plain_http_and_old_tls_are_not_answered(house: House) -> None:
    """Neither gets anything said to it."""
    with pytest.raises(requests.ConnectionError):
        requests.get(house.urls["exporter"].replace("https", "http"), timeout=5)
    context = ssl.create_default_context(cafile=str(house.folder / "ca.pem"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _version(house, context) == "TLSv1.2"
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r"[Pp]rotocol|version|reset"):
        _version(house, context)


def _version(house: House, context: ssl.SSLContext) -> str | None:
    port = int(house.urls["exporter"].rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as caller,
    ):
        return caller.version()


def test_each_does_what_it_may_and_nothing_else(house: House) -> None:
    """Alertmanager's secret sends alerts; the reader's reads; Prometheus' does neither."""
    place = "/api/v1/clusters/sip-east/reconcile"
    say: dict[str, Any] = {"method": "POST", "json": payload(alert())}

    assert house.ask("remediator", "/api/v1/alerts", token="webhook", **say).status_code == 200
    assert house.ask("remediator", "/api/v1/journal", token="reader").status_code == 200
    for refused in (
        house.ask("remediator", "/api/v1/journal", token="webhook"),
        house.ask("remediator", place, token="webhook", method="POST"),
        house.ask("remediator", place, token="reader", method="POST"),
        house.ask("remediator", place, user="prometheus", method="POST"),
        house.ask("remediator", "/api/v1/alerts", token="reader", **say),
        house.ask(
            "remediator", place, user="ana", method="POST", headers={"Origin": "https://evil"}
        ),
    ):
        assert refused.status_code == 403
    assert house.ask("remediator", place, user="ana", method="POST").status_code == 202


def reconcile(house: House, *arguments: str) -> tuple[int, str]:
    """Run the command; return its exit status and what it says."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "remediator", "reconcile", "sip-east"),
            *("--url", house.urls["remediator"], "--ca-file", str(house.folder / "ca.pem")),
            *arguments,
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_who_called_for_a_look_stands_in_the_journal(house: House) -> None:
    """By certificate or by password, with the address; who may not is told so."""
    certificate, key = house.certify("op", common_name="op-7")
    stranger = house.certify("other", common_name="op-8")
    folder = house.folder

    assert reconcile(house, "--wait", "--cert-file", certificate, "--key-file", key)[0] == 0
    assert reconcile(house, "--user", "ana", "--password-file", str(folder / "ana"))[0] == 0
    assert reconcile(house, "--token-file", str(folder / "reader")) == (
        2,
        "sipnlb: sip-east: read token has no right to operate; "
        "what each may do stands in remediator.web\n",
    )
    status, said = reconcile(house, "--cert-file", stranger[0], "--key-file", stranger[1])
    assert (status, "the remediator asks for credentials" in said) == (2, True)

    rows = house.ask("remediator", "/api/v1/journal?kind=service", token="reader").json()["rows"]
    assert [
        (row["cluster"], row["detail"]["who"], row["detail"]["address"], row["detail"]["path"])
        for row in rows[:2]
    ] == [
        ("sip-east", who, "127.0.0.1", "/api/v1/clusters/sip-east/reconcile")
        for who in ("ana", "op-7")
    ]


def test_a_peer_is_read_with_a_certificate(house: House) -> None:
    """Of the configured subject alone."""
    good = house.certify("node-2", common_name="node-2", organization_name="Moss")
    bad = house.certify("node-3", common_name="node-2", organization_name="Fern")
    cluster, clock = load(house.folder / "clusters.yml").clusters[0], SystemClock()
    found: list[set[str | None]] = []
    for certificate, key in (good, bad):
        settings = {
            "type": "peer",
            "url": house.urls["exporter"],
            "ca_file": str(house.folder / "ca.pem"),
            "cert_file": certificate,
            "key_file": key,
        }
        update = {"runner": PeerSettings.model_validate(settings)}
        peer = cluster.hosts[1].model_copy(update=update)
        pair = cluster.model_copy(update={"hosts": (cluster.hosts[0], peer)})
        reader = host_reader(pair, peer, Surroundings(clock))
        view = observe(pair, (reader,), deadline_in(clock, 8.0), clock)
        found.append({str(r.problem) if r.problem else None for r in view.hosts[0].readings()})

    assert found[0] == {None}
    assert all("401" in str(problem) for problem in found[1])


def test_slow_clients_keep_neither_scrapes_nor_alerts_waiting(house: House) -> None:
    """Three times as many as the remediator has threads, in the handshake and after it."""
    context = ssl.create_default_context(cafile=str(house.folder / "ca.pem"))
    port = int(house.urls["remediator"].rpartition(":")[2])
    with ExitStack() as stack:
        for number in range(48):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), 5))
            if number % 2:
                caller = context.wrap_socket(plain, server_hostname="127.0.0.1")
                stack.enter_context(caller).sendall(b"POST /api/v1/alerts HTTP/1.1\r\nHost: a\r\n")
        began = time.monotonic()
        assert house.ask("remediator", "/metrics", user="prometheus").ok
        say: dict[str, Any] = {"method": "POST", "json": payload(alert())}
        assert house.ask("remediator", "/api/v1/alerts", token="webhook", **say).ok
        assert time.monotonic() - began < 2.0


def test_a_new_certificate_is_shown_without_a_restart(house: House) -> None:
    """A broken one is not taken, and the log says so."""

    def shown() -> bytes:
        port = int(house.urls["exporter"].rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            ssl._create_unverified_context().wrap_socket(plain) as caller,
        ):
            return caller.getpeercert(binary_form=True) or b""

    def not_taken() -> bool:
        shown()
        return "web configuration not taken, the old one stays" in house.log("exporter")

    first = shown()
    old_key = (house.folder / "program.key").read_bytes()
    (house.folder / "program.key").write_text("no key at all")
    until(not_taken)
    assert shown() == first
    (house.folder / "program.key").write_bytes(old_key)

    house.certify("program")
    until(lambda: shown() != first)
    assert house.ask("exporter", "/-/healthy", user="ana").ok
    assert 'event="web configuration taken anew"' in house.log("exporter")


def test_no_secret_is_shown_anywhere(house: House) -> None:
    """Neither in logs, pages, metrics, answers, journal nor command lines; whatever failed before."""
    wrong = {"Authorization": f"Bearer {CANARY}-wrong"}
    seen = [house.log(program) for program in house.processes]
    for program, process in house.processes.items():
        seen.append(Path(f"/proc/{process.pid}/cmdline").read_bytes().decode())
        seen.append(Path(f"/proc/{process.pid}/environ").read_bytes().decode())
        for path in ("/", "/metrics", "/api/v1/clusters", "/api/v1/journal?limit=1000", "/nowhere"):
            answers = (
                house.ask(program, path, user="ana"),
                house.ask(program, path, headers=wrong),
                house.ask(program, path, token="webhook"),
            )
            seen += [answer.text + str(answer.headers) for answer in answers]
    seen += [
        file.read_bytes().decode("latin-1") for file in sorted(house.folder.glob("journal.db*"))
    ]
    seen += [house.log(program) for program in house.processes]

    assert len(seen) > 30
    assert not [text for text in seen if CANARY in text]
    hashes = (house.folder / "web.yml").read_text().split("basic_auth_users:")[1].split("tls_")[0]
    secret = [word for word in hashes.split() if word.startswith("$2b$")]
    assert len(secret) == 2
    assert not [text for text in seen if any(each in text for each in secret)]
