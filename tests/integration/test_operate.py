"""What persons say by command to a remediator that runs on a simulated site."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import ROOT, RunningSite, free_port, run_site, until
from tests.integration.test_remediator import (
    ONE,
    TWO,
    RunningRemediator,
    alert,
    make,
    payload,
    ports,
    switch_over,
)

pytestmark = pytest.mark.integration

COMMAND = "from remediator.command import entry_point; entry_point()"
EAST = "/api/v1/clusters/sip-east"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


@pytest.fixture
def running(site: RunningSite, tmp_path: Path) -> Iterator[Callable[..., RunningRemediator]]:
    """Start a remediator with such a policy; end it afterwards, whatever happens."""
    started: list[RunningRemediator] = []

    def start(**policy: Any) -> RunningRemediator:
        made = make(site, tmp_path, policy={"level": "enforce", **policy}, attempts=1)
        started.append(made)
        made.start()
        return made

    yield start
    for made in started:
        if made.process is not None and made.process.poll() is None:
            made.end(signal.SIGTERM)


def say(made: RunningRemediator, *arguments: str, shown: bool = True) -> tuple[int, str, str]:
    """Run a command; return exit status, standard output and standard error."""
    token = made.configuration.parent / "token"
    access = ["--url", made.url, *(["--token-file", str(token)] if shown else [])]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, *access],
        capture_output=True,
        text=True,
        env=os.environ | {"LOGNAME": "kari"},
        cwd=ROOT,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def hold(made: RunningRemediator) -> str | None:
    """Return why the last look held."""
    last = made.get(EAST)["last_look"]
    return last["hold"] if last else None


def test_a_pause_survives_the_program_and_resuming_ends_it_at_once(
    site: RunningSite, running: Callable[..., RunningRemediator]
) -> None:
    """Killed and started again it still touches nothing; then the ports follow."""
    made = running()
    status, said, problem = say(made, "pause", "sip-east", "--for", "2h", "--reason", "a new card")
    assert (status, problem) == (0, "")
    (pause,) = made.get("/api/v1/pauses")["pauses"]
    assert said == (
        f"sipnlb: sip-east: paused by web token for kari until {pause['until']}: a new card\n"
    )
    made.end(signal.SIGKILL)
    made.start()
    switch_over(site)
    assert made.send(payload(alert())).ok
    until(lambda: hold(made) == "paused")
    assert made.get(EAST)["last_look"]["text"] == said.removeprefix("sipnlb: sip-east: ").strip()
    assert (ports(site), made.rows("action")) == (("enabled", "disabled"), [])

    began = time.monotonic()
    assert say(made, "resume", "sip-east", "--as", "ada") == (0, "sipnlb: sip-east: resumed\n", "")
    until(lambda: ports(site) == ("disabled", "enabled"))
    assert time.monotonic() - began < 5  # by itself it might have waited 15 s
    (row,) = made.rows("pause")
    assert (row["outcome"], row["detail"]["who"], row["detail"]["paused_by"]) == (
        "resumed",
        "web token for ada",
        "web token for kari",
    )
    log = made.log.read_text("utf-8")
    assert "level=warning event=paused cluster=sip-east " in log
    assert "level=info event=resumed cluster=sip-east " in log


def test_a_pause_of_all_ends_by_itself(
    site: RunningSite, running: Callable[..., RunningRemediator]
) -> None:
    """Nobody has to think of it: soon after its end the ports follow, without an alert."""
    made = running()
    status, said, _ = say(made, "pause", "--all", "--for", "4s", "--reason", "network works")
    assert (status, said.startswith("sipnlb: all clusters: paused by ")) == (0, True)
    switch_over(site)
    assert made.send(payload(alert())).ok
    until(lambda: hold(made) == "paused")
    assert ports(site) == ("enabled", "disabled")

    until(lambda: ports(site) == ("disabled", "enabled"))
    until(lambda: made.rows("pause")[0]["outcome"] == "expired")
    assert 'event="pause expired" cluster=all' in made.log.read_text("utf-8")


def test_a_person_approves_and_only_then_the_ports_follow(
    site: RunningSite, running: Callable[..., RunningRemediator]
) -> None:
    """Asked for once, shown with both steps, carried out by one yes, and written down."""
    made = running(level="approve")
    switch_over(site)
    assert made.send(payload(alert())).ok
    until(lambda: made.get(EAST)["approvals"])
    time.sleep(1.5)  # a second look holds as well and asks nothing new
    (wanted,) = made.get(EAST)["approvals"]
    steps = [f"enable 5060 on {TWO}", f"disable 5060 on {ONE}"]
    assert (wanted["actions"], ports(site)) == (steps, ("enabled", "disabled"))
    assert (hold(made), made.rows("action")) == ("approval_wanted", [])

    status, said, _ = say(made, "approve", "sip-east", "--as", "ada")
    assert status == 0
    assert said.startswith(
        f"sipnlb: sip-east: approved as {wanted['id']}: {', then '.join(steps)}; asked for look "
    )
    until(lambda: ports(site) == ("disabled", "enabled"))
    until(lambda: made.rows("approval")[-1]["outcome"] == "remediated")
    asked, granted = made.rows("approval")
    assert (asked["outcome"], asked["detail"]["who"]) == ("approved", "web token for ada")
    assert (granted["reason"], granted["parent"]) == ("granted", wanted["id"])
    assert [(row["verb"], row["outcome"]) for row in made.rows("action")] == [
        ("enable", "verified"),
        ("disable", "verified"),
    ]
    assert say(made, "approve", "sip-east") == (
        1,
        "",
        "sipnlb: sip-east: nothing waits for approval\n",
    )
    assert say(made, "approve", "sip-east", str(wanted["id"])) == (
        1,
        "",
        f"sipnlb: sip-east: no approval {wanted['id']} of sip-east is wanted; nothing of it waits "
        "for approval; look again\n",
    )


def test_an_approval_that_nobody_gives_expires(
    site: RunningSite, running: Callable[..., RunningRemediator]
) -> None:
    """It is asked for anew under another id; nothing is ever done."""
    made = running(level="approve", approve_within="2s")
    switch_over(site)
    assert made.send(payload(alert())).ok
    until(lambda: [row["outcome"] for row in made.rows("approval")][:2] == ["expired", None])
    assert 'event="approval expired"' in made.log.read_text("utf-8")
    assert (ports(site), made.rows("action")) == (("enabled", "disabled"), [])


def test_who_is_called_can_say_that_somebody_knows(
    site: RunningSite, running: Callable[..., RunningRemediator]
) -> None:
    """The page ends and stays ended while the cause stands; refusals say what to do."""
    made = running()
    needs = 'sipnlb_remediator_needs_person{cluster="sip-east"}'
    site.nlb(ONE, "stop")
    assert made.send(payload(alert())).ok
    until(lambda: made.counted(needs) == 1.0)

    assert say(made, "acknowledge", "sip-east", "--text", "ben starts it")[0] == 0
    assert made.counted(needs) == 0.0
    number = made.get(EAST)["last_look"]["number"]
    until(lambda: made.get(EAST)["last_look"]["number"] > number)
    assert (hold(made), made.counted(needs)) == ("primary_node_not_serving", 0.0)
    (known,) = made.get(EAST)["acknowledged"]
    assert (known["hold"], known["text"]) == ("primary_node_not_serving", "ben starts it")

    assert say(made, "resume", "sip-east") == (
        1,
        "",
        "sipnlb: sip-east: no pause of sip-east stands; nothing is paused\n",
    )
    assert say(made, "pause", "cusco", "--for", "1h", "--reason", "x") == (
        2,
        "",
        "sipnlb: cusco: no cluster 'cusco' is configured; configured: sip-east\n",
    )
    assert say(made, "pause", "sip-east", "--for", "9d", "--reason", "x")[0] == 2
    assert say(made, "resume", "--all", shown=False)[0] == 2
    made.url = f"http://127.0.0.1:{free_port()}"
    assert say(made, "approve", "sip-east", "4") == (
        3,
        "",
        f"sipnlb: sip-east: {made.url} does not answer: Connection refused\n",
    )
