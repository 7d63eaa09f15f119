"""Edge: serves the description of the HTTP face, the file ``openapi.yml`` beside this one."""

from __future__ import annotations

from importlib import resources

from flask import Flask, Response

PATH = "/api/v1/openapi.yml"


def add_to(app: Flask) -> None:
    """Answer with the description on its path."""
    text = resources.files("exporter").joinpath("openapi.yml").read_bytes()
    app.add_url_rule(PATH, "openapi", lambda: Response(text, content_type="application/yaml"))
