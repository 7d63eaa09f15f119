"""The remediator's HTTP face: translates requests to calls of the service, nothing more."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from flask import Flask, Response, jsonify, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from cluster import log
from cluster.clock import Clock
from cluster.config_model import Cluster, Config
from cluster.door import Door
from cluster.rights import Caller, Right
from remediator import description, status
from remediator.journal import MAX_ROWS, JournalError
from remediator.journal_schema import Kind
from remediator.looks import Trigger
from remediator.metrics import Metrics
from remediator.service import Service
from remediator.web_answers import CALLER, plain, refusal, unknown_cluster
from remediator.web_operate import OperateFace
from remediator.web_status import Silenced, StatusFace
from remediator.webhook import Alert, AlertOutcome, PayloadError

MAX_BODY_BYTES = 8 * 1024 * 1024
DEFAULT_ROWS = 100


class WebhookOutcome(StrEnum):
    """What became of a webhook request. The label ``outcome`` of the webhook counter."""

    TAKEN = "taken"
    MALFORMED = "malformed"
    UNAUTHORIZED = "unauthorized"
    TOO_LARGE = "too_large"
    JOURNAL_UNWRITABLE = "journal_unwritable"
    STOPPING = "stopping"


def create_app(
    config: Config,
    service: Service,
    metrics: Metrics,
    registry: CollectorRegistry,
    door: Door,
    clock: Clock,
    silenced: Silenced | None = None,
) -> Flask:
    """Make the WSGI application. silenced: as `StatusFace` has it."""
    app = Flask("remediator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    operate = OperateFace(config, service, door, clock)
    face = WebFace(config, service, metrics, registry, door, clock, operate)
    app.before_request(face.authenticate)
    app.after_request(face.protect)
    app.add_url_rule("/api/v1/alerts", view_func=face.alerts, methods=["POST"])
    app.add_url_rule("/api/v1/clusters", view_func=face.clusters)
    app.add_url_rule("/api/v1/clusters/<name>", view_func=face.cluster)
    app.add_url_rule(
        "/api/v1/clusters/<name>/reconcile", view_func=face.reconcile, methods=["POST"]
    )
    app.add_url_rule("/api/v1/journal", view_func=face.journal)
    operate.add_to(app)
    StatusFace(config, service, clock, operate, silenced).add_to(app)
    description.add_to(app)
    app.add_url_rule("/metrics", view_func=face.expose)
    app.add_url_rule("/-/healthy", view_func=face.healthy)
    app.add_url_rule("/-/ready", view_func=face.ready)
    app.add_url_rule("/", view_func=face.index)
    app.register_error_handler(RequestEntityTooLarge, face.too_large)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(JournalError, _journal_error)
    app.register_error_handler(UnicodeDecodeError, _not_utf8)
    return app


@dataclass(frozen=True, slots=True)
class WebFace:
    """The answers to requests, one method a route."""

    config: Config
    service: Service
    metrics: Metrics
    registry: CollectorRegistry
    door: Door
    clock: Clock
    operate: OperateFace

    def authenticate(self) -> Response | None:
        """Let nobody without credentials at the API; None lets a request through."""
        right = _right_asked()
        verdict = self.door.admit(request.environ, right)
        if isinstance(verdict, Caller):
            if right is Right.OPERATE and request.url_rule is not None:
                self._audit(verdict)
            return None
        if _is_webhook():
            self.metrics.webhook(WebhookOutcome.UNAUTHORIZED)
        response = refusal(verdict.status, verdict.problem, verdict.hint)
        response.headers.update(verdict.headers)
        return response

    def protect(self, response: Response) -> Response:
        """Add the headers that every answer carries."""
        response.headers.update(self.door.headers)
        return response

    def alerts(self) -> Response:
        """Take a webhook in; every alert in it gets an outcome of its own."""
        if self.service.stopping:
            self.metrics.webhook(WebhookOutcome.STOPPING)
            return refusal(503, "the program is stopping", "send it again")
        body = request.get_data()
        if len(body) >= MAX_BODY_BYTES:
            # A body without a length is cut at the limit, not refused (observed: Werkzeug 3.1).
            raise RequestEntityTooLarge
        try:
            payload = self.service.accept(body)
        except PayloadError as error:
            self._refused(WebhookOutcome.MALFORMED, error.text)
            return refusal(400, error.text, "send an Alertmanager webhook, version 4")
        except JournalError as error:
            self.metrics.webhook(WebhookOutcome.JOURNAL_UNWRITABLE)
            log.get("remediator").error("webhook not taken", problem=str(error))
            return refusal(503, error.problem, "it is taken once the journal can be written again")
        self.metrics.webhook(WebhookOutcome.TAKEN)
        _log_alerts(payload.alerts)
        outcomes = [
            {
                "fingerprint": alert.fingerprint,
                "cluster": alert.cluster,
                "outcome": alert.outcome,
                "problem": alert.problem,
            }
            for alert in payload.alerts
        ]
        return jsonify(truncated=payload.truncated, alerts=outcomes)

    def clusters(self) -> Response:
        """Tell how every cluster stands."""
        return jsonify(clusters=[self._summary(cluster) for cluster in self.config.clusters])

    def cluster(self, name: str) -> Response:
        """Tell how one cluster stands, with every reading of its last look."""
        found = self.config.cluster(name)
        if found is None:
            return unknown_cluster(name, self.config)
        hosts = status.hosts(self.service.last_look(name), self.clock.now())
        return jsonify(**self._summary(found), hosts=hosts)

    def reconcile(self, name: str) -> Response:
        """Ask for a look now, as a person does who wants it tried again.

        The answer's number: ``last_look`` with that number or a higher one began after this.
        """
        if self.config.cluster(name) is None:
            return unknown_cluster(name, self.config)
        if self.service.stopping:
            return refusal(503, "the program is stopping", "send it again")
        number = self.service.request(name, Trigger.RECONCILE)
        response = jsonify(cluster=name, look="requested", number=number)
        response.status_code = 202
        return response

    def journal(self) -> Response:
        """Show journal rows, newest first."""
        try:
            kind = request.args.get("kind")
            rows = self.service.journal.rows(
                cluster=request.args.get("cluster"),
                kind=Kind(kind) if kind is not None else None,
                before=_whole("before"),
                limit=_whole("limit") or DEFAULT_ROWS,
            )
        except ValueError as error:
            hint = (
                f"before and limit are whole numbers, limit 1 to {MAX_ROWS}; "
                f"kind is one of {', '.join(Kind)}"
            )
            return refusal(400, str(error), hint)
        return jsonify(rows=[status.journal_row(row) for row in rows])

    def expose(self) -> Response:
        """Expose the metrics, in the format that the scraper asks for."""
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except (TypeError, ValueError):  # a version in it that is no number
            encode, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
        return Response(encode(self.registry), content_type=content_type)

    @staticmethod
    def healthy() -> Response:
        """Say that the program runs."""
        return plain("sipnlb-remediator runs\n")

    def ready(self) -> Response:
        """Say whether it can do its work, or what keeps it from it."""
        reasons = self.service.why_not_ready()
        if reasons:
            return plain("not ready: " + "; ".join(reasons) + "\n", 503)
        grace = self.service.watchdog_grace_seconds
        if grace is not None:
            left = f"no watchdog alert has come yet, it is waited for {grace:.0f} s more"
            return plain(f"ready, so far: {left}\n")
        others = self.service.replicas.elsewhere
        by = f", standing by: others have {', '.join(others[:20])}" if others else ""
        return plain(f"ready{by}\n")

    def index(self) -> Response:
        """Say what this is and what else there is."""
        level = self.config.remediator.policy.level
        acts = {"enforce": "it acts", "approve": "it acts on what a person has approved"}.get(
            level, "it decides and records, and touches nothing"
        )
        simulated = [cluster.name for cluster in self.config.clusters if cluster.simulated]
        lines = [
            f"sipnlb-remediator, level {level}: {acts}",
            *([f"simulated clusters: {', '.join(simulated)}"] if simulated else []),
            "",
            "/api/v1/status     all in short, as sipnlb-remediator status shows it",
            "/api/v1/clusters   how each cluster stands",
            "/api/v1/journal    every alert, decision and action",
            "/metrics           for Prometheus",
            "/-/ready           whether it can do its work",
        ]
        return plain("\n".join(lines) + "\n")

    def too_large(self, _: Exception) -> Response:
        """Refuse a body over the limit."""
        if _is_webhook():
            self._refused(WebhookOutcome.TOO_LARGE, "too large")
        return refusal(413, f"larger than {MAX_BODY_BYTES} bytes", "set max_alerts in Alertmanager")

    def _refused(self, outcome: WebhookOutcome, why: str) -> None:
        self.metrics.webhook(outcome)
        log.get("remediator").warning("webhook refused", why=why, peer=request.remote_addr)

    def _audit(self, caller: Caller) -> None:
        """Write down who calls for what, before it is done. Raises `JournalError`: then it is not.

        ``request.environ`` keeps the caller for rows of what is then done.
        """
        request.environ[CALLER] = caller
        name = (request.view_args or {}).get("name", "")
        found = self.config.cluster(name)
        asked = {"method": request.method, "path": request.path[:200]}
        self.service.journal.record_event(
            "asked", {**caller.record, **asked}, cluster=found.name if found else ""
        )
        log.get("remediator").info("asked", **caller.record, **asked)

    def _summary(self, found: Cluster) -> dict[str, Any]:
        journal = self.service.journal
        summary = status.cluster_summary(
            found,
            self.config.remediator.policy.level,
            self.service.last_look(found.name),
            self.service.seconds_to_next_look(found.name),
            needs_person=bool(journal.open_rows(Kind.PERSON, found.name)),
            fences=[row.host for row in journal.open_rows(Kind.FENCE, found.name)],
        )
        lease = asdict(self.service.replicas.leases.standing(found.name))
        return summary | {"lease": lease} | self.operate.standing(found.name)


def _http_error(error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = refusal(error.code or 500, error.name.lower(), "see / for what there is")
    if isinstance(error, MethodNotAllowed):  # RFC 9110: it says what is allowed
        response.headers["Allow"] = ", ".join(error.valid_methods or ())
    return response


def _not_utf8(_: Exception) -> Response:
    """Refuse a query of bytes that are no text (Werkzeug reads it only when it is asked for it)."""
    return refusal(400, "the query is not UTF-8", "write each of its bytes as %XX")


def _journal_error(error: Exception) -> Response:
    assert isinstance(error, JournalError)
    return refusal(503, error.problem, error.hint)


def _right_asked() -> Right | None:
    """Return the right that a request needs; None for the pages beside the API.

    Whatever is not only seen is operated, so that a new route is closed until it is thought of.
    """
    if _is_webhook():
        return Right.WEBHOOK
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        return Right.OPERATE
    return Right.READ if request.path.startswith("/api/") else None


def _is_webhook() -> bool:
    return request.path == "/api/v1/alerts"


def _whole(name: str) -> int | None:
    """Return a whole number of the query, None if it is not given. Raises ValueError."""
    text = request.args.get(name)
    if text is None:
        return None
    largest = MAX_ROWS if name == "limit" else 2**63 - 1
    if not re.fullmatch(r"[0-9]{1,19}", text) or not 1 <= int(text) <= largest:
        raise ValueError(f"{name} is {text[:40]!r}")
    return int(text)


def _log_alerts(alerts: tuple[Alert, ...]) -> None:
    """Log one line a batch, unless it only says that the watchdog lives."""
    outcomes = [alert.outcome for alert in alerts]
    quiet = all(outcome is AlertOutcome.WATCHDOG for outcome in outcomes)
    write = log.get("remediator").debug if quiet else log.get("remediator").info
    write(
        "webhook taken",
        alerts=len(alerts),
        outcomes=sorted(set(outcomes)),
        clusters=sorted({alert.cluster for alert in alerts if alert.cluster})[:10],
        hosts=sorted({alert.host for alert in alerts if alert.host})[:10],
        names=sorted({alert.name for alert in alerts if alert.name})[:10],
    )
