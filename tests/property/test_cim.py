"""Whatever the scripts of back end cim print, there is a value or a named problem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster.clock import Deadline, SystemClock
from cluster.model import NodeState, PortRule, PortState, Problem
from cluster.nlb import phrases
from cluster.nlb.cim import parse_state
from cluster.nlb.cim_answer import RESULTS, parse_result
from cluster.nlb.cim_dialect import CimDialect
from cluster.nlb.cim_query import CimQuery
from cluster.runners.request import Answer, CommandResult, Permit, Request, Verb
from exporter.explanation import Kind, explain, says_something
from tests.unit import exporter_samples as samples
from tests.unit.test_cluster_nlb_cim import changed

DATA = Path(__file__).parents[1] / "data" / "cim"
SAMPLES = [json.loads(file.read_text("utf-8")) for file in sorted(DATA.glob("*.json"))]
TABLES = phrases.load()
RULE = PortRule("all", 5070, 5071, "udp")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Take a sound document and put anything at a few places of it, or take places away."""
    document: Any = json.loads(json.dumps(draw(st.sampled_from(SAMPLES))))
    for _ in range(draw(st.integers(0, 4))):
        place: Any = document
        while isinstance(place, dict | list) and place:
            key: Any = draw(
                st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
            )
            if not isinstance(place[key], dict | list) or draw(st.integers(0, 3)) == 0:
                if draw(st.booleans()):
                    place[key] = draw(anything)
                else:
                    del place[key]
                break
            place = place[key]
    return json.dumps(document).encode()


printed = st.one_of(
    st.binary(max_size=300), documents(), anything.map(lambda each: json.dumps(each).encode())
)


class Says:
    """A runner that always answers the same."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def run(self, _request: Request, _deadline: Deadline, _permit: Permit | None = None) -> Answer:
        """Answer."""
        return Answer("…", samples.BEGIN, samples.BEGIN, True, self.raw)


@given(printed)
@example(b'{"schema":1,"nodes":[{"StatusCode":1008}],"port_rules":[[]]}')
@settings(deadline=None)
def test_any_read_out_gives_states_or_problems(raw: bytes) -> None:
    """What is unknown has its problem; rules are complete or unknown."""
    parsed = parse_state(raw)
    assert bool(parsed.blocks) != bool(parsed.failure)
    for block in parsed.blocks:
        assert block.node.clusters == block.params.clusters == len(parsed.blocks)
        known = block.node.state is not NodeState.UNKNOWN and block.rules is not None
        assert known or block.problems
        assert (block.rules is None) == (block.params.rules is None)
        for rule in block.rules or ():
            assert 0 <= rule.reported.start <= rule.reported.end <= 65535
            assert rule.state is not PortState.UNKNOWN or block.problems


@given(printed)
@settings(deadline=None, max_examples=40)
def test_any_read_out_gives_readings(raw: bytes) -> None:
    """No exception; a reading without a problem is of this cluster and this host."""
    asked = CimQuery(Says(raw), "10.7.0.100", 3, SystemClock())
    deadline = Deadline(SystemClock().now().monotonic)
    node, port, params = asked.node(deadline), asked.port(RULE, deadline), asked.params(deadline)
    assert (node.problem is None) == (node.value.state is not NodeState.UNKNOWN)
    assert (port.problem is None) == (port.value.state is not PortState.UNKNOWN)
    assert (params.problem is None) == (params.value.rules is not None)
    assert node.problem is not None or node.value.host_id == 3
    assert params.problem is not None or params.value.cluster_ip in {"10.7.0.100", None}


@given(printed)
@settings(deadline=None)
def test_any_answer_to_a_change_is_an_outcome(raw: bytes) -> None:
    """A result that is known comes of a documented number alone."""
    result, problem = parse_result(raw)
    assert problem is None or isinstance(problem, Problem)
    if result is not CommandResult.UNKNOWN:
        assert json.loads(raw)["ReturnValue"] in RESULTS
    answer = Says(raw).run(Request(Verb.QUERY), Deadline(0.0))
    outcome = CimDialect("p", "s", "10.7.0.100", 3).outcome(answer)
    assert (outcome.result, outcome.failure) == (result, problem)


@given(printed)
@settings(deadline=None)
def test_any_capture_is_explained(raw: bytes) -> None:
    """It gives JSON; where nothing was read, a problem says why."""
    explanation = explain(Kind.CIM, raw, TABLES, "cp437")
    json.dumps(explanation)
    assert says_something(explanation) or explanation["problems"]


def test_megabytes_of_rules_are_read_quickly() -> None:
    """An answer as large as a runner lets through costs no more than reading it."""
    found = changed(lambda document: document["port_rules"].extend(document["port_rules"] * 600))
    assert len(found) > 256 * 1024
    (block,) = parse_state(found).blocks
    assert block.rules is not None
    assert len(block.rules) == 1803
