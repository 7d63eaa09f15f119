"""What a reading after a command proves, and how a host is shown in words."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from cluster.model import NodeState, PortState, SipMode
from remediator.evidence import ActionOutcome, describe, describe_host, judge
from remediator.planner import Action, ActionVerb
from remediator.switch_answer import Sent, SwitchAnswer
from tests.unit import remediator_samples as samples

ENABLE = Action(ActionVerb.ENABLE, "quito-1", samples.RULE)
DISABLE = Action(ActionVerb.DISABLE, "quito-1", samples.RULE)
P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN


@pytest.mark.parametrize(
    ("action", "mode", "port", "sent", "outcome"),
    [
        (ENABLE, P, PortState.ENABLED, Sent.ANSWERED, "verified"),
        (ENABLE, U, PortState.ENABLED, Sent.ANSWERED, "verified"),
        (ENABLE, P, PortState.ENABLED, Sent.NO_ANSWER, "verified"),
        (ENABLE, P, PortState.DISABLED, Sent.ANSWERED, "not_followed"),
        (ENABLE, P, PortState.DRAINING, Sent.ANSWERED, "not_followed"),
        (ENABLE, P, PortState.NOT_FOUND, Sent.ANSWERED, "not_followed"),
        (ENABLE, P, PortState.DISABLED, Sent.NO_ANSWER, "no_answer"),
        (ENABLE, P, PortState.DISABLED, Sent.NOT_SENT, "not_sent"),
        (ENABLE, P, PortState.UNKNOWN, Sent.ANSWERED, "unreadable"),
        (ENABLE, P, PortState.UNKNOWN, Sent.NO_ANSWER, "unreadable"),
        (ENABLE, P, PortState.UNKNOWN, Sent.NOT_SENT, "not_sent"),
        (ENABLE, B, PortState.ENABLED, Sent.ANSWERED, "world_changed"),
        (ENABLE, B, PortState.DISABLED, Sent.NO_ANSWER, "world_changed"),
        (DISABLE, B, PortState.DISABLED, Sent.ANSWERED, "verified"),
        (DISABLE, U, PortState.DISABLED, Sent.ANSWERED, "verified"),
        (DISABLE, B, PortState.ENABLED, Sent.ANSWERED, "not_followed"),
        (DISABLE, B, PortState.DRAINING, Sent.ANSWERED, "not_followed"),
        (DISABLE, B, PortState.NOT_FOUND, Sent.ANSWERED, "not_followed"),
        (DISABLE, U, PortState.ENABLED, Sent.NO_ANSWER, "no_answer"),
        (DISABLE, U, PortState.UNKNOWN, Sent.ANSWERED, "unreadable"),
        (DISABLE, P, PortState.DISABLED, Sent.ANSWERED, "world_changed"),
        (DISABLE, P, PortState.ENABLED, Sent.NO_ANSWER, "world_changed"),
        (ENABLE, P, PortState.ENABLED, Sent.NOT_SENT, "not_sent"),
        (ENABLE, P, PortState.ENABLED, Sent.TOO_LATE, "too_late"),
        (ENABLE, P, PortState.ENABLED, Sent.REFUSED, "refused"),
        (DISABLE, P, PortState.ENABLED, Sent.REFUSED, "refused"),
        (DISABLE, P, PortState.DISABLED, Sent.NOT_SENT, "not_sent"),
    ],
)
def test_the_reading_says_how_an_action_ended(
    action: Action, mode: SipMode, port: PortState, sent: Sent, outcome: str
) -> None:
    """Of a command that was sent the reading decides, and a changed mode outweighs the port."""
    assert judge(action, samples.host("quito-1", mode, port), sent) == outcome


@pytest.mark.parametrize("node", [n for n in NodeState if n not in ("converged", "converging")])
def test_an_enabled_port_on_a_node_out_of_the_cluster_is_no_success(node: NodeState) -> None:
    """An enable is proven only on a node that takes traffic; a disable on any."""
    enabled = samples.host("quito-1", P, PortState.ENABLED, node)
    assert judge(ENABLE, enabled, Sent.ANSWERED) is ActionOutcome.NOT_SERVING
    disabled = samples.host("quito-1", B, PortState.DISABLED, node)
    assert judge(DISABLE, disabled, Sent.ANSWERED) is ActionOutcome.VERIFIED


def test_a_converging_node_serves() -> None:
    """A node that converges takes traffic meanwhile."""
    host = samples.host("quito-1", P, PortState.ENABLED, NodeState.CONVERGING)
    assert judge(ENABLE, host, Sent.ANSWERED) is ActionOutcome.VERIFIED


def test_missing_evidence_is_never_success() -> None:
    """Whatever the mode, node and answer, only a port read as wanted is verified."""
    for action, mode, port, node, sent in product(
        (ENABLE, DISABLE), SipMode, PortState, NodeState, Sent
    ):
        outcome = judge(action, samples.host("quito-1", mode, port, node), sent)
        assert outcome is not ActionOutcome.VERIFIED or port is action.wanted


def test_a_host_is_one_line() -> None:
    """Mode, node, then each port."""
    rules = (samples.RULE, samples.OTHER_RULE)
    host = samples.host(
        "quito-1", U, (PortState.NOT_FOUND, PortState.DRAINING), NodeState.SUSPENDED, rules=rules
    )
    assert describe_host(host) == (
        "unknown, node suspended, 5080 not_found, 10.9.0.100:5090 draining"
    )


def test_sources_that_contradict_each_other_stand_in_the_line() -> None:
    """Who reads a decision sees that its mode was in doubt, and who said what."""
    host = samples.host("quito-1", P, PortState.ENABLED)
    other = replace(host.sip[0], source="exec", value=replace(host.sip[0].value, mode=B))
    view = replace(host, sip=(host.sip[0], other))
    name = host.sip[0].source
    assert describe_host(view) == (
        f"primary ({name} primary, exec backup), node converged, 5080 enabled"
    )


def test_a_view_is_one_line_a_host() -> None:
    """Every host under its name."""
    assert describe(samples.healthy()) == {
        "quito-1": "primary, node converged, 5080 enabled",
        "quito-2": "backup, node converged, 5080 disabled",
    }


def test_an_answer_without_words_is_unknown() -> None:
    """A command that was not sent has no result, output, status or problem."""
    answer = SwitchAnswer(Sent.NOT_SENT, "nlb enable 5080")
    assert (answer.result, answer.output, answer.exit_status, answer.problem) == (
        "unknown",
        "",
        None,
        None,
    )
