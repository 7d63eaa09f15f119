"""What must hold after a run, whatever was killed whenever. It reads the site and the journal.

By numbers and letters of its own beside those of `tests.exploration.invariants`, which judge every
command by the view that it rests on. The journal is read as a file, not by the program.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from remediator.planner import Unknowns
from tests.crash.site import Record, Site, truth
from tests.exploration.invariants import Leaving, broken
from tests.exploration.product import Command, Seen

TOLERANCE = 0.005
"""Seconds by which a time on one clock may differ from the same on another: both are cut."""


def breaches(site: Site, journal: Path, taken: list[tuple[str, str]]) -> list[str]:
    """Return what is broken after a run.

    taken: fingerprint and start of every alert that was answered with 200.
    """
    with closing(sqlite3.connect(journal)) as connection:
        connection.row_factory = sqlite3.Row
        whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
        rows = [dict(row) for row in connection.execute("SELECT * FROM journal ORDER BY id")]
        audit = Counter(row["action"] for row in connection.execute("SELECT * FROM audit"))
    return [
        *([] if whole == "ok" else [f"I: the journal's file is broken: {whole}"]),
        *_unanswered(rows, taken),
        *_outcomes(rows, audit),
        *_commands(site.commands(), rows),
        *_unproved(site, rows),
        *_end(site),
    ]


def _unanswered(rows: list[dict[str, Any]], taken: list[tuple[str, str]]) -> list[str]:
    """Look for an accepted alert without an outcome. Each time that it was taken counts."""
    ended = {
        (row["fingerprint"], row["starts_at"].replace(".000Z", "Z")): row["count"]
        for row in rows
        if row["kind"] == "alert" and row["outcome"] is not None
    }
    lost = [
        f"A: alert {alert} was taken {times} times, with an outcome {ended.get(alert, 0)} times"
        for alert, times in Counter(taken).items()
        if ended.get(alert, 0) < times
    ]
    left = [row for row in rows if row["kind"] in {"alert", "decision"} and row["outcome"] is None]
    return lost + [f"A: {row['kind']} {row['id']} is left open" for row in left]


def _outcomes(rows: list[dict[str, Any]], audit: Counter[int]) -> list[str]:
    """Look for an intent without exactly one outcome."""
    actions = [row for row in rows if row["kind"] == "action"]
    return [
        f"O: intent {row['number']} has {audit[row['id']]} outcomes, in the end {row['outcome']}"
        for row in actions
        if audit[row["id"]] != 1 or row["outcome"] is None
    ]


def _commands(commands: list[Record], rows: list[dict[str, Any]]) -> list[str]:
    """Look at every command that arrived: its intent, and the view it rests on."""
    intents = {row["number"]: row for row in rows if row["kind"] == "action"}
    seen = Counter(command["number"] for command in commands)
    found = [f"T: intent {number} arrived {n} times" for number, n in seen.items() if n > 1]
    for command in commands:
        row = intents.get(command["number"], {})
        verb = {"E": "enable", "D": "disable"}[command["to"]["port"]]
        if (row.get("host"), row.get("verb")) != (command["host"], verb):
            found.append(f"W: {verb} {command['host']} arrived and no intent says so: {row}")
        found += broken(_leaving(command))
    return found


def _leaving(command: Record) -> Leaving:
    age = command["look_age"]
    one, two = (
        Seen(*each[:5])._replace(mode_age=age, port_age=age, age=age) for each in command["seen"]
    )
    host = int(command["host"][-1]) - 1
    small = Command(command["to"]["port"], host, command["as_configured"])
    intent = "o" if command["durable"] else ""
    return Leaving(small, (one, two), age, "e", Unknowns(), None, -1.0, intent, False)


def _unproved(site: Site, rows: list[dict[str, Any]]) -> list[str]:
    """Look for a success that no reading can have shown: the port was never so in that time."""
    offset = time.monotonic() - datetime.now(UTC).timestamp()
    found = []
    records = site.records()
    for row in rows:
        if row["kind"] != "action" or row["outcome"] not in {"verified", "found_done"}:
            continue
        begin, end = (_seconds(row[each]) + offset for each in ("at", "ended_at"))
        moments = [end + TOLERANCE, begin - TOLERANCE]
        moments += [r["at"] for r in records if r["at"] and begin <= r["at"] <= end + TOLERANCE]
        wanted = "E" if row["verb"] == "enable" else "D"
        ports = {truth(records, site.clusters, each)[row["host"]].port for each in moments}
        if wanted not in ports:
            found.append(f"E: intent {row['number']} is {row['outcome']}, the port never was so")
    return found


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _end(site: Site) -> list[str]:
    hosts = site.hosts()
    wrong = [cluster for cluster in site.clusters if not site.is_right(cluster)]
    return [f"5: {cluster} ends wrong: {hosts}" for cluster in wrong]
