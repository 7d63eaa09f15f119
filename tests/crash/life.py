"""One life of the program: the real Service, Executor, Actor, Journal and web face, in a fork.

It is wired by the product's own seams: what observes, what switches, what is asked for firing
alerts. Both look at the site's file. It is talked to over a socket, a line of JSON each way.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from mmap import mmap
from pathlib import Path
from threading import Event
from typing import Any

from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from cluster.clock import Deadline, Instant, SystemClock, utc_text
from cluster.config_model import Cluster, Config
from cluster.door import Door
from cluster.model import ClusterView, Problem, Reason
from cluster.runners.request import CommandResult
from remediator.acting import Actor
from remediator.executor import Executor
from remediator.gauges import Gauges
from remediator.journal import Journal
from remediator.journal_claim import claim
from remediator.make_guards import make_guards
from remediator.planner import Action, ActionVerb
from remediator.resync import Resync
from remediator.service import Service
from remediator.switch_answer import Sent, SwitchAnswer
from remediator.web import create_app
from remediator.webhook import Alert
from tests.crash.gates import Gates
from tests.crash.site import Manner, Record, Site, names
from tests.exploration.product import RULE, Seen, host_view
from tests.unit import remediator_samples as samples

SETTINGS = """  policy: {level: enforce, settle: 20ms}
  verify_timeout: 100ms
"""
OPEN = (
    "SELECT count(*) FROM journal WHERE outcome IS NULL AND kind IN ('alert', 'action', 'decision')"
)


@dataclass(frozen=True)
class Parts:
    """The classes that a life is made of, so that a seeded mistake can stand in for one."""

    journal: type[Journal] = Journal
    executor: type[Executor] = Executor
    service: type[Service] = Service


@dataclass(frozen=True)
class Plan:
    """How a life goes.

    kill_at: the boundary at which it ends itself, None for none. journal: the file, where it is
    not in the folder.
    """

    folder: Path
    clusters: tuple[str, ...]
    manner: Manner
    kill_at: str | None
    place: mmap
    parts: Parts = Parts()
    journal: Path | None = None

    @property
    def file(self) -> Path:
        """The journal's file."""
        return self.journal or self.folder / "journal.db"


def configuration(plan: Plan) -> Config:
    """Return the configuration of every life."""
    return samples.config(*plan.clusters, remediator=SETTINGS, journal=plan.file, workers=4)


class Face:
    """What observes and what switches: the site's file, read and appended to."""

    def __init__(self, site: Site, manner: Manner, journal: Path, gates: Gates) -> None:
        self._site, self._manner, self._gates = site, manner, gates
        self._journal = journal
        self._clock = SystemClock()
        self._looked: dict[str, tuple[Instant, list[Seen]]] = {}

    def observe(self, cluster: Cluster, hosts: tuple[str, ...] | None) -> ClusterView:
        """Read some hosts or all of them."""
        self._gates.step("before a look" if hosts is None else "before reading back")
        began = self._clock.now()
        truth = self._site.hosts()
        wanted = [name for name in names(cluster.name) if hosts is None or name in hosts]
        seen = [
            Seen(host.mode, host.port, "S", "T", "T") if host.reachable else Seen()
            for host in (truth[name] for name in wanted)
        ]
        if hosts is None:
            self._looked[cluster.name] = (began, seen)
        views = tuple(
            host_view.__wrapped__(names("quito").index(f"quito{name[-2:]}"), each, began)
            for name, each in zip(wanted, seen, strict=True)
        )
        self._gates.step("after a look" if hosts is None else "after reading back")
        named = tuple(_named(view, name) for view, name in zip(views, wanted, strict=True))
        return ClusterView(cluster.name, (RULE,), named, began, self._clock.now())

    def carry_out(
        self,
        cluster: str,
        action: Action,
        number: int,
        timeout_seconds: float,
        send_before: Deadline,
    ) -> SwitchAnswer:
        """Let a command arrive at its host, in the site's manner."""
        del timeout_seconds
        self._gates.step("before the command")
        now = self._clock.now()
        if send_before.remaining(now) <= 0:
            return SwitchAnswer(Sent.TOO_LATE, "nlb")
        earlier = self._site.commands()
        obeys = sum(each["host"] == action.host for each in earlier) >= self._manner.deaf
        records = [self._command(cluster, action, number, now, obeys)]
        if self._manner.flips and not earlier:
            records += _flip(self._site, cluster, now.monotonic)
        self._site.append(*records)
        self._gates.step("command on its way")
        self._clock.wait(self._manner.seconds, Event())
        self._gates.step("after the command")
        if not self._manner.answers:
            problem = Problem(Reason.TIMEOUT, "no answer")
            return SwitchAnswer(Sent.NO_ANSWER, "nlb", problem=problem)
        return SwitchAnswer(Sent.ANSWERED, "nlb", CommandResult.OK, "done", 0)

    def _command(
        self, cluster: str, action: Action, number: int, now: Instant, obeys: bool
    ) -> Record:
        """Write down a command and all that it rests on."""
        looked, seen = self._looked[cluster]
        letter = "E" if action.verb is ActionVerb.ENABLE else "D"
        return {
            "what": "command",
            "at": now.monotonic + self._manner.seconds if obeys else None,
            "host": action.host,
            "to": {"port": letter},
            "number": number,
            "as_configured": action.rule == RULE,
            "durable": self._is_durable(number),
            "look_age": now.seconds_since(looked),
            "seen": seen,
            "utc": utc_text(now.utc),
        }

    def _is_durable(self, number: int) -> bool:
        """Tell whether another connection finds the intent, open; False where it cannot read."""
        query = "SELECT count(*) FROM journal WHERE number = ? AND outcome IS NULL"
        try:
            with closing(sqlite3.connect(self._journal)) as connection:
                return bool(connection.execute(query, (number,)).fetchone()[0] == 1)
        except sqlite3.DatabaseError:
            return False


