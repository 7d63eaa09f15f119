"""The HTTP face: what each request is answered, and that each webhook is counted."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from cluster.config_section import Credentials
from cluster.door import Door
from remediator.journal_schema import Kind
from remediator.looks import Trigger
from remediator.web import MAX_BODY_BYTES, WebhookOutcome, create_app
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_service import Site

ALERTS = "/api/v1/alerts"
TOKEN = {"Authorization": "Bearer open-sesame"}


class WebSite(Site):
    """A site whose service does not run, with its web face."""

    def __init__(self, folder: Path, credentials: Credentials, remediator: str = "") -> None:
        super().__init__(folder, remediator=remediator)
        self.silences: dict[str, str] = {}
        self.metrics = self.service._metrics
        app = create_app(
            self.config,
            self.service,
            self.metrics,
            self.registry,
            Door(credentials, "remediator"),
            self.clock,
            lambda cluster, _: self.silences.get(cluster),
        )
        self.client: FlaskClient = app.test_client()

    def post(self, body: bytes, **headers: str) -> TestResponse:
        """Send a webhook with the right credentials."""
        return self.client.post(ALERTS, data=body, headers={**TOKEN, **headers})

    def get(self, path: str) -> TestResponse:
        """Get a page with the right credentials."""
        return self.client.get(path, headers=TOKEN)

    def counted(self) -> dict[str, float]:
        """Return the outcomes of webhooks that were counted."""
        values = {o: self.value("webhooks_total", outcome=o) for o in WebhookOutcome}
        return {str(outcome): value for outcome, value in values.items() if value}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WebSite]:
    """Return a site that asks for a bearer token."""
    secret = tmp_path / "token"
    secret.write_text("open-sesame\n")
    made = WebSite(tmp_path, Credentials(bearer_token_file=str(secret)))
    yield made
    made.close()


def error(response: TestResponse) -> tuple[int, str, str]:
    """Return status, problem and hint of an error, which is always JSON of these two."""
    assert response.content_type == "application/json"
    answer = response.get_json()
    assert set(answer) == {"error", "hint"}
    return response.status_code, answer["error"], answer["hint"]


# Webhooks


def test_each_alert_is_answered_with_its_outcome(site: WebSite) -> None:
    """200 for every well-formed payload, whatever is in it; the rows are there by then."""
    response = site.post(
        samples.body(
            [samples.sent(), 7, samples.sent(samples.labels("cusco"), fingerprint="f2")],
            truncatedAlerts=0,
        )
    )
    assert response.status_code == 200
    assert response.get_json() == {
        "truncated": 0,
        "alerts": [
            {"fingerprint": "f1", "cluster": "quito", "outcome": "accepted", "problem": ""},
            {
                "fingerprint": "",
                "cluster": "",
                "outcome": "malformed",
                "problem": "it is not a JSON object",
            },
            {
                "fingerprint": "f2",
                "cluster": "cusco",
                "outcome": "unknown_cluster",
                "problem": "the label cluster names none that is configured",
            },
        ],
    }
    assert site.counted() == {"taken": 1.0}
    assert len(site.journal.rows(kind=Kind.ALERT)) == 3
    assert site.service.seconds_to_next_look("quito") == 0.0


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            b"{",
            (
                "the body is not JSON: Expecting property name enclosed in double quotes: "
                "line 1 column 2 (char 1)"
            ),
        ),
        (b"", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"version": "3", "alerts": []}', "version is '3', this program reads version \"4\""),
        (b'{"version": "4"}', "alerts is not a list"),
    ],
    ids=["cut", "empty", "version 3", "no alerts"],
)
def test_what_is_no_payload_is_refused(site: WebSite, body: bytes, problem: str) -> None:
    """400 with what is wrong and what to send, counted as malformed."""
    assert error(site.post(body)) == (400, problem, "send an Alertmanager webhook, version 4")
    assert site.counted() == {"malformed": 1.0}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic b3Blbi1zZXNhbWU="}],
)
def test_without_the_right_credentials_nothing_is_taken(
    site: WebSite, headers: dict[str, str]
) -> None:
    """401 with the challenge, counted, and nothing written."""
    response = site.client.post(ALERTS, data=samples.body([samples.sent()]), headers=headers)
    assert error(response) == (
        401,
        "missing or wrong credentials",
        "send the configured credentials",
    )
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="sipnlb-remediator"'
    assert (site.counted(), site.journal.rows()) == ({"unauthorized": 1.0}, [])


def test_credentials_come_before_size_and_sense(site: WebSite) -> None:
    """A stranger's body is not even read."""
    response = site.client.post(ALERTS, data=b"x" * (MAX_BODY_BYTES + 1))
    assert response.status_code == 401
    assert site.counted() == {"unauthorized": 1.0}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/clusters",
        "/api/v1/clusters/quito",
        "/api/v1/journal",
        "/api/v1/nothing",
        "/api/",
    ],
)
def test_the_whole_api_needs_credentials(site: WebSite, path: str) -> None:
    """Whatever stands below /api, also what is not there; only webhooks are counted."""
    response = site.client.get(path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="sipnlb-remediator"'
    assert site.counted() == {}


def test_a_stranger_cannot_ask_for_a_look(site: WebSite) -> None:
    """Reconcile needs credentials too."""
    assert site.client.post("/api/v1/clusters/quito/reconcile").status_code == 401
    assert site.service.seconds_to_next_look("quito") is None


@pytest.mark.parametrize("path", ["//api/v1/clusters", "/./api/v1/journal", "/API/v1/clusters"])
def test_no_spelling_goes_round_the_door(site: WebSite, path: str) -> None:
    """Odd spellings of a path show nothing without credentials."""
    response = site.client.get(path)
    assert response.status_code in {308, 401, 404}
    assert "quito" not in response.text


def test_a_large_body_is_refused(site: WebSite) -> None:
    """413 beyond 8 MiB with what to do about it, counted; just below it is read."""
    answer = error(site.post(b"[" + b" " * MAX_BODY_BYTES))
    assert answer == (413, "larger than 8388608 bytes", "set max_alerts in Alertmanager")
    assert site.counted() == {"too_large": 1.0}
    body = samples.body([])
    assert site.post(body + b" " * (MAX_BODY_BYTES - 1 - len(body))).status_code == 200


def test_a_large_body_of_no_declared_length_is_refused(site: WebSite) -> None:
    """A body sent in pieces, without a length, is refused as well, not cut and half read."""
    body = samples.body([samples.sent()])
    response = site.client.post(
        ALERTS,
        input_stream=io.BytesIO(body + b" " * MAX_BODY_BYTES),
        headers=TOKEN,
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert error(response)[:2] == (413, "larger than 8388608 bytes")
    assert (site.counted(), site.journal.rows()) == ({"too_large": 1.0}, [])


def test_a_broken_journal_makes_alertmanager_send_again(site: WebSite) -> None:
    """503 while it cannot be written, counted, no look; once it can, the same is taken."""
    body = samples.body([samples.sent()])
    site.destroy_journal()
    assert error(site.post(body)) == (
        503,
        "the journal does not answer: no such table: journal",
        "it is taken once the journal can be written again",
    )
    assert site.counted() == {"journal_unwritable": 1.0}
    assert site.service.seconds_to_next_look("quito") is None
    site.mend_journal()
    assert site.post(body).status_code == 200


def test_a_stopping_program_takes_nothing(site: WebSite) -> None:
    """503, counted, so that another one or a later one gets it."""
    site.service.stop()
    body = samples.body([samples.sent()])
    assert error(site.post(body)) == (503, "the program is stopping", "send it again")
    assert site.counted() == {"stopping": 1.0}
    assert site.journal.rows(kind=Kind.ALERT) == []


def test_ten_thousand_alerts_are_answered(site: WebSite) -> None:
    """A flood is one answer with an outcome for each alert."""
    alerts = [samples.sent(samples.labels("quito"), fingerprint=f"f{n}") for n in range(10_000)]
    answer = site.post(samples.body(alerts)).get_json()["alerts"]
    assert (len(answer), answer[9_999]["fingerprint"]) == (10_000, "f9999")
    assert {alert["outcome"] for alert in answer} == {"accepted"}


def test_halves_of_characters_cost_no_batch(site: WebSite) -> None:
    """What no journal could take is replaced, and its neighbours are taken."""
    body = samples.body([samples.sent(samples.labels("\ud800")), samples.sent(fingerprint="f2")])
    outcomes = [alert["outcome"] for alert in site.post(body).get_json()["alerts"]]
    assert outcomes == ["unknown_cluster", "accepted"]


def test_the_wrong_method_is_said(site: WebSite) -> None:
    """405 as JSON with what is allowed instead, without a count of webhooks."""
    response = site.get(ALERTS)
    assert error(response) == (405, "method not allowed", "see / for what there is")
    assert set(response.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert site.counted() == {}


# Clusters


def test_all_clusters_are_listed(site: WebSite) -> None:
    """With their notes and, before any look, nothing of looks."""
    site.journal.open_note(Kind.PERSON, "lima", "", "bug", "x")
    site.journal.open_note(Kind.FENCE, "quito", "quito-2", "fence_pending", "x")
    clusters = site.get("/api/v1/clusters").get_json()["clusters"]
    assert [(c["name"], c["needs_person"], c["fence_pending"]) for c in clusters] == [
        ("quito", False, ["quito-2"]),
        ("lima", True, []),
    ]


def test_one_cluster_is_shown_with_its_hosts(tmp_path: Path) -> None:
    """After a look every host is there with its readings."""
    site = WebSite(tmp_path, Credentials())
    try:
        site.started()
        answer = site.client.get("/api/v1/clusters/quito").get_json()
        assert (answer["name"], answer["last_look"]["ending"]) == ("quito", "right")
        assert [(host["name"], len(host["readings"])) for host in answer["hosts"]] == [
            ("quito-1", 4),
            ("quito-2", 4),
        ]
    finally:
        site.close()


@pytest.mark.parametrize("path", ["/api/v1/clusters/cusco", "/api/v1/clusters/cusco/reconcile"])
def test_an_unknown_cluster_is_not_found(site: WebSite, path: str) -> None:
    """404 with the names that there are."""
    call = site.client.post if path.endswith("reconcile") else site.client.get
    assert error(call(path, headers=TOKEN)) == (
        404,
        "no cluster 'cusco' is configured",
        "configured: quito, lima",
    )


def test_a_long_unknown_name_is_cut(site: WebSite) -> None:
    """Nobody's long path is echoed whole."""
    answer = error(site.get("/api/v1/clusters/" + "q" * 4_000))
    assert answer[1] == f"no cluster '{'q' * 80}' is configured"


def test_a_person_can_ask_for_a_look(site: WebSite) -> None:
    """202 at once; the look waits with its trigger."""
    response = site.client.post("/api/v1/clusters/lima/reconcile", headers=TOKEN)
    assert (response.status_code, response.get_json()) == (
        202,
        {"cluster": "lima", "look": "requested", "number": 1},
    )
    assert site.service._board.take(samples.BEGIN.monotonic, 32) == [("lima", Trigger.RECONCILE)]


def test_a_stopping_program_looks_at_nothing_more(site: WebSite) -> None:
    """Reconcile is refused with 503."""
    site.service.stop()
    response = site.client.post("/api/v1/clusters/lima/reconcile", headers=TOKEN)
    assert error(response) == (503, "the program is stopping", "send it again")


def test_who_called_for_a_look_is_written_down(site: WebSite) -> None:
    """Before it is done, with address and path; only where there is something to do."""
    for path in ("/api/v1/clusters/lima/reconcile", "/api/v1/clusters/cusco/reconcile", "/x"):
        site.client.post(path, headers=TOKEN)
    site.client.post("/api/v1/clusters/lima/reconcile")

    assert [(row.cluster, row.outcome, row.detail) for row in site.journal.rows()] == [
        (cluster, "asked", asked("/api/v1/clusters/" + path))
        for cluster, path in (("", "cusco/reconcile"), ("lima", "lima/reconcile"))
    ]


def asked(path: str) -> dict[str, str]:
    """Return what is written down of a call."""
    return {"who": "web token", "address": "127.0.0.1", "method": "POST", "path": path}


def test_what_cannot_be_written_down_is_not_done(site: WebSite) -> None:
    """Nobody operates without leaving a trace."""
    site.destroy_journal()
    response = site.client.post("/api/v1/clusters/lima/reconcile", headers=TOKEN)
    assert error(response)[:2] == (503, "the journal does not answer: no such table: journal")
    assert site.service.seconds_to_next_look("lima") is None
    site.mend_journal()


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/clusters", "/nowhere", ALERTS])
def test_every_answer_protects_who_reads_it(site: WebSite, path: str) -> None:
    """Refusals too: no page loads anything, stands in a frame or is kept."""
    for headers in ({}, TOKEN):
        response = site.client.get(path, headers=headers)
        assert response.headers["X-Frame-Options"] == "deny"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert response.headers["Cache-Control"] == "no-store"


# Journal


def test_journal_rows_are_shown_newest_first(site: WebSite) -> None:
    """By cluster and kind, page by page."""
    for number in range(3):
        site.post(samples.body([samples.sent(fingerprint=f"f{number}")]))
    site.post(samples.body([samples.sent(samples.labels("lima"), fingerprint="f3")]))
    site.journal.record_event("started", {})

    def ids(query: str) -> list[int]:
        return [row["id"] for row in site.get(f"/api/v1/journal{query}").get_json()["rows"]]

    assert ids("") == [5, 4, 3, 2, 1]
    assert ids("?cluster=quito") == [3, 2, 1]
    assert ids("?kind=alert&before=4&limit=2") == [3, 2]
    assert ids("?kind=service") == [5]
    assert ids("?cluster=cusco") == []


def test_a_page_has_a_hundred_rows(site: WebSite) -> None:
    """Unless another number is asked for."""
    site.post(samples.body([samples.sent(fingerprint=f"f{n}") for n in range(130)]))
    assert len(site.get("/api/v1/journal").get_json()["rows"]) == 100
    assert len(site.get("/api/v1/journal?limit=120").get_json()["rows"]) == 120


HINT = (
    "before and limit are whole numbers, limit 1 to 1000; "
    "kind is one of alert, decision, action, person, fence, service, port_change, "
    "pause, approval, acknowledgement"
)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("kind=alerts", "'alerts' is not a valid Kind"),
        ("kind=", "'' is not a valid Kind"),
        ("before=x", "before is 'x'"),
        ("before=-4", "before is '-4'"),
        ("before=9223372036854775808", "before is '9223372036854775808'"),
        ("limit=0", "limit is '0'"),
        ("limit=", "limit is ''"),
        ("limit=1.5", "limit is '1.5'"),
        ("limit=²", "limit is '²'"),
        ("limit=" + "x" * 99, f"limit is '{'x' * 40}'"),
    ],
)
def test_a_wrong_question_to_the_journal_is_explained(
    site: WebSite, query: str, problem: str
) -> None:
    """400 with what is wrong and what may be asked."""
    assert error(site.get(f"/api/v1/journal?{query}")) == (400, problem, HINT)


@pytest.mark.parametrize("path", ["/api/v1/journal", "/api/v1/clusters", "/api/v1/clusters/quito"])
def test_a_broken_journal_is_said_by_every_page_that_needs_it(site: WebSite, path: str) -> None:
    """503 with the problem and what to look at."""
    site.destroy_journal()
    assert error(site.get(path)) == (
        503,
        "the journal does not answer: no such table: journal",
        "see disk space and rights",
    )
    site.mend_journal()


# The rest


def test_metrics_need_no_credentials(site: WebSite) -> None:
    """In the form that the scraper asks for."""
    old = site.client.get("/metrics")
    assert old.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert 'sipnlb_remediator_webhooks_total{outcome="taken"} 0.0' in old.text
    accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
    assert site.client.get("/metrics", headers=accept).text.endswith("\n# EOF\n")


def test_a_webhook_is_logged_with_the_hosts_that_it_names(site: WebSite) -> None:
    """One line a batch says what came in for which cluster and host."""
    given = [samples.sent(), samples.sent(samples.labels("lima"), fingerprint="f2")]
    with capture_logs() as lines:
        site.post(samples.body(given))
    assert lines == [
        {
            "event": "webhook taken",
            "log_level": "info",
            "alerts": 2,
            "outcomes": ["accepted"],
            "clusters": ["lima", "quito"],
            "hosts": ["lima-1", "quito-1"],
            "names": ["SipServerBecamePrimary"],
        }
    ]


def test_it_says_that_it_runs(site: WebSite) -> None:
    """Healthy needs nothing but the program."""
    response = site.client.get("/-/healthy")
    assert (response.status_code, response.text) == (200, "sipnlb-remediator runs\n")


def test_it_says_whether_it_is_ready(site: WebSite) -> None:
    """Ready, at first without a sign that alerts reach it, or 503 with all reasons in one line."""
    site.clock.move(30)
    response = site.client.get("/-/ready")
    assert (response.status_code, response.text) == (
        200,
        "ready, so far: no watchdog alert has come yet, it is waited for 150 s more\n",
    )
    site.post(samples.body([samples.sent({"sipnlb": "watchdog"})]))
    response = site.client.get("/-/ready")
    assert (response.status_code, response.text) == (200, "ready\n")
    site.clock.move(240)
    site.service.stop()
    response = site.client.get("/-/ready")
    assert (response.status_code, response.text) == (
        503,
        (
            "not ready: it is stopping; no watchdog alert for 240 s: Prometheus or Alertmanager "
            "does not reach us\n"
        ),
    )


def test_the_first_page_says_what_it_is(site: WebSite) -> None:
    """Level, what that means, and what else there is."""
    assert site.client.get("/").text == (
        "sipnlb-remediator, level observe: it decides and records, and touches nothing\n"
        "\n"
        "/api/v1/status     all in short, as sipnlb-remediator status shows it\n"
        "/api/v1/clusters   how each cluster stands\n"
        "/api/v1/journal    every alert, decision and action\n"
        "/metrics           for Prometheus\n"
        "/-/ready           whether it can do its work\n"
    )


def test_a_simulated_site_says_so_on_the_first_page(tmp_path: Path) -> None:
    """So does the level enforce."""
    site = WebSite(tmp_path, Credentials())
    try:
        given = samples.config(remediator="  policy: {level: enforce}\n")
        one, two = given.clusters
        given = given.model_copy(
            update={"clusters": (one, two.model_copy(update={"simulated": True}))}
        )
        app = create_app(
            given,
            site.service,
            site.metrics,
            site.registry,
            Door(Credentials(), "remediator"),
            site.clock,
        )
        assert app.test_client().get("/").text.splitlines()[:3] == [
            "sipnlb-remediator, level enforce: it acts",
            "simulated clusters: lima",
            "",
        ]
    finally:
        site.close()


def test_what_is_not_there_is_said(site: WebSite) -> None:
    """404 as JSON with where to look."""
    assert error(site.client.get("/nowhere")) == (404, "not found", "see / for what there is")


def test_webhooks_side_by_side_lose_nothing(site: WebSite) -> None:
    """Several threads that send at once are all taken, each episode once."""
    bodies = [
        samples.body([samples.sent(fingerprint=f"f{n}") for n in range(k, k + 20)])
        for k in (0, 10, 20, 30)
    ]
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda body=body: codes.append(site.post(body).status_code))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = site.journal.rows(kind=Kind.ALERT)
    assert (codes, len(rows), sum(row.count for row in rows)) == ([200] * 4, 50, 80)
    assert json.loads(site.get("/api/v1/journal?limit=1").text)["rows"][0]["id"] == 50


def test_a_version_that_is_no_number_gets_the_old_format(site: WebSite) -> None:
    """Who sends an odd Accept header gets metrics, not a 500."""
    response = site.client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=x.y"}
    )
    assert response.status_code == 200
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_the_description_is_served_to_who_may_read(site: WebSite) -> None:
    """As YAML, below the API's door."""
    response = site.get("/api/v1/openapi.yml")
    assert (response.status_code, response.content_type) == (200, "application/yaml")
    assert response.get_data(as_text=True).count("operationId: openapi") == 1
    assert site.client.get("/api/v1/openapi.yml").status_code == 401


def test_a_query_that_is_no_text_is_refused(site: WebSite) -> None:
    """Bytes that are not UTF-8, sent as they are, are 400 and no failure of ours."""
    raw = {"QUERY_STRING": "cluster=p\xa8"}
    response = site.client.open("/api/v1/status", headers=TOKEN, environ_overrides=raw)
    assert error(response) == (400, "the query is not UTF-8", "write each of its bytes as %XX")
