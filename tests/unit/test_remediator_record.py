"""The line that a look leaves in the log: read at night, by somebody who knows nothing yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import log
from cluster.model import NodeState, PortState, SipMode
from remediator.looks import Trigger
from tests.unit.fake_pair import FakeHost, bench

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
E, D = PortState.ENABLED, PortState.DISABLED


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], one: FakeHost, two: FakeHost, looks: int = 1
) -> list[str]:
    """Return the lines about the end of looks at a pair, without their times."""
    log.configure("info", "logfmt")
    made = bench(tmp_path, one, two, attempts=1)
    for _ in range(looks):
        made.look(Trigger.HOLD)
    lines = [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()]
    return [line for line in lines if " ending=" in line]


def test_a_right_look_names_the_primary_and_every_host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which host serves stands in the line that says that all is well."""
    (line,) = said(tmp_path, capsys, FakeHost(P, E), FakeHost(B, D))
    assert line == (
        'level=info event="look ended" cluster=sip-west primary=sip-west-1 ending=right row=right '
        'trigger=hold why="port 5060: the primary serves and no other port is open" '
        'hosts="sip-west-1: primary, node converged, 5060 enabled | '
        'sip-west-2: backup, node converged, 5060 disabled" seconds=0.05'
    )


def test_what_is_given_up_is_an_error_and_says_that_a_person_is_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once: further looks that find the same are quiet."""
    stubborn = FakeHost(P, D, obeys=False, output="Access denied.", exit_status=5)
    (line,) = said(tmp_path, capsys, FakeHost(B, D), stubborn, looks=2)
    assert line.startswith(
        'level=error event="given up, a person is called" cluster=sip-west primary=sip-west-2 '
        "ending=held row=primary_closed hold=action_failed trigger=hold "
        'why="enable 5060 on sip-west-2: the port did not follow the command: the host said '
        r'\"Access denied.\", exit status 5; the port still reads disabled" '
    )


def test_another_hold_that_only_a_person_ends_is_an_error_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was given up, and a person is called all the same."""
    stopped = FakeHost(P, D, node=NodeState.STOPPED)
    (line,) = said(tmp_path, capsys, FakeHost(B, D), stopped)
    assert line.startswith('level=error event="held, a person is called" cluster=sip-west ')


def test_a_hold_that_calls_nobody_is_a_warning_with_its_problems_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What could not be read has commas of its own, so something else stands between."""
    line = said(tmp_path, capsys, FakeHost(U, D), FakeHost(U, D))[0]
    assert line.startswith(
        'level=warning event="look ended" cluster=sip-west primary=none ending=held '
    )
    assert (
        ' problems="sip-west-1 fake: unreachable: refused | sip-west-2 fake: unreachable: refused" '
        in line
    )
