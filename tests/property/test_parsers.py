"""Whatever bytes a host sends, there is a value or a named problem, never another exception."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cluster.model import NodeState, NodeStatus, PortState, Reason, SipMode
from cluster.nlb import output, phrases
from cluster.nlb.params import parse_params
from cluster.sip.serverx import parse_serverx
from exporter.explanation import Kind, explain, says_something

DATA = Path(__file__).parents[1] / "data"
TABLES = phrases.load()
NLB_SAMPLES = [file.read_bytes() for file in sorted((DATA / "nlb").glob("*.txt"))]
SIP_SAMPLES = [file.read_bytes() for file in sorted((DATA / "sip").glob("*.xml"))]
PIECES = [
    *(piece for raw in NLB_SAMPLES for piece in raw.splitlines(keepends=True)),
    b"\r\r\n",
    b"\x00",
    b"\xff\xfe",
    b"Rule is enabled\n",
    b"Rule is disabled\n",
    b"Cluster 10.9.9.9\n",
    b"9" * 5000,
    b"Accepted=" + b"9" * 30,
    "²³ ٣\n".encode(),
]


@st.composite
def mutations(draw: st.DrawFn, sound: list[bytes]) -> bytes:
    """Take a sound sample and cut, repeat, replace or insert a few pieces."""
    raw = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(raw)))
        end = draw(st.integers(begin, min(len(raw), begin + 40)))
        raw[begin:end] = draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=6),
                st.sampled_from(PIECES),
                st.just(bytes(raw[begin:end]) * 2),
            )
        )
    return bytes(raw)


nlb_bytes = st.one_of(
    st.binary(max_size=600), mutations(NLB_SAMPLES), st.lists(st.sampled_from(PIECES)).map(b"".join)
)
sip_bytes = st.one_of(st.binary(max_size=600), mutations(SIP_SAMPLES))
code_pages = st.sampled_from(["cp437", "cp850", "cp866", "cp1252", "utf-8", "utf-16", "cp932"])


@given(nlb_bytes, code_pages)
@settings(deadline=None)
def test_any_query_gives_states_or_problems(raw: bytes, page: str) -> None:
    """A state that is not known has its problem; a failure leaves no state behind."""
    parsed = output.parse_query(output.decode(raw, page), TABLES)
    assert parsed.blocks or parsed.problems
    assert not (parsed.failure and parsed.blocks)
    for block in parsed.blocks:
        assert isinstance(block, NodeStatus)
        assert block.clusters == len(parsed.blocks)
        assert block.state is not NodeState.UNKNOWN or parsed.problems


@given(nlb_bytes, code_pages)
@settings(deadline=None)
def test_any_queryport_gives_states_or_problems(raw: bytes, page: str) -> None:
    """A port state that is not known has its problem; counters come with a handled rule only."""
    parsed = output.parse_queryport(output.decode(raw, page), TABLES)
    assert parsed.blocks or parsed.problems
    for block in parsed.blocks:
        assert block.status.state is not PortState.UNKNOWN or parsed.problems
        if block.status.state not in output.HANDLING:
            assert (block.status.accepted, block.status.dropped) == (None, None)


@given(nlb_bytes, code_pages)
@example(b"PortRules (1):\n" + b"--- " * 7 + b"--- \nall 1 2 TCP Multiple " + b"9" * 5000, "cp437")
@example(b"PortRules (1):\n" + b"--- " * 7 + b"--- \nall 1 2 TCP Single " + b"9" * 5000, "cp437")
@settings(deadline=None)
def test_any_params_gives_parameters_or_problems(raw: bytes, page: str) -> None:
    """Rules are complete or unknown; an unknown value has its problem."""
    parsed = parse_params(output.decode(raw, page), TABLES)
    assert parsed.blocks or parsed.problems
    for block in parsed.blocks:
        values = (block.host_id, block.operation_mode, block.mac, block.rules, block.host_state)
        assert None not in values or parsed.problems
        for rule in block.rules or ():
            assert 0 <= rule.start <= 65535
            assert 0 <= rule.end <= 65535


@given(sip_bytes)
@settings(deadline=None)
def test_any_page_gives_a_mode_or_a_problem(raw: bytes) -> None:
    """The mode is known or there is a problem, never both and never neither."""
    status, problems, problem = parse_serverx(raw)
    assert (status.mode is SipMode.UNKNOWN) == (problem is not None)
    assert problem is None or problem.reason in {
        Reason.MALFORMED,
        Reason.NO_OUTPUT,
        Reason.UNKNOWN_TEXT,
    }
    assert problem is None or problems


@pytest.mark.parametrize("kind", list(Kind))
def test_any_capture_is_explained(kind: Kind) -> None:
    """Any capture gives JSON; where nothing was read, a problem says why."""

    @given(
        st.one_of(nlb_bytes, sip_bytes, sip_bytes.map(lambda raw: b"\xff\xfe" + raw)), code_pages
    )
    @settings(deadline=None, max_examples=50)
    def explained(raw: bytes, page: str) -> None:
        explanation = explain(kind, raw, TABLES, page)
        json.dumps(explanation)
        assert says_something(explanation) or explanation["problems"]

    explained()


def test_garbage_of_any_size_is_read_quickly() -> None:
    """Lines made to make patterns slow are cut before any pattern sees them."""
    for text in ("rule " * 50_000, "not find " * 30_000, "a = " + " x" * 100_000, "(" * 250_000):
        assert output.parse_queryport(text, TABLES).blocks == ()
        assert output.parse_query(text, TABLES).blocks == ()
        parse_params(text, TABLES)
