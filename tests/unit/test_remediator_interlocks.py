"""Each reason not to act: blocks when it should, lets through when not, blocks when in doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import (
    HostView,
    NodeState,
    PortRule,
    PortState,
    Problem,
    Reason,
    SipMode,
)
from remediator.interlocks import (
    INTERLOCKS,
    Block,
    Circumstances,
    rule_differs,
    several_clusters,
    unsafe,
    view_too_old,
    why_blocked,
)
from remediator.planner import Action, ActionVerb, Order
from remediator.rows import Hold
from tests.unit import remediator_samples as samples

ENABLE = Action(ActionVerb.ENABLE, "quito-1", samples.RULE)
DISABLE = Action(ActionVerb.DISABLE, "quito-2", samples.RULE)
CLOSED = samples.primary(PortState.DISABLED)
OPEN_BACKUP = samples.backup(PortState.ENABLED)


def given(
    action: Action,
    *hosts: HostView,
    later: float = 0.0,
    max_age: float = 2.0,
    order: Order = Order.ENABLE_FIRST,
) -> Circumstances:
    """Return the circumstances of an action on a view, `later` seconds after it ended."""
    return Circumstances(action, samples.view(*hosts), samples.BEGIN.plus(later), max_age, order)


def test_a_sound_enable_passes() -> None:
    """The closed primary of a fresh view may be enabled."""
    assert why_blocked(given(ENABLE, CLOSED, OPEN_BACKUP)) is None


def test_a_sound_disable_passes() -> None:
    """The open backup beside a primary that serves may be disabled."""
    assert why_blocked(given(DISABLE, samples.primary(), OPEN_BACKUP)) is None


def test_all_interlocks_are_in_force() -> None:
    """The four, the one that guards the invariants first."""
    assert (unsafe, view_too_old, several_clusters, rule_differs) == INTERLOCKS


# view_too_old


def test_blocks_when_a_reading_is_too_old() -> None:
    """The oldest reading counts, from its request on; it is named with its host."""
    assert view_too_old(given(ENABLE, CLOSED, OPEN_BACKUP, later=1.5)) == Block(
        Hold.VIEW_TOO_OLD,
        "nlb queryport of quito-2 is 2.5 s old, allowed are 2 s",
    )


def test_lets_through_at_the_very_limit() -> None:
    """A reading just as old as allowed is fresh; a moment later it is not."""
    assert view_too_old(given(ENABLE, CLOSED, OPEN_BACKUP, later=1.0)) is None
    assert view_too_old(given(ENABLE, CLOSED, OPEN_BACKUP, later=1.001)) is not None


@pytest.mark.parametrize("which", ["sip", "node", "port"])
@pytest.mark.parametrize("host", [0, 1])
def test_blocks_when_any_reading_of_any_host_is_too_old(which: str, host: int) -> None:
    """The peer's readings count as the host's own: mode, node and port alike."""
    hosts = [CLOSED, OPEN_BACKUP]
    old: dict[str, HostView] = {
        "sip": replace(hosts[host], sip=(samples.sip(hosts[host].mode, ago=7.0),)),
        "node": replace(hosts[host], node=samples.node(NodeState.CONVERGED, ago=7.0)),
        "port": replace(
            hosts[host],
            ports=((samples.RULE, samples.port(PortState.ENABLED, ago=7.0)),),
        ),
    }
    hosts[host] = old[which]
    sources = {"sip": "http", "node": "nlb query", "port": "nlb queryport"}
    assert str(view_too_old(given(ENABLE, *hosts))) == (
        f"view_too_old: {sources[which]} of quito-{host + 1} is 7.0 s old, allowed are 2 s"
    )


def test_what_could_not_be_read_has_no_age() -> None:
    """A crashed peer, unknown at any age, does not keep the primary from being enabled."""
    dead = samples.host("quito-2", SipMode.UNKNOWN, PortState.UNKNOWN, NodeState.UNKNOWN)
    dead = replace(dead, sip=(replace(dead.sip[0], asked=samples.BEGIN.plus(-60)),))
    assert view_too_old(given(ENABLE, CLOSED, dead)) is None


def test_a_value_is_judged_by_its_age_whatever_else_is_said_of_it() -> None:
    """A mode that a peer gives together with a problem would count: then it has to be fresh."""
    old = replace(
        samples.sip(SipMode.PRIMARY, ago=7.0), problem=Problem(Reason.STALE, "read long ago")
    )
    block = view_too_old(given(DISABLE, replace(samples.primary(), sip=(old,)), OPEN_BACKUP))
    assert block is not None
    assert block.text == "http of quito-1 is 7.0 s old, allowed are 2 s"


def test_only_the_source_that_decided_counts() -> None:
    """An old second source that decided nothing does not block."""
    slow = samples.sip(SipMode.PRIMARY, source="log", ago=9.0)
    host = replace(CLOSED, sip=(*CLOSED.sip, slow))
    assert view_too_old(given(ENABLE, host, OPEN_BACKUP)) is None


def test_view_too_old_blocks_when_it_cannot_tell() -> None:
    """Without a single reading there is no age, and nothing is done."""
    dead = samples.host("quito-1", SipMode.UNKNOWN, PortState.UNKNOWN, NodeState.UNKNOWN)
    block = why_blocked(given(ENABLE, dead), (view_too_old,))
    assert block is not None
    assert block.hold is Hold.BUG
    assert block.text.startswith("view_too_old failed: ValueError: max()")


# rule_differs


def test_blocks_when_the_host_reports_a_wider_rule() -> None:
    """The utility switches the whole rule that contains the port."""
    wider = PortRule("all", 5000, 6000, "both")
    host = replace(CLOSED, params=samples.params(wider, PortRule("all", 80, 443, "tcp")))
    assert rule_differs(given(ENABLE, host, OPEN_BACKUP)) == Block(
        Hold.RULE_DIFFERS,
        "quito-1 reports all 5000-6000 both for port 5080, configured is all 5080-5081 udp",
    )


@pytest.mark.parametrize(
    "near",
    [
        PortRule("all", 5080, 5082, "udp"),
        PortRule("all", 5079, 5081, "udp"),
        PortRule("all", 5080, 5081, "both"),
        PortRule("10.9.0.100", 5080, 5081, "udp"),
    ],
    ids=str,
)
def test_blocks_when_any_part_of_the_rule_differs(near: PortRule) -> None:
    """Address, first port, last port and protocol all have to be the configured ones."""
    host = replace(CLOSED, params=samples.params(near))
    assert str(rule_differs(given(ENABLE, host, OPEN_BACKUP))) == (
        f"rule_differs: quito-1 reports {near} for port 5080, configured is all 5080-5081 udp"
    )


def test_blocks_when_the_host_has_other_rules_only() -> None:
    """Rules elsewhere are not named; that there is none for the port is said."""
    host = replace(CLOSED, params=samples.params(PortRule("all", 80, 5079, "tcp")))
    assert str(rule_differs(given(ENABLE, host, OPEN_BACKUP))) == (
        "rule_differs: quito-1 reports no rule for port 5080, configured is all 5080-5081 udp"
    )


def test_the_rule_of_the_action_s_own_host_counts() -> None:
    """What the other host reports does not matter."""
    other = replace(OPEN_BACKUP, params=samples.params(PortRule("all", 1, 2, "tcp")))
    assert rule_differs(given(ENABLE, CLOSED, other)) is None
    assert rule_differs(given(DISABLE, samples.primary(), other)) is not None


def test_rule_differs_blocks_when_it_cannot_tell() -> None:
    """Unread rules block, with what was wrong with the reading."""
    host = replace(CLOSED, params=samples.params())
    assert rule_differs(given(ENABLE, host, OPEN_BACKUP)) == Block(
        Hold.RULE_UNREAD, "quito-1: malformed: no rule table"
    )
    silent = replace(CLOSED, params=replace(samples.params(), problem=None))
    assert rule_differs(given(ENABLE, silent, OPEN_BACKUP)) == Block(
        Hold.RULE_UNREAD, "quito-1: nlb params lists no rules"
    )


# several_clusters


@pytest.mark.parametrize("seen_by", ["params", "query"])
def test_blocks_when_the_host_has_several_clusters(seen_by: str) -> None:
    """A command without an address would switch all of them, whichever command showed them."""
    host = (
        replace(CLOSED, params=samples.params(samples.RULE, clusters=3))
        if seen_by == "params"
        else replace(CLOSED, node=samples.node(NodeState.CONVERGED, clusters=3))
    )
    assert several_clusters(given(ENABLE, host, OPEN_BACKUP)) == Block(
        Hold.SEVERAL_CLUSTERS,
        "quito-1 reports 3 NLB clusters and rule all 5080-5081 udp names none",
    )


def test_a_rule_with_an_address_may_be_switched_beside_other_clusters() -> None:
    """The address says which cluster is meant."""
    rule = samples.OTHER_RULE
    host = samples.host("quito-1", SipMode.PRIMARY, PortState.DISABLED, rules=(rule,))
    host = replace(host, params=samples.params(rule, clusters=3))
    action = Action(ActionVerb.ENABLE, "quito-1", rule)
    assert several_clusters(given(action, host)) is None


def test_the_clusters_of_another_host_do_not_matter() -> None:
    """Only the host that is commanded counts."""
    other = replace(OPEN_BACKUP, params=samples.params(samples.RULE, clusters=3))
    assert several_clusters(given(ENABLE, CLOSED, other)) is None


def test_several_clusters_is_guarded_where_it_cannot_tell() -> None:
    """A host whose parameters are unread counts as no cluster here, and is blocked all the same."""
    host = replace(CLOSED, params=samples.params(clusters=0))
    assert several_clusters(given(ENABLE, host, OPEN_BACKUP)) is None
    assert str(why_blocked(given(ENABLE, host, OPEN_BACKUP))) == (
        "rule_unread: quito-1: malformed: no rule table"
    )


def test_lets_a_command_through_that_names_its_cluster() -> None:
    """Back end cim touches the one cluster that is configured, however many the host has."""
    host = replace(CLOSED, params=samples.params(samples.RULE, clusters=3))
    circumstances = replace(given(ENABLE, host, OPEN_BACKUP), names_cluster=True)
    assert several_clusters(circumstances) is None
    assert why_blocked(circumstances) is None


# unsafe


def test_blocks_an_enable_of_another_than_the_primary() -> None:
    """Invariant 1, whatever the table said."""
    action = Action(ActionVerb.ENABLE, "quito-2", samples.RULE)
    assert unsafe(given(action, CLOSED, samples.backup())) == Block(
        Hold.UNSAFE, "enable 5080 on quito-2: it is not the primary"
    )


def test_blocks_an_enable_of_a_host_of_unknown_mode() -> None:
    """Invariant 1: unknown is not primary."""
    action = Action(ActionVerb.ENABLE, "quito-2", samples.RULE)
    unknown = samples.host("quito-2", SipMode.UNKNOWN, PortState.DISABLED)
    assert str(unsafe(given(action, CLOSED, unknown))) == (
        "unsafe: enable 5080 on quito-2: it is not the primary"
    )


@pytest.mark.parametrize("order", Order)
def test_blocks_a_disable_of_the_primary(order: Order) -> None:
    """Invariant 2, in either order."""
    action = Action(ActionVerb.DISABLE, "quito-1", samples.RULE)
    assert unsafe(given(action, samples.primary(), OPEN_BACKUP, order=order)) == Block(
        Hold.UNSAFE, "disable 5080 on quito-1: it is the primary"
    )


@pytest.mark.parametrize("action", [ENABLE, DISABLE], ids=str)
@pytest.mark.parametrize("order", Order)
def test_blocks_without_exactly_one_primary(action: Action, order: Order) -> None:
    """Invariant 3: no primary or two, and nothing is sent."""
    backups = (samples.host("quito-1", SipMode.BACKUP, PortState.DISABLED), OPEN_BACKUP)
    assert str(unsafe(given(action, *backups, order=order))) == (
        f"unsafe: {action}: 0 hosts are read as primary"
    )
    two = (CLOSED, samples.host("quito-2", SipMode.PRIMARY, PortState.ENABLED))
    assert str(unsafe(given(action, *two, order=order))) == (
        f"unsafe: {action}: 2 hosts are read as primary"
    )


@pytest.mark.parametrize(
    "primary",
    [
        CLOSED,
        samples.primary(PortState.DRAINING),
        samples.primary(PortState.NOT_FOUND),
        samples.primary(PortState.UNKNOWN),
        samples.host("quito-1", SipMode.PRIMARY, PortState.ENABLED, NodeState.STOPPED),
        samples.host("quito-1", SipMode.PRIMARY, PortState.ENABLED, NodeState.UNKNOWN),
    ],
    ids=["disabled", "draining", "not_found", "unread", "node stopped", "node unread"],
)
def test_blocks_a_disable_while_the_primary_does_not_serve(primary: HostView) -> None:
    """Invariant 4 with enable_first; with disable_first the order is the site's choice."""
    assert unsafe(given(DISABLE, primary, OPEN_BACKUP)) == Block(
        Hold.UNSAFE, "disable 5080 on quito-2: the primary does not serve the rule"
    )
    assert unsafe(given(DISABLE, primary, OPEN_BACKUP, order=Order.DISABLE_FIRST)) is None