def _named(view: Any, name: str) -> Any:
    return replace(view, host=name)


def _flip(site: Site, cluster: str, now: float) -> list[Record]:
    hosts = site.hosts()
    one, two = names(cluster)
    return [
        {"what": "change", "at": now, "host": one, "to": {"mode": hosts[two].mode}},
        {"what": "change", "at": now, "host": two, "to": {"mode": hosts[one].mode}},
    ]


class Alerts(Resync):
    """What Alertmanager says when it is asked: whatever is not right fires."""

    def __init__(self, site: Site, gates: Gates) -> None:
        super().__init__((), site.clusters)
        self._site, self._gates = site, gates

    def firing(self) -> list[Alert]:
        """Return an alert of every cluster whose ports do not follow."""
        self._gates.step("before asking Alertmanager")
        wrong = [cluster for cluster in self._site.clusters if not self._site.is_right(cluster)]
        self._gates.step("after asking Alertmanager")
        return [samples.alert(fingerprint=f"asked {cluster}", on=cluster) for cluster in wrong]


@dataclass
class Program:
    """The wired program, without its process."""

    config: Config
    journal: Journal
    service: Service
    client: FlaskClient
    gates: Gates

    def stop(self) -> None:
        """End it as SIGTERM would."""
        self.service.stop()
        self.journal.close()


def wire(plan: Plan, gates: Gates) -> Program:
    """Open the journal and wire everything around it. Raises `JournalError` if it cannot."""
    config, clock = configuration(plan), SystemClock()
    site = Site(plan.folder / "site", plan.clusters)
    journal = gates.around(plan.parts.journal)(config.remediator.journal.url, clock)
    registry = CollectorRegistry()
    metrics = samples.metrics(registry, config)
    face = Face(site, plan.manner, plan.file, gates)
    actor = Actor(config.remediator, clock, face.observe, face, journal, metrics)
    executor = plan.parts.executor(
        config.remediator,
        clock,
        face.observe,
        actor,
        journal,
        metrics,
        random.Random(7),
        guards=make_guards(config, clock, journal),
    )
    service = plan.parts.service(config, clock, executor, journal, metrics, Alerts(site, gates))
    registry.register(Gauges(config, service))
    door = Door(config.remediator.web, "remediator")
    client = create_app(config, service, metrics, registry, door, clock).test_client()
    return Program(config, journal, service, client, gates)


def live(plan: Plan, channel: socket.socket) -> None:
    """Run the program until it is told to stop, or killed."""
    gates = Gates(plan.kill_at, plan.place)
    gates.watch_transactions()
    file = plan.file
    gates.step("start")
    claimed = claim(f"sqlite:///{file}")
    program = wire(plan, gates)
    gates.step("journal opened")
    audit(file)
    program.service.start()
    gates.step("started")
    lines = channel.makefile("rw", encoding="utf-8")
    _say(lines, {"ready": True})
    for line in lines:
        asked = json.loads(line)
        if "body" in asked:
            gates.step("before the webhook")
            status = program.client.post("/api/v1/alerts", data=asked["body"]).status_code
            gates.step("before the answer")
            _say(lines, {"status": status})
            gates.step("after the answer")
        elif "stop" in asked:
            program.stop()
            claimed.close()
            _say(lines, {"passed": gates.passed})
            os._exit(0)
        else:
            _say(lines, {"quiet": _is_quiet(program.service, plan.clusters, file)})


def _say(lines: Any, answer: Any) -> None:
    lines.write(json.dumps(answer) + "\n")
    lines.flush()


def _is_quiet(service: Service, clusters: tuple[str, ...], file: Path) -> bool:
    """Tell whether no look runs and nothing is open."""
    if any(service.seconds_to_waiting_look(name) == 0.0 for name in clusters):
        return False
    with closing(sqlite3.connect(file)) as connection:
        return bool(connection.execute(OPEN).fetchone()[0] == 0)


def audit(file: Path) -> None:
    """Have the database itself note every change of an action's outcome, in its transaction."""
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        connection.executescript("""
            CREATE TABLE IF NOT EXISTS audit (action INTEGER, outcome TEXT);
            CREATE TRIGGER IF NOT EXISTS audited AFTER UPDATE OF outcome ON journal
            WHEN old.kind = 'action'
            BEGIN INSERT INTO audit VALUES (new.id, new.outcome); END;
            CREATE TRIGGER IF NOT EXISTS unopened AFTER INSERT ON journal
            WHEN new.kind = 'action' AND new.outcome IS NOT NULL
            BEGIN INSERT INTO audit VALUES (new.id, new.outcome); END;
        """)


def forked(plan: Plan) -> tuple[int, socket.socket]:
    """Begin a life in a child; return its process id and the way to talk to it."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child:
        theirs.close()
        return child, ours
    ours.close()
    status = 1
    try:
        live(plan, theirs)
    except BaseException as error:  # noqa: BLE001 - boundary: a fork must not return into the test
        sys.stderr.write(f"a life ended by {type(error).__name__}: {error}\n")
    finally:
        os._exit(status)
