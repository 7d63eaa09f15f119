"""What users of other repair programs suffered, on a running remediator and a simulated site.

Each docstring begins with the suffering. Those in which Alertmanager has a part are in
``test_sufferings_alertmanager.py``, those of logic in
``tests/unit/test_remediator_sufferings.py``; RELIABILITY.md names the tests of each.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.integration.running import RunningSite, run_site, until
from tests.integration.test_remediator import (
    ONE,
    TWO,
    RunningRemediator,
    alert,
    make,
    modes,
    open_ports,
    payload,
    ports,
    slow_hosts,
    switch_over,
)

pytestmark = pytest.mark.integration

REPAIR = [(TWO, "enable", "verified"), (ONE, "disable", "verified")]
"""The actions of a switchover from the first host to the second."""

READINGS = ("exit 0", "exit 1", "echo Rule is")
"""What a host may answer to a question: nothing, an error, half a line."""

HUNG_COMMAND = "enable|disable) exec sleep 60;;"
"""What stands in a host's program before the real one: commands hang, questions are answered."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


@contextmanager
def running(site: RunningSite, tmp_path: Path, **settings: Any) -> Iterator[RunningRemediator]:
    """Run a remediator that looks only when told, held or after a repair; its first look is over."""
    made = make(site, tmp_path, **{"routine_look": "0s", "resync": "1h"} | settings)
    with started(made):
        yield made


@contextmanager
def started(made: RunningRemediator) -> Iterator[None]:
    """Run a remediator for as long as the block lasts, whatever the block does to it."""
    try:
        made.start()
        until(lambda: bool(made.rows("decision")))
        yield
    finally:
        assert made.process is not None
        if made.process.poll() is None:
            made.end(signal.SIGTERM)


def put_before(made: RunningRemediator, site: RunningSite, host: str, cases: str) -> Path:
    """Put a shell script before the NLB program of a host; return the file that it may write to.

    cases: of ``case "$1" in``; what they do not end goes on to the real program as ``"$real"``.
    """
    real = site.listeners["sip-east"]["programs"][host]
    script, note = made.configuration.parent / f"{host}.sh", made.configuration.parent / "note"
    script.write_text(
        f'#!/bin/sh\nreal="{real}" note="{note}"\ncase "$1" in\n{cases}\nesac\nexec "$real" "$@"\n'
    )
    script.chmod(0o755)
    document = yaml.safe_load(made.configuration.read_text("utf-8"))
    for entry in document["clusters"][0]["hosts"]:
        if entry["name"] == host:
            entry["nlb"]["program"] = str(script)
    made.configuration.write_text(yaml.safe_dump(document), "utf-8")
    return note


def actions(made: RunningRemediator) -> list[tuple[str, str, str | None]]:
    """Return host, verb and outcome of every action, oldest first.

    Without those that were never sent, which a machine under load may add.
    """
    rows = [row for row in made.rows("action") if row["outcome"] != "too_late"]
    return [(row["host"], row["verb"], row["outcome"]) for row in rows]


def counts(made: RunningRemediator, outcome: str) -> int:
    """Return how many looks ended in this way."""
    rows = made.rows("decision")
    return sum(row["count"] for row in rows if row["outcome"] == outcome)


# Acting on a resolved alert


def test_a_resolved_alert_starts_nothing_and_breaks_nothing_off(
    site: RunningSite, tmp_path: Path
) -> None:
    """The message that all is well started the repair anew, or killed the running one half-way."""
    resolved = payload(alert(status="resolved"), status="resolved")
    with running(site, tmp_path) as made:
        switch_over(site)
        looks = len(made.rows("decision")), counts(made, "right")
        assert [each["outcome"] for each in made.send(resolved).json()["alerts"]] == ["resolved"]
        time.sleep(1.0)
        assert (len(made.rows("decision")), counts(made, "right")) == looks
        assert (actions(made), ports(site)) == ([], ("enabled", "disabled"))

        slow_hosts(site, 0.15)
        made.send(payload(alert()))
        until(lambda: bool(made.rows("action")))
        assert made.send(resolved).ok
        until(lambda: actions(made) == REPAIR)
        assert ports(site) == ("disabled", "enabled")


