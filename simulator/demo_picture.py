"""The demonstration's live picture, fitted to the terminal's size.

Draws and nothing else: what is shown is passed in, and nothing is longer than the terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

COLUMNS = ("host", "network", "process", "mode", "node", "sees", "port")
FRAME_COLUMNS, FRAME_LINES = 4, 2
TABLE_LINES = 4  # of the table beside its rows: three rules and the headings
OTHER_LINES = 3  # answers, legend, pages
SPARE_LINES = 1  # for the cursor below the picture
T = TypeVar("T")
ANSWERS = "SIP OPTIONS at the virtual IP: "
LOST = "x"
_COLOURS = {
    "primary": "bold green",
    "backup": "cyan",
    "unknown": "red",
    "enabled": "bold green",
    "disabled": "dim",
    "cut off": "bold red",
    "dead": "bold red",
    "converging": "yellow",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the picture shows. rows: a cell per column and host, the first one the host's name.

    answers: who answered, oldest first, None for a request that was lost. events: their
    lines, oldest first.
    """

    title: str
    rows: Sequence[tuple[str, ...]]
    answers: Sequence[str | None]
    pages: Sequence[str]
    events: Sequence[str]


def picture(shown: Shown, width: int, height: int) -> Panel:
    """Return the picture. It needs at most `width` columns and less than `height` lines."""
    lines = (
        _answers(shown, width - FRAME_COLUMNS),
        _line(_legend([row[0] for row in shown.rows]), "dim"),
        _line(f"Pages to a person: {', '.join(shown.pages) or 'none'}"),
        *(_line(event, "dim") for event in _newest(shown.events, _room(shown, height))),
    )
    return Panel(Group(_table(shown), *lines), title=shown.title, width=width)


def _room(shown: Shown, height: int) -> int:
    """Return how many lines are left for events."""
    others = FRAME_LINES + TABLE_LINES + len(shown.rows) + OTHER_LINES + SPARE_LINES
    return max(0, height - others)


def _newest(things: Sequence[T], count: int) -> Sequence[T]:
    return things[-count:] if count else ()


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _answers(shown: Shown, width: int) -> Text:
    """Draw the newest answers that fit, each run of the same answer in one piece."""
    hosts = [row[0] for row in shown.rows]
    text = _line(ANSWERS)
    for host, run in groupby(_newest(shown.answers, max(0, width - len(ANSWERS)))):
        mark = LOST if host is None else str(hosts.index(host) + 1)
        text.append(mark * len(list(run)), style="bold red" if host is None else "green")
    return text


def _legend(hosts: Sequence[str]) -> str:
    marks = [f"{number} {host}" for number, host in enumerate(hosts, start=1)]
    return f"  answered by {', '.join(marks)}; {LOST} lost; newest at the right"


def _table(shown: Shown) -> Table:
    table = Table(expand=True)
    for heading in COLUMNS:
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for row in shown.rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    return table
