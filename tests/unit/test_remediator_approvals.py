"""Policy level ``approve``: what a person is asked, and what a yes is good for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.clock import Clock
from cluster.config_model import Config, Policy
from cluster.model import PortState, SipMode
from remediator.approvals import LEAST_GRANTED_SECONDS, Approvals
from remediator.expiry import expire
from remediator.guards import Guards
from remediator.interlocks import Circumstances
from remediator.journal import Journal
from remediator.journal_schema import Kind
from remediator.look_result import Ending
from remediator.looks import Trigger
from remediator.pauses import Pauses
from remediator.planner import Action, ActionVerb, Order, plan
from remediator.refused import RefusedError
from remediator.rows import Hold
from tests.unit import remediator_samples as samples
from tests.unit.fake_pair import CLUSTER, RULE, Bench, FakeHost, bench

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
E, D = PortState.ENABLED, PortState.DISABLED
ADA = {"who": "ada", "address": "10.7.7.7"}
BEN = {"who": "ben", "address": "10.7.7.8"}
BOTH = ("enable 5060 on sip-west-2", "disable 5060 on sip-west-1")
WEST = CLUSTER.name


class Site:
    """A pair after a switchover, in level approve."""

    def __init__(self, folder: Path, **policy: Any) -> None:
        self.approvals: Approvals
        self.folder = folder
        self.made = made = bench(
            folder,
            FakeHost(B, E),
            FakeHost(P, D),
            policy={"level": "approve", "approve_within": "7m", **policy},
            guards=self.guards,
        )
        self.journal: Journal = made.journal
        self.pair = made.pair

    def guards(self, config: Config, clock: Clock, journal: Journal) -> Guards:
        """Return the two interlocks that persons are."""
        self.config = config
        self.approvals = Approvals(config, journal, clock)
        return Guards((Pauses(journal, clock),), (self.approvals,), told=(self.approvals,))

    def dies_in_the_second(self) -> None:
        """Look; the program ends when the first action is done and the second is to be sent."""

        def die(action: Action) -> None:
            if action.verb is ActionVerb.DISABLE:
                raise KeyboardInterrupt

        self.pair.before_command = die
        with pytest.raises(KeyboardInterrupt):
            look(self.made)

    def restarted(self, primary: PortState) -> Bench:
        """Start anew on the same journal. primary: how the primary's port stands then."""
        return bench(
            self.folder,
            FakeHost(B, E),
            FakeHost(P, primary),
            policy={"level": "approve"},
            guards=self.guards,
        )

    def asked(self) -> tuple[int, str]:
        """Look, which must be held for an approval; return what is wanted."""
        held = self.made.look()
        assert (held.ending, held.hold) == (Ending.HELD, Hold.APPROVAL_WANTED)
        (wanted,) = self.approvals.standing(WEST)
        return wanted.id, wanted.words

    def rows(self) -> list[tuple[str, str | None, tuple[str, ...]]]:
        """Return reason, outcome and actions of every approval, oldest first."""
        rows = self.journal.rows(kind=Kind.APPROVAL)
        return [(r.reason, r.outcome, tuple(r.detail["actions"])) for r in reversed(rows)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A pair after a switchover."""
    return Site(tmp_path)


def look(made: Bench) -> tuple[Ending, Hold | None]:
    """Look as after an approval; return ending and hold."""
    result = made.look(Trigger.RECONCILE)
    return result.ending, result.hold


def test_nothing_is_done_before_a_person_says_yes(site: Site) -> None:
    """A row shows all that would be done and why; further looks that want the same add none."""
    with capture_logs() as lines:
        first = site.made.look()
        site.made.look()

    assert first.text == (
        "approval 1 is wanted until 2031-05-06T07:15:09Z: enable 5060 on sip-west-2, "
        "then disable 5060 on sip-west-1"
    )
    assert site.pair.commands == []
    (row,) = site.journal.rows(kind=Kind.APPROVAL)
    assert (row.cluster, row.reason, row.outcome) == (WEST, "wanted", None)
    why = (
        "port 5060 on sip-west-2: the primary's port is closed and another host's is open: "
        "enable the primary's"
    )
    until = "2031-05-06T07:15:09.050Z"
    assert row.detail == {"actions": list(BOTH), "why": why, "until": until}
    assert [(line["approval"], line["would"], line["why"]) for line in lines if _is(line)] == [
        (1, ", then ".join(BOTH), why)
    ]


def _is(line: Any) -> bool:
    return line["event"] == "approval wanted"


def test_what_is_approved_runs_through_to_its_end(site: Site) -> None:
    """Enable, read, disable, read: nobody is asked between; who approved stands in the record."""
    key, words = site.asked()
    assert words == ", then ".join(BOTH)
    site.pair.pass_time(20)
    with capture_logs() as lines:
        site.approvals.approve(WEST, key, ADA)

    assert [(line["event"], line["would"], line["who"]) for line in lines] == [
        ("approved", words, "ada")
    ]
    assert look(site.made) == (Ending.REMEDIATED, None)
    assert (site.pair.commands, site.made.ports()) == (list(BOTH), (D, E))
    granted, wanted = site.journal.rows(kind=Kind.APPROVAL)
    assert (wanted.outcome, wanted.detail["who"], wanted.detail["address"]) == (
        "approved",
        "ada",
        "10.7.7.7",
    )
    assert (granted.reason, granted.outcome, granted.parent) == ("granted", "remediated", key)
    assert wanted.ended_at == granted.at


def test_an_approval_is_used_once(site: Site) -> None:
    """The next time the same is wanted a person is asked again."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)
    look(site.made)
    site.made.one().port, site.made.two().port = E, D

    again, words = site.asked()
    assert (again > key, words) == (True, ", then ".join(BOTH))
    assert len(site.pair.commands) == 2


def test_an_approved_action_that_is_undone_meanwhile_is_asked_for_anew(site: Site) -> None:
    """Other hands close the port again before the look is over: that is not what was approved."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)
    done: list[str] = []

    def close_again(action: Action) -> None:
        done.append(str(action))
        if len(done) == 1:
            seconds = site.pair.clock.seconds + 0.12  # after it was verified and planned on
            site.pair.events.append((seconds, lambda: setattr(site.made.two(), "port", D)))

    site.pair.after_command = close_again
    site.made.one().obeys = False

    ending = look(site.made)
    assert ending == (Ending.HELD, Hold.APPROVAL_WANTED)
    assert done.count("enable 5060 on sip-west-2") == 1
    assert [(reason, outcome) for reason, outcome, _ in site.rows()] == [
        ("wanted", "approved"),
        ("granted", "withdrawn"),
        ("wanted", None),
    ]


def test_less_than_what_was_approved_may_be_done(site: Site) -> None:
    """The other host closed by itself: the rest of the approval holds."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)
    site.made.one().port = D

    assert look(site.made) == (Ending.REMEDIATED, None)
    assert site.pair.commands == ["enable 5060 on sip-west-2"]


def test_what_was_not_approved_is_asked_for_anew(site: Site) -> None:
    """The primary changed between the yes and the look: the yes is withdrawn, nothing is done."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)
    site.made.one().mode, site.made.two().mode = P, B
    site.made.one().port, site.made.two().port = D, E

    with capture_logs() as lines:
        assert look(site.made) == (Ending.HELD, Hold.APPROVAL_WANTED)
    assert site.pair.commands == []
    turned = ("enable 5060 on sip-west-1", "disable 5060 on sip-west-2")
    assert site.rows() == [
        ("wanted", "approved", BOTH),
        ("granted", "withdrawn", BOTH),
        ("wanted", None, turned),
    ]
    withdrawn = next(line for line in lines if line["event"] == "approval withdrawn")
    assert (withdrawn["standing"], withdrawn["would"]) == ("granted", ", then ".join(BOTH))


def test_more_than_what_was_approved_is_not_done_by_halves(site: Site) -> None:
    """Only the enable was asked for, and approved; the disable that comes to it is asked for."""
    site.made.one().port_readable = False
    key, words = site.asked()
    assert words == "enable 5060 on sip-west-2"
    site.approvals.approve(WEST, key, ADA)
    site.made.one().port_readable = True

    assert look(site.made) == (Ending.HELD, Hold.APPROVAL_WANTED)
    assert site.pair.commands == ["enable 5060 on sip-west-2"]
    assert site.rows()[-1] == ("wanted", None, ("disable 5060 on sip-west-1",))


def test_a_question_that_the_world_has_overtaken_is_withdrawn(site: Site) -> None:
    """Somebody opened the port by hand: what is left is another question, under another id."""
    key, _ = site.asked()
    site.made.two().port = E

    again, words = site.asked()
    assert (again > key, words) == (True, "disable 5060 on sip-west-1")
    with pytest.raises(RefusedError) as error:
        site.approvals.approve(WEST, key, ADA)
    assert (error.value.status, error.value.problem, error.value.hint) == (
        409,
        f"no approval {key} of sip-west is wanted",
        f"wanted is {again}: disable 5060 on sip-west-1",
    )


def test_when_it_is_right_nothing_is_asked_any_more(site: Site) -> None:
    """The row ends with how the look ended."""
    site.asked()
    site.made.one().port, site.made.two().port = D, E

    assert site.made.look().ending is Ending.RIGHT
    assert site.rows() == [("wanted", "right", BOTH)]


def test_what_cannot_be_read_for_a_moment_leaves_the_question(site: Site) -> None:
    """The person who is about to say yes need not look for another id."""
    key, _ = site.asked()
    site.made.two().mode = U
    assert site.made.look().hold is Hold.PRIMARY_NOT_SEEN
    site.made.two().mode = P

    assert site.asked()[0] == key


def test_a_question_expires_and_is_asked_anew(site: Site) -> None:
    """Not a second later than said, whether or not that is written; then the log says it."""
    key, _ = site.asked()
    site.pair.pass_time(420)
    with pytest.raises(RefusedError) as error:
        site.approvals.approve(WEST, key, ADA)
    assert error.value.hint == "nothing of it waits for approval; look again"
    with capture_logs() as lines:
        expire(site.config, site.journal, site.pair.clock)
        site.approvals.expire()
    assert [(line["event"], line["approval"]) for line in lines] == [("approval expired", key)]

    again, _ = site.asked()
    assert again > key
    assert [outcome for _, outcome, _ in site.rows()] == ["expired", None]


def test_an_approval_that_is_not_used_in_time_is_not_used(site: Site) -> None:
    """It was paused meanwhile; later nobody remembers what was approved."""
    key, _ = site.asked()
    pauses = Pauses(site.journal, site.pair.clock)
    end = site.pair.clock.now().utc + timedelta(seconds=600)
    pauses.pause(WEST, BEN, "wait", end)
    site.approvals.approve(WEST, key, ADA)
    assert look(site.made) == (Ending.HELD, Hold.PAUSED)

    site.pair.pass_time(601)
    assert look(site.made) == (Ending.HELD, Hold.APPROVAL_WANTED)
    assert site.pair.commands == []


def test_an_approval_is_good_for_as_long_as_its_actions_may_take(tmp_path: Path) -> None:
    """However short a question stands; all tries of an action fit in."""
    site = Site(tmp_path, approve_within="3s")
    key, _ = site.asked()
    granted = site.approvals.approve(WEST, key, ADA)
    assert (granted.until - granted.since).total_seconds() == LEAST_GRANTED_SECONDS

    site.made.two().obeys = False
    site.pair.events.append((15.0, lambda: setattr(site.made.two(), "obeys", True)))
    assert look(site.made) == (Ending.REMEDIATED, None)
    assert site.made.ports() == (D, E)


def test_a_restart_forgets_no_approval(site: Site) -> None:
    """Another program with the same journal carries it out."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)
    other = site.restarted(D)

    assert look(other) == (Ending.REMEDIATED, None)


def test_a_restart_does_not_forget_what_was_done_of_an_approval(site: Site) -> None:
    """The program dies after it has enabled; other hands close the port: that is asked anew."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)

    site.dies_in_the_second()
    other = site.restarted(D)

    assert look(other) == (Ending.HELD, Hold.APPROVAL_WANTED)
    assert other.pair.commands == []


def test_a_restart_between_two_approved_actions_needs_no_other_yes(site: Site) -> None:
    """What is left of them is carried out: nobody is asked between enable and disable."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)

    site.dies_in_the_second()
    other = site.restarted(E)

    assert look(other) == (Ending.REMEDIATED, None)
    assert other.pair.commands == ["disable 5060 on sip-west-1"]


def test_two_who_say_yes_at_once_grant_it_once(site: Site) -> None:
    """The second is told that it is not wanted any more."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)
    with pytest.raises(RefusedError):
        site.approvals.approve(WEST, key, BEN)
    assert len(site.approvals.standing(WEST)) == 1


def test_another_clusters_question_is_not_approved_by_its_id(site: Site) -> None:
    """The id belongs to its cluster."""
    key, _ = site.asked()
    with pytest.raises(RefusedError) as error:
        site.approvals.approve("sip-east", key, ADA)
    assert error.value.problem == f"no approval {key} of sip-east is wanted"


def test_a_pause_is_the_better_reason(site: Site) -> None:
    """Nobody is asked while it is paused."""
    end = site.pair.clock.now().utc + timedelta(seconds=60)
    Pauses(site.journal, site.pair.clock).pause("", BEN, "wait", end)

    assert site.made.look().hold is Hold.PAUSED
    assert site.rows() == []


def test_disable_first_is_approved_in_its_order(tmp_path: Path) -> None:
    """Asked and done in the order of policy."""
    site = Site(tmp_path, order="disable_first")
    held = site.made.look()
    assert held.hold is Hold.APPROVAL_WANTED
    (wanted,) = site.approvals.standing(WEST)
    assert set(wanted.actions) == set(BOTH)
    site.approvals.approve(WEST, wanted.id, ADA)

    assert look(site.made) == (Ending.REMEDIATED, None)
    assert site.pair.commands == list(reversed(BOTH))


def test_a_journal_that_cannot_be_read_blocks(site: Site, tmp_path: Path) -> None:
    """Nobody knows whether it is approved, so nothing is done; nothing is thrown."""
    view = site.pair.observe(CLUSTER, None)
    action = Action(ActionVerb.ENABLE, "sip-west-2", RULE)
    given = Circumstances(action, view, view.ended, 2.0, Order.ENABLE_FIRST)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.execute("DROP TABLE journal")

    block = site.approvals.why_not(given)
    assert block is not None
    assert block.hold is Hold.JOURNAL_UNWRITABLE
    assert block.text.startswith("whether it is approved cannot be read: ")


def test_a_row_that_cannot_be_understood_blocks(site: Site) -> None:
    """Somebody changed the record by hand: in doubt nothing is done."""
    site.journal.open_row(Kind.APPROVAL, WEST, {"actions": list(BOTH)}, reason="granted")

    with pytest.raises(Exception, match="row 1 cannot be understood: KeyError: 'why'"):
        site.approvals.standing(WEST)


def test_an_action_of_which_no_plan_is_known_is_asked_for_by_itself(site: Site) -> None:
    """Whoever asks the interlock without a decision gets no more than that."""
    view = site.pair.observe(CLUSTER, None)
    action = Action(ActionVerb.ENABLE, "sip-west-2", RULE)
    block = site.approvals.why_not(Circumstances(action, view, view.ended, 2.0, Order.ENABLE_FIRST))
    assert block is not None
    assert block.text.endswith(": enable 5060 on sip-west-2")


def test_the_time_is_told_in_the_configuration() -> None:
    """Ten minutes unless told otherwise."""
    assert Policy().approve_within == 600.0


def test_one_action_that_was_not_approved_makes_the_whole_a_new_question(tmp_path: Path) -> None:
    """A third host opened after the yes: nothing is done, not even what was approved."""
    clock = samples.FakeClock()
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}", clock)
    approvals = Approvals(samples.config(remediator=samples.APPROVING), journal, clock)

    def why_not(third: PortState) -> str:
        view = samples.view(
            samples.primary(E), samples.backup(E), samples.host("quito-3", B, third)
        )
        decision = plan(view)
        block = approvals.why_not(
            Circumstances(
                decision.actions[0], view, samples.BEGIN, 2.0, Order.ENABLE_FIRST, decision
            )
        )
        return block.text if block else "granted"

    assert why_not(D).endswith(": disable 5080 on quito-2")
    approvals.approve("quito", 1, ADA)
    assert why_not(D) == "granted"
    assert why_not(E).endswith(": disable 5080 on quito-2, then disable 5080 on quito-3")
    assert why_not(D).endswith(": disable 5080 on quito-2")
    journal.close()


@pytest.mark.parametrize("level", ["observe", "enforce"])
def test_at_another_level_nothing_is_wanted_any_more(site: Site, level: str) -> None:
    """What was asked before a restart would not be carried out: nobody is asked, nor said yes to."""
    key, _ = site.asked()
    policy = site.config.remediator.policy.model_copy(update={"level": level})
    remediator = site.config.remediator.model_copy(update={"policy": policy})
    config = site.config.model_copy(update={"remediator": remediator})
    other = Approvals(config, site.journal, site.pair.clock)

    assert other.standing(WEST) == ()
    with pytest.raises(RefusedError) as refused:
        other.approve(WEST, key, ADA)
    assert (refused.value.status, refused.value.problem) == (
        409,
        f"no approval {key} of {WEST} is wanted",
    )
    site.pair.clock.seconds += 421.0
    assert [each.id for each in other.expire()] == [key]


class Contested(Journal):
    """A journal in which somebody else always ends a row a moment before."""

    def end(self, ids: Iterable[int], outcome: str, **named: Any) -> int:
        """Come too late."""
        wanted = list(ids)
        super().end(wanted, outcome)
        return super().end(wanted, outcome, **named)


def test_who_says_yes_a_moment_later_grants_nothing(site: Site, tmp_path: Path) -> None:
    """Both saw the question; the row is ended by one of them."""
    key, _ = site.asked()
    journal = Contested(f"sqlite:///{tmp_path / 'journal.db'}", site.pair.clock)
    with pytest.raises(RefusedError):
        Approvals(site.config, journal, site.pair.clock).approve(WEST, key, BEN)

    assert site.rows() == [("wanted", "approved", BOTH)]
    journal.close()


def test_a_pause_does_not_carry_an_approval_over_to_another_time(site: Site) -> None:
    """What the table called for meanwhile was something else: that ends the yes, pause or not."""
    key, _ = site.asked()
    site.approvals.approve(WEST, key, ADA)
    end = site.pair.clock.now().utc + timedelta(seconds=60)
    Pauses(site.journal, site.pair.clock).pause("", BEN, "wait", end)
    site.made.one().mode, site.made.two().mode = P, B
    site.made.one().port, site.made.two().port = D, E
    assert look(site.made) == (Ending.HELD, Hold.PAUSED)

    assert [(reason, outcome) for reason, outcome, _ in site.rows()] == [
        ("wanted", "approved"),
        ("granted", "withdrawn"),
    ]
