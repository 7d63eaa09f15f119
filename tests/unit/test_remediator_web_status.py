"""``GET /api/v1/status``: all in one answer, with and without a journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.config_section import Credentials
from remediator.journal_schema import Kind
from remediator.status_text import screen
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_web import WebSite, error


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WebSite]:
    """Return a site that asks for nothing."""
    made = WebSite(tmp_path, Credentials())
    yield made
    made.close()


def told(site: WebSite, path: str = "/api/v1/status") -> dict[str, Any]:
    """Return the answer."""
    response = site.client.get(path)
    assert response.status_code == 200
    answer: dict[str, Any] = response.get_json()
    return answer


def test_before_the_first_look_nothing_is_known_of_a_cluster(site: WebSite) -> None:
    """What the program is, and that it is ready."""
    answer = told(site)

    assert (answer["ready"], answer["reasons"], answer["level"]) == (True, [], "observe")
    assert answer["watchdog"] == {"age_seconds": None, "waited_for_seconds": 180.0}
    assert answer["alertmanagers"] == []
    first = answer["clusters"][0]
    assert {key: first[key] for key in ("name", "primary", "hosts", "last_look")} == {
        "name": "quito",
        "primary": [],
        "hosts": [],
        "last_look": None,
    }
    assert (first["last_look_age_seconds"], first["next_look_seconds"]) == (None, None)
    assert first["lease"] == {"held": True, "holder": None, "seconds": None}


def test_after_a_look_hosts_ports_and_the_primary_are_told(site: WebSite) -> None:
    """In short: no raw output, so that hundreds of clusters are one answer."""
    site.started()
    site.clock.move(7.25)
    answer = told(site, "/api/v1/status?cluster=quito")

    (quito,) = answer["clusters"]
    assert (quito["primary"], quito["last_look"]["ending"]) == (["quito-1"], "right")
    assert quito["last_look_age_seconds"] == 7.2
    assert quito["hosts"][1] == {
        "name": "quito-2",
        "mode": "backup",
        "node_state": "converged",
        "ports": [{"port": "5080", "state": "disabled", "serving": False}],
    }
    assert screen(answer, details=False).attention == ()


def test_what_persons_are_called_for_and_have_said_is_told(site: WebSite) -> None:
    """Each call with its text, and whatever the summary of a cluster has."""
    site.journal.open_note(Kind.PERSON, "quito", "", "action_failed", "no answer")
    site.journal.open_note(Kind.FENCE, "quito", "quito-2", "fence_pending", "x")
    quito, lima = (each["journal"] for each in told(site)["clusters"])

    assert [{**each, "since": ""} for each in quito["needs_person"]] == [
        {"hold": "action_failed", "text": "no answer", "since": ""}
    ]
    assert (quito["fence_pending"], lima["fence_pending"]) == (["quito-2"], [])
    assert lima == {
        "needs_person": [],
        "fence_pending": [],
        "pauses": [],
        "approvals": [],
        "approved": [],
        "acknowledged": [],
    }


def test_a_silence_that_stops_repairs_is_told(site: WebSite) -> None:
    """Before there is anything to repair: its alerts do not come, so that nobody else tells."""
    site.silences["lima"] = 'silence 9f by "ana": "night work"'
    quito, lima = told(site)["clusters"]
    assert (quito["silenced"], lima["silenced"]) == (None, 'silence 9f by "ana": "night work"')


def test_without_a_journal_the_rest_is_told(site: WebSite) -> None:
    """Just then somebody asks: why it is not ready, and how the ports were last read."""
    site.started()
    site.resync.problems["http://am-1:9093"] = "refused"
    site.destroy_journal()
    answer = told(site)
    site.mend_journal()

    assert answer["ready"] is False
    assert "no such table: journal" in answer["reasons"][0]
    assert [each["journal"] for each in answer["clusters"]] == [None, None]
    assert answer["clusters"][0]["primary"] == ["quito-1"]
    assert answer["alertmanagers"] == [{"url": "http://am-1:9093", "problem": "refused"}]
    shown = screen(answer, details=False)
    assert (shown.ready, len(shown.attention)) == (False, 4)


def test_the_age_of_the_watchdog_is_told(site: WebSite) -> None:
    """From when it came; nothing is waited for any more."""
    watchdog = samples.sent({"sipnlb": "watchdog", "alertname": "Watchdog"})
    site.service.accept(samples.body([watchdog]))
    site.clock.move(31.0)

    assert told(site)["watchdog"] == {"age_seconds": 31.0, "waited_for_seconds": None}


def test_an_unknown_cluster_is_not_found(site: WebSite) -> None:
    """404 with the names that there are."""
    assert error(site.client.get("/api/v1/status?cluster=cusco")) == (
        404,
        "no cluster 'cusco' is configured",
        "configured: quito, lima",
    )
