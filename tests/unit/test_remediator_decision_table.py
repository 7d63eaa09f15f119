"""The whole decision table of a pair in words, against the reviewed one.

The dump is made anew by ``python -m tests.unit.test_remediator_decision_table``; read the
difference before you keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from cluster.model import HostView, NodeState, PortState, SipMode
from remediator.own_part import own_part
from remediator.planner import ActionVerb, Finding, Order, UnknownPeer, Unknowns, UnknownScs, plan
from remediator.rows import NEEDS_PERSON, ROWS, Row
from tests.unit import remediator_samples as samples

GOLDEN = Path(__file__).parents[1] / "golden" / "decision_table.txt"
POLICIES = tuple(product(Order, UnknownPeer))
SCS = (True, False, None)
SCS_WORDS = {True: "connected", False: "not connected", None: "not told"}


def _outcome(one: HostView, two: HostView, order: Order, peer: UnknownPeer) -> str:
    decision = plan(samples.view(one, two), order=order, unknowns=Unknowns(peer))
    names = {"quito-1": "primary", "quito-2": "other"}
    does = ", ".join(f"{action.verb} {names[action.host]}" for action in decision.actions)
    parts = [str(decision.row), does or "nothing"]
    if decision.hold:
        parts.append(f"hold {decision.hold}")
    return ": ".join(parts[:2]) + ("; " + parts[2] if decision.hold else "")


def _joined(values: Sequence[str], whole: int) -> str:
    return "any" if len(values) == whole else "/".join(values)


def _grouped(outcomes: dict[str, str]) -> dict[str, str]:
    """Join the situations that come to the same; the joined situations → what they come to."""
    groups: dict[str, list[str]] = {}
    for situation, outcome in outcomes.items():
        groups.setdefault(outcome, []).append(situation)
    return {_joined(found, len(outcomes)): outcome for outcome, found in groups.items()}


def _hosts_in_words(found: Sequence[tuple[SipMode, PortState]]) -> str:
    """Say other hosts as ``backup or unknown, port disabled/draining; backup, port enabled``."""
    modes: dict[tuple[SipMode, ...], list[str]] = {}
    for port in PortState:
        having = tuple(mode for mode in SipMode if (mode, port) in found)
        if having:
            modes.setdefault(having, []).append(port)
    if list(modes) == [(SipMode.BACKUP, SipMode.UNKNOWN)] and len(found) == 2 * len(PortState):
        return "any other"
    return "; ".join(
        f"{' or '.join(having)}, port {'/'.join(ports)}" for having, ports in modes.items()
    )


def _other_lines(
    port: PortState, node: NodeState, order: Order, peer: UnknownPeer
) -> Iterator[tuple[str, str, str]]:
    """Yield the other host in words, SCS in words, outcome; for one state of the primary."""
    told: dict[tuple[tuple[str, str], ...], list[tuple[SipMode, PortState]]] = {}
    for mode, other_port in product((SipMode.BACKUP, SipMode.UNKNOWN), PortState):
        by_scs: dict[str, str] = {}
        for scs in SCS:
            one = samples.host("quito-1", SipMode.PRIMARY, port, node, scs)
            found = {
                _outcome(one, samples.host("quito-2", mode, other_port, other), order, peer)
                for other in NodeState
            }
            assert len(found) == 1, "the node of another host decides nothing"
            by_scs[SCS_WORDS[scs]] = found.pop()
        told.setdefault(tuple(_grouped(by_scs).items()), []).append((mode, other_port))
    for outcomes, others in told.items():
        for scs_words, outcome in outcomes:
            yield _hosts_in_words(others), scs_words, outcome


def _section(order: Order, peer: UnknownPeer) -> Iterator[str]:
    for port in PortState:
        by_node: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
        for node in NodeState:
            lines = tuple(_other_lines(port, node, order, peer))
            by_node.setdefault(lines, []).append(node)
        for lines, nodes in by_node.items():
            yield f"primary's port {port}, its node {_joined(nodes, len(NodeState))}"
            for other, scs_words, outcome in lines:
                told = "" if scs_words == "any" else f", SCS {scs_words}"
                yield f"    {other}{told}"
                yield f"        {outcome}"


def _without_one_primary() -> Iterator[str]:
    for one, two in product(SipMode, SipMode):
        if (one is SipMode.PRIMARY) != (two is SipMode.PRIMARY):
            continue
        found = {
            _outcome(
                samples.host("quito-1", one, port, node, scs),
                samples.host("quito-2", two, other_port),
                order,
                peer,
            )
            for port, node, scs, other_port in product(PortState, NodeState, SCS, PortState)
            for order, peer in POLICIES
        }
        assert len(found) == 1, "ports decide nothing where there is not exactly one primary"
        yield f"{one} and {two}, any ports, nodes, SCS and policy"
        yield f"        {found.pop()}"


def _rows() -> Iterator[str]:
    for row in Row:
        info = ROWS[row]
        marks = [f"hold {info.hold}"] if info.hold else []
        marks += [f"after {info.patience.name.lower()}"] if info.patience else []
        marks += ["needs a person"] if info.hold in NEEDS_PERSON else []
        yield f"{info.rank:2} {row}" + (f" [{', '.join(marks)}]" if marks else "")
        yield f"        {info.text}"


def _scs_not_told() -> Iterator[str]:
    """Say what `unknown_scs: disable` changes, and see that it changes nothing else."""
    for order, peer, scs in product(Order, UnknownPeer, SCS):
        counts_as = True if scs is None else scs
        for port, node, mode, other_port in product(PortState, NodeState, SipMode, PortState):
            other = samples.host("quito-2", mode, other_port)
            told = samples.view(samples.host("quito-1", SipMode.PRIMARY, port, node, scs), other)
            same = samples.view(
                samples.host("quito-1", SipMode.PRIMARY, port, node, counts_as), other
            )
            trusting = plan(told, order=order, unknowns=Unknowns(peer, UnknownScs.DISABLE))
            holding = plan(same, order=order, unknowns=Unknowns(peer, UnknownScs.HOLD))
            assert trusting == holding
    yield "SCS not told counts as SCS connected, in every line above; nothing else changes."


def _parts() -> Iterator[str]:
    """Say what becomes of each acting row where its host is a peer."""
    found: dict[tuple[Row, ActionVerb], set[Finding]] = {}
    for order, mode in product(Order, (SipMode.BACKUP, SipMode.UNKNOWN)):
        for port, other_port in product(PortState, PortState):
            view = samples.view(samples.primary(port), samples.host("quito-2", mode, other_port))
            decision = plan(view, order=order)
            for action in decision.actions:
                left = own_part(decision, frozenset({action.host}))
                found.setdefault((decision.row, action.verb), set()).update(left.findings)
                ours = own_part(decision, frozenset({"quito-1", "quito-2"} - {action.host}))
                assert ours == decision, "what is our own is as the table says it"
    for (row, verb), findings in sorted(found.items(), key=lambda each: ROWS[each[0][0]].rank):
        (left_row,) = {finding.row for finding in findings}
        (hold,) = {finding.hold for finding in findings}
        assert [finding.action for finding in findings] == [None] * len(findings)
        yield f"{row}: {verb} on a peer"
        yield f"        {left_row}: nothing; hold {hold}"


def dump() -> str:
    """Write the whole table of a pair with one rule in words."""
    lines = [
        "The decision table of a pair with one port rule, as the code has it.",
        "Made by: python -m tests.unit.test_remediator_decision_table",
        "",
        "== Rows, most pressing first",
        *_rows(),
        "",
        "== Not exactly one primary",
        *_without_one_primary(),
    ]
    for order, peer in POLICIES:
        lines += [
            "",
            f"== Exactly one primary: order {order}, unknown_peer {peer}",
            "The other host: mode and port; its node never matters.",
            *_section(order, peer),
        ]
    lines += ["", "== With unknown_scs disable instead of hold", *_scs_not_told()]
    lines += ["", "== Where each node has a remediator: what the table wants of a peer", *_parts()]
    return "\n".join(lines) + "\n"


def test_the_table_is_the_golden_one() -> None:
    """Every situation of a pair comes to what the reviewed table says, word for word."""
    assert GOLDEN.read_text("utf-8") == dump()


if __name__ == "__main__":
    GOLDEN.write_text(dump(), "utf-8")
