"""A host's view between two nodes: the way there and back, and whatever else may arrive."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.clock import Instant
from cluster.host_view_json import Identity, read, write
from cluster.model import (
    HostView,
    NlbParams,
    NodeState,
    NodeStatus,
    PortRule,
    PortState,
    PortStatus,
    Problem,
    Reading,
    Reason,
    ReportedRule,
    SipMode,
    SipStatus,
)
from tests.unit import exporter_samples as samples

ARRIVED = Instant(datetime(2031, 1, 1, tzinfo=UTC), 5000.0)
SENT = Instant(datetime(2029, 7, 1, tzinfo=UTC), 9.0)
RULE = samples.cluster().rules[0]
OURS = Identity("porto", "porto-1", 3, (RULE,))

texts = st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode())
problems = st.none() | st.builds(Problem, st.sampled_from(Reason), texts)
rules = st.builds(PortRule, texts, st.integers(0, 65535), st.integers(0, 65535), texts)


@st.composite
def readings(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Reading[Any]:
    """Draw a reading of a value, read before or after the request arrived."""
    asked = ARRIVED.plus(draw(st.floats(-5000, 5)))
    return Reading(
        draw(values),
        draw(texts),
        asked,
        asked.plus(draw(st.floats(0, 90))),
        draw(st.floats(0, 90)),
        draw(problems),
        draw(texts),
        draw(texts),
    )


views = st.builds(
    HostView,
    st.just("porto-1"),
    st.lists(readings(st.from_type(SipStatus)), min_size=1, max_size=3).map(tuple),
    readings(st.from_type(NodeStatus)),
    st.tuples(st.tuples(st.just(RULE), readings(st.from_type(PortStatus)))),
    readings(st.builds(NlbParams, rules=st.none() | st.tuples(st.from_type(ReportedRule)))),
)


def _worth(reading: Reading[Any]) -> tuple[Any, ...]:
    return (
        reading.value,
        reading.source,
        reading.lag_seconds,
        reading.problem,
        reading.command,
        reading.raw,
    )


@given(views)
@settings(deadline=None, max_examples=300)
def test_every_view_arrives_as_it_was_sent_and_never_younger(view: HostView) -> None:
    """All that was read arrives; ages are kept, and nothing is newer than the request for it."""
    arrived = read(write(view, OURS, ARRIVED).encode(), OURS, SENT)

    assert isinstance(arrived, HostView)
    for before, after in zip(view.readings(), arrived.readings(), strict=True):
        assert _worth(before) == _worth(after)
        expected = max(0.0, ARRIVED.seconds_since(before.asked))
        assert abs(SENT.seconds_since(after.asked) - expected) < 1e-6
        assert after.asked.monotonic <= SENT.monotonic


near: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Take a sound answer and put something else in one of its places."""
    document: Any = json.loads(write(samples.primary(), OURS, samples.BEGIN))
    inner = document
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = draw(st.sampled_from(keys))
        child = inner[key]
        if not isinstance(child, dict | list) or not child or draw(st.booleans()):
            inner[key] = draw(near)
            return json.dumps(document).encode()
        inner = child


@given(st.binary(max_size=400) | near.map(lambda each: json.dumps(each).encode()) | damaged())
@settings(deadline=None, max_examples=600)
def test_any_bytes_give_a_view_or_one_named_problem(body: bytes) -> None:
    """Whatever answers at the peer's address: no other exception, and states of the model."""
    found = read(body, OURS, SENT)

    if isinstance(found, Problem):
        assert found.reason in {Reason.MALFORMED, Reason.OTHER_CLUSTER, Reason.OTHER_HOST}
        assert 0 < len(found.text) <= 600
        return
    assert found.mode in SipMode
    assert found.node_state in NodeState
    assert found.port_state(RULE) in PortState
    assert all(reading.asked.monotonic <= SENT.monotonic for reading in found.readings())
