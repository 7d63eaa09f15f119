"""Whatever is read and whatever is sent: no wrong action, no other error than the named one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster.model import ClusterView, HostView, NodeState, PortRule, PortState, SipMode
from remediator.interlocks import Circumstances, unsafe
from remediator.looks import HOLD_DELAYS, LookBoard, Trigger
from remediator.own_part import LEFT_TO_PEERS, own_part
from remediator.planner import Action, ActionVerb, Order, UnknownPeer, Unknowns, UnknownScs, plan
from remediator.rows import Row
from remediator.webhook import MAX_LABEL_CHARACTERS, AlertOutcome, Payload, PayloadError, parse
from tests.unit import remediator_samples as samples
from tests.unit.test_remediator_decision_space import broken_invariants

RULES = (
    samples.RULE,
    samples.OTHER_RULE,
    PortRule("all", 5100, 5100, "both"),
)
CLUSTERS = {"quito", "lima"}


@st.composite
def hosts(draw: st.DrawFn, name: str, rules: tuple[PortRule, ...]) -> HostView:
    """Draw one host in any state."""
    return samples.host(
        name,
        draw(st.sampled_from(SipMode)),
        [draw(st.sampled_from(PortState)) for _ in rules],
        draw(st.sampled_from(NodeState)),
        draw(st.sampled_from((True, False, None))),
        rules,
    )


@st.composite
def views(draw: st.DrawFn) -> ClusterView:
    """Draw a cluster of two to four hosts and one to three rules, mostly with one primary."""
    rules = RULES[: draw(st.integers(1, 3))]
    drawn = [draw(hosts(f"quito-{n}", rules)) for n in range(1, draw(st.integers(2, 4)) + 1)]
    return samples.view(*drawn)


orders = st.sampled_from(Order)
peers = st.builds(Unknowns, st.sampled_from(UnknownPeer), st.sampled_from(UnknownScs))


@given(views(), orders, peers)
@settings(deadline=None, max_examples=1000)
def test_no_cluster_breaks_an_invariant(view: ClusterView, order: Order, peer: Unknowns) -> None:
    """Invariants 1 to 4 hold for clusters of any size; the second guard agrees with the table."""
    decision = plan(view, order=order, unknowns=peer)
    assert broken_invariants(view, decision, order) == []
    assert decision.findings
    assert len(set(decision.actions)) == len(decision.actions)
    for action in decision.actions:
        assert unsafe(Circumstances(action, view, samples.BEGIN, 2.0, order)) is None


@given(views(), peers, st.data())
@settings(deadline=None, max_examples=1000)
def test_no_command_is_ever_for_a_peer(
    view: ClusterView, unknowns: Unknowns, data: st.DataObject
) -> None:
    """Whatever is planned: the own part is the plan without the peers' actions, each of which
    becomes a row that waits for its remediator; and all own parts together are the plan.
    """
    names = [host.host for host in view.hosts]
    away = frozenset(data.draw(st.sets(st.sampled_from(names), max_size=len(names) - 1)))
    whole = plan(view, unknowns=unknowns)

    part = own_part(whole, away)

    assert part.actions == tuple(action for action in whole.actions if action.host not in away)
    assert broken_invariants(view, part, Order.ENABLE_FIRST) == []
    left = [finding for finding in part.findings if finding.hold in LEFT_TO_PEERS]
    assert len(left) == len(whole.actions) - len(part.actions)
    assert {finding.host for finding in left} <= away
    rest = [finding for finding in part.findings if finding not in left]
    assert [f for f in whole.findings if f.action is None or f.action.host not in away] == rest
    everybody = [own_part(whole, frozenset(names) - {name}).actions for name in names]
    assert sorted(map(str, whole.actions)) == sorted(str(a) for part in everybody for a in part)


@given(views(), orders, st.data())
@settings(deadline=None, max_examples=500)
def test_the_guard_blocks_exactly_what_breaks_an_invariant(
    view: ClusterView, order: Order, data: st.DataObject
) -> None:
    """Of all actions there are, planned or not, it lets no breach pass and blocks nothing else."""
    action = Action(
        data.draw(st.sampled_from(ActionVerb)),
        data.draw(st.sampled_from([host.host for host in view.hosts])),
        data.draw(st.sampled_from(view.rules)),
    )
    decision = plan(view)
    forced = type(decision)((type(decision.findings[0])(Row.OTHER_OPEN, action=action),))
    block = unsafe(Circumstances(action, view, samples.BEGIN, 2.0, order))
    assert (block is not None) == bool(broken_invariants(view, forced, order))


@given(views(), orders, peers)
@settings(deadline=None, max_examples=500)
def test_following_the_table_ends(view: ClusterView, order: Order, peer: Unknowns) -> None:
    """If every command is followed, the table has nothing more to do after a few looks.

    And if it then holds nothing, exactly the primary's ports are open (invariant 5).
    """
    for _ in range(12):
        decision = plan(view, order=order, unknowns=peer)
        if not decision.actions:
            break
        view = _followed(view, decision.actions)
    assert decision.actions == ()
    if decision.hold is None:
        (primary,) = view.primaries
        for rule in view.rules:
            assert primary.is_serving(rule)
            others = {h.port_state(rule) for h in view.hosts if h is not primary}
            assert others <= {PortState.DISABLED, PortState.DRAINING}


def _followed(view: ClusterView, actions: tuple[Action, ...]) -> ClusterView:
    wanted = {(action.host, action.rule): action.wanted for action in actions}
    return samples.view(
        *(
            samples.host(
                host.host,
                host.mode,
                [wanted.get((host.host, rule), host.port_state(rule)) for rule in view.rules],
                host.node_state,
                host.effective_sip.value.scs_connected,
                view.rules,
            )
            for host in view.hosts
        )
    )


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["firing", "resolved", "true", "watchdog", "quito", "cusco"])
    | st.text(st.characters(categories=["Cs"]), max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["version", "alerts", "labels", "status", "startsAt", "fingerprint", "cluster"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
label_sets = st.dictionaries(
    st.sampled_from(["cluster", "remediate", "sipnlb", "host", "port", "alertname"]),
    st.sampled_from(["true", "watchdog", "quito", "cusco", "", "\ud800"]) | json_values,
    max_size=5,
)
near_alerts = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["firing", "resolved"]) | json_values,
        "labels": label_sets | json_values,
        "startsAt": st.datetimes().map(str)
        | st.datetimes().map(lambda moment: moment.isoformat() + "+14:00")
        | json_values,
        "fingerprint": st.text(max_size=300) | json_values,
    },
)
near_payloads = st.fixed_dictionaries(
    {"version": st.just("4"), "alerts": st.lists(near_alerts | json_values, max_size=5)},
    optional={"truncatedAlerts": json_values},
).map(lambda payload: json.dumps(payload).encode())


@given(st.binary(max_size=300) | json_values.map(lambda v: json.dumps(v).encode()) | near_payloads)
@example(b'{"version":"4","alerts":[{"labels":{},"status":["firing"]}]}')
@example(b'{"version":' + b"[" * 990 + b"]" * 990 + b"}")
@example(b"\xff\xfe\x00\xd8")
@settings(deadline=None, max_examples=1500)
def test_any_body_gives_a_payload_or_a_named_error(body: bytes) -> None:
    """A payload whose texts a journal can take, or a PayloadError, never anything else."""
    try:
        payload = parse(body, CLUSTERS)
    except PayloadError:
        return
    assert isinstance(payload, Payload)
    assert type(payload.truncated) is int
    for alert in payload.alerts:
        for text in (alert.fingerprint, alert.name, alert.cluster, alert.host, alert.port):
            assert len(text) <= MAX_LABEL_CHARACTERS
            text.encode()
        fine = {AlertOutcome.ACCEPTED, AlertOutcome.RESOLVED, AlertOutcome.WATCHDOG}
        assert (alert.outcome not in fine) == bool(alert.problem)
        if alert.outcome is AlertOutcome.ACCEPTED:
            assert alert.cluster in CLUSTERS
            assert alert.fingerprint


names = st.sampled_from(["quito", "lima"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("request"), names, st.floats(0, 3)),
        st.tuples(st.just("held"), names, st.sampled_from([1.0, 2.0])),
        st.tuples(st.just("ended"), names, st.floats(0, 3)),
        st.tuples(st.just("wait"), names, st.floats(0, 9)),
    ),
    max_size=40,
)


@given(steps)
@settings(deadline=None, max_examples=300)
def test_no_order_of_events_runs_two_looks_or_forgets_one(
    given_steps: list[tuple[str, str, float]],
) -> None:
    """A cluster has at most one look running, and a requested look is taken in the end."""
    board, now, running = LookBoard(), 100.0, set[str]()
    wanted: set[str] = set()
    for what, name, number in given_steps:
        if what == "request":
            board.request(name, Trigger.ALERT, now + number)
            wanted.add(name)
        elif what == "wait":
            now += number
        elif name in running:
            running.discard(name)
            if what == "held":
                assert board.held(name, str(number), now) in HOLD_DELAYS
                wanted.add(name)
            else:
                board.ended(name, None)
        for taken, _ in board.take(now, 32):
            assert taken not in running
            running.add(taken)
            wanted.discard(taken)
        assert running == {each for each in CLUSTERS if board.is_running(each)}
    for name in running:
        board.ended(name, None)
    assert {name for name, _ in board.take(now + 100.0, 32)} == wanted
    assert board.next_due(32) is None
