"""A decision for the pair → the part of it that this remediator carries out. Pure.

Where a remediator runs on each node, both plan for the pair and each commands only its own
host. What the table wants of a peer becomes a row of its own, which waits for the remediator
on that host and then holds. The order stays the table's: a port is closed only in a view in
which the primary, here the peer, is read as serving.
"""

from __future__ import annotations

from dataclasses import replace

from remediator.planner import ActionVerb, Decision, Finding
from remediator.rows import ROWS, Hold, Row

LEFT_TO_PEERS = frozenset({Hold.PEER_NOT_SEEN_SERVING, Hold.LEFT_TO_PEER})
"""Holds of what only the remediator on a peer can do."""


def own_part(decision: Decision, peers: frozenset[str]) -> Decision:
    """Return the decision without actions on peers. peers: names of hosts never commanded."""
    findings = [_own(finding, peers) for finding in decision.findings]
    return Decision(tuple(sorted(findings, key=lambda finding: ROWS[finding.row].rank)))


def _own(finding: Finding, peers: frozenset[str]) -> Finding:
    action = finding.action
    if action is None or action.host not in peers:
        return finding
    opens = action.verb is ActionVerb.ENABLE
    return replace(finding, row=Row.PEER_CLOSED if opens else Row.PEER_OPEN, action=None)
