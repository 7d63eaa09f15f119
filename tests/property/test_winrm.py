"""Whatever a host's endpoint or a recording holds, there is an output or a named problem."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.model import PortRule, Problem
from cluster.nlb import phrases
from cluster.runners.request import Request, Verb
from cluster.runners.winrm_calls import RemoteError, call_of, output_of
from cluster.runners.winrm_problems import problem_of
from exporter.explanation import Kind, explain, says_something
from exporter.recording import FORMAT, VERSION
from tests.unit.recording_samples import simulated_recording

TABLES = phrases.load()
CALL = call_of(Request(Verb.QUERYPORT, PortRule("all", 5060, 5061, "both")), "nlb")
SOUND = simulated_recording()

values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.just("YXNr")
)
objects = st.dictionaries(
    st.one_of(st.sampled_from(["rc", "out", "err", "problem"]), st.text()), values, max_size=6
)
errors = st.builds(RemoteError, st.text(), st.text())
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(objects, max_size=3), st.lists(errors, max_size=3))
def test_any_objects_and_errors_give_an_output(
    found: list[dict[str, object]], told: list[RemoteError]
) -> None:
    """Without a problem only where the function returned one object with both streams."""
    output = output_of(CALL, found, told)

    if output.problem is None:
        assert len(found) == 1
        assert {"out", "err"} <= found[0].keys()
    else:
        assert isinstance(output.problem, Problem)
        assert len(output.problem.text) < 1000


@given(st.lists(st.text(), max_size=3), st.booleans())
def test_any_exception_is_a_named_problem(arguments: list[str], late: bool) -> None:
    """Also one that stands for itself."""
    inner = OSError(*arguments)
    inner.__cause__ = ValueError(inner)

    assert problem_of(RuntimeError(inner), "f", late=late).text.startswith("f: ")


@given(st.one_of(st.binary(max_size=400), json_values.map(lambda v: json.dumps(v).encode())))
def test_any_bytes_are_a_recording_or_a_named_problem(raw: bytes) -> None:
    """And the explanation is plain data."""
    found = explain(Kind.RECORDING, raw, TABLES, "cp437")

    json.dumps(found)
    assert says_something(found) or found["captures"] == [] or found["not_understood"]


@settings(deadline=None)
@given(st.sampled_from(sorted(SOUND)), json_values, st.data())
def test_a_recording_with_anything_in_any_place_is_explained(
    key: str, value: object, data: st.DataObject
) -> None:
    """In the whole, in one capture, in one dump."""
    changed = {**SOUND, key: value, "format": FORMAT, "version": VERSION}
    for name in ("captures", "cim"):
        place = data.draw(st.integers(0, len(SOUND[name]) - 1))
        field = data.draw(st.sampled_from(sorted(SOUND[name][place])))
        listed = list(SOUND[name])
        listed[place] = {**listed[place], field: value}
        if name != key:
            changed[name] = listed

    found = explain(Kind.RECORDING, json.dumps(changed).encode(), TABLES, "cp437")
    json.dumps(found)
    assert len(found["captures"]) + len(found["problems"]) >= 1 or key == "captures"
