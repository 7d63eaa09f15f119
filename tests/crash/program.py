"""The program itself as a process, on a simulated site, killed at drawn moments of remediations.

Each round the modes change places and a webhook tells of it. The process is killed soon after,
started by the test, perhaps killed again, and at last left alone until the ports are right.
A script before each host's utility writes down every command that reaches it.
"""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import requests
import yaml

from tests.crash.life import audit
from tests.integration.running import RunningSite, until
from tests.integration.test_remediator import ONE, TWO, alert, make, payload

START_SECONDS = 1.5
REMEDIATION_SECONDS = 0.45
"""About how long each takes here."""

MOST_KILLS = 3
LATE_SECONDS = 0.5
"""A command that was started before the kill may be written down so long after it."""

SCRIPT = """#!/bin/sh
case "$1" in enable|disable) echo "$(date -u +%s.%N)" {host} "$1" >> {log} ;; esac
exec {program} "$@"
"""
SETTLED = (
    "SELECT count(*) = 0 FROM journal WHERE outcome IS NULL "
    "AND kind IN ('alert', 'action', 'decision')"
)


@dataclass
class Told:
    """What the rounds came to. intents: how many ended how."""

    rounds: int = 0
    kills: int = 0
    taken: int = 0
    commands: int = 0
    seconds: float = 0.0
    intents: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def words(self) -> str:
        """Say it in a line."""
        ends = ", ".join(f"{count} {outcome}" for outcome, count in self.intents.most_common())
        return (
            f"{self.rounds} remediations, {self.kills} kills, {self.taken} alerts taken, "
            f"{self.commands} commands, intents: {ends}, {self.seconds:.0f} s: "
            + ("BROKEN\n" + "\n".join(self.broken) if self.broken else "nothing broken")
        )


