"""The interlock of silences: blocks on a fresh positive answer, and on nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cluster.config_model import Alertmanager
from remediator.alertmanager_api import NotAnsweredError
from remediator.journal import Journal
from remediator.journal_schema import Kind
from remediator.silences import Silences
from tests.unit import remediator_samples as samples
from tests.unit.guard_samples import asked, pair, said
from tests.unit.test_remediator_silence_match import WORDS, firing, matcher, silence

ONE, TWO = (Alertmanager(url=f"http://am-{number}:9093") for number in (1, 2))
QUITO = silence(matcher("cluster", "quito"))


class Site:
    """Two Alertmanagers that answer as the test says, and the guard that asks them."""

    def __init__(self, folder: Path) -> None:
        self.clock = samples.FakeClock()
        self.file = folder / "journal.db"
        self.journal = Journal(f"sqlite:///{self.file}", self.clock)
        self.answers: dict[str, Any] = {ONE.url: [], TWO.url: []}
        self.alerts: list[Any] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.seconds = 0.0
        clusters = samples.config().clusters
        self.silences = Silences((ONE, TWO), clusters, self.clock, self.journal, self.fetch)

    def fetch(self, alertmanager: Alertmanager, path: str, parameters: Mapping[str, str]) -> Any:
        """Answer, which may take its time."""
        self.asked.append((alertmanager.url, path, dict(parameters)))
        self.clock.move(self.seconds)
        if self.answers[alertmanager.url] is None:
            raise NotAnsweredError("ConnectionError: refused")
        return self.answers[alertmanager.url] if path.endswith("silences") else self.alerts

    def blocked(self, cluster: str = "quito") -> tuple[str, str, float | None] | None:
        """Return what the guard says of a cluster now."""
        view = pair("pb", name=cluster)
        self.silences.note(view)
        now = self.clock.now().seconds_since(samples.BEGIN)
        return said(self.silences.why_not(asked(view, now)))

    def told(self, cluster: str = "quito") -> bool | None:
        """Return what the metric says of a cluster now."""
        return self.silences.is_silenced(cluster, self.clock.now())

    def events(self) -> list[tuple[str | None, dict[str, Any]]]:
        """Return what is journaled, oldest first."""
        rows = self.journal.rows(kind=Kind.SERVICE)
        return [(row.outcome, row.detail) for row in reversed(rows)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site that nobody has asked yet."""
    made = Site(tmp_path)
    yield made
    made.journal.close()


def test_a_silence_of_any_alertmanager_blocks_its_cluster_alone(site: Site) -> None:
    """With who set it, why, and until when; the other cluster goes on."""
    site.answers[TWO.url] = [QUITO]
    assert (site.silences.ask(ONE), site.silences.ask(TWO)) == (set(), set())
    assert site.blocked() == ("silenced", WORDS, None)
    assert site.blocked("lima") is None
    assert (site.told(), site.told("lima")) == (True, False)
    assert site.silences.words("quito", site.clock.now()) == WORDS
    assert site.silences.words("lima", site.clock.now()) is None


def test_it_asks_for_silences_and_for_repair_alerts_that_are_silenced(site: Site) -> None:
    """Two questions; the second is answered by Alertmanager's own matching."""
    site.alerts = [firing("lima", "77aa")]
    site.silences.ask(ONE)
    assert site.asked == [
        (ONE.url, "/api/v2/silences", {}),
        (
            ONE.url,
            "/api/v2/alerts",
            {
                "active": "false",
                "silenced": "true",
                "inhibited": "false",
                "unprocessed": "false",
                "filter": 'remediate="true"',
            },
        ),
    ]
    assert site.blocked("lima") == ("silenced", 'silence 77aa by "": ""', None)


def test_before_anybody_answers_nothing_blocks_and_nothing_is_told(site: Site) -> None:
    """It fails open: an Alertmanager that was never asked is no silence."""
    assert (site.blocked(), site.told()) == (None, None)
    assert site.silences.problem(ONE.url, site.clock.now()) == "its silences are not known"


