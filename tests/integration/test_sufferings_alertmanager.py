"""What users of other repair programs suffered from what Alertmanager does, and does not, send.

A real Alertmanager, a running remediator, a simulated site. Each docstring begins with the
suffering; RELIABILITY.md names the tests of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import RunningSite, free_port, run_site, until
from tests.integration.running_alertmanager import (
    RunningAlertmanager,
    configuration,
    running_alertmanagers,
)
from tests.integration.test_remediator import (
    TWO,
    RunningRemediator,
    make,
    ports,
    switch_over,
)
from tests.integration.test_sufferings import HUNG_COMMAND, REPAIR, actions, put_before, started
from tests.integration.workflows import change_hosts

pytestmark = pytest.mark.integration

RealPart = Callable[[str], Path]
TAKEN = 'sipnlb_remediator_webhooks_total{outcome="taken"}'
SENT = 'alertmanager_notifications_total{integration="webhook"}'
FAILED = 'alertmanager_notifications_failed_total{integration="webhook"}'
SLOWEST = "alertmanager_notification_latency_seconds_sum"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


@pytest.fixture
def alertmanagers(real_part: RealPart, tmp_path: Path) -> Iterator[list[RunningAlertmanager]]:
    """Two Alertmanagers that know nothing of each other, not started yet."""
    with running_alertmanagers(real_part("prometheus-alertmanager"), tmp_path, 2) as made:
        yield made


def _start(
    made: RunningRemediator,
    alertmanager: RunningAlertmanager,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
) -> None:
    folder = made.configuration.parent
    alertmanager.start(configuration(folder, folder / "token", [made], change))
    alertmanager.until_ready()


def _now() -> datetime:
    return datetime.now(UTC)


def test_a_look_that_takes_long_keeps_alertmanager_waiting_for_nothing(
    site: RunningSite, alertmanagers: list[RunningAlertmanager], tmp_path: Path
) -> None:
    """The repair took longer than Alertmanager waits, which sent it again, and again beside it."""
    slow = {"command_timeout": "3s", "verify_timeout": "1s"}
    made = make(site, tmp_path, routine_look="0s", resync="1h", **slow)
    put_before(made, site, TWO, HUNG_COMMAND)
    with started(made):
        switch_over(site)
        _start(made, alertmanagers[0])
        alertmanagers[0].post(_now())
        until(lambda: made.counted(TAKEN) == 1)
        until(lambda: len(actions(made)) == 2)  # the first command has hung to its end

        assert [row["outcome"] for row in made.rows("alert")] == [None]
        webhook = '{integration="webhook"}'
        assert alertmanagers[0].counted(SENT) == 1
        assert alertmanagers[0].counted(FAILED) == 0
        assert alertmanagers[0].counted(SLOWEST + webhook) < 1
        assert made.counted(TAKEN) == 1
        assert actions(made) == [(TWO, "enable", "no_answer"), (TWO, "enable", None)]


@pytest.mark.parametrize("asks", [True, False], ids=["asks-alertmanager", "looks-again"])
def test_an_alert_that_ends_and_fires_again_unseen_is_followed(
    site: RunningSite,
    alertmanagers: list[RunningAlertmanager],
    tmp_path: Path,
    asks: bool,
) -> None:
    """It ended and fired again between two sendings, so nothing was sent, and nothing was done."""
    alertmanager = alertmanagers[0]
    more = {"alertmanagers": [{"url": alertmanager.url}], "resync": "500ms"} if asks else {}
    made = make(site, tmp_path, **{"routine_look": "0s", "resync": "1h"} | more)

    if not asks:  # the look after the repair comes after the lag, and a second
        change_hosts(made, lambda host: host["sip_server"]["sources"][0].update(lag="3s"))

    def seldom(document: dict[str, Any]) -> None:
        for road in document["route"]["routes"]:
            road["group_interval"] = road["repeat_interval"] = "10m"

    with started(made):
        switch_over(site)
        _start(made, alertmanager, seldom)
        alertmanager.post(_now())
        until(lambda: ports(site) == ("disabled", "enabled"))
        until(lambda: _remediated(made) == 1)
        alertmanager.post(_now(), resolved=True)
        if asks:  # let the look after the repair pass by, so that only asking can help
            until(lambda: made.get("/api/v1/clusters/sip-east")["next_look_seconds"] is None)
        assert site.nlb(TWO, "disable", "5060").returncode in {0, 1}
        alertmanager.post(_now())

        until(lambda: actions(made) == [*REPAIR, (TWO, "enable", "verified")])
        assert alertmanager.counted(SENT) == made.counted(TAKEN) == 1


def _remediated(made: RunningRemediator) -> int:
    return sum(row["outcome"] == "remediated" for row in made.rows("decision"))


def test_what_only_the_second_alertmanager_has_is_asked_for(
    site: RunningSite, alertmanagers: list[RunningAlertmanager], tmp_path: Path
) -> None:
    """The first Alertmanager was asked and had nothing; the alert was at the second."""
    urls = [
        f"http://127.0.0.1:{free_port()}",  # is not there
        alertmanagers[0].url,  # has nothing
        alertmanagers[1].url,
    ]
    settings = {"alertmanagers": [{"url": url} for url in urls], "resync": "500ms"}
    made = make(site, tmp_path, routine_look="0s", **settings)
    made.url = f"http://127.0.0.1:{free_port()}"  # no webhook comes through
    for alertmanager in alertmanagers:
        _start(made, alertmanager)
    with started(made):
        switch_over(site)
        alertmanagers[1].post(_now())

        until(lambda: actions(made) == REPAIR)
        assert {row["trigger"] for row in made.rows("alert")} == {"resync"}
        assert made.counted(TAKEN) == 0
        assert ports(site) == ("disabled", "enabled")
