"""Checks of a Prometheus configuration: does it let the labels of sipnlb be? Pure.

documented: Prometheus configuration, ``scrape_config`` and ``relabel_config``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from exporter.findings import Finding, Verdict, elsewhere, right, unknown, wrong

JOBS = ("sipnlb-exporter", "sipnlb-remediator")
"""The shipped rules look for these two job names."""

OWN_LABELS = frozenset({"cluster", "host", "port"})
LONGEST_INTERVAL_SECONDS = 2.5
"""The shipped rules use ranges of 10 s, and none may be shorter than four scrapes."""

DEFAULT_INTERVAL = "1m"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000}


def prometheus_findings(document: object) -> Iterator[Finding]:
    """Yield what is found in a loaded Prometheus configuration."""
    whole = _mapping(document)
    default = _mapping(whole.get("global")).get("scrape_interval", DEFAULT_INTERVAL)
    jobs = {str(job.get("job_name")): job for job in _mappings(whole.get("scrape_configs"))}
    for name in JOBS:
        if name not in jobs and whole.get("scrape_config_files"):
            told = unknown("not here; the files of scrape_config_files are not read", "name one")
            yield Finding(name, told)
            continue
        for verdict in _job(jobs.get(name), default):
            yield Finding(name, verdict)


def _job(job: Mapping[str, Any] | None, default_interval: object) -> Iterator[Verdict]:
    if job is None:
        yield wrong(
            "no scrape job of that name",
            "name the job so: the shipped rules look for it; see alertmanager/prometheus.yml",
        )
        return
    if job.get("honor_labels") is True:
        yield right("honor_labels is true")
    else:
        yield wrong(
            "honor_labels is not true",
            "set it: else a target label wins over sipnlb's, which is renamed exported_…, and "
            "the rules find nothing",
        )
    yield from _target_labels(job)
    yield from _interval(job.get("scrape_interval", default_interval))


def _target_labels(job: Mapping[str, Any]) -> Iterator[Verdict]:
    """Find labels of targets and of series that clash with sipnlb's own."""
    labels = {
        str(label)
        for group in _mappings(job.get("static_configs"))
        for label in _mapping(group.get("labels"))
    }
    relabels = _mappings(job.get("relabel_configs"))
    on_series = _mappings(job.get("metric_relabel_configs"))
    labels |= {str(each.get("target_label")) for each in (*relabels, *on_series)}
    clashes = sorted(labels & OWN_LABELS)
    if clashes:
        yield wrong(
            f"sets {' and '.join(clashes)}, which sipnlb's series have themselves",
            "give the site's label another name, such as site",
        )
    by_pattern = {str(each.get("action")) for each in (*relabels, *on_series)}
    by_pattern &= {"labelmap", "labeldrop", "labelkeep"}
    if by_pattern:
        yield unknown(
            f"has {' and '.join(sorted(by_pattern))}",
            "see that it neither makes nor drops a label cluster, host or port",
        )
    discovered = _discovered(job)
    if discovered:
        yield elsewhere(
            f"the labels of targets from {' and '.join(discovered)} are not seen here",
            "see that none is called cluster, host or port",
        )
    if not clashes and not by_pattern and not discovered:
        yield right("no label clashes with cluster, host or port")


def _discovered(job: Mapping[str, Any]) -> list[str]:
    """Return what gives a job targets with labels of their own; ``/sd`` of sipnlb gives none."""
    ours = all(
        urlsplit(str(each.get("url"))).path == "/sd"
        for each in _mappings(job.get("http_sd_configs"))
    )
    keys = sorted(str(key) for key in job if str(key).endswith("_sd_configs"))
    return [key for key in keys if key != "http_sd_configs" or not ours]


def _interval(told: object) -> Iterator[Verdict]:
    seconds = _seconds(told)
    if seconds is None:
        yield unknown(f"scrape_interval is {told!r}", "write a duration such as 1s")
    elif seconds > LONGEST_INTERVAL_SECONDS:
        yield wrong(
            f"scrape_interval is {told}",
            "set 1s; if it must be longer than 2.5s, lengthen every range in rules/sipnlb.yml to "
            "four scrapes",
        )
    else:
        yield right(f"scraped every {told}")


def _seconds(told: object) -> float | None:
    """Read a duration of Prometheus, such as ``1m30s``; None if it is none."""
    text = str(told)
    parts = re.findall(r"(\d{1,9})(ms|[smhdwy])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
