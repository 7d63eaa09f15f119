"""One host's view on its way between two nodes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.clock import Instant
from cluster.host_view_json import SCHEMA, Identity, read, write
from cluster.model import (
    HostView,
    NodeState,
    PortRule,
    PortState,
    Problem,
    Reading,
    Reason,
    SipMode,
)
from tests.unit import exporter_samples as samples

RULE = samples.cluster().rules[0]
OURS = Identity("porto", "porto-1", 3, (RULE,))
SENT = Instant(datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC), 77.0)
"""A moment of the asking node's clock, which is another one than the answering node's."""


def document(view: HostView | None = None, **changes: Any) -> dict[str, Any]:
    """Return what an exporter answers, changed."""
    text = write(view or samples.primary(), OURS, samples.BEGIN)
    made: dict[str, Any] = json.loads(text)
    return made | changes


def taken(answer: dict[str, Any], expected: Identity = OURS) -> HostView | Problem:
    """Read an answer."""
    return read(json.dumps(answer).encode(), expected, SENT)


def test_what_was_read_arrives_whole_with_moments_of_the_askers_clock() -> None:
    """Each value is as it was; what was read 1.5 s before the request came is 1.5 s older."""
    view = samples.primary()

    arrived = taken(document(view))

    assert isinstance(arrived, HostView)
    assert arrived.host == "porto-1"
    assert [r.value for r in arrived.readings()] == [r.value for r in view.readings()]
    assert [(r.source, r.command, r.raw, r.lag_seconds) for r in arrived.readings()] == [
        (r.source, r.command, r.raw, r.lag_seconds) for r in view.readings()
    ]
    assert [(r.asked, r.answered) for r in arrived.readings()] == [
        (SENT.plus(-0.5), SENT.plus(-0.375)),
        (SENT.plus(-1.0), SENT.plus(-0.75)),
        (SENT.plus(-1.5), SENT.plus(-1.125)),
        (SENT.plus(-20.0), SENT.plus(-19.375)),
    ]


def test_what_was_read_for_the_request_is_as_old_as_the_request() -> None:
    """A reading seems never younger than it is: its question came after ours was sent."""
    live = replace(samples.port(PortState.DISABLED), asked=samples.BEGIN.plus(0.25))
    view = replace(samples.backup(), ports=((RULE, live),))

    arrived = taken(document(view))

    assert isinstance(arrived, HostView)
    assert arrived.port(RULE).asked == SENT


def test_a_problem_arrives_with_its_reason() -> None:
    """A reading that failed there is the same failure here."""
    problem = Problem(Reason.TIMEOUT, "nlb was still running after 2.0 s")
    view = replace(samples.primary(), params=samples.params(problem=problem))

    arrived = taken(document(view))

    assert isinstance(arrived, HostView)
    assert arrived.params.problem == problem


def test_a_reason_of_a_newer_exporter_stands_in_the_text() -> None:
    """Nodes need not be updated in the same moment."""
    answer = document()
    answer["node"]["problem"] = {"reason": "moonlight", "text": "full"}

    arrived = taken(answer)

    assert isinstance(arrived, HostView)
    assert arrived.node.problem == Problem(Reason.MALFORMED, "moonlight: full")


def test_what_is_only_added_is_passed_over() -> None:
    """Unknown keys anywhere, and missing ones that the model can do without, do no harm."""
    answer = document(colour="green")
    answer["node"]["value"]["colour"] = "green"
    del answer["params"]["value"]["mac"]

    arrived = taken(answer)

    assert isinstance(arrived, HostView)
    assert (arrived.mode, arrived.params.value.mac) == (SipMode.PRIMARY, None)


def test_texts_that_json_cannot_carry_are_mended() -> None:
    """A file name with odd bytes does not cost the host."""
    odd = replace(samples.node(NodeState.CONVERGED), raw="a\udcffb", command="nlb\udcff")
    problem = Problem(Reason.MALFORMED, "\udcff")
    view = replace(samples.primary(), node=odd, params=samples.params(problem=problem))

    arrived = taken(document(view))

    assert isinstance(arrived, HostView)
    assert (arrived.node.raw, arrived.node.command) == ("a?b", "nlb?")
    assert arrived.params.problem == Problem(Reason.MALFORMED, "?")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"cluster": "braga"},
            Problem(Reason.OTHER_CLUSTER, "configured is porto, the answer is of 'braga'"),
        ),
        (
            {"host": "porto-2"},
            Problem(
                Reason.OTHER_HOST,
                "configured is porto-1 with host id 3, the answer is of 'porto-2' with host id 3",
            ),
        ),
        (
            {"host_id": 7},
            Problem(
                Reason.OTHER_HOST,
                "configured is porto-1 with host id 3, the answer is of 'porto-1' with host id 7",
            ),
        ),
        (
            {"ports": []},
            Problem(
                Reason.OTHER_CLUSTER,
                "configured here are the port rules all 5070-5071 udp, on the host none",
            ),
        ),
        (
            {"schema": 2},
            Problem(
                Reason.MALFORMED, "its schema is 2, known is 1; run one version on all nodes"
            ),
        ),
        (
            {"sip": []},
            Problem(
                Reason.MALFORMED,
                "not the answer of an exporter: sip: "
                "Tuple should have at least 1 item after validation, not 0",
            ),
        ),
    ],
)  # fmt: skip
def test_an_answer_about_something_else_is_no_reading(
    changes: dict[str, Any], problem: Problem
) -> None:
    """It names cluster, host, host id and rules, and all must be as configured here."""
    assert taken(document(**changes)) == problem


def test_rules_that_differ_between_the_nodes_are_named() -> None:
    """Two configurations of one pair that do not fit are seen at once."""
    wider = replace(OURS, rules=(PortRule("all", 5070, 5079, "udp"),))

    assert taken(document(), wider) == Problem(
        Reason.OTHER_CLUSTER,
        "configured here are the port rules all 5070-5079 udp, on the host all 5070-5071 udp",
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("node", "age_seconds"), -1),
        (("node", "age_seconds"), 1e300),
        (("node", "age_seconds"), "1"),
        (("sip", 0, "value", "mode"), "Primary"),
        (("ports", 0, "reading", "value", "state"), None),
        (("node", "value", "members"), "3,7"),
    ],
)
def test_a_value_that_is_none_of_the_models_is_refused(path: tuple[Any, ...], value: Any) -> None:
    """Nothing is guessed: a word or number of another kind is no answer."""
    answer = document()
    inner: Any = answer
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value

    refused = taken(answer)

    assert isinstance(refused, Problem)
    place = ".".join(str(step) for step in path)
    assert refused.reason is Reason.MALFORMED
    assert refused.text.startswith(f"not the answer of an exporter: {place}")


def test_bytes_that_are_no_json_are_refused() -> None:
    """A page of something else at that address."""
    assert read(b"<html>", OURS, SENT) == Problem(
        Reason.MALFORMED,
        "not the answer of an exporter: Invalid JSON: expected value at line 1 column 1",
    )


def test_the_schema_has_a_number_of_its_own() -> None:
    """It stands in every answer."""
    assert (document()["schema"], SCHEMA) == (1, 1)
    assert isinstance(samples.primary().node, Reading)


def test_a_list_without_end_is_refused_at_once() -> None:
    """What reads it keeps one error for each wrong element: memory would know no bound."""
    endless = {"value": [[1], [2] * 1001]}
    assert taken(document(sip=[0] * 1001)) == taken(document(more=endless))
    assert taken(document(more=endless)) == Problem(
        Reason.TOO_LARGE, "a list in it has more than 1000 elements"
    )
    assert isinstance(taken(document(more=[0] * 1000)), HostView)
