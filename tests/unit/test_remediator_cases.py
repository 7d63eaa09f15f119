"""The truth table, one file a situation: what was observed → what is decided, in words."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.model import NodeState, PortRule, PortState, SipMode
from remediator.own_part import own_part
from remediator.planner import Order, UnknownPeer, Unknowns, UnknownScs, plan
from remediator.rows import Row
from tests.unit import remediator_samples as samples

CASES = Path(__file__).parents[1] / "cases"
KEYS = {"observed", "because", "rules", "policy", "peers", "hosts", "expected"}
FILES = sorted(CASES.glob("*.yaml"))


def _load(file: Path) -> dict[str, Any]:
    case: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    assert set(case) <= KEYS
    return case


def _ports(given: str | list[str]) -> PortState | list[PortState]:
    return PortState(given) if isinstance(given, str) else [PortState(each) for each in given]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_situation_is_decided_as_its_file_says(file: Path) -> None:
    """What the file observed leads to the row, actions, hold, patience and words it expects.

    peers: hosts that the remediator only reads, where one runs on each node.
    """
    case = _load(file)
    rules = [PortRule(**rule) for rule in case.get("rules", ())] or [samples.RULE]
    view = samples.view(
        *(
            samples.host(
                name,
                SipMode(seen["mode"]),
                _ports(seen["port"]),
                NodeState(seen["node"]),
                seen["scs"],
                rules,
            )
            for name, seen in case["hosts"].items()
        )
    )
    policy = {"order": "enable_first", "unknown_peer": "disable", "unknown_scs": "hold"} | case.get(
        "policy", {}
    )
    decision = plan(
        view,
        order=Order(policy["order"]),
        unknowns=Unknowns(UnknownPeer(policy["unknown_peer"]), UnknownScs(policy["unknown_scs"])),
    )
    decision = own_part(decision, frozenset(case.get("peers", ())))
    expected = case["expected"]
    assert expected == {
        "row": str(decision.row),
        "actions": [str(action) for action in decision.actions],
        "hold": str(decision.hold) if decision.hold else None,
        "patience": decision.patience.name.lower(),
        "says": [str(finding) for finding in decision.findings],
    }


def test_every_row_has_a_situation() -> None:
    """No row of the table is without a file that leads to it."""
    assert {_load(file)["expected"]["row"] for file in FILES} == set(Row)


def test_every_pair_of_modes_has_a_situation() -> None:
    """Whatever the two SIP Servers of a pair say, in either order, there is a file for it."""
    seen = {
        frozenset({(mode, modes.count(mode)) for mode in modes})
        for file in FILES
        if len(modes := [host["mode"] for host in _load(file)["hosts"].values()]) == 2
    }
    every = [list(pair) for pair in product(SipMode, SipMode)]
    assert seen == {frozenset({(str(m), pair.count(m)) for m in pair}) for pair in every}
