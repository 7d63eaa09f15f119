"""What an exporter gives to the remediator on another node."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cluster import host_view_json
from cluster.config import parse
from cluster.config_model import Cluster, Config, Host
from cluster.config_section import Credentials
from cluster.door import Door
from cluster.errors import ClusterError
from cluster.host_view_json import Identity
from cluster.model import HostView
from exporter.hosts_api import READS_AT_ONCE, HostsApi
from tests.unit import exporter_samples as samples

PATH = "/api/v1/hosts/porto-1"
RULES = samples.cluster().rules
TWO_CLUSTERS = samples.CONFIG.replace(
    "exporter:",
    """\
  - name: braga
    virtual_ip: 10.8.0.100
    port_rules:
      - {vip: all, start: 5090, end: 5090, protocol: tcp}
    hosts:
      - name: porto-1
        host_id: 5
        address: 10.8.0.11
        runner: {type: local}
        nlb: {program: on-braga}
        sip_server:
          application: SIP_X
          sources: [{type: http, url: "http://10.8.0.11:8090/serverx"}]
      - name: braga-2
        host_id: 6
        address: 10.8.0.12
        runner: {type: peer, url: "http://192.168.8.12:9876"}
        sip_server: {application: SIP_Y}
exporter:""",
)


class Live:
    """Stands where the live look does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, float]] = []
        self.error: ClusterError | None = None

    def __call__(self, cluster: Cluster, host: Host, seconds: float) -> HostView:
        """Answer with porto-1, and note what was asked."""
        self.asked.append((cluster.name, host.name, seconds))
        if self.error is not None:
            raise self.error
        return samples.primary()


def api(
    live: Live, *, config: Config | None = None, credentials: Credentials | None = None,
    is_open_to_all: bool = False,
) -> tuple[HostsApi, FlaskClient]:  # fmt: skip
    """Return the API and a client of it."""
    made = HostsApi(
        config or samples.config(),
        Door(credentials or Credentials(), "exporter"),
        live,
        samples.FakeClock(),
        is_open_to_all,
    )
    app = Flask("exporter")
    made.add_to(app)
    return made, app.test_client()


@pytest.fixture
def secret(tmp_path: Path) -> Credentials:
    """Return credentials."""
    file = tmp_path / "secret"
    file.write_text("moss\n")
    return Credentials(bearer_token_file=str(file))


def test_a_host_is_read_live_and_given_with_ages() -> None:
    """A peer gets every reading; what was read before it asked is that much older."""
    live = Live()

    answered = api(live)[1].get(PATH, query_string={"cluster": "porto"})

    assert (answered.status_code, answered.content_type) == (200, "application/json")
    identity = Identity("porto", "porto-1", 3, RULES)
    assert answered.text == host_view_json.write(samples.primary(), identity, samples.BEGIN)
    assert answered.json is not None
    assert answered.json["node"]["age_seconds"] == 1.0
    assert live.asked == [("porto", "porto-1", 3.0)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1.5", 1.25), ("6", 5.75), ("0.2", 0.05), ("3600", 30.0), ("nonsense", 30.0)],
)
def test_the_caller_says_how_long_it_waits(header: str, seconds: float) -> None:
    """The answer comes in time for it, even where a source of the host is slower than ours."""
    live = Live()

    api(live)[1].get(PATH, headers={"X-Sipnlb-Timeout-Seconds": header})

    assert live.asked == [("porto", "porto-1", seconds)]


@pytest.mark.parametrize("header", [None, "Bearer lichen", "Basic bW9zcw=="])
def test_nobody_is_let_in_without_the_credentials(secret: Credentials, header: str | None) -> None:
    """Missing or wrong ones are refused, and nothing is read."""
    live = Live()

    answered = api(live, credentials=secret)[1].get(PATH, headers={"Authorization": header or ""})

    assert (answered.status_code, answered.json) == (
        401,
        {"error": "missing or wrong credentials", "hint": "send the configured credentials"},
    )
    assert answered.headers["WWW-Authenticate"] == 'Bearer realm="sipnlb-exporter"'
    assert live.asked == []


def test_the_credentials_open_the_door(secret: Credentials) -> None:
    """Beyond loopback too."""
    made = api(Live(), credentials=secret, is_open_to_all=True)[1]

    assert made.get(PATH, headers={"Authorization": "Bearer moss"}).status_code == 200


def test_beyond_loopback_nothing_is_given_where_no_credentials_are_configured() -> None:
    """Forgetting them does not open the host's readings to the network."""
    live = Live()

    answered = api(live, is_open_to_all=True)[1].get(PATH)

    assert (answered.status_code, answered.json) == (
        403,
        {
            "error": "beyond loopback this needs credentials, and none are configured",
            "hint": "set exporter.web.bearer_token_file or exporter.web.basic_auth",
        },
    )
    assert live.asked == []


@pytest.mark.parametrize(
    ("path", "code", "answer"),
    [
        (
            "/api/v1/hosts/faro-1",
            404,
            {"error": "this exporter reads no host 'faro-1'", "hint": "ask the one on that host"},
        ),
        (
            "/api/v1/hosts/porto-1?cluster=faro",
            404,
            {
                "error": "this exporter reads no host 'faro/porto-1'",
                "hint": "ask the one on that host",
            },
        ),
        (
            "/api/v1/hosts/braga-2?cluster=braga",
            404,
            {
                "error": "this exporter reads no host 'braga/braga-2'",
                "hint": "ask the one on that host",
            },
        ),
        (
            "/api/v1/hosts/porto-1",
            400,
            {
                "error": "porto-1 is a host of porto, braga",
                "hint": "name one with ?cluster=NAME",
            },
        ),
    ],
)
def test_only_hosts_of_its_own_are_given(path: str, code: int, answer: dict[str, str]) -> None:
    """Neither unknown hosts nor peers, and no host that two clusters have, without saying which."""
    live = Live()

    answered = api(live, config=parse(TWO_CLUSTERS, "clusters.yml"))[1].get(path)

    assert (answered.status_code, answered.json, live.asked) == (code, answer, [])


def test_too_many_callers_are_told_to_come_again() -> None:
    """Live readings are bounded, and a place is free again after each."""
    live = Live()
    made, client = api(live)
    live.error = ClusterError("phrases.yml", "cannot be read", "check path and rights")
    for _ in range(READS_AT_ONCE + 1):
        failed = client.get(PATH)
        assert (failed.status_code, failed.json) == (
            500,
            {"error": "cannot be read", "hint": "check path and rights"},
        )
    taken = [made._reads.acquire(blocking=False) for _ in range(READS_AT_ONCE)]

    answered = client.get(PATH)

    assert all(taken)
    assert (answered.status_code, answered.json) == (
        503,
        {"error": "8 hosts are being read", "hint": "ask again"},
    )
