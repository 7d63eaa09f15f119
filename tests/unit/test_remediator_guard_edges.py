"""The ticking, the journal's guard, what they are wired to, and what metrics say of all guards."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from cluster.clock import Instant
from cluster.config_interlocks import AtOnce
from remediator.approval import Standing as Asked
from remediator.approvals import Approvals
from remediator.crowd import Crowd
from remediator.guards import Guard
from remediator.interlock_gauges import InterlockGauges
from remediator.interlocks import why_blocked
from remediator.journal import Journal
from remediator.journal_guard import JournalGuard
from remediator.journal_schema import Kind
from remediator.leases import Leases, SoleLease, Standing
from remediator.make_guards import Wired, make_guards, wire
from remediator.rows import Hold
from remediator.ticking import Ticking
from remediator.tilt import Tilt
from tests.unit import remediator_samples as samples
from tests.unit.guard_samples import asked, at, pair, said, unread


def journal_in(folder: Path) -> Journal:
    """Return a new journal."""
    return Journal(f"sqlite:///{folder / 'journal.db'}", samples.FakeClock())


class Stepping(samples.FakeClock):
    """A clock of which each wait takes the next of some spans, then stops the one who waits."""

    def __init__(self, *spans: float) -> None:
        super().__init__()
        self.spans = list(spans)
        self.over = threading.Event()
        self.waited: list[float] = []

    def wait(self, seconds: float, wake: threading.Event) -> bool:
        """Let the next span pass."""
        self.waited.append(seconds)
        if not self.spans:
            self.over.set()
            return True
        self.move(self.spans.pop(0))
        return wake.is_set()


@pytest.mark.parametrize("spans", [(0.25, 4.0, 0.25), (4.0, 0.25, 0.25)])
def test_the_ticking_tells_of_a_stall(spans: tuple[float, ...]) -> None:
    """It does nothing but tick, four times a second, and finds that it came late, also at first."""
    clock = Stepping(*spans)
    tilt = Tilt({"quito": frozenset({"quito-1"})})
    ticking = Ticking(tilt, clock)
    ticking.start()
    assert clock.over.wait(20)
    ticking.stop()
    assert clock.waited == [0.25] * 4
    assert tilt.is_tilted("quito", clock.now())


def test_a_journal_that_took_the_last_row_does_not_block(tmp_path: Path) -> None:
    """And is not asked again."""
    journal = journal_in(tmp_path)
    guard = JournalGuard(journal)
    guard.note(pair("pb"))
    journal.close()
    assert guard.why_not(asked(pair("pb"))) is None


def test_a_journal_that_took_no_row_blocks_until_it_does(tmp_path: Path) -> None:
    """It is tried at each question, so that nothing else is needed to go on."""
    journal = journal_in(tmp_path)
    guard = JournalGuard(journal)
    (tmp_path / "journal.db").rename(tmp_path / "gone.db")
    journal.close()
    (tmp_path / "journal.db").mkdir()
    why = journal.why_unwritable()
    assert why is not None
    assert said(guard.why_not(asked(pair("pb")))) == ("journal_unwritable", why, None)
    (tmp_path / "journal.db").rmdir()
    (tmp_path / "gone.db").rename(tmp_path / "journal.db")
    assert guard.why_not(asked(pair("pb"))) is None
    journal.close()


@pytest.fixture
def wired(tmp_path: Path) -> Wired:
    """Return the guards of two clusters without Alertmanagers."""
    config = samples.config()
    return wire(config, samples.FakeClock(), journal_in(tmp_path))


class OnlyLima(SoleLease):
    """The leases of a remediator of which another one has the cluster quito."""

    def standing(self, cluster: str) -> Standing:
        """Tell who has it."""
        return Standing(held=cluster == "lima", holder="other:9877", seconds=None)


def values(wired: Wired, now: Instant, leases: Leases | None = None) -> dict[str, dict[str, float]]:
    """Return what a scrape gets."""
    registry = CollectorRegistry()
    clock, journal = wired.pauses.clock, wired.pauses.journal
    assert isinstance(clock, samples.FakeClock)
    clock.time = now
    registry.register(
        InterlockGauges(
            samples.config(remediator=samples.APPROVING),
            wired,
            journal,
            clock,
            leases or SoleLease(),
        )
    )
    return {
        family.name.removeprefix("sipnlb_remediator_"): {
            sample.labels["cluster"]: sample.value for sample in family.samples
        }
        for family in registry.collect()
    }


def test_gauges_of_guards_that_keep_nothing_from_being_done(wired: Wired) -> None:
    """0 for each cluster; absent what no Alertmanager tells."""
    gauges = values(wired, at(0.0))
    assert gauges.pop("silenced") == {}
    assert gauges.pop("lease_held") == {"quito": 1.0, "lima": 1.0}
    assert set(gauges) == {"damped", "tilt", "paused", "approval_wanted"}
    assert all(each == {"quito": 0.0, "lima": 0.0} for each in gauges.values())


def test_gauges_of_a_cluster_that_flaps_and_of_a_program_that_stalled(wired: Wired) -> None:
    """A cluster that is damped shows by itself, a stall on all."""
    for number in range(8):
        wired.guards.note(pair("pb" if number % 2 else "bp", number / 4))
    wired.tilt.tick(at(2.0))
    wired.tilt.tick(at(6.0))
    gauges = values(wired, at(6.5))
    assert gauges["damped"] == {"quito": 1.0, "lima": 0.0}
    assert gauges["tilt"] == {"quito": 1.0, "lima": 1.0}


def test_who_looks_no_more_does_not_tell_for_ever_what_it_saw_last(wired: Wired) -> None:
    """Cut off, it could read nothing of any host; then another took over, and is not tilted."""
    for number in range(8):
        wired.guards.note(pair("pb" if number % 2 else "bp", number / 4))
    blind = replace(pair("??", 3.0), hosts=(unread(3.0, 1), unread(3.0, 2)))
    wired.guards.note(blind)
    assert values(wired, at(4.0))["tilt"] == {"quito": 1.0, "lima": 0.0}
    gauges = values(wired, at(4.0), OnlyLima())
    assert gauges["lease_held"] == {"quito": 0.0, "lima": 1.0}
    assert gauges["damped"] == gauges["tilt"] == {"lima": 0.0}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"actions": 7, "why": "by other hands", "until": "today"}, id="no time"),
        pytest.param({"actions": [], "why": "x", "until": "2031-05-06T07:08:09"}, id="no zone"),
    ],
)
@pytest.mark.parametrize("kind", [Kind.APPROVAL, Kind.PAUSE])
def test_a_row_of_other_hands_costs_only_the_gauges_that_it_is_of(
    wired: Wired, wrong: dict[str, object], kind: Kind
) -> None:
    """The scrape goes on without them."""
    said_by = {"who": "an operator", "reason": "cabling"}
    journal = wired.pauses.journal
    journal.open_row(kind, "quito", said_by | wrong, reason=Asked.WANTED)
    assert set(values(wired, at(0.0))) == {"silenced", "damped", "tilt", "lease_held"}
    view = pair("pb")
    approving = samples.config(remediator=samples.APPROVING)
    approvals = Approvals(approving, journal, wired.pauses.clock)
    guard: Guard = wired.pauses if kind is Kind.PAUSE else approvals
    block = guard.why_not(asked(view))
    assert block is not None
    assert block.hold is Hold.JOURNAL_UNWRITABLE
    assert "cannot be understood" in block.text


def test_gauges_of_what_persons_said_and_are_asked(wired: Wired) -> None:
    """A pause of one cluster or of all, until its time is over; an approval until it is given."""
    journal, until = wired.pauses.journal, at(60.0).utc.isoformat()
    said_by = {"who": "an operator", "reason": "cabling", "until": until}
    journal.open_row(Kind.PAUSE, "quito", said_by)
    wanted = {"actions": ["enable 5080 on lima-1"], "why": "its port is closed", "until": until}
    journal.open_row(Kind.APPROVAL, "lima", wanted, reason=Asked.WANTED)
    journal.open_row(Kind.APPROVAL, "quito", wanted | {"who": "x"}, reason=Asked.GRANTED)
    gauges = values(wired, at(59.0))
    assert gauges["paused"] == {"quito": 1.0, "lima": 0.0}
    assert gauges["approval_wanted"] == {"quito": 0.0, "lima": 1.0}
    gauges = values(wired, at(61.0))
    assert gauges["paused"] == gauges["approval_wanted"] == {"quito": 0.0, "lima": 0.0}
    journal.open_row(Kind.PAUSE, "", said_by | {"until": at(90.0).utc.isoformat()})
    assert values(wired, at(61.0))["paused"] == {"quito": 1.0, "lima": 1.0}


def test_gauges_without_the_journal(wired: Wired, tmp_path: Path) -> None:
    """What it would tell is absent; the rest is there."""
    wired.pauses.journal.close()
    (tmp_path / "journal.db").unlink()
    (tmp_path / "journal.db").mkdir()
    assert set(values(wired, at(0.0))) == {"silenced", "damped", "tilt", "lease_held"}


def test_the_guards_of_a_program_are_asked_in_this_order(tmp_path: Path) -> None:
    """What persons and the whole site say first; what must be last is last."""
    config = samples.config()
    journal = journal_in(tmp_path)
    guards = make_guards(config, samples.FakeClock(), journal)
    names = [type(guard).__name__ for guard in (*guards.first, *guards.last)]
    assert [name for name in names if name in {"Silences", "Tilt", "Damping"}] == [
        "Silences",
        "Tilt",
        "Damping",
    ]
    assert names[-1] == "Crowd"
    assert [type(each).__name__ for each in guards.told] == ["Crowd"]


def test_a_guard_that_fails_blocks_and_is_named() -> None:
    """At night it has to be seen which of them it was."""
    crowd = Crowd(AtOnce(), 2)  # which was told of no plan
    block = why_blocked(asked(samples.healthy()), [crowd.why_not])
    assert said(block) == ("bug", "Crowd.why_not failed: KeyError: 'quito'", None)


def test_what_is_wired_starts_and_stops(tmp_path: Path) -> None:
    """Nothing is left running."""
    config = samples.config()
    wired = wire(config, Stepping(), journal_in(tmp_path))
    before = threading.active_count()
    wired.start(lambda _: None)
    wired.stop()
    assert threading.active_count() == before
