"""Interlocks that the world around sets: silences in a real Alertmanager, and a stopped process."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import RunningSite, run_site, until
from tests.integration.running_alertmanager import (
    REPAIR,
    RunningAlertmanager,
    configuration,
    running_alertmanagers,
)
from tests.integration.test_remediator import (
    ONE,
    TWO,
    RunningRemediator,
    alert,
    make,
    payload,
    ports,
    slow_hosts,
    switch_over,
)

pytestmark = pytest.mark.integration

RealPart = Callable[[str], Path]
FOLLOWED_SECONDS = 8.0
"""A silence is asked for every 2 s; without that its end is seen after up to 15 s."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


@pytest.fixture
def alertmanager(tmp_path: Path, real_part: RealPart) -> Iterator[RunningAlertmanager]:
    """An Alertmanager that tells nobody."""
    with running_alertmanagers(real_part("prometheus-alertmanager"), tmp_path, 1) as made:
        made[0].start(configuration(tmp_path, tmp_path / "token", []))
        made[0].until_ready()
        yield made[0]


class Amtool:
    """What a person types."""

    def __init__(self, program: Path, url: str) -> None:
        self._command = [str(program), f"--alertmanager.url={url}"]

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    def silence(self, *matchers: str) -> str:
        """Set a silence for an hour; return its id."""
        said = ("--author=an operator", "--comment=cabling in row 4", "--duration=1h")
        return self._run("silence", "add", *said, *matchers)

    def expire(self, key: str) -> None:
        """End a silence."""
        self._run("silence", "expire", key)


def last_look(remediator: RunningRemediator) -> dict[str, Any]:
    """Return how the last look ended."""
    return remediator.get("/api/v1/clusters/sip-east")["last_look"] or {}


def silenced(remediator: RunningRemediator) -> float:
    """Return what the gauge says."""
    return remediator.counted('sipnlb_remediator_silenced{cluster="sip-east"}')


def test_a_silence_stops_repairs_and_its_end_lets_them_go_on(
    site: RunningSite, tmp_path: Path, real_part: RealPart, alertmanager: RunningAlertmanager
) -> None:
    """Set by hand, by any label of a repair alert, or by one that only the site's alerts have."""
    amtool = Amtool(real_part("amtool"), alertmanager.url)
    made = make(site, tmp_path, alertmanagers=[{"url": alertmanager.url}], resync="500ms")
    made.start()
    try:
        until(lambda: last_look(made).get("ending") == "right")
        key = amtool.silence("cluster=~sip-(east|west)", f"host={TWO}")
        until(lambda: silenced(made) == 1.0)
        switch_over(site)
        made.send(payload(alert()))
        until(lambda: last_look(made).get("hold") == "silenced")
        words = last_look(made)["text"]
        assert words.startswith(
            f'silence {key} by "an operator": "cabling in row 4", until {datetime.now(UTC):%Y-}'
        )
        assert (ports(site), made.rows("action")) == (("enabled", "disabled"), [])

        amtool.expire(key)
        began = time.monotonic()
        until(lambda: ports(site) == ("disabled", "enabled"))
        assert time.monotonic() - began < FOLLOWED_SECONDS
        until(lambda: silenced(made) == 0.0)

        key = amtool.silence("region=south")
        alertmanager.post(datetime.now(UTC), host=ONE, region="south")
        until(lambda: silenced(made) == 1.0)
        switch_over_back(site)
        made.send(payload(alert(fingerprint="feed0001")))
        until(lambda: last_look(made).get("hold") == "silenced")
        assert ports(site) == ("disabled", "enabled")
        amtool.expire(key)
        until(lambda: ports(site) == ("enabled", "disabled"))
    finally:
        made.end(signal.SIGTERM)


def switch_over_back(site: RunningSite) -> None:
    """Let the first host become primary again."""
    assert site.post("/api/v1/clusters/sip-east/switchover").ok
    until(lambda: (site.host(ONE)["mode"], site.host(TWO)["mode"]) == ("primary", "backup"))


def test_an_alertmanager_that_is_gone_stops_nothing_and_is_journaled(
    site: RunningSite, tmp_path: Path, alertmanager: RunningAlertmanager
) -> None:
    """The one interlock that fails open."""
    alertmanager.end()
    made = make(site, tmp_path, alertmanagers=[{"url": alertmanager.url}])
    made.start()
    try:
        until(lambda: any(row["outcome"] == "silences_not_told" for row in made.rows("service")))
        switch_over(site)
        made.send(payload(alert()))
        until(lambda: ports(site) == ("disabled", "enabled"))
        events = [r for r in made.rows("service") if r["outcome"] == "silences_not_told"]
        assert [row["detail"]["alertmanager"] for row in events] == [alertmanager.url]
        with pytest.raises(AssertionError, match="no series"):
            silenced(made)
    finally:
        made.end(signal.SIGTERM)


def test_a_silence_for_the_cluster_does_not_hide_the_page_about_itself(
    tmp_path: Path, real_part: RealPart, alertmanager: RunningAlertmanager
) -> None:
    """Its label is another: the repair alert is silenced, the page is not."""
    Amtool(real_part("amtool"), alertmanager.url).silence("cluster=sip-east")
    now = datetime.now(UTC)
    alertmanager.post(now)
    for name, cluster, affected in (
        ("SipnlbSilencedTooLong", "", "sip-east"),
        ("SipnlbPausedTooLong", "", "sip-east"),
        ("SipNoPrimary", "sip-east", ""),
    ):
        alertmanager.post(
            now,
            alertname=name,
            cluster=cluster,
            affected_cluster=affected,
            host="",
            port="",
            remediate="",
            severity="critical",
        )

    def state(name: str) -> str:
        """Return whether an alert is told to anybody."""
        found = alertmanager.alerts(name)
        return str(found[0]["status"]["state"]) if found else "unprocessed"

    until(lambda: state(REPAIR["alertname"]) == state("SipNoPrimary") == "suppressed")
    until(lambda: state("SipnlbSilencedTooLong") == state("SipnlbPausedTooLong") == "active")


def test_a_process_that_was_stopped_looks_twice_before_it_acts(
    site: RunningSite, tmp_path: Path
) -> None:
    """Stopped in the middle of a look, for four seconds: what it had seen is worth nothing."""
    made = make(site, tmp_path)
    made.start()
    assert made.process is not None
    try:
        until(lambda: last_look(made).get("ending") == "right")
        slow_hosts(site, 0.4)
        switch_over(site)
        made.send(payload(alert()))
        time.sleep(0.25)  # the look has begun, no host has answered yet
        made.process.send_signal(signal.SIGSTOP)
        time.sleep(4.0)
        slow_hosts(site, 0.0)
        made.process.send_signal(signal.SIGCONT)
        until(lambda: ports(site) == ("disabled", "enabled"))
        until(lambda: last_look(made).get("ending") in {"remediated", "right"})
        *_, tilt = (row for row in made.rows("decision") if row["reason"] == "tilt")  # the first
        assert tilt["detail"]["text"].startswith("this program stood still for 4.")
        assert tilt["detail"]["text"].endswith(
            "two complete looks that agree are waited for, 10 s at most"
        )
        assert min(row["id"] for row in made.rows("action")) > tilt["id"]
        assert made.counted('sipnlb_remediator_holds_total{reason="tilt"}') >= 1.0
        assert made.counted('sipnlb_remediator_tilt{cluster="sip-east"}') == 0.0
    finally:
        made.process.send_signal(signal.SIGCONT)
        made.end(signal.SIGTERM)
