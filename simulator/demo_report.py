"""What the demonstration found: results of workflows as a table and as JSON. Pure."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from simulator.demo_configs import INTERVAL, LOOK_TIMEOUT, SIP_REFRESH

OPTIONS_A_SECOND = 10
SHOWN = "SIMULATED SITE: the hosts, SIP Servers and callers below are pretended."
COUNTED = (
    "Seconds from the mode change; SIP OPTIONS lost at the virtual IP, "
    f"{OPTIONS_A_SECOND} sent a second."
)
NOTHING, NO_ALERT, BEFORE = "-", "none", "before"
OWN_LOOK = "the remediator acted in a look of its own (routine, a second one, or while it held)"
EXPLAINED = {
    NOTHING: "nothing had to be done (or, where the end is WRONG, it was not done)",
    NO_ALERT: f"no alert came; {OWN_LOOK}",
    BEFORE: f"it came before the mode change was through; {OWN_LOOK}",
}
"""What a word in place of seconds means."""
ACTED_FIRST = (
    "action before alert: the remediator was looking already, by itself or for an earlier alert"
)


@dataclass(frozen=True, slots=True)
class Result:
    """One workflow, or its way back.

    Seconds count from the mode change: the moment at which a host became the only primary.
    They are None where nothing had to be done, or where it was done before that moment; then
    before_mode_change names it (``alert``, ``action``, ``verified``). options_lost: SIP OPTIONS
    at the virtual IP that nobody answered. end_state: in words, why it is not right or what is
    left open.
    """

    name: str
    seconds_to_alert: float | None
    seconds_to_action: float | None
    seconds_to_verified: float | None
    options_lost: int
    ended_right: bool
    end_state: str
    before_mode_change: tuple[str, ...] = ()

    def cell(self, name: str, seconds: float | None) -> str:
        """Return what the table shows under `name`; its seconds are None where it has none."""
        if seconds is not None:
            return f"{seconds:.2f}"
        if name in self.before_mode_change:
            return BEFORE
        acted = self.seconds_to_action is not None or "action" in self.before_mode_change
        return NO_ALERT if name == "alert" and acted else NOTHING

    @property
    def acted_first(self) -> bool:
        """Whether the alert came, and only after the action."""
        if self.seconds_to_alert is None:
            return False
        earlier = self.seconds_to_action is not None and (
            self.seconds_to_action < self.seconds_to_alert
        )
        return earlier or "action" in self.before_mode_change

    @property
    def cells(self) -> tuple[str, str, str]:
        """What the table shows as the times of alert, action and verified port."""
        return (
            self.cell("alert", self.seconds_to_alert),
            self.cell("action", self.seconds_to_action),
            self.cell("verified", self.seconds_to_verified),
        )


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow with its way back."""

    there: Result
    way_back: Result


@dataclass(frozen=True, slots=True)
class Report:
    """The whole demonstration.

    pages: what a person would have been called for. deployment: where the programs ran.
    """

    workflows: tuple[Workflow, ...]
    versions: dict[str, str]
    lag_seconds: float
    pages: tuple[str, ...]
    deployment: str = "central"

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
            "deployment": self.deployment,
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
            COUNTED,
            "",
            *rows,
            *self._explanations(),
            "",
            f"Median from mode change to verified port: {_or_nothing(median)}",
            "Pages to a person: " + (", ".join(self.pages) or "none"),
            ", ".join(
                [
                    f"Prometheus {self.versions.get('prometheus', '?')}",
                    f"Alertmanager {self.versions.get('alertmanager', '?')}",
                    f"statistics page {self.lag_seconds:g} s old, read every {SIP_REFRESH}",
                    f"deployment {self.deployment}",
                ]
            ),
            "Everything ended right." if self.ended_right else "NOT everything ended right.",
        ]

    def _explanations(self) -> list[str]:
        """Explain the words in place of seconds and the order of times, where they occur."""
        results = [part for each in self.workflows for part in (each.there, each.way_back)]
        shown = {cell for result in results for cell in result.cells}
        words = [f"{word}: {what}" for word, what in EXPLAINED.items() if word in shown]
        return words + [ACTED_FIRST] * any(result.acted_first for result in results)


def seconds_between(earlier: datetime, later: datetime | None) -> float | None:
    """Return the seconds between two moments, never below 0; None where there is no later."""
    return None if later is None else round(max(0.0, (later - earlier).total_seconds()), 3)


def _result_row(result: Result, before: str) -> str:
    return _row(
        before + result.name,
        *result.cells,
        f"{result.options_lost} ({result.options_lost / OPTIONS_A_SECOND:.1f} s)",
        ("right" if result.ended_right else "WRONG")
        + (f": {result.end_state}" if result.end_state else ""),
    )


def _or_nothing(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.2f} s"


def _row(name: str, alert: str, action: str, verified: str, lost: str, state: str) -> str:
    return f"{name:<26} {alert:>7} {action:>7} {verified:>9} {lost:>12}  {state}".rstrip()
