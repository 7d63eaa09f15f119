"""The text page of ``/probe?debug=true``: how a cluster was read and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import yaml

from cluster.clock import Instant, utc_text
from cluster.config_model import Cluster
from cluster.model import REASON_TEXT, ClusterView, HostView, Reading
from cluster.sip.options import SipAnswer
from exporter.readings import keys_of, label_of, reading_of


def debug_page(
    cluster: Cluster,
    view: ClusterView,
    metrics: str,
    now: Instant,
    answer: Reading[SipAnswer] | None = None,
) -> str:
    """Return the whole page. answer: of the virtual IP, None where it was not asked.

    The configuration names secret files, never what is in them: they are not read here.
    """
    took = view.ended.seconds_since(view.began)
    parts = [f"Cluster {cluster.name}, read {utc_text(view.began.utc)} in {took:.3f} s"]
    if cluster.simulated:
        parts.append("SIMULATED: these hosts are pretended by sipnlb-simulator")
    for host in view.hosts:
        parts += _host(host, now)
    if answer is not None:
        parts.append(_reading("Virtual IP", answer, now))
    parts.append(_section("Metrics", metrics))
    settings = cluster.model_dump(mode="json", exclude_none=True)
    parts.append(_section("Configuration", yaml.safe_dump(settings, sort_keys=False)))
    return "\n\n".join(parts) + "\n"


def _host(host: HostView, now: Instant) -> Iterator[str]:
    for key in keys_of(host):
        title = f"Host {host.host}, reading {label_of(host, key)}"
        yield _reading(title, reading_of(host, key), now)


def _reading(title: str, reading: Reading[Any], now: Instant) -> str:
    problem = "none"
    if reading.problem is not None:
        problem = f"{reading.problem} ({REASON_TEXT[reading.problem.reason]})"
    return "\n".join(
        [
            f"== {title}",
            f"asked:    {utc_text(reading.asked.utc)}, {reading.age_seconds(now):.3f} s ago",
            f"took:     {reading.duration_seconds():.3f} s",
            f"lag:      up to {reading.lag_seconds:g} s",
            f"command:  {reading.command or 'none was sent'}",
            f"read as:  {_values(reading.value)}",
            f"problem:  {problem}",
            "output:",
            _indented(reading.raw or "(none)"),
        ]
    )


def _section(title: str, text: str) -> str:
    return f"== {title}\n{text.rstrip()}"


def _values(value: Any) -> str:
    return ", ".join(f"{f.name}={_value(getattr(value, f.name))}" for f in fields(value))


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, tuple):
        return "[" + "; ".join(str(getattr(item, "rule", item)) for item in value) + "]"
    return str(value)


def _indented(text: str) -> str:
    """Indent the output and make control characters visible, so that nothing hides in it."""
    return "\n".join("  | " + "".join(map(_visible, line)) for line in text.split("\n"))


def _visible(character: str) -> str:
    return character if character.isprintable() else f"\\x{ord(character):02x}"
