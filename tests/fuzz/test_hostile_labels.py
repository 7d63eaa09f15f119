"""Label values that look like commands, paths, templates, log lines, pages: they stay texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from remediator.webhook import MAX_LABEL_CHARACTERS
from tests.fuzz import hostile
from tests.fuzz.programs import Attacked, attacked
from tests.integration.running import until
from tests.integration.test_remediator import ONE, TOKEN, TWO, alert, payload, ports, switch_over

pytestmark = pytest.mark.integration

REQUESTS = 130
PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
LINE = re.compile(rf"(?:{PAIR.pattern} )*{PAIR.pattern}")
GROWTH_MEGABYTES, MOST_MEGABYTES = 40, 300


@dataclass(frozen=True, slots=True)
class Done:
    """A remediator that all of it was sent to, and what was seen before."""

    attacked: Attacked
    sent: hostile.Sent
    canary: Path
    record: Path
    series: set[str]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """Send everything once, and a good part of it again."""
    folder = tmp_path_factory.mktemp("hostile")
    canary = folder / "canary"
    records: list[Path] = []
    with attacked(
        folder, prepare=lambda made: records.append(hostile.record_commands(made, folder))
    ) as running:
        series = hostile.series(running.remediator)
        sent = hostile.send(running, canary, REQUESTS)
        yield Done(running, sent, canary, records[0], series)


def test_every_body_is_taken_or_refused(done: Done) -> None:
    """200 or 400, never a failure of ours; afterwards it answers as before."""
    assert set(done.sent.statuses) == {200, 400}
    assert done.sent.requests >= REQUESTS
    assert done.attacked.remediator.answers()


def test_nothing_of_it_is_carried_out_or_stands_on_a_command_line(done: Done) -> None:
    """Among all command lines of both hosts there are the five that the site calls for, no other.

    With a primary that has moved, so that enable and disable are among them; and the alert that
    begins it has hostile labels itself.
    """
    site, remediator = done.attacked.site, done.attacked.remediator
    switch_over(site)
    bad = alert()
    bad["labels"] |= {"host": f"$({hostile.MARK})", "port": "; reboot"}
    assert remediator.send(payload(bad)).status_code == 200
    until(lambda: ports(site) == ("disabled", "enabled"))
    until(lambda: [row["outcome"] for row in remediator.rows("action")] == ["verified"] * 2)

    assert hostile.command_lines(done.record) == hostile.COMMANDS
    assert not done.canary.exists()
    assert {row["host"] for row in remediator.rows("action")} == {ONE, TWO}


def test_each_line_of_the_log_is_one_of_ours(done: Done) -> None:
    """None begins as somebody else wrote it, and none moves a terminal's cursor."""
    text = done.attacked.remediator.log.read_bytes().decode("utf-8")
    lines = text.split("\n")[:-1]

    assert [line[:200] for line in lines if not line.startswith("ts=20")] == []
    assert [line[:200] for line in lines if not line.isprintable()] == []
    assert [line[:200] for line in lines if LINE.fullmatch(line) is None] == []
    fields = [PAIR.findall(line) for line in lines]
    for key in ("ts", "level", "event"):
        assert {[name for name, _ in pairs].count(key) for pairs in fields} == {1}
    assert {dict(pairs)["level"] for pairs in fields} <= {"info", "warning"}
    assert "forged" not in {dict(pairs)["event"] for pairs in fields}
    assert max(map(len, lines)) < 20_000
    assert any(hostile.MARK in line for line in lines)


def test_no_label_makes_a_series(done: Done) -> None:
    """The metrics after thousands of labels are those of before."""
    after = hostile.series(done.attacked.remediator)

    assert [name for name in after - done.series if hostile.MARK in name] == []
    assert after == done.series


def test_the_journal_keeps_each_text_whole_or_shortened_with_a_mark(done: Done) -> None:
    """As a text, given back as JSON; … stands where something was left out."""
    kept = set()
    before = 2**62
    while rows := done.attacked.remediator.get(
        f"/api/v1/journal?kind=alert&limit=1000&before={before}"
    )["rows"]:
        kept |= {row["host"] for row in rows}
        before = rows[-1]["id"]

    for value in hostile.values(done.canary):
        bare = value.replace("\0", "?").encode("utf-8", "replace").decode()
        cut = len(bare) > MAX_LABEL_CHARACTERS
        assert (bare[: MAX_LABEL_CHARACTERS - 1] + "…" if cut else bare) in kept, value[:60]


def test_pages_and_errors_give_it_back_as_text_alone(done: Done) -> None:
    """What is asked for by such a name is not found, in JSON that no browser takes for a page."""
    for value in hostile.values(done.canary)[:-1]:
        name = quote(value, safe="", errors="replace")
        answer = requests.get(
            f"{done.attacked.remediator.url}/api/v1/clusters/{name}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
        )
        assert answer.status_code in {400, 404}
        assert "forged" not in answer.headers
        assert answer.headers["Content-Type"].startswith(("application/json", "text/plain"))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_memory_does_not_grow_with_what_is_sent(done: Done) -> None:
    """The process stays small, and half of it leaves it about as large as the other half did."""
    _, halfway, last = done.sent.megabytes

    assert last < MOST_MEGABYTES, done.sent
    assert last - halfway < GROWTH_MEGABYTES, done.sent
