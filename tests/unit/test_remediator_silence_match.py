"""Which silences keep which clusters from being repaired, by what Alertmanager says of them."""

from __future__ import annotations

from typing import Any

import pytest

from remediator.silence_match import label_sets, told
from tests.unit import remediator_samples as samples

CLUSTERS = samples.config().clusters


def matcher(name: str, value: str, operator: str = "=") -> dict[str, Any]:
    """Return a matcher as the API has it (documented: Alertmanager API v2)."""
    return {
        "name": name,
        "value": value,
        "isRegex": operator.endswith("~"),
        "isEqual": not operator.startswith("!"),
    }


def silence(*matchers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an active silence as the API has it."""
    return {
        "id": "5bc1",
        "status": {"state": "active"},
        "matchers": list(matchers),
        "createdBy": "an operator",
        "comment": "cabling",
        "startsAt": "2024-06-11T20:00:00Z",
        "endsAt": "2024-06-11T22:30:00.500Z",
        "updatedAt": "2024-06-11T20:00:00Z",
    } | more


def firing(cluster: str, *silenced_by: str, **labels: str) -> dict[str, Any]:
    """Return a repair alert that fires, as the API has it."""
    status = {"state": "suppressed", "silencedBy": list(silenced_by), "inhibitedBy": []}
    return {"labels": samples.labels(cluster, **labels), "status": status}


def silenced(*silences: Any, alerts: Any = ()) -> dict[str, str]:
    """Return the clusters that are silenced, and by what."""
    found = told(list(silences), list(alerts), CLUSTERS).silenced
    return {cluster: str(each) for cluster, each in sorted(found.items())}


WORDS = 'silence 5bc1 by "an operator": "cabling", until 2024-06-11T22:30:00.500Z'


def test_the_labels_of_repair_alerts() -> None:
    """Every repair alert that a cluster can have, with exactly the labels of the shipped rules."""
    assert label_sets(CLUSTERS[0]) == tuple(
        {
            "alertname": name,
            "cluster": "quito",
            "host": host,
            "port": "5080",
            "remediate": "true",
        }
        for name in ("SipServerBecamePrimary", "SipServerBecameBackup")
        for host in ("quito-1", "quito-2")
    )


@pytest.mark.parametrize(
    ("matchers", "clusters"),
    [
        pytest.param([("cluster", "quito")], ["quito"], id="its name"),
        pytest.param([("cluster", "quito|lima", "=~")], ["lima", "quito"], id="an expression"),
        pytest.param([("cluster", "qui", "=~")], [], id="an expression is for the whole value"),
        pytest.param([("cluster", "quito", "!=")], ["lima"], id="another"),
        pytest.param([("cluster", "q.*", "!~")], ["lima"], id="none like it"),
        pytest.param([("host", "lima-2")], ["lima"], id="one host blocks its whole cluster"),
        pytest.param([("port", "5080")], ["lima", "quito"], id="a port"),
        pytest.param([("port", "5081")], [], id="the rule is named by its first port"),
        pytest.param([("alertname", "SipServerBecameBackup")], ["lima", "quito"], id="one alert"),
        pytest.param([("alertname", "SipNoPrimary")], [], id="a page"),
        pytest.param([("severity", "critical")], [], id="pages of a severity"),
        pytest.param(
            [("severity", "")], ["lima", "quito"], id="a label that is not there is empty"
        ),
        pytest.param([("severity", "critical|", "=~")], ["lima", "quito"], id="or matches empty"),
        pytest.param([("remediate", "true")], ["lima", "quito"], id="all repairs"),
        pytest.param([("affected_cluster", "quito")], [], id="the page about a silence"),
        pytest.param([("cluster", "quito"), ("host", "quito-1")], ["quito"], id="both match"),
        pytest.param([("cluster", "quito"), ("host", "lima-1")], [], id="never both"),
        pytest.param([("cluster", "Quito")], [], id="in its own letters"),
    ],
)
def test_a_silence_blocks_the_clusters_whose_repair_alerts_it_mutes(
    matchers: list[tuple[str, ...]], clusters: list[str]
) -> None:
    """Each matcher must match one and the same alert that the cluster can have."""
    found = silenced(silence(*(matcher(*each) for each in matchers)))
    assert found == dict.fromkeys(clusters, WORDS)


@pytest.mark.parametrize("state", ["expired", "pending", 7, None])
def test_only_an_active_silence_blocks(state: Any) -> None:
    """One that is over or still to come does not; whatever is no state does not."""
    assert silenced(silence(matcher("cluster", "quito"), status={"state": state})) == {}
    assert silenced(silence(matcher("cluster", "quito"), status=state)) == {}


def test_a_matcher_that_does_not_tell_whether_it_is_equal_is() -> None:
    """The field came later than the others."""
    old = {"name": "cluster", "value": "quito", "isRegex": False}
    assert silenced(silence(old)) == {"quito": WORDS}


def test_a_silence_without_matchers_mutes_nothing() -> None:
    """Alertmanager takes none like it."""
    assert silenced(silence()) == {}


def test_a_repair_alert_that_fires_tells_what_labels_cannot() -> None:
    """Of a label that the site adds only Alertmanager knows; it names who is silenced by what."""
    site = silence(matcher("region", "south"))
    alerts = [
        firing("quito", "5bc1", region="south"),
        firing("cusco", "5bc1"),
        firing("lima", "77aa"),
    ]
    assert silenced(site, alerts=alerts) == {
        "lima": 'silence 77aa by "": ""',
        "quito": WORDS,
    }


def test_an_alert_that_is_not_silenced_or_repairs_nothing_tells_nothing() -> None:
    """Only what is muted, and would have been a reason to look."""
    alerts = [firing("quito"), firing("lima", "5bc1", remediate="false")]
    alerts[0]["status"]["silencedBy"] = None
    assert silenced(alerts=alerts) == {}


def test_what_cannot_be_told_does_not_block_and_is_named() -> None:
    """An expression that is not understood leaves it to Alertmanager; the rest is told."""
    unclear = silence(matcher("cluster", "(quito", "=~"), id="9e")
    found = told([unclear, silence(matcher("cluster", "lima"))], [], CLUSTERS)
    assert {name: str(each) for name, each in found.silenced.items()} == {"lima": WORDS}
    assert found.untold == (("9e", "(quito: missing ): (quito"),)


def test_what_cannot_be_told_does_not_matter_where_another_matcher_fails() -> None:
    """A silence for something else is no silence, whatever else stands in it."""
    other = silence(matcher("cluster", "(q", "=~"), matcher("severity", "critical"), id="9e")
    assert told([other], [], CLUSTERS).untold == ()


def test_texts_of_others_are_shortened_and_shown_without_control_characters() -> None:
    """Whoever sets a silence writes into our journal, log and pages."""
    hostile = silence(
        matcher("cluster", "quito"),
        createdBy="a\nlevel=error\x1b[31m",
        comment="x" * 121,
        id="\ud800<b>",
        endsAt="never",
    )
    assert silenced(hostile)["quito"] == (
        'silence \\ud800<b> by "a\\nlevel=error\\x1b[31m": "' + "x" * 120 + '…"'
    )
    assert silenced(silence(matcher("cluster", "quito"), createdBy=7, comment=None))[
        "quito"
    ].startswith('silence 5bc1 by "": ""')


@pytest.mark.parametrize(
    ("silences", "alerts", "problem"),
    [
        ({}, [], "the answer is not a list"),
        ([], {}, "the answer is not a list"),
        (["x"], [], "a silence is not an object"),
        ([silence(matchers=None)], [], "a silence has no list of matchers"),
        ([silence(matchers=["x"])], [], "a silence has no list of matchers"),
        ([silence({"name": 1, "value": "x"})], [], "a matcher has no name or no value"),
        ([silence({"name": "x"})], [], "a matcher has no name or no value"),
        ([], ["x"], "an alert has no labels or no status"),
        ([], [{"labels": {}}], "an alert has no labels or no status"),
    ],
)
def test_what_alertmanager_would_not_answer_is_an_error(
    silences: Any, alerts: Any, problem: str
) -> None:
    """It then counts as not asked."""
    with pytest.raises(ValueError, match=f"^{problem}$"):
        told(silences, alerts, CLUSTERS)


def test_too_many_silences_are_not_looked_through() -> None:
    """The work of one answer is bounded, and what is beyond is said."""
    many = [silence(matcher("cluster", "other"), id=str(number)) for number in range(2001)]
    assert told(many, [], CLUSTERS).untold == (("", "there are 2001 active silences"),)


def test_too_many_expressions_are_not_tried() -> None:
    """The same for expressions, each of which takes its time."""
    matchers = [matcher(f"l{number}", f"x{number}|", "=~") for number in range(100_001)]
    found = told([silence(*matchers)], [], CLUSTERS)
    assert found.silenced == {}
    assert found.untold == (("5bc1", "x100000|: there are too many expressions"),)
