"""Why an action failed or a look holds, in the words that somebody reads at night."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import HostView, NodeState, PortState, Problem, Reason, SipMode
from remediator.evidence import ActionOutcome
from remediator.planner import Action, ActionVerb, Decision, Finding, plan
from remediator.rows import Row
from remediator.switch_answer import Sent, SwitchAnswer
from remediator.words import why_failed, why_held
from tests.unit import remediator_samples as samples

ENABLE = Action(ActionVerb.ENABLE, "quito-1", samples.RULE)
P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
DENIED = SwitchAnswer(Sent.ANSWERED, "nlb enable 5080", output="Access\n denied.", exit_status=5)
SILENT = SwitchAnswer(
    Sent.NO_ANSWER, "nlb enable 5080", problem=Problem(Reason.TIMEOUT, "5 s are over")
)
UNSENT = SwitchAnswer(
    Sent.NOT_SENT, "nlb enable 5080", problem=Problem(Reason.UNREACHABLE, "refused")
)

REFUSED = SwitchAnswer(
    Sent.REFUSED,
    "…",
    output="{…}",
    exit_status=1,
    problem=Problem(
        Reason.REFUSED, "the host has seen a later command, number 43; this one has 41"
    ),
)


@pytest.mark.parametrize(
    ("outcome", "answer", "port", "words"),
    [
        (
            ActionOutcome.NOT_FOLLOWED,
            DENIED,
            PortState.DISABLED,
            'the port did not follow the command: the host said "Access denied.", exit status 5; '
            "the port still reads disabled",
        ),
        (
            ActionOutcome.NOT_FOLLOWED,
            SwitchAnswer(Sent.ANSWERED, "", problem=Problem(Reason.NO_OUTPUT, "")),
            PortState.DRAINING,
            "the port did not follow the command: the host said nothing (no_output); the port "
            "still reads draining",
        ),
        (
            ActionOutcome.NO_ANSWER,
            SILENT,
            PortState.DISABLED,
            "the port did not follow the command: it was not answered: timeout: 5 s are over; "
            "the port still reads disabled",
        ),
        (
            ActionOutcome.NOT_SENT,
            UNSENT,
            PortState.DISABLED,
            "the command could not be sent: unreachable: refused",
        ),
        (
            ActionOutcome.REFUSED,
            REFUSED,
            PortState.DISABLED,
            "refused: the host has seen a later command, number 43; this one has 41",
        ),
        (
            ActionOutcome.UNREADABLE,
            DENIED,
            PortState.UNKNOWN,
            "the port cannot be read after the command: no_output; the host said "
            '"Access denied.", exit status 5',
        ),
        (
            ActionOutcome.NOT_SERVING,
            DENIED,
            PortState.ENABLED,
            "the port is enabled, and the node takes no traffic: it is stopped",
        ),
        (
            ActionOutcome.VERIFIED,
            DENIED,
            PortState.ENABLED,
            "the port followed the command, and something else changes it back",
        ),
    ],
)
def test_a_failed_try_is_told_with_what_came_back(
    outcome: ActionOutcome, answer: SwitchAnswer, port: PortState, words: str
) -> None:
    """What the host said, what became of the command, and what the port reads."""
    after = samples.host("quito-1", P, port, NodeState.STOPPED)
    assert why_failed(ENABLE, outcome, answer, after) == words


def test_what_a_host_says_is_quoted_only_so_far() -> None:
    """One line stays one that can be read."""
    answer = SwitchAnswer(Sent.ANSWERED, "", output="x" * 900)
    after = samples.host("quito-1", P, PortState.DISABLED)
    said = why_failed(ENABLE, ActionOutcome.NOT_FOLLOWED, answer, after)
    assert said.count("x") == 200


def held(*hosts: HostView) -> str:
    """Return the words for a view."""
    view = samples.view(*hosts)
    return why_held(plan(view), view)


def test_what_cannot_be_read_is_told_with_its_problem() -> None:
    """Each finding has the problem of the readings that it rests on behind it."""
    unread = PortState.UNKNOWN
    assert held(samples.primary(unread), samples.backup()) == (
        "port 5080 on quito-1: the primary's port cannot be read (nlb queryport: no_output)"
    )
    assert held(samples.primary(), samples.host("quito-2", U, unread)) == (
        "port 5080 on quito-2: neither mode nor port can be read; it should be closed "
        "(http: unreachable: connection refused; nlb queryport: no_output)"
    )
    assert held(samples.backup(), samples.host("quito-1", U, PortState.ENABLED)) == (
        "no SIP Server is seen as primary, and not all can be read "
        "(quito-1 http: unreachable: connection refused)"
    )


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (NodeState.SUSPENDED, "the node is suspended"),
        (NodeState.UNKNOWN, "nlb query: timeout: 1.5 s"),
    ],
)
def test_a_node_that_does_not_serve_is_told_with_its_state(node: NodeState, words: str) -> None:
    """Or with why it could not be read."""
    host = samples.host("quito-1", P, PortState.ENABLED, node)
    assert held(host, samples.backup()) == (
        f"port 5080 on quito-1: the primary's NLB node is not in the cluster ({words})"
    )


def test_what_rests_on_no_failed_reading_has_nothing_behind_it() -> None:
    """Two primaries are two primaries; a port that is unknown without a problem says so."""
    assert held(samples.primary(), samples.host("quito-2", P, PortState.ENABLED)) == (
        "more than one SIP Server is primary"
    )
    missing = samples.host("quito-2", B, PortState.NOT_FOUND)
    assert held(samples.primary(), missing) == (
        "port 5080 on quito-2: the host has no rule for the port"
    )
    host = samples.primary(PortState.UNKNOWN)
    untold = replace(host, ports=((samples.RULE, replace(host.ports[0][1], problem=None)),))
    decision = Decision((Finding(Row.PRIMARY_PORT_UNREADABLE, "quito-1", samples.RULE),))
    assert why_held(decision, samples.view(untold)) == (
        "port 5080 on quito-1: the primary's port cannot be read (nlb queryport: no reason is told)"
    )