# The same alert run twice side by side


def test_one_incident_told_forty_times_at_once_is_one_repair(
    site: RunningSite, tmp_path: Path
) -> None:
    """Two Alertmanagers, or two Prometheus servers, had the same repair run twice side by side."""
    told = [
        alert(fingerprint="c0ffee1234567890"),  # two Alertmanagers: the very same alert
        alert(fingerprint="c0ffee1234567890"),
        alert(fingerprint="beef", startsAt="2031-02-03T04:05:06.001Z"),  # a pair of Prometheus
        alert(fingerprint="cafe", startsAt="2031-02-03T04:05:07.002Z"),  # whose replica stayed on
    ]
    with running(site, tmp_path) as made:
        slow_hosts(site, 0.1)
        switch_over(site)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(made.send, [payload(each) for each in told] * 10))

        assert {answer.status_code for answer in answers} == {200}
        until(lambda: {row["outcome"] for row in made.rows("alert")} <= {"remediated", "right"})
        until(lambda: counts(made, "right") >= 2)  # the first look, and the one after the repair
        assert actions(made) == REPAIR
        assert sorted(row["count"] for row in made.rows("alert")) == [10, 10, 20]
        assert counts(made, "remediated") == 1


# A run that crashed and blocked all later ones


def test_a_run_killed_in_a_hung_command_blocks_nothing_and_is_not_finished_by_rote(
    site: RunningSite, tmp_path: Path
) -> None:
    """What a dead run had begun stood in the way of all later ones, or was finished blindly."""
    made = make(site, tmp_path, routine_look="0s", resync="1h")
    put_before(made, site, TWO, HUNG_COMMAND)
    with started(made):
        switch_over(site)
        made.send(payload(alert()))
        until(lambda: actions(made) == [(TWO, "enable", None)])
        made.end(signal.SIGKILL)
        assert site.post("/api/v1/clusters/sip-east/switchover").ok  # while nobody looks
        until(lambda: site.host(ONE)["mode"] == "primary")
        put_before(made, site, TWO, "")
        made.start()
        until(lambda: actions(made) == [(TWO, "enable", "found_not_done")])
        until(lambda: made.rows("alert")[-1]["outcome"] == "right")
        assert ports(site) == ("enabled", "disabled")

        switch_over(site)
        made.send(payload(alert(startsAt="2031-02-03T05:00:00Z")))
        until(lambda: ports(site) == ("disabled", "enabled"))
        until(lambda: actions(made)[1:] == REPAIR)


@pytest.fixture
def two_clusters(tmp_path: Path) -> Iterator[RunningSite]:
    """A site of two clusters."""
    yield from run_site(tmp_path, "--lag", "0", "--clusters", "2")


def test_a_hung_command_is_ended_and_holds_up_no_other_cluster(
    two_clusters: RunningSite, tmp_path: Path
) -> None:
    """A command that never came back took the only worker with it; everything behind it waited."""
    site = two_clusters
    mine, other = site.get("/api/v1/site")["clusters"]
    settings = {"command_timeout": "1s", "verify_timeout": "500ms", "attempts": 1}
    made = make(site, tmp_path, routine_look="0s", resync="1h", **settings)
    put_before(made, site, TWO, HUNG_COMMAND)
    with started(made):
        until(lambda: len(made.rows("decision")) >= 2)
        for name in (mine, other):
            assert site.post(f"/api/v1/clusters/{name}/switchover").ok
        until(lambda: modes(site, other) == modes(site, mine) == ["backup", "primary"])
        made.send(payload(*(alert(name, fingerprint=name) for name in (mine, other))))

        until(lambda: open_ports(site, other) == ["disabled", "enabled"])
        until(lambda: (TWO, "enable", "no_answer") in actions(made))
        until(lambda: made.get(f"/api/v1/clusters/{mine}")["needs_person"])
        assert open_ports(site, mine) == ["enabled", "disabled"]
        put_before(made, site, TWO, "")
        _reconcile(made)
        until(lambda: open_ports(site, mine) == ["disabled", "enabled"])