def test_unsafe_blocks_when_it_cannot_tell() -> None:
    """A rule that the view does not have is no rule to act on."""
    action = Action(ActionVerb.DISABLE, "quito-2", samples.OTHER_RULE)
    assert why_blocked(given(action, samples.primary(), OPEN_BACKUP)) == Block(
        Hold.BUG, f"unsafe failed: KeyError: {samples.OTHER_RULE!r}"
    )


# why_blocked


def test_the_first_reason_is_given() -> None:
    """Where several interlocks block, the first in order speaks."""
    action = Action(ActionVerb.DISABLE, "quito-1", samples.RULE)
    host = replace(samples.primary(), params=samples.params())
    block = why_blocked(given(action, host, OPEN_BACKUP, later=60.0))
    assert block is not None
    assert block.hold is Hold.UNSAFE


def test_an_interlock_that_fails_blocks() -> None:
    """What raises cannot tell, so nothing is done, and the error is named."""

    def broken(_: Circumstances) -> Block | None:
        raise RuntimeError("no table")

    assert why_blocked(given(ENABLE, CLOSED, OPEN_BACKUP), (broken,)) == Block(
        Hold.BUG, "broken failed: RuntimeError: no table"
    )


def test_an_interlock_without_a_name_blocks_as_well() -> None:
    """Even where the failing interlock has no name."""

    class Broken:
        def __call__(self, _: Circumstances) -> Block | None:
            raise KeyError("x")

    assert str(why_blocked(given(ENABLE, CLOSED, OPEN_BACKUP), (Broken(),))) == (
        "bug: interlock failed: KeyError: 'x'"
    )
