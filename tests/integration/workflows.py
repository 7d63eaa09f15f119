"""The three workflows, played on a simulated site with the same assertions for every variant.

A variant is a way to read the mode, to speak to NLB or to reach a host. Whatever it is, the
remediator must end with exactly the primary's port enabled, and must have proved it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from tests.integration.running import RunningSite, until
from tests.integration.test_remediator import ONE, TWO, RunningRemediator, alert, payload

Change = Callable[[dict[str, Any]], None]
"""Changes one host's entry of clusters.yml in place."""


def change_hosts(remediator: RunningRemediator, change: Change) -> None:
    """Rewrite every host in the configuration of a remediator that does not run yet."""
    config = yaml.safe_load(remediator.configuration.read_text("utf-8"))
    for cluster in config["clusters"]:
        for host in cluster["hosts"]:
            change(host)
    remediator.configuration.write_text(yaml.safe_dump(config), "utf-8")


def play(site: RunningSite, remediator: RunningRemediator) -> None:
    """Play switchover, crash and disconnect, each with its way back."""
    until(lambda: _modes(site) == ("primary", "backup"))
    _operate(site, "switchover")
    _follows(site, remediator, primary=TWO)
    _operate(site, "switchover")
    _follows(site, remediator, primary=ONE)

    _operate(site, "fail")
    _follows(site, remediator, primary=TWO)
    _operate(site, "restart")
    until(lambda: _modes(site) == ("backup", "primary"))
    assert _ports(site) == ("disabled", "enabled")

    _operate(site, "disconnect")
    _takes_over(site, remediator, new=ONE, cut_off=TWO)
    _operate(site, "reconnect")
    _follows(site, remediator, primary=ONE)

    actions = remediator.rows("action")
    assert {(row["verb"], row["outcome"]) for row in actions} <= {
        ("enable", "verified"),
        ("disable", "verified"),
    } | {("disable", outcome) for outcome in ("not_sent", "no_answer", "unreadable")}


def _operate(site: RunningSite, operation: str) -> None:
    answer = site.post(f"/api/v1/clusters/sip-east/{operation}")
    assert answer.ok, answer.text


def _follows(site: RunningSite, remediator: RunningRemediator, *, primary: str) -> None:
    """The mode moves, an alert comes, and exactly the primary's port is open and proved."""
    wanted = ("primary", "backup") if primary == ONE else ("backup", "primary")
    index = 0 if primary == ONE else 1
    until(lambda: site.host(primary)["mode"] == "primary")
    other = TWO if primary == ONE else ONE
    until(lambda: site.host(other)["mode"] in {"backup", "unknown"})
    assert remediator.send(payload(alert())).ok
    until(lambda: _ports(site) == tuple("enabled" if n == index else "disabled" for n in (0, 1)))
    until(lambda: _ending(remediator) in {"remediated", "right"})
    assert _modes(site)[index] == wanted[index]


def _takes_over(
    site: RunningSite, remediator: RunningRemediator, *, new: str, cut_off: str
) -> None:
    """The new primary serves; the host that is cut off is noted and stays as it was."""
    until(lambda: site.host(new)["mode"] == "primary")
    assert remediator.send(payload(alert())).ok
    until(lambda: site.host(new)["ports"][0]["state"] == "enabled")
    until(lambda: cut_off in remediator.get("/api/v1/clusters/sip-east")["fence_pending"])
    assert site.host(cut_off)["ports"][0]["state"] == "enabled"


def _ending(remediator: RunningRemediator) -> str | None:
    looked = remediator.get("/api/v1/clusters/sip-east")["last_look"]
    return looked["ending"] if looked else None


def _modes(site: RunningSite) -> tuple[str, ...]:
    return tuple(site.host(name)["mode"] for name in (ONE, TWO))


def _ports(site: RunningSite) -> tuple[str, ...]:
    return tuple(site.host(name)["ports"][0]["state"] for name in (ONE, TWO))
