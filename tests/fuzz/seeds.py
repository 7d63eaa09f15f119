"""What the fuzz targets begin with: sound inputs of every form, and some that were made to hurt."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.integration.test_remediator import alert, payload
from tests.unit import sip_log_samples as log_samples
from tests.unit.remediator_samples import CLUSTER, HOSTS

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
FOUND = DATA / "fuzz"
"""Inputs that once broke something, in a folder a target: they are always tried."""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [" + ", ".join([f"*{before}"] * 9) + "]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
"""YAML whose aliases stand for some hundred million values."""


def files(pattern: str) -> list[bytes]:
    """Return the contents of sample files, by their pattern below tests/data."""
    found = [file.read_bytes() for file in sorted(DATA.glob(pattern))]
    assert found, pattern
    return found


def found(target: str) -> list[bytes]:
    """Return what once broke a target."""
    return [file.read_bytes() for file in sorted((FOUND / target).glob("*"))]


def webhooks() -> list[bytes]:
    """Return webhook bodies."""
    watchdog = alert(None, labels={"alertname": "SipnlbWatchdog", "sipnlb": "watchdog"})
    sent = (
        payload(alert("quito"), alert("cusco"), alert(None), truncatedAlerts=3),
        payload(watchdog, alerts=[alert("quito", status="resolved"), 7, None, []]),
        payload(),
        {"version": "5"},
    )
    return [*(json.dumps(each).encode() for each in sent), b'{"version":' + b"[" * 2000]


def alert_lists() -> list[bytes]:
    """Return what Alertmanager answers when it is asked for alerts."""
    one = alert("quito") | {"status": {"state": "active", "silencedBy": [], "inhibitedBy": []}}
    return [json.dumps(each).encode() for each in ([one, one], [], {"error": "x"}, [1, None])]


def silences() -> list[bytes]:
    """Return silences, and alerts that are silenced."""
    matchers = (
        {"name": "cluster", "value": "quito", "isRegex": False, "isEqual": True},
        {"name": "alertname", "value": "SipServer.+", "isRegex": True},
        {"name": "host", "value": "(a+)+b", "isRegex": True, "isEqual": False},
    )
    silence = {
        "id": "7d0c", "status": {"state": "active"}, "createdBy": "ana", "comment": "work",
        "startsAt": "2031-02-03T04:05:06Z", "endsAt": "2031-02-03T08:05:06Z", "matchers": matchers,
    }  # fmt: skip
    silenced = alert("quito") | {"status": {"state": "suppressed", "silencedBy": ["7d0c"]}}
    pairs: tuple[tuple[list[Any], list[Any]], ...] = (
        ([silence], [silenced]),
        ([], []),
        ([{**silence, "matchers": []}], [silenced]),
    )
    return [json.dumps({"silences": first, "alerts": second}).encode() for first, second in pairs]


def expressions() -> list[bytes]:
    """Return expressions, each with a text to be held against it."""
    texts = (
        "quito|lima\nquito", "(?i:QUITO).*\nquito-1", "[[:alpha:]]{2,5}\nquito", "(a+)+b\n" + "a" * 40,
        "\\pL+\\d*\nquito1", "(?P<x>a)(?:b|c)*?$\nabc", "(x{1,9}){1,9}\nxxxx", "\\Qa.b\\E\na.b", "^[^a-c]\nz",
    )  # fmt: skip
    return [text.encode() for text in texts]


def logs() -> list[bytes]:
    """Return files of a SIP Server log."""
    told = (log_samples.STARTED, log_samples.PRIMARY, log_samples.BACKUP, log_samples.STOPPED)
    whole = log_samples.header(1) + "".join(
        log_samples.record(each, minutes) for minutes, each in enumerate(told)
    )
    check = "@18:15:33.9520 Std 04120 Check point 2031-02-03T14:54:56\r\n@00:00:01 Std 04563 x\r\n"
    us = "02/03/31 18:15:33.9 Standard host app GCTI-00-04560 Warm\r\n"
    text = whole + check + us
    return [text.encode("cp1252"), b"\xff\xfe" + text.encode("utf-16-le"), b"\0" * 400]


def options_answers() -> list[bytes]:
    """Return answers to SIP OPTIONS."""
    sound = (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 10.7.0.5:40123;branch=z9hG4bKa1b2c3\r\n"
        b"Call-ID: a1b2c3@sipnlb\r\nCSeq: 1 OPTIONS\r\nContent-Length: 4\r\n\r\nbody"
    )
    folded = sound.replace(b"\r\nCSeq", b"\r\n  folded\r\nCSeq").replace(b"Via", b"v ")
    return [sound, sound.replace(b"200 OK", b"100 Trying") + sound, folded, b"\r\n\r\n"]


def configurations() -> list[bytes]:
    """Return texts of clusters.yml."""
    pair = "clusters:" + CLUSTER.format(name="quito", net=1) + HOSTS.format(name="quito", net=1)
    sample = (ROOT / "clusters.example.yml").read_bytes()
    return [pair.encode(), sample, BOMB.encode(), *files("config/*.yml")]


def web_configurations() -> list[bytes]:
    """Return texts of a web configuration."""
    sample = (ROOT / "web.example.yml").read_bytes()
    users = b"basic_auth_users:\n  ana: $2b$04$" + b"a" * 53 + b"\n"
    return [sample, users, b"tls_server_config: {cert_file: a, key_file: b}\n", BOMB.encode()]


def requests() -> list[bytes]:
    """Return requests to the remediator, as `tests.fuzz.faces` reads them."""
    basic = base64.b64encode(b"ana:\xff")
    return [
        b"GET /api/v1/journal?kind=alert&limit=3&before=9&cluster=quito\nAuthorization: Bearer t\n\n",
        b"GET /api/v1/clusters/quito\nAuthorization: Basic " + basic + b"\n\n",
        b"GET /metrics\nAccept: application/openmetrics-text; version=1.0.0, text/plain;q=0.5\n\n",
        b"POST /api/v1/clusters/quito/reconcile\nOrigin: http://x\nSec-Fetch-Site: none\n\n",
        b"POST /api/v1/alerts\nContent-Type: application/json\n\n" + webhooks()[0],
        b'POST /api/v1/pause\n\n{"cluster":"quito","reason":"work","for":"2h","who":"ana"}',
        b'POST /api/v1/pause\n\n{"all":true,"reason":"x","until":"2024-06-12T17:30:00+02:00"}',
        b"GET /api/v1/status?cluster=quito\n\n",
        b'POST /api/v1/resume\n\n{"all":true,"id":1}',
        b'POST /api/v1/clusters/quito/approve\n\n{"id":1}',
        b'POST /api/v1/clusters/quito/acknowledge\n\n{"text":"known"}',
        b"TRACE /-/ready?a=%zz\nHost: [\n\n",
        b"GET /\nRange: bytes=0-1\nIf-Modified-Since: x\n\n",
    ]


def exporter_requests() -> list[bytes]:
    """Return requests to the exporter."""
    return [
        b"GET /probe?cluster=porto&debug=true\nX-Prometheus-Scrape-Timeout-Seconds: 1.5\n\n",
        b"GET /api/v1/hosts/porto-1?cluster=porto\nX-Sipnlb-Timeout-Seconds: 1e3\n\n",
        b"GET /metrics\nAccept: application/openmetrics-text; version=1.0.0, text/plain;q=0.5\n\n",
        b"GET /sd\n\n",
        b"GET /\nHost: x\n\n",
    ]