class Rounds:
    """Plays rounds on a running site, with one journal for all of them."""

    def __init__(self, site: RunningSite, folder: Path, random: Random) -> None:
        self._site, self._random = site, random
        self._log = folder / "commands.log"
        self._log.touch()
        self._journal = folder / "journal.db"
        self._remediator = make(site, folder, look_timeout="750ms", verify_timeout="2s")
        self._put_scripts(folder)
        self._taken: set[str] = set()
        self._sent = 0
        self._told = Told()

    def play(self, kills: int) -> Told:
        """Play rounds until so many kills have fallen."""
        began = time.monotonic()
        self._remediator.start()
        audit(self._journal)
        try:
            while self._told.kills < kills and not self._told.broken:
                self._round()
        finally:
            self._kill(counted=False)
        self._told.seconds = time.monotonic() - began
        self._told.taken = len(self._taken)
        return self._told

    def _put_scripts(self, folder: Path) -> None:
        """Put a script before the utility of each host."""
        config = yaml.safe_load(self._remediator.configuration.read_text("utf-8"))
        for host in config["clusters"][0]["hosts"]:
            script = folder / f"nlb-{host['name']}"
            given = {"host": host["name"], "log": self._log, "program": host["nlb"]["program"]}
            script.write_text(SCRIPT.format(**{k: _quoted(v) for k, v in given.items()}), "utf-8")
            script.chmod(0o755)
            host["nlb"]["program"] = str(script)
        self._remediator.configuration.write_text(yaml.safe_dump(config), "utf-8")

    def _round(self) -> None:
        before = len(self._commands())
        new, old = (TWO, ONE) if self._site.host(ONE)["mode"] == "primary" else (ONE, TWO)
        assert self._site.post("/api/v1/clusters/sip-east/switchover").ok
        until(lambda: self._modes(new, old) == ("primary", "backup"))
        kills = self._random.randint(1, MOST_KILLS)
        for number in range(kills):
            if number:
                self._remediator.begin()
                time.sleep(self._random.uniform(0.0, START_SECONDS))
            sender = threading.Thread(target=self._send)
            sender.start()
            time.sleep(self._random.uniform(0.0, REMEDIATION_SECONDS))
            self._kill(counted=True)
            sender.join()
        self._remediator.start()
        until(self._send)
        until(lambda: self._is_at_rest(new, old))
        self._told.rounds += 1
        self._judge(before, new, old)

    def _kill(self, *, counted: bool) -> None:
        process = self._remediator.process
        assert process is not None
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        elif counted:
            self._told.broken.append(f"X: it ended by itself with {process.returncode}")
        process.wait()
        self._told.kills += counted

    def _send(self) -> bool:
        """Send an alert as Alertmanager would, and remember whether it was taken."""
        self._sent += 1
        moment = datetime.fromtimestamp(2_000_000_000 + self._sent, UTC)
        starts = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            answer = self._remediator.send(payload(alert(startsAt=starts)))
        except requests.RequestException:
            return False
        if answer.status_code == 200:
            self._taken.add(starts)
        return answer.status_code == 200

    def _is_at_rest(self, new: str, old: str) -> bool:
        ports = tuple(self._site.host(name)["ports"][0]["state"] for name in (new, old))
        with closing(sqlite3.connect(self._journal)) as connection:
            settled = connection.execute(SETTLED).fetchone()[0]
        time.sleep(0.2)
        return ports == ("enabled", "disabled") and bool(settled)

    def _modes(self, *names: str) -> tuple[str, ...]:
        return tuple(self._site.host(name)["mode"] for name in names)

    def _commands(self) -> list[tuple[float, str, str]]:
        """Return (time, host, verb) of every command that reached a host."""
        lines = [line.split() for line in self._log.read_text("utf-8").splitlines()]
        return [(float(moment), host, verb) for moment, host, verb in lines]

    def _judge(self, before: int, new: str, old: str) -> None:
        """Look at what the round left behind. before: how many commands there were before it."""
        with closing(sqlite3.connect(self._journal)) as connection:
            connection.row_factory = sqlite3.Row
            whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
            rows = [dict(row) for row in connection.execute("SELECT * FROM journal")]
            audited = Counter(row["action"] for row in connection.execute("SELECT * FROM audit"))
        found = self._told.broken
        found += [] if whole == "ok" else [f"I: the journal's file is broken: {whole}"]
        ended = {row["starts_at"] for row in rows if row["kind"] == "alert" and row["outcome"]}
        found += [f"A: alert {starts} has no outcome" for starts in self._taken - ended]
        actions = [row for row in rows if row["kind"] == "action"]
        found += [f"O: {row}" for row in actions if not row["outcome"] or audited[row["id"]] != 1]
        commands = self._commands()
        found += _unmeant(commands, actions)
        found += _unordered([each[1:] for each in commands[before:]], new, old)
        self._told.intents = Counter(row["outcome"] for row in actions)
        self._told.commands = len(commands)


def _quoted(value: object) -> str:
    return "'" + str(value).replace("'", "'\\''") + "'"


def _unmeant(commands: list[tuple[float, str, str]], actions: list[dict[str, Any]]) -> list[str]:
    """Look for commands without an intent of their own that was open when they arrived."""
    left = list(actions)
    found = []
    for moment, host, verb in commands:
        meant = [
            row
            for row in left
            if (row["host"], row["verb"]) == (host, verb)
            and _seconds(row["at"]) <= moment + 0.01
            and moment <= _seconds(row["ended_at"]) + LATE_SECONDS
        ]
        if meant:
            left.remove(meant[0])
        else:
            found.append(f"T: {verb} {host} arrived at {moment} on no intent or on a spent one")
    return found


def _unordered(commands: list[tuple[str, str]], new: str, old: str) -> list[str]:
    """Look for commands that the modes of the round do not permit. They stood still in it."""
    found = [
        f"1, 2: {verb} {host} while {new} is the primary"
        for host, verb in commands
        if (host, verb) not in {(new, "enable"), (old, "disable")}
    ]
    if (old, "disable") in commands and commands[0] != (new, "enable"):
        found.append(f"4: {old} was closed before {new} was open")
    return found


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
