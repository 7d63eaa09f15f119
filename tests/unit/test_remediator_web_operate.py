"""The HTTP face of what persons say: each order's answer, its record, and its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cluster.clock import utc_text
from cluster.config_section import Credentials
from remediator.journal_schema import Kind
from remediator.pauses import Pauses
from remediator.persons import Persons
from remediator.rows import Hold
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_web import TOKEN, WebSite, error

ACTIONS = ["enable 5080 on quito-1", "disable 5080 on quito-2"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WebSite]:
    """Return a site that asks for a bearer token."""
    secret = tmp_path / "token"
    secret.write_text("open-sesame\n")
    made = WebSite(tmp_path, Credentials(bearer_token_file=str(secret)), samples.APPROVING)
    yield made
    made.close()


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[WebSite]:
    """Return a site that asks for nothing."""
    made = WebSite(tmp_path, Credentials())
    yield made
    made.close()


def post(site: WebSite, path: str, body: Any, **more: Any) -> TestResponse:
    """Give an order."""
    return site.client.post(f"/api/v1/{path}", json=body, headers=TOKEN, **more)


def ask(site: WebSite, key: str = "quito") -> int:
    """Let an approval be wanted; return its id."""
    until = utc_text(samples.BEGIN.plus(300).utc)
    detail = {"actions": ACTIONS, "why": "because", "until": until}
    return site.journal.open_row(Kind.APPROVAL, key, detail, reason="wanted")


def test_a_pause_is_answered_with_what_stands(site: WebSite) -> None:
    """The end is in UTC, whatever zone it was told in; who may be many is named by both names."""
    answer = post(
        site,
        "pause",
        {
            "cluster": "quito",
            "reason": "a new card",
            "until": "2024-06-12T01:00+02:00",
            "who": "ada",
        },
    )
    pause = {
        "id": 2,
        "cluster": "quito",
        "who": "web token for ada",
        "reason": "a new card",
        "since": "2024-06-11T21:47:03Z",
        "until": "2024-06-11T23:00:00Z",
    }
    assert (answer.status_code, answer.get_json()) == (200, {"pause": pause})
    assert site.get("/api/v1/pauses").get_json() == {"pauses": [pause]}
    assert site.get("/api/v1/clusters/quito").get_json()["pauses"] == [pause]
    assert site.get("/api/v1/clusters/lima").get_json()["pauses"] == []
    (row,) = site.journal.open_rows(Kind.PAUSE)
    assert row.detail["address"] == "127.0.0.1"


def test_a_pause_of_all_is_shown_with_every_cluster(site: WebSite) -> None:
    """It has no cluster of its own."""
    answer = post(site, "pause", {"all": True, "reason": "works", "for": "2h"})
    pause = answer.get_json()["pause"]
    assert (pause["cluster"], pause["who"], pause["until"]) == (
        None,
        "web token",
        "2024-06-11T23:47:04Z",
    )
    shown = site.get("/api/v1/clusters").get_json()["clusters"]
    assert [each["pauses"] for each in shown] == [[pause], [pause]]


def test_resuming_looks_at_once_and_tells_what_still_stands(site: WebSite) -> None:
    """The numbers are those of the looks that were asked for."""
    post(site, "pause", {"all": True, "reason": "works", "for": "2h"})
    post(site, "pause", {"cluster": "quito", "reason": "a new card", "for": "3h"})

    answer = post(site, "resume", {"cluster": "quito"})
    assert (answer.status_code, answer.get_json()["looks"]) == (202, {"quito": 1})
    assert [each["reason"] for each in answer.get_json()["ended"]] == ["a new card"]
    assert [each["reason"] for each in answer.get_json()["still"]] == ["works"]
    assert site.service.seconds_to_next_look("quito") == 0.0
    assert site.service.seconds_to_next_look("lima") is None

    answer = post(site, "resume", {"all": True})
    assert (answer.get_json()["looks"], answer.get_json()["still"]) == ({"quito": 1, "lima": 1}, [])
    assert site.service.seconds_to_next_look("lima") == 0.0


def test_an_order_is_written_down_before_it_is_given(site: WebSite) -> None:
    """Who asked for what, by name and address; then what came of it."""
    key = ask(site)
    post(site, "pause", {"all": True, "reason": "works", "for": "2h"})
    post(site, "clusters/quito/approve", {"id": key})
    rows = [row for row in reversed(site.journal.rows()) if row.id > key]

    assert [(row.kind, row.cluster, row.outcome, row.reason) for row in rows] == [
        ("service", "", "asked", ""),
        ("pause", "", None, ""),
        ("service", "quito", "asked", ""),
        ("approval", "quito", None, "granted"),
    ]
    assert rows[2].detail == {
        "who": "web token",
        "address": "127.0.0.1",
        "method": "POST",
        "path": "/api/v1/clusters/quito/approve",
    }


def test_what_is_wanted_is_shown_and_approved_by_its_id(site: WebSite) -> None:
    """Then it is shown as approved, and looked at at once."""
    key = ask(site)
    wanted = site.get("/api/v1/clusters/quito").get_json()
    assert (wanted["approvals"], wanted["approved"]) == (
        [
            {
                "id": key,
                "actions": ACTIONS,
                "why": "because",
                "since": "2024-06-11T21:47:03Z",
                "until": "2024-06-11T21:52:03Z",
                "approved_by": None,
            }
        ],
        [],
    )
    answer = post(site, "clusters/quito/approve", {"id": key, "who": "ada"})
    assert answer.status_code == 202
    said = answer.get_json()
    assert (said["cluster"], said["look"], said["number"]) == ("quito", "requested", 1)
    assert (said["approved"]["actions"], said["approved"]["approved_by"]) == (
        ACTIONS,
        "web token for ada",
    )
    after = site.get("/api/v1/clusters/quito").get_json()
    assert (after["approvals"], after["approved"]) == ([], [said["approved"]])
    assert site.service.seconds_to_next_look("quito") == 0.0


def test_what_is_not_wanted_cannot_be_approved(site: WebSite) -> None:
    """An id of before, of another cluster, or of nothing: 409, and nothing is looked at."""
    key = ask(site)
    assert error(post(site, "clusters/lima/approve", {"id": key})) == (
        409,
        f"no approval {key} of lima is wanted",
        "nothing of it waits for approval; look again",
    )
    assert error(post(site, "clusters/quito/approve", {})) == (
        400,
        "id is missing",
        "it stands at approvals in /api/v1/clusters/quito",
    )
    assert site.service.seconds_to_next_look("quito") is None


def test_a_call_is_acknowledged(site: WebSite) -> None:
    """Nobody is needed any more, and what is known is shown."""
    Persons(site.journal).call("quito", Hold.RULE_DIFFERS, "quito-1 reports 5070", ("x",))
    assert site.get("/api/v1/clusters/quito").get_json()["needs_person"] is True

    answer = post(site, "clusters/quito/acknowledge", {"text": "ben mends the rule", "who": "ada"})
    assert (answer.status_code, answer.get_json()) == (
        200,
        {
            "cluster": "quito",
            "acknowledged": [{"id": 1, "hold": "rule_differs", "text": "quito-1 reports 5070"}],
        },
    )
    shown = site.get("/api/v1/clusters/quito").get_json()
    assert (shown["needs_person"], shown["acknowledged"]) == (
        False,
        [
            {
                "id": 3,
                "hold": "rule_differs",
                "at": "2024-06-11T21:47:03.250Z",
                "who": "web token for ada",
                "text": "ben mends the rule",
            }
        ],
    )
    assert error(post(site, "clusters/quito/acknowledge", {"text": "again"}))[:2] == (
        409,
        "nobody is called for quito",
    )
    assert error(post(site, "clusters/quito/acknowledge", {})) == (
        400,
        "text is missing",
        "say what is known, or who does what about it",
    )


@pytest.mark.parametrize(
    ("body", "code", "problem"),
    [
        ({"reason": "x", "for": "1h"}, 400, "neither of cluster and all is given"),
        (
            {"cluster": "quito", "all": True, "reason": "x", "for": "1h"},
            400,
            "more than one of cluster and all is given",
        ),
        ({"cluster": "cusco", "reason": "x", "for": "1h"}, 404, "no cluster 'cusco' is configured"),
        ({"cluster": "quito", "for": "1h"}, 400, "reason is missing"),
        ({"cluster": "quito", "reason": "x"}, 400, "neither of for and until is given"),
        ({"cluster": "quito", "reason": "x", "for": "1h", "force": 1}, 400, "unknown key 'force'"),
        (
            {"cluster": "quito", "reason": "x", "until": "2024-06-11T21:47:03Z"},
            400,
            "2024-06-11T21:47:03Z is past",
        ),
        (
            {"cluster": "quito", "reason": "x", "for": "8d"},
            400,
            "2024-06-19T21:47:03Z is more than 7 days away",
        ),
    ],
)
def test_an_order_that_is_not_clear_is_refused(
    site: WebSite, body: Any, code: int, problem: str
) -> None:
    """What is wrong and how to write it; nothing is paused."""
    status, said, hint = error(post(site, "pause", body))
    assert (status, said, bool(hint)) == (code, problem, True)
    assert Pauses(site.journal, site.clock).standing() == ()


def test_an_order_is_short(site: WebSite) -> None:
    """A body that is none is refused before it is read."""
    assert error(post(site, "pause", {"reason": "x" * 20_000})) == (
        413,
        "larger than 16384 bytes",
        "an order is short",
    )


@pytest.mark.parametrize("path", ["clusters/cusco/approve", "clusters/cusco/acknowledge"])
def test_an_unknown_cluster_is_not_found(site: WebSite, path: str) -> None:
    """404, with the ones that there are."""
    assert error(post(site, path, {"id": 1, "text": "x"})) == (
        404,
        "no cluster 'cusco' is configured",
        "configured: quito, lima",
    )


@pytest.mark.parametrize(
    "path", ["pause", "resume", "clusters/quito/approve", "clusters/quito/acknowledge"]
)
def test_without_credentials_nobody_gives_orders(site: WebSite, path: str) -> None:
    """401, and nothing is written."""
    assert site.client.post(f"/api/v1/{path}", json={"all": True}).status_code == 401
    assert site.client.get("/api/v1/pauses").status_code == 401
    assert site.journal.rows() == []


def test_where_nobody_shows_credentials_the_order_names_who_gives_it(open_site: WebSite) -> None:
    """A record without a person in it is of no use."""
    order = {"cluster": "quito", "reason": "a new card", "for": "1h"}
    assert error(post(open_site, "pause", order)) == (
        400,
        "who is missing",
        "nobody shows credentials here, so the order has to name who gives it",
    )
    made = post(open_site, "pause", {**order, "who": "ada"}).get_json()["pause"]
    assert made["who"] == "ada"


def test_a_pause_whose_time_is_over_is_not_shown(site: WebSite) -> None:
    """Whether or not its end is written."""
    until = samples.BEGIN.utc + timedelta(seconds=30)
    Pauses(site.journal, site.clock).pause("", {"who": "ada"}, "works", until)
    site.clock.move(31)
    assert site.get("/api/v1/pauses").get_json() == {"pauses": []}


def test_a_row_of_other_hands_is_said_and_is_no_bug(site: WebSite) -> None:
    """503: while it is open nothing is done."""
    site.journal.open_row(Kind.PAUSE, "quito", {"who": "ada"})
    assert error(site.get("/api/v1/clusters")) == (
        503,
        "row 1 cannot be understood: KeyError: 'until'",
        "see GET /api/v1/journal?kind=pause",
    )
