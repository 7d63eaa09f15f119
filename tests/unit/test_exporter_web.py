"""The exporter's pages, each whole or in its deciding part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from cluster.config import parse
from cluster.config_model import Cluster, Config
from cluster.config_section import Credentials
from cluster.door import Door
from cluster.errors import ClusterError
from cluster.model import ClusterView, PortState, Problem, Reason
from exporter.board import Board
from exporter.virtual_ip import VirtualIps
from exporter.web import Parts, create_app
from tests.unit import exporter_samples as samples

GOLDEN = Path(__file__).parents[1] / "golden"
LOOK = Callable[[Cluster, float], ClusterView]


def client(
    view: ClusterView | None = None,
    *,
    look: LOOK = lambda _cluster, _seconds: samples.healthy(),
    is_ready: bool = True,
    config: Config | None = None,
    service: VirtualIps | None = None,
    clock: samples.FakeClock | None = None,
) -> FlaskClient:
    """Return a client of an exporter whose board shows the view."""
    config = config or samples.config()
    board = Board([view or samples.healthy()], samples.limits)
    clock = clock or samples.FakeClock()
    service = service or VirtualIps({}, clock, None)
    door = Door(Credentials(), "exporter")
    parts = Parts(config, board, clock, look, lambda: is_ready, "1.2.3", service, door)
    return create_app(parts).test_client()


def test_metrics_are_in_the_old_form_for_those_who_do_not_say() -> None:
    """Without an Accept header the text format 0.0.4 is sent: the board and this process."""
    response = client().get("/metrics")
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    text = response.text
    assert 'sip_server_mode{cluster="porto",host="porto-1",mode="primary"} 1.0' in text
    assert 'sip_server_mode_changes_total{cluster="porto",host="porto-2"} 0.0' in text
    assert "\npython_info{" in text
    assert "\nprocess_start_time_seconds " in text
    assert 'sipnlb_build_info{program="exporter",version="1.2.3"} 1.0' in text


def test_metrics_are_openmetrics_for_those_who_ask() -> None:
    """Prometheus asks for OpenMetrics and gets it, with its end mark."""
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    response = client().get("/metrics", headers={"Accept": accept})
    assert response.content_type == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    )
    assert response.text.endswith("\n# EOF\n")
    assert "# TYPE nlb_port_packets counter\n" in response.text


def test_nonsense_in_the_accept_header_gets_the_old_form() -> None:
    """A version that is no version must not cost the scrape."""
    accept = "application/openmetrics-text;version=new"
    response = client().get("/metrics", headers={"Accept": accept})
    assert (response.status_code, response.content_type) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )


def test_a_probe_reads_live_within_its_time() -> None:
    """A probe gives what it reads now, in the scrape's time, without counters and since-times."""
    asked: list[tuple[str, float]] = []

    def look(cluster: Cluster, seconds: float) -> ClusterView:
        asked.append((cluster.name, seconds))
        return samples.view(samples.backup())

    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1.5"}
    response = client(look=look).get("/probe?cluster=porto", headers=headers)
    assert asked == [("porto", 1.25)]
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert 'sip_server_mode{cluster="porto",host="porto-2",mode="backup"} 1.0' in response.text
    assert "porto-1" not in response.text
    assert "sip_server_mode_changes_total" not in response.text
    assert "sip_server_mode_since_timestamp_seconds" not in response.text
    assert "python_info" not in response.text


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/probe", 400, "name a cluster: /probe?cluster=NAME, one of porto\n"),
        ("/probe?cluster=", 400, "name a cluster: /probe?cluster=NAME, one of porto\n"),
        (
            "/probe?cluster=<b>",
            404,
            "no cluster '<b>' is configured; there are porto\n",
        ),
        ("/nowhere", 404, "404 Not Found\n"),
        ("/metrics/", 404, "404 Not Found\n"),
        ("/-/healthy", 200, "sipnlb-exporter is healthy.\n"),
        ("/-/ready", 200, "sipnlb-exporter is ready.\n"),
    ],
)
def test_short_answers_are_plain_text(path: str, status: int, text: str) -> None:
    """What is no page and no metrics is one plain sentence that no browser runs."""
    response = client().get(path)
    assert (response.status_code, response.text) == (status, text)
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_not_ready_until_every_host_was_asked() -> None:
    """Before every loop has made its first attempt the exporter is alive but not ready."""
    waiting = client(is_ready=False)
    response = waiting.get("/-/ready")
    assert (response.status_code, response.text) == (
        503,
        "sipnlb-exporter is not ready: some host has not been asked yet.\n",
    )
    assert waiting.get("/-/healthy").status_code == 200


def test_nothing_can_be_posted() -> None:
    """The exporter takes no orders: other methods are refused with those that are allowed."""
    response = client().post("/metrics")
    assert (response.status_code, response.text) == (405, "405 Method Not Allowed\n")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_a_probe_that_cannot_begin_says_why() -> None:
    """A phrase file that is gone is told to the caller."""

    def look(_cluster: Cluster, _seconds: float) -> ClusterView:
        raise ClusterError("site.yml", "the phrase file cannot be read", "see nlb.phrases_file")

    response = client(look=look).get("/probe?cluster=porto")
    assert (response.status_code, response.text) == (
        500,
        "site.yml: the phrase file cannot be read (see nlb.phrases_file)\n",
    )


