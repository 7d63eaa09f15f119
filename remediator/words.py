"""Why an action failed or a look holds, in words that name the problem behind it. Pure.

For who reads one line at night: what the host said, and what could not be read and why.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.model import ClusterView, HostView, Reading, SipMode
from remediator.evidence import ActionOutcome
from remediator.planner import Action, Decision, Finding
from remediator.rows import HOLD_TEXT, Hold
from remediator.switch_answer import Sent, SwitchAnswer

MAX_QUOTED_CHARACTERS = 200


def why_failed(
    action: Action, outcome: ActionOutcome, answer: SwitchAnswer, after: HostView
) -> str:
    """Say why an action counts as a failed try, by its answer and the reading after it.

    A verified one counts as failed where it had been verified before: somebody changed it back.
    """
    if outcome is ActionOutcome.VERIFIED:
        return "the port followed the command, and something else changes it back"
    if answer.sent is Sent.NOT_SENT:
        return f"the command could not be sent: {answer.problem or 'the reason is not known'}"
    if answer.sent is Sent.REFUSED:
        return str(answer.problem)
    port = after.port(action.rule)
    if outcome is ActionOutcome.NOT_SERVING:
        return f"the port is enabled, and the node takes no traffic: it is {after.node_state}"
    if outcome is ActionOutcome.UNREADABLE:
        read = f"the port cannot be read after the command: {_problem(port)}"
        return f"{read}; {_said(answer)}"
    text = HOLD_TEXT[Hold.ACTION_FAILED]
    return f"{text}: {_said(answer)}; the port still reads {port.value.state}"


def why_held(decision: Decision, view: ClusterView) -> str:
    """Say all findings in words, each with the problems of the readings that it rests on."""
    return "; ".join(_with_problems(finding, view) for finding in decision.findings)


def _said(answer: SwitchAnswer) -> str:
    """Say what came back from a command, in one short line."""
    if answer.sent is Sent.NO_ANSWER:
        return f"it was not answered: {answer.problem or 'the reason is not known'}"
    output = " ".join(answer.output.split())[:MAX_QUOTED_CHARACTERS]
    said = f'the host said "{output}"' if output else "the host said nothing"
    status = "" if answer.exit_status is None else f", exit status {answer.exit_status}"
    return f"{said}{status}" + (f" ({answer.problem})" if answer.problem else "")


def _with_problems(finding: Finding, view: ClusterView) -> str:
    problems = "; ".join(_behind(finding, view))
    return f"{finding} ({problems})" if problems else str(finding)


def _behind(finding: Finding, view: ClusterView) -> Iterator[str]:
    """Yield what kept a finding's readings from being read."""
    if finding.hold is Hold.PRIMARY_NOT_SEEN:
        for host in view.hosts:
            if host.mode is SipMode.UNKNOWN:
                yield from (f"{host.host} {_told(each)}" for each in host.sip if each.problem)
        return
    if finding.host is None or finding.rule is None:
        return
    host = view.host(finding.host)
    if finding.hold is Hold.FENCE_PENDING:
        yield from (_told(each) for each in host.sip if each.problem)
    if finding.hold in {Hold.FENCE_PENDING, Hold.PORT_UNREADABLE}:
        yield _told(host.port(finding.rule))
    if finding.hold is Hold.PRIMARY_NODE_NOT_SERVING:
        yield _told(host.node) if host.node.problem else f"the node is {host.node_state}"


def _told(reading: Reading[object]) -> str:
    return f"{reading.source}: {_problem(reading)}"


def _problem(reading: Reading[object]) -> str:
    return str(reading.problem) if reading.problem else "no reason is told"
