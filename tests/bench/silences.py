"""How soon a silence stops repairs, and how soon they go on when it has ended.

    make setup
    .venv/bin/python -m tests.bench.silences [ROUNDS]

A real Alertmanager, a real remediator and a simulated site on this machine. Each round: the modes
are exchanged and a silence is set, seen by the gauge; an alert is held for it; the silence is
expired, and the ports follow. The figures depend on the machine and are asserted nowhere.
"""

from __future__ import annotations

import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.running import ROOT, RunningSite, run_site
from tests.integration.running_alertmanager import configuration, running_alertmanagers
from tests.integration.test_interlocks import Amtool, last_look, silenced
from tests.integration.test_remediator import ONE, TWO, alert, make, payload, ports

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 60.0


def found(name: str) -> Path:
    """Return a real program."""
    path = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
    assert path is not None, f"{name} is missing: make setup"
    return Path(path)


def seconds_until(is_so: Callable[[], bool]) -> float:
    """Wait until something is so; return how long that took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < PATIENCE_SECONDS, "not so in time"
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def play(site: RunningSite, folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Play the rounds; return seconds to the gauge, and from the end of the silence to the ports."""
    stopped, went_on = [], []
    with running_alertmanagers(found("prometheus-alertmanager"), folder, 1) as (alertmanager,):
        alertmanager.start(configuration(folder, folder / "token", []))
        alertmanager.until_ready()
        amtool = Amtool(found("amtool"), alertmanager.url)
        damping = {"flips": 1000, "window": "1s"}
        policy = {"level": "enforce", "damping": damping}
        made = make(site, folder, alertmanagers=[{"url": alertmanager.url}], policy=policy)
        made.start()
        try:
            for number in range(rounds):
                seconds_until(lambda: last_look(made).get("ending") in {"right", "remediated"})
                key = amtool.silence("cluster=sip-east")
                stopped.append(seconds_until(lambda: silenced(made) == 1.0))
                assert site.post("/api/v1/clusters/sip-east/switchover").ok
                primary, other = (TWO, ONE) if number % 2 == 0 else (ONE, TWO)
                seconds_until(
                    lambda p=primary, o=other: (  # type: ignore[misc]
                        (site.host(p)["mode"], site.host(o)["mode"]) == ("primary", "backup")
                    )
                )
                made.send(payload(alert(fingerprint=f"{number:016x}")))
                seconds_until(lambda: last_look(made).get("hold") == "silenced")
                wanted = ("enabled", "disabled") if primary == ONE else ("disabled", "enabled")
                amtool.expire(key)
                went_on.append(seconds_until(lambda w=wanted: ports(site) == w))  # type: ignore[misc]
        finally:
            made.end(signal.SIGTERM)
    return stopped, went_on


def main() -> None:
    """Play and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for site in run_site(folder, "--lag", "0"):
            figures = play(site, folder, rounds)
    for what, seconds in zip(("set, until it stops", "ended, until ports"), figures, strict=True):
        print(f"{what:24} median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
