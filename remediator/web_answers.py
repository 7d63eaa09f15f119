"""Answers that every part of the HTTP face gives alike. Edge only by Flask: it makes responses."""

from __future__ import annotations

from flask import Response, jsonify

from cluster.config_model import Config

CALLER = "sipnlb.caller"
"""Where the environment of an operating request keeps its `Caller`."""


def refusal(code: int, problem: str, hint: str) -> Response:
    """Refuse a request: what is wrong, and what to do about it."""
    response = jsonify(error=problem, hint=hint)
    response.status_code = code
    return response


def unknown_cluster(name: str, config: Config) -> Response:
    """Say that there is no such cluster, and which there are."""
    known = ", ".join(cluster.name for cluster in config.clusters[:20])
    return refusal(404, f"no cluster {name[:80]!r} is configured", f"configured: {known}")


def plain(text: str, code: int = 200) -> Response:
    """Answer with a text."""
    return Response(text, code, content_type="text/plain; charset=utf-8")
