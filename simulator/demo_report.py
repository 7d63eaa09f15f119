"""What the demonstration found: results of workflows as a table and as JSON. Pure."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from simulator.demo_configs import INTERVAL, LOOK_TIMEOUT, SIP_REFRESH

SHOWN = "SIMULATED SITE: the hosts, SIP Servers and callers below are pretended."


@dataclass(frozen=True, slots=True)
class Result:
    """One workflow, or its way back.

    Seconds count from the mode change: the moment at which a host became the only primary.
    They are None where nothing had to be done. options_lost: SIP OPTIONS at the virtual IP
    that nobody answered. end_state: in words, why it is not right or what is left open.
    """

    name: str
    seconds_to_alert: float | None
    seconds_to_action: float | None
    seconds_to_verified: float | None
    options_lost: int
    ended_right: bool
    end_state: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow with its way back."""

    there: Result
    way_back: Result


@dataclass(frozen=True, slots=True)
class Report:
    """The whole demonstration. pages: what a person would have been called for."""

    workflows: tuple[Workflow, ...]
    versions: dict[str, str]
    lag_seconds: float
    pages: tuple[str, ...]

    @property
    def ended_right(self) -> bool:
        """Whether every workflow and every way back ended right."""
        results = [part for each in self.workflows for part in (each.there, each.way_back)]
        return len(self.workflows) == 3 and all(result.ended_right for result in results)

    @property
    def median_seconds_to_verified(self) -> float | None:
        """Median over the three workflows of the time from mode change to verified port."""
        times = [
            each.there.seconds_to_verified
            for each in self.workflows
            if each.there.seconds_to_verified is not None
        ]
        return round(statistics.median(times), 3) if times else None

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "simulated": True,
            "ended_right": self.ended_right,
            "median_seconds_to_verified": self.median_seconds_to_verified,
            "lag_seconds": self.lag_seconds,
            "scrape_and_evaluation_interval": INTERVAL,
            "sip_server_refresh": SIP_REFRESH,
            "look_timeout": LOOK_TIMEOUT,
            "versions": self.versions,
            "pages": list(self.pages),
            "workflows": [
                {**asdict(each.there), "way_back": asdict(each.way_back)} for each in self.workflows
            ],
        }

    def lines(self) -> list[str]:
        """Write the report for people."""
        median = self.median_seconds_to_verified
        rows = [_row("workflow", "alert", "action", "verified", "lost", "end state")]
        for each in self.workflows:
            rows += [_result_row(each.there, ""), _result_row(each.way_back, "  back: ")]
        return [
            SHOWN,
            "Seconds from the mode change; SIP OPTIONS lost at the virtual IP, 10 sent a second.",
            "",
            *rows,
            "",
            f"Median from mode change to verified port: {_seconds(median)} s",
            "Pages to a person: " + (", ".join(self.pages) or "none"),
            ", ".join(
                [
                    f"Prometheus {self.versions.get('prometheus', '?')}",
                    f"Alertmanager {self.versions.get('alertmanager', '?')}",
                    f"statistics page {self.lag_seconds:g} s old, read every {SIP_REFRESH}",
                ]
            ),
            "Everything ended right." if self.ended_right else "NOT everything ended right.",
        ]


def seconds_between(earlier: datetime, later: datetime | None) -> float | None:
    """Return the seconds between two moments, never below 0; None where there is no later."""
    return None if later is None else round(max(0.0, (later - earlier).total_seconds()), 3)


def _result_row(result: Result, before: str) -> str:
    return _row(
        before + result.name,
        _seconds(result.seconds_to_alert),
        _seconds(result.seconds_to_action),
        _seconds(result.seconds_to_verified),
        str(result.options_lost),
        ("right" if result.ended_right else "WRONG")
        + (f": {result.end_state}" if result.end_state else ""),
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _row(name: str, alert: str, action: str, verified: str, lost: str, state: str) -> str:
    return f"{name:<26} {alert:>7} {action:>7} {verified:>9} {lost:>5}  {state}".rstrip()
