"""The demonstration's display fits its terminal and tells things in their order."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console

from cluster.clock import Instant
from simulator import demo_picture
from simulator.demo_display import Display
from simulator.demo_picture import Shown
from simulator.demo_probe import OptionsProbe, Sent
from simulator.description import usual_site
from simulator.knobs import quick
from simulator.site import Site
from simulator.tool_text import ToolProfile

ONE, TWO = "sip-east-1", "sip-east-2"


class HeldClock:
    """A clock that stands until it is set. Its monotonic second 500 is the site's second 0."""

    def __init__(self) -> None:
        self.seconds = 500.0

    def now(self) -> Instant:
        """Return the moment that is set."""
        return Instant(datetime(2024, 5, 20, 8, 15, tzinfo=UTC), self.seconds)

    def wait(self, seconds: float, wake: Event) -> bool:
        """Never wait."""
        raise NotImplementedError


def shown(**changes: object) -> Shown:
    """Return what a picture of two hosts shows, with long lines and many events."""
    content: dict[str, object] = {
        "title": "SIMULATED SITE sip-east: manual switchover",
        "rows": [
            (ONE, "up", "running", "backup", "converging", "1, 2", "disabled"),
            (TWO, "up", "running", "primary", "converged", "1, 2", "enabled"),
        ],
        "answers": [ONE] * 70 + [None] * 5 + [TWO] * 3,
        "pages": ["SipNoPrimary sip-east", "NlbPortStateUnknown sip-east-1"] * 3,
        "events": [
            f"{second:8.2f} s  sip-east-2   event {second} {'x' * 90}" for second in range(60)
        ],
    } | changes
    return Shown(**content)  # type: ignore[arg-type] # the keys are those above


def drawn(content: Shown, width: int, height: int) -> list[str]:
    """Return the picture as the lines of a terminal of that size."""
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    with console.capture() as captured:
        console.print(demo_picture.picture(content, width, height))
    return captured.get().splitlines()


def test_the_picture_of_a_small_terminal_is_whole() -> None:
    """At 80x24 the box leaves one line free, shows the newest events and explains its marks."""
    lines = drawn(shown(), 80, 24)
    assert len(lines) == 23
    assert {len(line) for line in lines} == {80}
    assert lines[7:10] == [
        "│ SIP OPTIONS at the virtual IP: " + "1" * 37 + "xxxxx222" + " │",
        "│   answered by 1 sip-east-1, 2 sip-east-2; x lost; newest at the right        │",
        "│ Pages to a person: SipNoPrimary sip-east, NlbPortStateUnknown sip-east-1, S… │",
    ]
    assert [line[2:36].rstrip() for line in lines[10:22]] == [
        f"{second:8.2f} s  sip-east-2   event {second}"[:34] for second in range(48, 60)
    ]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (64, 13), (120, 40), (200, 80)])
def test_the_picture_never_exceeds_the_terminal(width: int, height: int) -> None:
    """Whatever the size, no line is too long and the box is not too high."""
    lines = drawn(shown(), width, height)
    assert len(lines) <= height - 1
    assert max(len(line) for line in lines) <= width


def test_a_run_of_the_same_answer_is_coloured_in_one_piece() -> None:
    """The line of answers has one span of colour for each run."""
    console = Console(
        file=io.StringIO(), width=80, height=24, force_terminal=True, color_system="standard"
    )
    with console.capture() as captured:
        console.print(demo_picture.picture(shown(), 80, 24))
    assert (
        "\x1b[32m" + "1" * 37 + "\x1b[0m\x1b[1;31mxxxxx\x1b[0m\x1b[32m222\x1b[0m" in captured.get()
    )


def test_plain_lines_leave_in_the_order_of_their_times(tmp_path: Path) -> None:
    """A request counts as lost only after a while; what happened later waits for its line."""
    clock, output = HeldClock(), io.StringIO()
    site = Site(usual_site(1, quick(0.0)), ToolProfile(), tmp_path / "site", clock)
    cluster = site.world.cluster("sip-east")
    probe = OptionsProbe(5060, clock)
    display = Display(Console(file=output, width=200), site, cluster, live=False)
    probe.sent.extend([Sent(501.0, ONE, ended=True), Sent(501.1), Sent(501.2, ONE, ended=True)])

    clock.seconds = 501.4
    display.say("primary failure")
    cluster.fail()
    clock.seconds = 501.65
    display.show_due(probe)
    assert (
        output.getvalue()
        == "simulated:     1.00 s  virtual IP   SIP OPTIONS answered by sip-east-1\n"
    )

    probe.sent[1].ended = True
    clock.seconds = 502.1
    display.show_due(probe)
    assert output.getvalue().splitlines()[1:] == [
        "simulated:     1.10 s  virtual IP   SIP OPTIONS lost",
        "simulated:     1.20 s  virtual IP   SIP OPTIONS answered by sip-east-1",
        "simulated: == primary failure",
        "simulated:     1.40 s  sip-east-1   SIP Server process died",
    ]