def test_a_bug_is_a_plain_500() -> None:
    """An unexpected error shows neither its text nor a page of code."""

    def look(_cluster: Cluster, _seconds: float) -> ClusterView:
        raise RuntimeError("secret particulars")

    response = client(look=look).get("/probe?cluster=porto")
    assert (response.status_code, response.text) == (500, "500 Internal Server Error\n")


def test_the_debug_page_shows_how_everything_was_read() -> None:
    """Command, raw output, reading, problem, age, metrics and configuration stand on one page."""
    words = Problem(Reason.UNKNOWN_TEXT, "no phrase matches the state of the rule")
    odd = replace(
        samples.port(PortState.UNKNOWN, problem=words), raw="R\x1b[2Jegel\tist an\n[exit status 0]"
    )
    host = replace(samples.primary(), ports=((samples.cluster().rules[0], odd),))
    config = samples.config(simulated=True)
    response = client(config=config, look=lambda _c, _s: samples.view(host)).get(
        "/probe?cluster=porto&debug=true"
    )
    assert response.content_type == "text/plain; charset=utf-8"
    before, mark, rest = response.text.partition("== Metrics\n")
    metrics, second_mark, configuration = rest.partition("== Configuration\n")
    assert (bool(mark), bool(second_mark)) == (True, True)
    assert (GOLDEN / "debug_page.txt").read_text("utf-8") == before + second_mark + configuration
    assert (
        'nlb_port_state{cluster="porto",host="porto-1",port="5070",state="unknown"} 1.0' in metrics
    )


def test_the_debug_page_never_opens_a_secret(tmp_path: Path) -> None:
    """What stands in a secret file is not on the debug page."""
    token = tmp_path / "token"
    token.write_text("hunter-2-hunter-2\n", "utf-8")
    text = samples.CONFIG + f"remediator: {{web: {{bearer_token_file: '{token}'}}}}\n"
    page = client(config=parse(text, "clusters.yml")).get("/probe?cluster=porto&debug=true").text
    assert "hunter-2-hunter-2" not in page


def test_the_landing_page_of_a_healthy_pair() -> None:
    """The landing page shows each host's mode, node, ports and age, and links to the rest."""
    assert (GOLDEN / "landing.html").read_text("utf-8") == client().get("/").text + "\n"


def test_the_landing_page_says_that_the_ports_do_not_follow_the_modes() -> None:
    """In an outage every reading works, and the page still says what is wrong, first of all."""
    rule = samples.cluster().rules[0]
    closed = ((rule, samples.port(PortState.DISABLED)),)
    page = client(samples.view(replace(samples.primary(), ports=closed), samples.backup()))
    assert (
        '<p class="verdict wrong"><strong>WRONG</strong>: primary porto-1&#39;s port 5070 is '
        "disabled; no host has port 5070 enabled</p>"
    ) in page.get("/").text


def test_the_landing_page_says_which_host_is_read_elsewhere() -> None:
    """A host of the cluster that this exporter does not read is named, not judged."""
    page = client(samples.view(samples.backup())).get("/").text
    assert (
        '<p class="verdict right"><strong>right</strong>: '
        "as far as porto-2 tells; read elsewhere: porto-1</p>"
    ) in page


def test_the_landing_page_says_what_is_simulated() -> None:
    """A banner names the simulated clusters."""
    page = client(config=samples.config(simulated=True)).get("/").text
    assert (
        '<p class="banner" role="note">Simulated: the hosts of porto are pretended by '
        "sipnlb-simulator.</p>"
    ) in page
    assert "<h2>porto (simulated)</h2>" in page


def test_the_landing_page_says_problems_in_words() -> None:
    """A problem stands in words, its particulars escaped; before the first reading no age."""
    rule = samples.cluster().rules[0]
    hostile = samples.port(
        PortState.UNKNOWN, problem=Problem(Reason.UNKNOWN_TEXT, "<script>alert(1)</script>")
    )
    never = samples.port(PortState.UNKNOWN, problem=Problem(Reason.NEVER_READ, ""))
    view = samples.view(
        replace(samples.primary(), ports=((rule, hostile),)),
        replace(samples.backup(), ports=((rule, never),)),
    )
    page = client(view).get("/").text
    assert (
        "<li>port_5070: the answer is in words or numbers that are not known: "
        "&lt;script&gt;alert(1)&lt;/script&gt;</li>"
    ) in page
    assert "<td>not read yet</td><td><ul><li>port_5070: not read yet</li></ul></td>" in page


@pytest.mark.parametrize("path", ["/", "/metrics", "/probe?cluster=porto", "/nowhere"])
def test_no_page_loads_anything_from_elsewhere(path: str) -> None:
    """Scripts and assets are forbidden on every answer."""
    response = client().get(path)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert "<script" not in response.text
    assert "src=" not in response.text


def test_a_query_that_is_no_text_is_refused() -> None:
    """Bytes that are not UTF-8, sent as they are, are 400 and no failure of ours."""
    response = client().open("/probe", environ_overrides={"QUERY_STRING": "cluster=p\xa8"})
    assert (response.status_code, response.text) == (
        400,
        "the query is not UTF-8; write each of its bytes as %XX\n",
    )
