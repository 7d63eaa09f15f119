"""How the NLB utility's answer to a change is understood."""

from __future__ import annotations

import pytest

from cluster.model import Problem, Reason
from cluster.nlb import phrases
from cluster.nlb.dialect import Outcome, TextDialect
from cluster.runners.request import Answer, CommandResult
from tests.unit import exporter_samples as samples

DENIED = (
    "WLBS is not installed on this system or you do not have sufficient privileges to administer "
    "the cluster."
)


@pytest.mark.parametrize(
    ("stdout", "problem", "expected"),
    [
        (
            b"Traffic handling for specified port rule(s) enabled.\r\n",
            None,
            Outcome(
                CommandResult.OK, "Traffic handling for specified port rule(s) enabled.\n", None
            ),
        ),
        (
            DENIED.encode(),
            None,
            Outcome(CommandResult.UNKNOWN, DENIED, Problem(Reason.NOT_INSTALLED_OR_DENIED, DENIED)),
        ),
        (b"", Problem(Reason.TIMEOUT, "late"), Outcome(CommandResult.UNKNOWN, "", None)),
    ],
)
def test_the_answer_to_a_change_is_told_in_its_words(
    stdout: bytes, problem: Problem | None, expected: Outcome
) -> None:
    """A refusal is a failure; what did not come back in time is not looked at for one."""
    dialect = TextDialect("nlb", phrases.load(), "cp850")
    answer = Answer("nlb enable 5070", samples.BEGIN, samples.BEGIN, True, stdout, problem=problem)

    assert dialect.outcome(answer) == expected