def test_an_answer_is_believed_for_a_minute(site: Site) -> None:
    """Counted from the question, however long the answer took; then it blocks no more."""
    site.answers[ONE.url] = [QUITO]
    site.seconds = 5.0
    site.silences.ask(ONE)
    site.answers[ONE.url] = None
    site.clock.move(50.0)
    assert site.blocked() is not None
    assert site.silences.problem(ONE.url, site.clock.now()) is None
    site.clock.move(0.5)
    assert (site.blocked(), site.told()) == (None, None)
    assert site.silences.problem(ONE.url, site.clock.now()) == "its silences are not known"


def test_the_end_of_a_silence_is_told(site: Site) -> None:
    """Of the clusters that nobody else silences: they are looked at at once."""
    site.answers = {ONE.url: [QUITO], TWO.url: [QUITO, silence(matcher("cluster", "lima"))]}
    site.silences.ask(ONE)
    site.silences.ask(TWO)
    site.answers = {ONE.url: [], TWO.url: []}
    assert site.silences.ask(ONE) == set()
    assert site.silences.ask(TWO) == {"quito", "lima"}
    assert (site.blocked(), site.told()) == (None, False)


def test_an_alertmanager_that_cannot_be_asked_is_journaled_once(site: Site) -> None:
    """When it begins not to count, and when it counts again; not at each question."""
    site.silences.ask(ONE)
    site.answers[ONE.url] = None
    for _ in range(40):
        site.clock.move(2.0)
        site.silences.ask(ONE)
    site.answers[ONE.url] = {"not": "a list"}
    site.silences.ask(ONE)
    site.answers[ONE.url] = []
    site.silences.ask(ONE)
    site.silences.ask(ONE)
    assert site.events() == [
        (
            "silences_not_told",
            {
                "alertmanager": ONE.url,
                "silence": "all",
                "problem": "it cannot be asked for silences: ConnectionError: refused",
            },
        ),
        ("silences_told_again", {"alertmanager": ONE.url, "silence": "all", "problem": ""}),
    ]


def test_one_failure_does_not_make_an_answer_of_before_worthless(site: Site) -> None:
    """For a minute what was told still holds, and nothing is journaled."""
    site.answers[ONE.url] = [QUITO]
    site.silences.ask(ONE)
    site.answers[ONE.url] = None
    site.clock.move(2.0)
    assert site.silences.ask(ONE) == set()
    assert (site.blocked(), site.events()) == (("silenced", WORDS, None), [])


def test_a_silence_that_cannot_be_told_is_journaled_once(site: Site) -> None:
    """Which one, and why: it does not block."""
    site.answers[ONE.url] = [silence(matcher("cluster", "(a", "=~"), id="9e")]
    site.silences.ask(ONE)
    site.silences.ask(ONE)
    assert site.blocked() is None
    assert site.events() == [
        (
            "silences_not_told",
            {"alertmanager": ONE.url, "silence": "9e", "problem": "(a: missing ): (a"},
        )
    ]


def test_without_its_journal_it_still_asks(site: Site) -> None:
    """What cannot be written down is no reason not to see a silence."""
    site.journal.close()
    site.file.unlink()
    site.file.mkdir()
    site.answers[ONE.url] = None
    site.silences.ask(ONE)
    site.answers[ONE.url] = [QUITO]
    site.silences.ask(ONE)
    assert site.blocked() is not None


def test_each_alertmanager_is_asked_by_itself_and_the_end_wakes(site: Site) -> None:
    """One that hangs does not keep the other from being heard; errors end nothing."""
    held, woken, heard = threading.Event(), threading.Event(), threading.Event()
    answers = iter([RuntimeError("a bug"), [QUITO], []])

    def fetch(alertmanager: Alertmanager, path: str, _: Mapping[str, str]) -> Any:
        if alertmanager is ONE:
            held.wait(20)
            return []
        if path.endswith("alerts"):
            return []
        answer = next(answers, [])
        if isinstance(answer, Exception):
            raise answer
        return answer

    class Impatient(samples.FakeClock):
        def wait(self, _seconds: float, wake: threading.Event) -> bool:
            """Wait next to nothing."""
            return wake.wait(0.001)

    def wake(cluster: str) -> None:
        assert cluster == "quito"
        woken.set()
        heard.set()

    clusters = samples.config().clusters
    silences = Silences((ONE, TWO), clusters, Impatient(), site.journal, fetch)
    silences.start(wake)
    try:
        assert woken.wait(20)
    finally:
        held.set()
        silences.stop()
    assert heard.is_set()
