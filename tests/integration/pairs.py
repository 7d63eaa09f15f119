"""Plays failovers on a site of pairs, something killed or frozen in each, and prints what came of it.

Two Prometheus servers, two Alertmanagers with their own default times, two remediators on one
PostgreSQL, all real. Not among the quick tests, so that it is named to be run:

    INCIDENTS=50 SEED=7 .venv/bin/pytest -q -s tests/integration/pairs.py
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration import running
from tests.integration.replicas import Replica, make_replica
from tests.integration.running import ROOT, run_site, until
from tests.integration.running_alertmanager import RunningAlertmanager
from tests.integration.running_pair import RunningPair, RunningPrometheus, running_pair
from tests.integration.test_remediator import ONE, TWO, ports
from tests.integration.test_sufferings import actions
from tests.postgres import run_postgres

pytestmark = pytest.mark.integration

MOST_SECONDS = 60.0
"""After which a failover counts as lost: twice what Alertmanager waits before it tells again."""
PATIENCE_SECONDS = 90.0
"""How long programs may take to start: much runs here beside each other, for long."""
SETTLED_SECONDS = 40.0
"""Between two incidents: the primary may then change as often as it likes, and all is told."""
KINDS = ("nothing", "an Alertmanager", "a Prometheus", "one of each", "acting", "waiting")
Process = subprocess.Popen[bytes]


def test_failovers_with_something_gone(
    real_part: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is lost, none is repaired twice, whatever is killed or frozen in it."""
    monkeypatch.setattr(running, "SOON", PATIENCE_SECONDS)
    incidents, chance = (
        int(os.environ.get("INCIDENTS", "24")),
        random.Random(os.environ.get("SEED", "7")),
    )
    seconds: dict[str, list[float]] = defaultdict(list)
    wrong: list[str] = []
    with (
        contextmanager(run_postgres)(real_part) as server,
        contextmanager(run_site)(tmp_path, "--lag", "0") as site,
    ):
        policy = {"level": "enforce", "damping": {"flips": 100}}
        both = [make_replica(n, site, server, tmp_path, policy=policy) for n in ("one", "two")]
        with running_pair(site, real_part, both, resync="30s") as pair:
            until(lambda: any(each.has_lease() for each in both))
            for number in range(incidents):
                kind, freeze = KINDS[number % len(KINDS)], chance.random() < 0.5
                name = f"{kind} {'frozen' if freeze else 'killed'}" if number % len(KINDS) else kind
                took, sent = _play(pair, _hit(pair, kind, chance), chance, freeze=freeze)
                seconds[name].append(took)
                print(f"{number + 1} {name}: {took:.1f} s, {sent}", flush=True)  # noqa: T201 - its progress
                if took > MOST_SECONDS or sent != ["enable", "disable"]:
                    wrong.append(f"{number + 1} {name}: {took:.1f} s, {sent}")
    print("| in the incident | incidents | median | longest |\n|---|---|---|---|")  # noqa: T201 - its result
    for name, all_of in sorted(seconds.items()):
        line = f"{len(all_of)} | {statistics.median(all_of):.1f} s | {max(all_of):.1f} s |"
        print(f"| {name} | {line}")  # noqa: T201 - its result
    assert wrong == []


def _hit(pair: RunningPair, kind: str, chance: random.Random) -> list[Process]:
    """Return the processes that are hit in an incident of a kind."""
    acting, waiting = sorted(pair.remediators, key=lambda each: not each.has_lease())
    alertmanager, prometheus = chance.choice(pair.alertmanagers), chance.choice(pair.prometheus)
    chosen: dict[str, list[RunningAlertmanager | RunningPrometheus | Replica]] = {
        "an Alertmanager": [alertmanager],
        "a Prometheus": [prometheus],
        "one of each": [alertmanager, prometheus],
        "acting": [acting],
        "waiting": [waiting],
    }
    return [each.process for each in chosen.get(kind, []) if each.process is not None]


def _play(
    pair: RunningPair, hit: list[Process], chance: random.Random, *, freeze: bool
) -> tuple[float, list[str]]:
    """Play one failover; return the seconds until it was repaired, and the verbs of what was sent."""
    asked = next(each for each in pair.remediators if each.process not in hit)
    before = len(actions(asked))
    new = TWO if pair.site.host(ONE)["mode"] == "primary" else ONE
    wanted = ("disabled", "enabled") if new == TWO else ("enabled", "disabled")
    began = time.monotonic()
    assert pair.site.post("/api/v1/clusters/sip-east/switchover").ok
    time.sleep(chance.uniform(0.0, 2.0))
    for process in hit:
        process.send_signal(signal.SIGSTOP if freeze else signal.SIGKILL)
    try:
        while ports(pair.site) != wanted and time.monotonic() - began < 2 * MOST_SECONDS:
            time.sleep(0.05)
        took = time.monotonic() - began
    finally:
        for process in hit:
            process.send_signal(signal.SIGCONT)
    if not freeze:
        _start_again(pair, hit)
    time.sleep(SETTLED_SECONDS / 4 if took < MOST_SECONDS else SETTLED_SECONDS)
    until(lambda: any(each.has_lease() for each in pair.remediators))
    return took, [verb for _, verb, _ in actions(asked)[before:]]


def _start_again(pair: RunningPair, killed: list[Process]) -> None:
    """Start what was killed, each where it was."""
    for process in killed:
        process.wait(20)
    for alertmanager in pair.alertmanagers:
        if alertmanager.process in killed:
            pair.restart(alertmanager)
    for prometheus in pair.prometheus:
        if prometheus.process in killed:
            prometheus.start()
            prometheus.until_ready()
    for remediator in pair.remediators:
        if remediator.process in killed:
            _start_remediator(remediator)


def _start_remediator(remediator: Replica) -> None:
    """Start it at the same address: Alertmanager and Prometheus know it by that."""
    assert remediator.process is not None
    with remediator.log.open("ab") as log:
        remediator.process = subprocess.Popen(remediator.process.args, stderr=log, cwd=ROOT)
    until(remediator.answers)
