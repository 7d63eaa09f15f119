"""Bodies of webhooks: what Alertmanager sends, and everything that it would not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from remediator.webhook import (
    MAX_LABEL_CHARACTERS,
    Alert,
    AlertOutcome,
    Payload,
    PayloadError,
    judge,
    parse,
)
from tests.unit import remediator_samples as samples

CLUSTERS = {"quito", "lima"}


def only(alert: Any) -> Alert:
    """Return what a payload of one alert makes of it."""
    (judged,) = parse(samples.body([alert]), CLUSTERS).alerts
    return judged


def test_a_repair_alert_is_accepted() -> None:
    """A firing repair alert of a configured cluster, with everything that is kept of it."""
    assert parse(samples.body([samples.sent()]), CLUSTERS) == Payload(
        (
            Alert(
                AlertOutcome.ACCEPTED,
                "f1",
                datetime(2024, 6, 11, 21, 47, 1, 250000, tzinfo=UTC),
                "SipServerBecamePrimary",
                "quito",
                "quito-1",
                "5080",
            ),
        )
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"alerts=1", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (
            b'{"version": "4", "alerts": [{"labels": {"clus',
            "the body is not JSON: Unterminated string starting at: line 1 column 41 (char 40)",
        ),
        (
            b'\x80{"version": "4"}',
            (
                "the body is not JSON: 'utf-8' codec can't decode byte 0x80 in position 0: "
                "invalid start byte"
            ),
        ),
        (b"[" * 100_000, "the body is not JSON: too deeply nested"),
        (
            b'{"version": "4", "alerts": ' + b"[" * 100_000,
            "the body is not JSON: too deeply nested",
        ),
        (b"[]", "the body is not a JSON object"),
        (b'"4"', "the body is not a JSON object"),
        (b"null", "the body is not a JSON object"),
        (b"{}", 'version is None, this program reads version "4"'),
        (b'{"version": 4}', 'version is 4, this program reads version "4"'),
        (b'{"version": "5"}', "version is '5', this program reads version \"4\""),
        (
            b'{"version": "' + b"4" * 99 + b'"}',
            "version is '" + "4" * 39 + ', this program reads version "4"',
        ),
        (b'{"version": "4"}', "alerts is not a list"),
        (b'{"version": "4", "alerts": {}}', "alerts is not a list"),
        (b'{"version": "4", "alerts": null}', "alerts is not a list"),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_what_alertmanager_would_not_send_is_refused(body: bytes, text: str) -> None:
    """No JSON, cut JSON, JSON without end, another version, no list of alerts: said in words."""
    with pytest.raises(PayloadError) as caught:
        parse(body, CLUSTERS)
    assert (caught.value.text, str(caught.value)) == (text, text)


def test_an_integer_without_end_is_refused() -> None:
    """A number too long to read is no JSON to us, and is not echoed."""
    with pytest.raises(PayloadError) as caught:
        parse(b'{"version": ' + b"7" * 6000 + b"}", CLUSTERS)
    assert caught.value.text.startswith("the body is not JSON: Exceeds the limit (4300 digits)")


@pytest.mark.parametrize(
    ("given", "status", "outcome"),
    [
        (samples.labels("lima"), "firing", "accepted"),
        (samples.labels(), "resolved", "resolved"),
        (samples.labels("cusco"), "firing", "unknown_cluster"),
        (samples.labels("cusco"), "resolved", "unknown_cluster"),
        (samples.labels("QUITO"), "firing", "unknown_cluster"),
        (samples.labels("quito "), "firing", "unknown_cluster"),
        ({"remediate": "true", "host": "quito-1"}, "firing", "no_cluster"),
        ({"remediate": "true", "cluster": ""}, "firing", "no_cluster"),
        (samples.labels(remediate="false"), "firing", "not_for_repair"),
        (samples.labels(remediate="True"), "firing", "not_for_repair"),
        ({"cluster": "quito"}, "firing", "not_for_repair"),
        ({}, "firing", "not_for_repair"),
        ({"sipnlb": "watchdog"}, "firing", "watchdog"),
        ({"sipnlb": "watchdog"}, "resolved", "resolved"),
        (samples.labels(sipnlb="watchdog"), "firing", "watchdog"),
        (samples.labels(sipnlb="dog"), "firing", "accepted"),
    ],
)
def test_every_alert_has_an_outcome(given: dict[str, str], status: str, outcome: str) -> None:
    """Firing and resolved, known and unknown clusters, no cluster, other alerts, the watchdog."""
    judged = only(samples.sent(given, status=status))
    reasons = {
        "unknown_cluster": "the label cluster names none that is configured",
        "no_cluster": "it has no label cluster",
        "not_for_repair": 'it has no label remediate="true"',
    }
    assert (str(judged.outcome), judged.problem) == (outcome, reasons.get(outcome, ""))


@pytest.mark.parametrize(
    "status", [None, "", "Firing", "pending", 1, True, [], ["firing"], {"firing": 1}, 1.5]
)
def test_an_alert_of_no_status_is_malformed(status: Any) -> None:
    """A status that is neither firing nor resolved, of whatever kind, costs this alert alone."""
    judged = only({**samples.sent(), "status": status})
    assert judged == Alert(
        AlertOutcome.MALFORMED,
        "f1",
        samples.FIRED,
        "SipServerBecamePrimary",
        "quito",
        "quito-1",
        "5080",
        "status is neither firing nor resolved",
    )


@pytest.mark.parametrize("alert", [None, 7, "firing", [], [samples.sent()], True])
def test_an_alert_that_is_no_object_is_malformed(alert: Any) -> None:
    """What is no object has nothing but the problem."""
    assert only(alert) == Alert(AlertOutcome.MALFORMED, problem="it is not a JSON object")


@pytest.mark.parametrize(
    "given",
    [None, [], "cluster=quito", {"cluster": 7}, {"cluster": None}, {"cluster": ["quito"]}],
)
def test_labels_that_are_no_texts_are_malformed(given: Any) -> None:
    """Labels missing, of another kind or with values that are no texts; the fingerprint is kept."""
    assert only({**samples.sent(), "labels": given}) == Alert(
        AlertOutcome.MALFORMED, "f1", problem="labels is not an object of texts"
    )


def test_an_alert_without_labels_is_malformed() -> None:
    """The key may be missing altogether."""
    assert only({"status": "firing", "fingerprint": 8}) == Alert(
        AlertOutcome.MALFORMED, "", problem="labels is not an object of texts"
    )


def test_a_bad_alert_costs_no_neighbour() -> None:
    """Between bad ones the good ones are accepted, each in its place."""
    alerts = [
        7,
        samples.sent(),
        {"labels": {"cluster": 1}},
        {**samples.sent(), "status": ["firing"]},
        samples.sent(samples.labels("lima"), fingerprint="f2"),
    ]
    payload = parse(samples.body(alerts), CLUSTERS)
    assert [(str(a.outcome), a.fingerprint) for a in payload.alerts] == [
        ("malformed", ""),
        ("accepted", "f1"),
        ("malformed", ""),
        ("malformed", "f1"),
        ("accepted", "f2"),
    ]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-06-11T21:47:01.250Z", datetime(2024, 6, 11, 21, 47, 1, 250000, tzinfo=UTC)),
        ("2024-06-11T23:47:01.25+02:00", datetime(2024, 6, 11, 21, 47, 1, 250000, tzinfo=UTC)),
        (
            "2024-06-11T21:47:01.123456789Z",
            datetime(2024, 6, 11, 21, 47, 1, 123456, tzinfo=UTC),
        ),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("2024-06-11T21:47:01", None),
        ("2024-06-11", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1718142421, None),
        ([], None),
    ],
)
def test_a_start_is_a_moment_or_none(text: Any, moment: datetime | None) -> None:
    """A start with a zone is kept in UTC; naive, odd or impossible ones are none."""
    judged = only({**samples.sent(), "startsAt": text})
    assert (judged.outcome, judged.starts_at) == (AlertOutcome.ACCEPTED, moment)
    assert judged.starts_at is None or judged.starts_at.utcoffset() == datetime.now(UTC).utcoffset()


def test_a_missing_start_is_none() -> None:
    """An alert without startsAt is accepted all the same."""
    alert = samples.sent()
    del alert["startsAt"]
    assert (only(alert).outcome, only(alert).starts_at) == (AlertOutcome.ACCEPTED, None)


@pytest.mark.parametrize("given", [None, "", 7, []])
def test_a_missing_fingerprint_is_made_of_the_labels(given: Any) -> None:
    """Equal labels give equal fingerprints in whatever order, other labels another one."""
    forward = only({**samples.sent(samples.labels()), "fingerprint": given})
    backward = dict(reversed(samples.labels().items()))
    other = only({**samples.sent(samples.labels("lima")), "fingerprint": given})
    assert len(forward.fingerprint) == 16
    assert forward.fingerprint == only({**samples.sent(backward), "fingerprint": given}).fingerprint
    assert forward.fingerprint != other.fingerprint


def test_long_labels_are_cut() -> None:
    """No label longer than what the journal keeps goes further, … says so, no cluster is guessed."""
    long = "q" * 70_000
    judged = only(
        samples.sent(samples.labels(long, alertname=long, host=long, port=long), fingerprint=long)
    )
    cut = "q" * (MAX_LABEL_CHARACTERS - 1) + "…"
    assert judged == Alert(
        AlertOutcome.UNKNOWN_CLUSTER,
        cut,
        samples.FIRED,
        cut,
        cut,
        cut,
        cut,
        "the label cluster names none that is configured",
    )
    assert MAX_LABEL_CHARACTERS == 200


def test_a_name_that_begins_like_a_cluster_is_not_one() -> None:
    """A cut name never becomes a configured one."""
    name = "x" * MAX_LABEL_CHARACTERS
    judged = judge(samples.sent(samples.labels(name + "y")), {name})
    assert (judged.outcome, judged.cluster) == (AlertOutcome.UNKNOWN_CLUSTER, name[:-1] + "…")


def test_a_nul_becomes_a_question_mark() -> None:
    """PostgreSQL has no NUL in its texts: one would keep every alert beside it from being taken."""
    judged = only(samples.sent(samples.labels("qui\0to", host="\0"), fingerprint="\0f"))
    assert (judged.cluster, judged.host, judged.fingerprint) == ("qui?to", "?", "?f")


def test_half_a_character_becomes_a_question_mark() -> None:
    """JSON can hold halves of characters that no journal takes; they cost nobody anything."""
    half = "qu\ud800ito"
    judged = only(samples.sent(samples.labels(half, host=half), fingerprint=half))
    assert (judged.outcome, judged.cluster) == (AlertOutcome.UNKNOWN_CLUSTER, "qu?ito")
    assert (judged.host, judged.fingerprint) == ("qu?ito", "qu?ito")


def test_other_languages_are_kept() -> None:
    """Whole characters of any script stay as they are."""
    assert only(samples.sent(samples.labels(host="höst-東京-🙂"))).host == "höst-東京-🙂"


@pytest.mark.parametrize(
    ("given", "truncated"),
    [(0, 0), (12, 12), (-3, 0), (None, 0), ("12", 0), (True, 0), (2.5, 0), ([], 0)],
)
def test_left_out_alerts_are_counted(given: Any, truncated: int) -> None:
    """The number that Alertmanager names is kept if it is one."""
    payload = parse(samples.body([], truncatedAlerts=given), CLUSTERS)
    assert payload == Payload((), truncated)


def test_an_empty_payload_is_well_formed() -> None:
    """No alerts at all is no mistake, nor is a missing count of left-out ones."""
    assert parse(b'{"version": "4", "alerts": []}', CLUSTERS) == Payload(())


def test_ten_thousand_alerts_are_judged() -> None:
    """A flood is read like anything else, each alert for itself."""
    alerts = [
        samples.sent(samples.labels("quito" if n % 4 else "cusco"), fingerprint=f"f{n}")
        for n in range(10_000)
    ]
    judged = parse(samples.body(alerts), CLUSTERS).alerts
    assert len(judged) == 10_000
    assert sum(a.outcome is AlertOutcome.ACCEPTED for a in judged) == 7_500
    assert judged[9_998].fingerprint == "f9998"


def test_resolved_alone_is_well_formed() -> None:
    """A payload of resolved alerts only has nothing accepted in it."""
    alerts = [samples.sent(status="resolved", fingerprint=f"f{n}") for n in range(3)]
    payload = parse(samples.body(alerts, status="resolved"), CLUSTERS)
    assert [a.outcome for a in payload.alerts] == [AlertOutcome.RESOLVED] * 3


@pytest.mark.parametrize(
    ("firing", "outcome"), [(True, AlertOutcome.ACCEPTED), (False, AlertOutcome.RESOLVED)]
)
def test_whether_it_fires_may_be_known_already(firing: bool, outcome: AlertOutcome) -> None:
    """Alertmanager's API has another status; who asks it says himself whether the alert fires."""
    alert = {**samples.sent(), "status": {"state": "suppressed"}}
    assert judge(alert, CLUSTERS, firing=firing).outcome is outcome


def test_a_deep_alert_inside_a_payload_is_no_error() -> None:
    """Nesting that JSON still reads costs only the alert that has it."""
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    body = json.dumps({"version": "4", "alerts": [{"labels": {"a": deep}}, samples.sent()]})
    assert [str(a.outcome) for a in parse(body.encode(), CLUSTERS).alerts] == [
        "malformed",
        "accepted",
    ]