def _reconcile(made: RunningRemediator) -> None:
    token = (made.configuration.parent / "token").read_text("utf-8").strip()
    answer = requests.post(
        f"{made.url}/api/v1/clusters/sip-east/reconcile",
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    )
    assert answer.status_code == 202


# Missing evidence counted as success


def test_a_command_that_says_done_with_nothing_read_after_it_is_no_repair(
    site: RunningSite, tmp_path: Path
) -> None:
    """The command answered "done", the reading after it failed, and the incident was closed."""
    settings = {"look_timeout": "300ms", "verify_timeout": "500ms", "attempts": 1}
    made = make(site, tmp_path, routine_look="0s", resync="1h", **settings)
    note = put_before(
        made,
        site,
        TWO,
        'enable) touch "$note"; echo Port 5060 enabled; exit 0;;\n'
        'queryport) [ ! -e "$note" ] || exec sh "$note.answer";;',
    )
    answer = note.with_name(note.name + ".answer")
    answer.write_text("exec sleep 60")
    with started(made):
        switch_over(site)
        made.send(payload(alert()))
        for number, reading in enumerate(READINGS, 1):
            tried = [(TWO, "enable", "unreadable")] * number
            until(lambda tried=tried: actions(made) == tried)  # type: ignore[misc]
            answer.write_text(reading)
            note.unlink()
            _reconcile(made)
        until(lambda: actions(made) == [(TWO, "enable", "unreadable")] * 4)
        assert ports(site) == ("enabled", "disabled")
        assert [row["outcome"] for row in made.rows("alert")] == ["held"]
        assert counts(made, "remediated") == 0


# A re-fire shortly after a good repair


def test_an_alert_that_fires_on_after_a_good_repair_sends_no_second_command(
    site: RunningSite, tmp_path: Path
) -> None:
    """The alert needed a moment to end, and the finished repair was done once more."""
    with running(site, tmp_path) as made:
        switch_over(site)
        made.send(payload(alert()))
        until(lambda: made.rows("alert")[-1]["outcome"] == "remediated")

        for number in range(5):
            made.send(payload(alert()))
            made.send(payload(alert(startsAt=f"2031-02-03T04:06:0{number}Z")))
        until(lambda: {row["outcome"] for row in made.rows("alert")} == {"right"})
        assert actions(made) == REPAIR


# After a healed partition nobody re-asserts


def test_a_host_that_comes_back_open_is_closed_without_any_alert(
    site: RunningSite, tmp_path: Path
) -> None:
    """Both sides had gone on while they could not reach each other; then nobody put one in order."""
    fault = f"/api/v1/clusters/sip-east/hosts/{ONE}/fault"
    with running(site, tmp_path, routine_look="1s", look_timeout="300ms") as made:
        assert site.post(fault, {"nlb": "hang"}).ok
        assert site.post("/api/v1/clusters/sip-east/fail").ok
        until(lambda: ports(site) == ("enabled", "enabled"))
        until(lambda: made.get("/api/v1/clusters/sip-east")["fence_pending"] == [ONE])
        assert site.post("/api/v1/clusters/sip-east/restart").ok
        assert site.post(fault, {"nlb": "none"}).ok

        until(lambda: ports(site) == ("disabled", "enabled"))
        until(lambda: made.get("/api/v1/clusters/sip-east")["fence_pending"] == [])
        assert [row["outcome"] for row in made.rows("fence")] == ["closed"]
        until(lambda: actions(made)[-1] == (ONE, "disable", "verified"))

        before = len(actions(made))
        for argument in ("stop", "start"):  # a node that starts opens every rule again
            assert site.nlb(ONE, argument).returncode == 0
        until(lambda: actions(made)[before:] == [(ONE, "disable", "verified")])
        assert ports(site) == ("disabled", "enabled")
        assert _triggers(made)[0] == "hold"
        assert made.rows("alert") == []


def _triggers(made: RunningRemediator) -> list[str]:
    """Return why each look was taken that came to a whole repair."""
    return [row["trigger"] for row in made.rows("decision") if row["outcome"] == "remediated"]
