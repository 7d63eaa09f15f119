"""The remediation loop as a state machine: no invariant breaks, and every seeded mistake is found.

The long exploration is ``make explore`` (``python -m tests.exploration``); it tells the figures.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from remediator.interlocks import INTERLOCKS
from tests.exploration.loop import Actor
from tests.exploration.mistakes import MISTAKES, Mistake
from tests.exploration.product import OLD, Command, Parts, Seen
from tests.exploration.search import Explored, State
from tests.exploration.sites import SITES, Site
from tests.exploration.truth import BEGINNINGS

SHORT = 2000
BACKUP_OPEN = Seen("B", "E", "S", "T", "T")
SWITCHED = (BACKUP_OPEN, Seen("P", "D", "S", "T", "T"))
SWITCHED_AND_OPEN = (BACKUP_OPEN, Seen("P", "E", "S", "T", "T"))


def explored(mistake: Mistake, parts: Parts) -> Explored:
    """Explore a site with a mistake in it."""
    site = Site(mistake.name, mistake.kind, 1.0, unknowns=mistake.unknowns)
    only_endings = mistake.sentence == "5"
    return site.search(parts).explore(1, 40_000, (mistake.beginning,), settle=only_endings)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_nothing_breaks_near_the_beginnings(site: Site) -> None:
    """Of the nearest states of every site none breaks an invariant, and from each it ends right."""
    told = site.search(Parts()).explore(1, SHORT)

    assert (told.breaches, told.way) == ([], [])
    assert told.states >= 0.9 * SHORT
    assert told.settled > told.states


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_seeded_mistake_is_found(mistake: Mistake) -> None:
    """A wrong planner, interlock or habit breaks the sentence it should, one fault away at most."""
    told = explored(mistake, mistake.parts)

    assert mistake.sentence in {breach.partition(":")[0] for breach in told.breaches}, told.breaches
    assert len(told.way) >= 1


@pytest.mark.parametrize(
    "mistake", [each for each in MISTAKES if each.of_table], ids=lambda mistake: mistake.name
)
def test_the_last_interlock_alone_keeps_a_wrong_table_from_a_port(mistake: Mistake) -> None:
    """With all interlocks in force a table that breaks invariants 1 to 4 is stopped, and named."""
    told = explored(mistake, replace(mistake.parts, interlocks=INTERLOCKS))

    assert [breach.partition(": unsafe: ")[0] for breach in told.breaches] == [
        "A: the table needs its last interlock"
    ]


def test_there_are_enough_mistakes_and_none_twice() -> None:
    """At least ten, each with its own name and its own way to be wrong."""
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 20
    assert len({mistake.parts for mistake in MISTAKES}) == len(MISTAKES)
    assert {mistake.sentence for mistake in MISTAKES} == set("12345678CUPOFRNE") - {"7"}


@pytest.mark.parametrize(
    ("command", "seen", "harm"),
    [
        pytest.param(Command("E", 1), SWITCHED, ("E", "E"), id="opens-the-backup"),
        pytest.param(Command("D", 0), SWITCHED_AND_OPEN, ("D", "D"), id="closes-the-primary"),
    ],
)
def test_what_a_replica_does_that_froze_before_its_command_is_put_right(
    command: Command, seen: tuple[Seen, Seen], harm: tuple[str, str]
) -> None:
    """It checked, stood still while the mode went back, and sends: harm, that the next look ends.

    Whoever of the two acts first. Nothing but the host itself could refuse such a command.
    """
    replicas = next(site for site in SITES if site.kind == "replicas").search(Parts())
    frozen = Actor("frozen", seen=seen, look_age=OLD, command=command, intent="o")
    healthy = State(BEGINNINGS["healthy"], (frozen, Actor()))

    sent = [after for what, _, after in replicas.following(healthy) if what == "command is obeyed"]

    assert [tuple(host.port for host in after.hosts) for after in sent] == [harm]
    assert replicas.ends_right(healthy)
    assert all(replicas.ends_right(after) for after in sent)
