"""Both programs on loopback without credentials, asked by a page whose name leads to them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from tests.integration.running import ROOT, free_port, until

pytestmark = pytest.mark.integration

CONFIGURATION = """\
clusters:
  - name: porto
    virtual_ip: 10.7.0.100
    port_rules: [{vip: all, start: 5070, end: 5070, protocol: udp}]
    hosts:
      - name: porto-1
        host_id: 3
        address: 10.7.0.11
        runner: {type: local}
        nlb: {program: /bin/true}
        sip_server: {application: A, sources: [{type: http, url: "http://127.0.0.1:9/a"}]}
      - name: porto-2
        host_id: 7
        address: 10.7.0.12
        runner: {type: local}
        nlb: {program: /bin/false}
        sip_server: {application: B, sources: [{type: http, url: "http://127.0.0.1:9/b"}]}
"""


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run both programs; return where each answers."""
    folder = tmp_path_factory.mktemp("open")
    (folder / "clusters.yml").write_text(CONFIGURATION)
    processes, found = [], {}
    try:
        for program in ("exporter", "remediator"):
            found[program] = f"http://127.0.0.1:{free_port()}"
            command = [
                *(sys.executable, "-m", program, f"--config.file={folder / 'clusters.yml'}"),
                f"--web.listen-address={found[program].removeprefix('http://')}",
            ]
            with (folder / f"{program}.log").open("wb") as log:
                environment = {"PYTHONPATH": str(ROOT)}
                processes.append(subprocess.Popen(command, stderr=log, cwd=folder, env=environment))
        for url in found.values():
            until(lambda url=url: answers(url))  # type: ignore[misc]
        yield found
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()


def answers(url: str) -> bool:
    """Tell whether a program answers."""
    try:
        return requests.get(f"{url}/-/healthy", timeout=2).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("program", ["exporter", "remediator"])
def test_a_page_whose_name_leads_here_gets_nothing(urls: dict[str, str], program: str) -> None:
    """Neither what is shown nor what is done; asked by its own names each program answers."""
    port = urls[program].rpartition(":")[2]
    shown = {"exporter": "/metrics", "remediator": "/api/v1/clusters"}[program]
    for host in ("evil.example", f"evil.example:{port}", "10.7.0.11"):
        headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
        refused = requests.get(urls[program] + shown, headers=headers, timeout=5)
        assert refused.status_code == 421
        assert "porto" not in refused.text
        assert "ask for localhost, 127.0.0.1 or [::1]" in refused.text
    for host in ("localhost", f"127.0.0.1:{port}", f"LocalHost:{port}"):
        assert (
            "porto" in requests.get(urls[program] + shown, headers={"Host": host}, timeout=5).text
        )


def test_a_page_whose_name_leads_here_calls_for_no_look(urls: dict[str, str]) -> None:
    """Its browser believes that it is the program's own page; nothing stands in the journal."""
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    path = "/api/v1/clusters/porto/reconcile"
    refused = requests.post(urls["remediator"] + path, headers=headers, timeout=5)
    assert refused.status_code == 421
    rows = requests.get(urls["remediator"] + "/api/v1/journal", timeout=5).json()["rows"]
    assert [row for row in rows if row["outcome"] == "asked"] == []
