"""`explain`: the whole JSON for each kind of capture, whatever a shell made of the bytes."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import pytest

from exporter import explain

DATA = Path(__file__).parents[1] / "data"

HEALTHY_PARAMS: dict[str, Any] = {
    "host_id": 3,
    "cluster_ip": "10.7.0.100",
    "operation_mode": "multicast",
    "mac": "03-bf-0a-07-00-64",
    "remote_control": False,
    "heartbeat_period_ms": 1000,
    "heartbeat_tolerance": 5,
    "host_state": "started",
    "rules": [
        {
            "vip": "all",
            "start": 5070,
            "end": 5071,
            "protocol": "udp",
            "mode": "multiple",
            "priority": None,
            "load": "equal",
            "affinity": "single",
        },
        {
            "vip": "10.7.0.100",
            "start": 80,
            "end": 443,
            "protocol": "tcp",
            "mode": "single",
            "priority": 4,
            "load": None,
            "affinity": None,
        },
        {
            "vip": "all",
            "start": 7000,
            "end": 7100,
            "protocol": "both",
            "mode": "multiple",
            "priority": None,
            "load": 30,
            "affinity": "none",
        },
    ],
    "problems": [],
}
FIRST_OF_TWO: dict[str, Any] = {
    "host_id": 3,
    "cluster_ip": "10.7.0.100",
    "operation_mode": "unicast",
    "mac": "02-bf-0a-07-00-64",
    "remote_control": True,
    "heartbeat_period_ms": 1000,
    "heartbeat_tolerance": 5,
    "host_state": "started",
    "rules": [],
}
SECOND_OF_TWO: dict[str, Any] = {
    "host_id": 5,
    "cluster_ip": "10.8.0.200",
    "operation_mode": "igmp_multicast",
    "mac": "01-00-5e-7f-00-c8",
    "remote_control": False,
    "heartbeat_period_ms": 2000,
    "heartbeat_tolerance": 10,
    "host_state": "suspended",
    "rules": [
        {
            "vip": "all",
            "start": 0,
            "end": 65535,
            "protocol": "both",
            "mode": "disabled",
            "priority": None,
            "load": None,
            "affinity": None,
        }
    ],
}
NO_PARAMS: dict[str, Any] = dict.fromkeys(FIRST_OF_TWO)
NO_PORT: dict[str, Any] = {"port_state": None, "accepted": None, "dropped": None}
SERVERX_KEYS = (
    "mode",
    "ha_link_up",
    "scs_connected",
    "service_available",
    "ready_for_switchover",
    "application",
)
TWO_CLUSTERS = "the output speaks of 2 clusters: the first stands here, all under clusters"
DENIED = (
    "not_installed_or_denied: WLBS is not installed on this system or you do not have sufficient "
    "privileges to administer the cluster."
)


def application(
    name: str, dbid: int | None, status: str | None, mode: str | None
) -> dict[str, Any]:
    """Return one application of `mlcmd`."""
    return {"application": name, "dbid": dbid, "status": status, "mode": mode}


def node(
    cluster_ip: str | None,
    host_id: int | None,
    state: str | None,
    is_default: bool | None,
    members: list[int] | None,
    convergences: int | None,
) -> dict[str, Any]:
    """Return one cluster of `nlb-query`."""
    return {
        "cluster_ip": cluster_ip,
        "host_id": host_id,
        "node_state": state,
        "is_default": is_default,
        "members": members,
        "convergences": convergences,
    }


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, Any, str]:
    """Run the sub-command; return status, the JSON or None, and standard error."""
    parser = argparse.ArgumentParser()
    explain.add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    status = explain.run(parser.parse_args(arguments), io.BytesIO(stdin), out, err)
    text = out.getvalue()
    return status, json.loads(text) if text else None, err.getvalue()


@pytest.mark.parametrize(
    ("kind", "file", "status", "expected"),
    [
        (
            "nlb-query",
            "nlb/query_healthy.txt",
            0,
            {"clusters": [node("10.7.0.100", 3, "converged", True, [3, 7], 12)], "problems": []},
        ),
        (
            "nlb-query",
            "nlb/query_converging_alone.txt",
            0,
            {"clusters": [node("10.7.0.100", 7, "converging", False, [], 4)], "problems": []},
        ),
        (
            "nlb-query",
            "nlb/query_stopped.txt",
            0,
            {"clusters": [node("10.7.0.100", 7, "stopped", False, None, None)], "problems": []},
        ),
        (
            "nlb-query",
            "nlb/query_two_clusters.txt",
            0,
            {
                "clusters": [
                    node("10.7.0.100", 3, "converged", False, [3, 7], 12),
                    node("10.8.0.200", 5, "converged", True, [5], 2),
                ],
                "problems": [],
            },
        ),
        ("nlb-query", "nlb/denied.txt", 1, {"clusters": [], "problems": [DENIED]}),
        (
            "nlb-queryport",
            "nlb/queryport_enabled.txt",
            0,
            {"port_state": "enabled", "accepted": 1234, "dropped": 56, "problems": []},
        ),
        (
            "nlb-queryport",
            "nlb/queryport_disabled.txt",
            0,
            {"port_state": "disabled", "accepted": None, "dropped": None, "problems": []},
        ),
        (
            "nlb-queryport",
            "nlb/queryport_not_found.txt",
            0,
            {"port_state": "not_found", "accepted": None, "dropped": None, "problems": []},
        ),
        (
            "nlb-queryport",
            "nlb/queryport_two_clusters.txt",
            0,
            {
                "port_state": "enabled",
                "accepted": 11,
                "dropped": 22,
                "clusters": [
                    {
                        "cluster_ip": "10.7.0.100",
                        "port_state": "enabled",
                        "accepted": 11,
                        "dropped": 22,
                    },
                    {
                        "cluster_ip": "10.8.0.200",
                        "port_state": "disabled",
                        "accepted": None,
                        "dropped": None,
                    },
                ],
                "problems": [TWO_CLUSTERS],
            },
        ),
        ("nlb-queryport", "nlb/denied.txt", 1, {**NO_PORT, "problems": [DENIED]}),
        ("nlb-params", "nlb/params_healthy.txt", 0, HEALTHY_PARAMS),
        (
            "nlb-params",
            "nlb/params_two_clusters.txt",
            0,
            {
                **FIRST_OF_TWO,
                "clusters": [FIRST_OF_TWO, SECOND_OF_TWO],
                "problems": [TWO_CLUSTERS],
            },
        ),
        ("nlb-params", "nlb/denied.txt", 1, {**NO_PARAMS, "problems": [DENIED]}),
        (
            "serverx",
            "sip/primary.xml",
            0,
            {
                **dict(
                    zip(SERVERX_KEYS, ("primary", True, True, True, False, "SIP_P"), strict=True)
                ),
                "problems": [],
            },
        ),
        (
            "serverx",
            "sip/backup_as_root.xml",
            0,
            {
                **dict(
                    zip(SERVERX_KEYS, ("backup", False, False, False, True, "SIP_B"), strict=True)
                ),
                "problems": [],
            },
        ),
        (
            "serverx",
            "sip/unknown_role.xml",
            0,
            {
                **dict(zip(SERVERX_KEYS, (None, None, True, True, False, "SIP_P"), strict=True)),
                "problems": ["HA_ROLE is 'Standby'", "HA_LINK is missing or unreadable"],
            },
        ),
        (
            "serverx",
            "sip/entity_bomb.xml",
            1,
            {
                **dict.fromkeys(SERVERX_KEYS),
                "problems": ["malformed: not the XML of /serverx: it declares a document type"],
            },
        ),
    ],
)
def test_each_sample_is_explained_whole(
    kind: str, file: str, status: int, expected: dict[str, Any]
) -> None:
    """What is made of a capture is printed whole; the status says whether anything was read."""
    assert run(kind, str(DATA / file)) == (status, expected, "")


def test_mlcmd_is_explained_as_a_list_of_applications() -> None:
    """Each application stands in it; what could not be read is said on standard error."""
    assert run("mlcmd", str(DATA / "sip/mlcmd_pair.txt")) == (
        0,
        [
            application("confserv", 99, "running", "primary"),
            application("SIP_P", 101, "running", "primary"),
            application("SIP_B", 102, "service_unavailable", "backup"),
            application("SIP_gone", 103, "stopped", None),
            application("SIP_cut", 104, None, None),
        ],
        "explain: application 'SIP_gone': status 'Stopped', run mode 'Backup'\n"
        "explain: application 'SIP_cut': no Status and no Runmode\n",
    )
    assert run("mlcmd", str(DATA / "nlb/denied.txt")) == (
        1,
        [],
        "explain: no line 'Application: NAME'\n",
    )


@pytest.mark.parametrize(
    ("kind", "text", "status", "expected"),
    [
        (
            "nlb-query",
            "Host 7 converged with the following host(s) as part of the cluster:\n7\n",
            0,
            {
                "clusters": [node(None, 7, "converged", False, [7], None)],
                "problems": [
                    "no line 'Cluster ADDRESS' names the cluster",
                    "no line tells how often it began to converge",
                ],
            },
        ),
        (
            "nlb-query",
            "Cluster 10.7.0.100\nHost 7 ist verbunden\n",
            0,
            {
                "clusters": [node("10.7.0.100", 7, None, None, None, None)],
                "problems": [
                    "cluster 10.7.0.100: no phrase matches the state in 'Host 7 ist verbunden'"
                ],
            },
        ),
        (
            "nlb-query",
            "Guten Tag\n",
            1,
            {
                "clusters": [],
                "problems": ["no line begins as one about a host; last line: 'Guten Tag'"],
            },
        ),
        (
            "nlb-query",
            "",
            1,
            {"clusters": [], "problems": ["no_output: the utility printed nothing"]},
        ),
        (
            "nlb-queryport",
            "Rule is draining\nPackets: Accepted=9\n",
            0,
            {
                "port_state": "draining",
                "accepted": 9,
                "dropped": None,
                "problems": ["no count of dropped packets"],
            },
        ),
        (
            "nlb-queryport",
            "Cluster 10.7.0.100\nRule is enabled\n",
            0,
            {
                "port_state": "enabled",
                "accepted": None,
                "dropped": None,
                "problems": [
                    "cluster 10.7.0.100: no count of accepted packets",
                    "cluster 10.7.0.100: no count of dropped packets",
                ],
            },
        ),
        (
            "nlb-queryport",
            "Cluster 10.7.0.100\nRegel ist aktiv\n",
            1,
            {
                **NO_PORT,
                "problems": [
                    (
                        "cluster 10.7.0.100: no phrase matches the state of the rule; "
                        "last line: 'Regel ist aktiv'"
                    )
                ],
            },
        ),
        (
            "nlb-params",
            "HostPriority = 5\n",
            0,
            {
                **NO_PARAMS,
                "host_id": 5,
                "problems": [
                    "no line 'PortRules (N):'",
                    "MulticastSupportEnable is missing or unreadable",
                    "ClusterNetworkAddress is missing or unreadable",
                    "RemoteControlEnabled is missing or unreadable",
                    "AliveMsgPeriod is missing or unreadable",
                    "AliveMsgTolerance is missing or unreadable",
                    "HostState is missing or unreadable",
                    "ClusterIPAddress is missing or unreadable",
                ],
            },
        ),
        (
            "nlb-params",
            "ja\n",
            1,
            {**NO_PARAMS, "problems": ["no 'Name = value' line and no table of port rules"]},
        ),
        (
            "serverx",
            "",
            1,
            {**dict.fromkeys(SERVERX_KEYS), "problems": ["no_output: the page is empty"]},
        ),
    ],
)
def test_what_cannot_be_read_is_null_and_named(
    kind: str, text: str, status: int, expected: dict[str, Any]
) -> None:
    """Every value that could not be read is null and has its line under problems."""
    assert run(kind, "-", stdin=text.encode()) == (status, expected, "")


HEALTHY = (DATA / "nlb" / "params_healthy.txt").read_text("utf-8")
PAGE = (DATA / "sip" / "primary.xml").read_text("utf-8")


@pytest.mark.parametrize(
    "raw",
    [
        HEALTHY.replace("\n", "\r\n").encode("cp437"),
        HEALTHY.replace("\n", "\r\r\n").encode("cp437"),
        HEALTHY.replace("\n", "\r").encode("cp437"),
        b"\xef\xbb\xbf" + HEALTHY.replace("\n", "\r\n").encode(),
        HEALTHY.replace("\n", "\r\n").encode("utf-16"),
        b"\xfe\xff" + HEALTHY.encode("utf-16-be"),
    ],
    ids=["crlf", "doubled cr", "cr", "utf-8 mark", "powershell redirection", "utf-16 big end"],
)
def test_any_way_of_capturing_gives_the_same(raw: bytes) -> None:
    """Line ends and encodings that Windows shells write do not change what is read."""
    assert run("nlb-params", "-", stdin=raw) == (0, HEALTHY_PARAMS, "")


@pytest.mark.parametrize(
    "raw",
    [
        PAGE.replace("\n", "\r\r\n").encode(),
        b"\r\n" + PAGE.encode(),
        b"\xef\xbb\xbf" + PAGE.encode(),
        PAGE.encode("utf-16"),
        PAGE.replace('"1.0"', '"1.0" encoding="UTF-8"').encode("utf-16"),
        b"\xfe\xff" + PAGE.replace('"1.0"', '"1.0" encoding="UTF-8"').encode("utf-16-be"),
    ],
    ids=["doubled cr", "empty line before", "utf-8 mark", "utf-16", "redirected", "big end"],
)
def test_any_way_of_saving_the_page_gives_the_same(raw: bytes) -> None:
    """A page that a shell saved as UTF-16 is read although it declares UTF-8 of itself."""
    status, explanation, _ = run("serverx", "-", stdin=raw)
    assert (status, explanation["mode"], explanation["problems"]) == (0, "primary", [])


def test_the_code_page_decides_what_bytes_mean() -> None:
    """The same byte is another letter in another code page."""

    def explained(*more: str) -> Any:
        return run("nlb-queryport", "-", *more, stdin="l\u00e4uft\n".encode("cp1252"))[1]

    umlaut = explained("--code-page", "cp1252")["problems"]
    assert umlaut == ["no phrase matches the state of the rule; last line: 'l\u00e4uft'"]
    other = explained()["problems"]
    assert other == ["no phrase matches the state of the rule; last line: 'l\u03a3uft'"]


def test_a_site_can_try_its_own_phrases(tmp_path: Path) -> None:
    """A phrase file of the site is tried before the built-in phrases."""
    site = tmp_path / "site.yml"
    site.write_text(
        "port_states: [{state: enabled, pattern: 'Regel läuft', source: 'site, 2019'}]\n", "utf-8"
    )
    arguments = ("--code-page", "cp850", "--phrases-file", str(site))
    status, explanation, _ = run(
        "nlb-queryport", "-", *arguments, stdin="Regel läuft\r\n".encode("cp850")
    )
    assert (status, explanation["port_state"]) == (0, "enabled")


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (
            ("nlb-query", "/nowhere/at/all"),
            b"",
            "explain: /nowhere/at/all: cannot be read: No such file or directory (name a file)\n",
        ),
        (
            ("nlb-query", "-", "--code-page", "cp9999"),
            b"",
            "explain: 'cp9999' is not a code page; write one such as cp437\n",
        ),
        (
            ("nlb-query", "-", "--code-page", "base64"),
            b"",
            "explain: 'base64' is not a code page; write one such as cp437\n",
        ),
        (
            ("nlb-query", "-", "--phrases-file", "/nowhere/site.yml"),
            b"",
            (
                "explain: /nowhere/site.yml: the phrase file cannot be read: [Errno 2] No such "
                "file or directory: '/nowhere/site.yml' (see nlb.phrases_file)\n"
            ),
        ),
        (
            ("serverx", "-"),
            b" " * (4 * 1024 * 1024 + 1),
            (
                "explain: standard input: is larger than 4194304 bytes "
                "(is it the output of one command?)\n"
            ),
        ),
    ],
)
def test_wrong_use_is_told_on_standard_error(
    arguments: tuple[str, ...], stdin: bytes, message: str
) -> None:
    """A file that cannot be read, or is too large, is wrong use: status 2 and no JSON."""
    assert run(*arguments, stdin=stdin) == (2, None, message)


def test_a_file_is_capped_too(tmp_path: Path) -> None:
    """A file larger than any answer is refused by its name."""
    large = tmp_path / "dump.bin"
    large.write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    assert run("nlb-query", str(large)) == (
        2,
        None,
        f"explain: {large}: is larger than 4194304 bytes (is it the output of one command?)\n",
    )


def test_the_json_is_indented_and_plain_ascii() -> None:
    """The output can be shown on any console: two blanks of indent, other letters escaped."""
    parser = argparse.ArgumentParser()
    explain.add_arguments(parser)
    out = io.StringIO()
    options = parser.parse_args(["nlb-query", "-", "--code-page", "cp1252"])
    explain.run(options, io.BytesIO("Host 7 l\u00e4uft\n".encode("cp1252")), out, io.StringIO())
    text = out.getvalue()
    assert text.startswith('{\n  "clusters": [\n    {\n      "cluster_ip": null,\n')
    assert text.isascii()
    assert "l\\u00e4uft" in text
