"""The HTTP face of what persons say: pause, resume, approve, acknowledge.

Translates requests, nothing more. Edge: Flask. Who may is the door's; that it was asked is
written down before anything here runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, request

from cluster.clock import Clock
from cluster.config_model import Config
from cluster.door import Door
from cluster.rights import Caller
from remediator import order_body as body
from remediator.approval import Standing
from remediator.approvals import Approvals
from remediator.journal_schema import JournalRow, Kind
from remediator.looks import Trigger
from remediator.pauses import Pauses
from remediator.persons import Persons
from remediator.refused import RefusedError
from remediator.service import Service
from remediator.web_answers import CALLER, refusal, unknown_cluster

WHO = {"who": body.name}
SCOPE = {"cluster": body.name, "all": body.true}
PAUSE = {**SCOPE, "reason": body.text, "for": body.seconds, "until": body.moment, **WHO}
RESUME = {**SCOPE, "id": body.row_id, **WHO}
APPROVE = {"id": body.row_id, **WHO}
ACKNOWLEDGE = {"text": body.text, **WHO}


@dataclass(frozen=True, slots=True)
class OperateFace:
    """The answers to persons, one method a route."""

    config: Config
    service: Service
    door: Door
    clock: Clock

    def add_to(self, app: Flask) -> None:
        """Add the routes."""
        place = "/api/v1/clusters/<name>"
        app.add_url_rule("/api/v1/pauses", view_func=self.pauses)
        app.add_url_rule("/api/v1/pause", view_func=self.pause, methods=["POST"])
        app.add_url_rule("/api/v1/resume", view_func=self.resume, methods=["POST"])
        app.add_url_rule(f"{place}/approve", view_func=self.approve, methods=["POST"])
        app.add_url_rule(f"{place}/acknowledge", view_func=self.acknowledge, methods=["POST"])
        app.register_error_handler(RefusedError, _refused)

    def pauses(self) -> Response:
        """Show every pause that stands."""
        return jsonify(pauses=[pause.record for pause in self._pauses.standing()])

    def pause(self) -> Response:
        """Keep a cluster, or all, from being switched for a while."""
        given = _order(PAUSE)
        cluster = self._scope(given)
        reason = body.needed(given, "reason", "say why: whoever reads it at night is not you")
        until = body.until(given, self.clock.now().utc)
        made = self._pauses.pause(cluster, self._who(given), reason, until)
        return jsonify(pause=made.record)

    def resume(self) -> Response:
        """End the pauses of a cluster, or those of all; look at what was paused at once."""
        given = _order(RESUME)
        cluster = self._scope(given)
        ended = self._pauses.resume(cluster, self._who(given), given.get("id"))
        names = [cluster] if cluster else [each.name for each in self.config.clusters]
        looks = {name: self.service.request(name, Trigger.RECONCILE) for name in names}
        still = [pause.record for pause in self._pauses.standing(cluster or None)]
        response = jsonify(ended=[pause.record for pause in ended], still=still, looks=looks)
        response.status_code = 202
        return response

    def approve(self, name: str) -> Response:
        """Let what is asked for be carried out, once; look at once."""
        if self.config.cluster(name) is None:
            return unknown_cluster(name, self.config)
        given = _order(APPROVE)
        key = body.needed(given, "id", f"it stands at approvals in /api/v1/clusters/{name}")
        approvals = Approvals(self.config, self.service.journal, self.clock)
        granted = approvals.approve(name, key, self._who(given))
        number = self.service.request(name, Trigger.RECONCILE)
        response = jsonify(cluster=name, approved=granted.record, look="requested", number=number)
        response.status_code = 202
        return response

    def acknowledge(self, name: str) -> Response:
        """Say that somebody knows what a person is called for."""
        if self.config.cluster(name) is None:
            return unknown_cluster(name, self.config)
        given = _order(ACKNOWLEDGE)
        text = body.needed(given, "text", "say what is known, or who does what about it")
        called = Persons(self.service.journal).acknowledge(name, self._who(given), text)
        ended = [{"id": row.id, "hold": row.reason, **_said(row, "text")} for row in called]
        return jsonify(cluster=name, acknowledged=ended)

    def standing(self, name: str) -> dict[str, Any]:
        """Return what persons have said of a cluster and are asked, for its summary."""
        journal = self.service.journal
        approvals = Approvals(self.config, journal, self.clock).standing(name)
        known = journal.open_rows(Kind.ACKNOWLEDGEMENT, name)
        return {
            "pauses": [pause.record for pause in self._pauses.standing(name)],
            "approvals": [each.record for each in approvals if each.standing is Standing.WANTED],
            "approved": [each.record for each in approvals if each.standing is Standing.GRANTED],
            "acknowledged": [
                {"id": row.id, "hold": row.reason, "at": row.at, **_said(row, "who", "text")}
                for row in known
            ],
        }

    @property
    def _pauses(self) -> Pauses:
        return Pauses(self.service.journal, self.clock)

    def _scope(self, given: Mapping[str, Any]) -> str:
        """Return the cluster that an order names, empty for all. Raises `RefusedError`."""
        if body.one_of(given, "cluster", "all") == "all":
            return ""
        name: str = given["cluster"]
        if self.config.cluster(name) is None:
            known = ", ".join(cluster.name for cluster in self.config.clusters[:20])
            raise RefusedError(404, f"no cluster {name!r} is configured", f"configured: {known}")
        return name

    def _who(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Return who orders, for the record. Raises `RefusedError` where nobody is named.

        Whom the door knows is named by it; several persons may share what they show, so a name
        that is given is kept beside. Where the door asks for nothing there is only that.
        """
        caller: Caller = request.environ[CALLER]
        name = given.get("who")
        if not self.door.is_open:
            who = caller.name if name in {None, caller.name} else f"{caller.name} for {name}"
        elif name is None:
            hint = "nobody shows credentials here, so the order has to name who gives it"
            raise RefusedError(400, "who is missing", hint)
        else:
            who = name
        return {**caller.record, "who": who}


def _order(keys: Mapping[str, body.Read]) -> dict[str, Any]:
    data = request.get_data()
    if len(data) > body.MAX_BODY_BYTES:
        raise RefusedError(413, f"larger than {body.MAX_BODY_BYTES} bytes", "an order is short")
    return body.order(data, keys)


def _said(row: JournalRow, *keys: str) -> dict[str, Any]:
    return {key: row.detail.get(key, "") for key in keys}


def _refused(given: Exception) -> Response:
    assert isinstance(given, RefusedError)
    return refusal(given.status, given.problem, given.hint)
