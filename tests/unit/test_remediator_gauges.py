"""The remediator's state as gauges; their whole text is in the golden exposition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from remediator.gauges import Gauges
from remediator.journal_schema import Kind
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_service import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site whose service does not run."""
    made = Site(tmp_path)
    yield made
    made.close()


def values(site: Site) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what a scrape gets: family → label values → value."""
    registry = CollectorRegistry()
    registry.register(Gauges(site.config, site.service))
    return {
        family.name.removeprefix("sipnlb_remediator_"): {
            tuple(sample.labels.values()): sample.value for sample in family.samples
        }
        for family in registry.collect()
    }


def test_before_anything_has_happened(site: Site) -> None:
    """Nobody is needed, nothing is fenced, nothing is verified, and the level is observe."""
    gauges = values(site)
    assert gauges["policy"] == {
        ("quito", "observe"): 1.0,
        ("quito", "approve"): 0.0,
        ("quito", "enforce"): 0.0,
        ("lima", "observe"): 1.0,
        ("lima", "approve"): 0.0,
        ("lima", "enforce"): 0.0,
    }
    assert gauges["last_verified_timestamp_seconds"] == {}
    assert gauges["watchdog_timestamp_seconds"] == {(): 0.0}
    assert gauges["journal_up"] == {(): 1.0}
    assert gauges["needs_person"] == {("quito",): 0.0, ("lima",): 0.0}
    assert gauges["alertmanager_up"] == {}
    assert gauges["fence_pending"] == {
        ("quito", "quito-1"): 0.0,
        ("quito", "quito-2"): 0.0,
        ("lima", "lima-1"): 0.0,
        ("lima", "lima-2"): 0.0,
    }


def test_open_notes_show_and_ended_ones_do_not(site: Site) -> None:
    """A note shows on its cluster or host alone, for as long as it is open."""
    site.journal.open_note(Kind.PERSON, "lima", "", "bug", "x")
    site.journal.open_note(Kind.FENCE, "quito", "quito-2", "fence_pending", "x")
    gauges = values(site)
    assert gauges["needs_person"] == {("quito",): 0.0, ("lima",): 1.0}
    assert {place for place, value in gauges["fence_pending"].items() if value} == {
        ("quito", "quito-2")
    }
    site.journal.close_notes(Kind.PERSON, "lima", "right")
    site.journal.close_notes(Kind.FENCE, "quito", "closed")
    gauges = values(site)
    assert set(gauges["needs_person"].values()) | set(gauges["fence_pending"].values()) == {0.0}


def test_notes_of_a_cluster_that_is_configured_no_more_are_not_shown(site: Site) -> None:
    """The journal may know clusters of an older configuration; the metrics do not."""
    site.journal.open_note(Kind.PERSON, "cusco", "", "bug", "x")
    site.journal.open_note(Kind.FENCE, "quito", "quito-9", "fence_pending", "x")
    gauges = values(site)
    assert set(gauges["needs_person"]) == {("quito",), ("lima",)}
    assert set(gauges["fence_pending"].values()) == {0.0}


def test_without_the_journal_its_gauges_are_absent(site: Site) -> None:
    """What cannot be known is absent, never 0; that the journal is down is said."""
    site.destroy_journal()
    gauges = values(site)
    assert gauges["journal_up"] == {(): 0.0}
    assert not {"needs_person", "fence_pending"} & set(gauges)
    assert "policy" in gauges
    assert "watchdog_timestamp_seconds" in gauges
    site.mend_journal()


def test_times_are_seconds_since_1970(site: Site) -> None:
    """The last time right and the last watchdog, in UTC."""
    site.service.verified["lima"] = samples.BEGIN.plus(-7).utc
    site.service.accept(samples.body([samples.sent({"sipnlb": "watchdog"})]))
    gauges = values(site)
    assert gauges["last_verified_timestamp_seconds"] == {("lima",): 1718142416.25}
    assert gauges["watchdog_timestamp_seconds"] == {(): 1718142423.25}


def test_each_alertmanager_says_whether_it_answered(site: Site) -> None:
    """One series an Alertmanager that has been asked."""
    site.resync.problems = {"http://am-2:9093": None, "http://am-1:9093": "Timeout: late"}
    assert values(site)["alertmanager_up"] == {
        ("http://am-1:9093",): 0.0,
        ("http://am-2:9093",): 1.0,
    }


def test_a_journal_that_can_only_be_read_is_not_up(site: Site) -> None:
    """A full disk answers questions and takes no row: the gauge behind the page says so."""
    site.journal._store.last_write_failed = True
    assert values(site)["journal_up"] == {(): 0.0}
