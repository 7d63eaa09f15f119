"""Requests: only five verbs, and only configuration becomes part of a command."""

from __future__ import annotations

import pytest

from cluster.model import PortRule
from cluster.runners.request import Request, Verb

ALL = PortRule("all", 5070, 5071, "udp")
NAMED = PortRule("10.7.0.100", 5070, 5071, "udp")


@pytest.mark.parametrize(
    ("request_", "arguments", "changes"),
    [
        (Request(Verb.QUERY), ("query",), False),
        (Request(Verb.PARAMS), ("params",), False),
        (Request(Verb.QUERYPORT, ALL), ("queryport", "5070"), False),
        (Request(Verb.ENABLE, ALL), ("enable", "5070"), True),
        (Request(Verb.DISABLE, NAMED), ("disable", "10.7.0.100:5070"), True),
    ],
)
def test_a_request_is_a_short_argument_list(
    request_: Request, arguments: tuple[str, ...], changes: bool
) -> None:
    """Verb and port, the address only where the rule names one, never a cluster."""
    assert (request_.arguments(), request_.changes) == (arguments, changes)


def test_there_are_no_other_verbs() -> None:
    """Nothing that drains, stops, suspends or reloads a node can be asked for."""
    assert [str(verb) for verb in Verb] == ["query", "queryport", "params", "enable", "disable"]
