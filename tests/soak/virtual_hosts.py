"""The hosts as the product reads and commands them, in simulated time.

Bytes come from the simulator's own utility and statistics page and go through the product's own
parsers; only sockets and processes are left out. Every call takes its time, some of them long.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

from cluster.clock import Deadline, Instant
from cluster.config_model import Cluster, Config, Host
from cluster.identity import of_application, own_readings_only
from cluster.model import ClusterView, HostView, Problem, Reading, Reason, SipStatus
from cluster.nlb import phrases
from cluster.nlb.dialect import TextDialect
from cluster.nlb.query import NlbQuery
from cluster.runners.request import Answer, Permit, Request, Verb
from cluster.sip.serverx import parse_serverx
from remediator.planner import Action, ActionVerb
from remediator.switch_answer import Sent, SwitchAnswer
from simulator.faults import NlbFault, PageFault
from simulator.nlb_tool import NlbTool
from simulator.serverx_page import page
from simulator.tool_text import ToolProfile
from simulator.world import HostRun, World
from tests.soak.virtual_time import VirtualTime

LONG_SHARE = 0.005
"""Share of the calls that take up to two seconds for no reason at all."""


class VirtualHosts:
    """All hosts of a site: what takes views, and what carries actions out.

    late: when a reading of a cluster last took longer than a look waits, seconds.
    """

    def __init__(self, world: World, config: Config, time: VirtualTime, random: Random) -> None:
        self._world, self._config = world, config
        self._time, self._random = time, random
        self.late: dict[str, float] = {}
        self._tool = NlbTool(world, ToolProfile(), datetime(2031, 5, 6, 7, 8, 9))  # noqa: DTZ001
        self._dialect = TextDialect("nlb", phrases.load(None), "cp437")

    # -- reading

    def observe(self, cluster: Cluster, names: tuple[str, ...] | None) -> ClusterView:
        """Take a view; every reading is asked now and answered when it is."""
        began = self._time.now()
        deadline = Deadline(began.monotonic + self._config.remediator.look_timeout)
        chosen = [host for host in cluster.hosts if names is None or host.name in names]
        jobs = [
            (self._read_seconds(cluster, host, key), host, key)
            for host in chosen
            for key in ("sip", "node", "port", "params")
        ]
        readings: dict[tuple[str, str], Reading[Any]] = {}
        for seconds, host, key in sorted(jobs, key=lambda job: job[0]):
            self._until(began, min(seconds, self._config.remediator.look_timeout))
            late = seconds > self._config.remediator.look_timeout
            readings[host.name, key] = self._read(cluster, host, key, began, deadline, late)
        views = tuple(
            own_readings_only(
                HostView(
                    host.name,
                    (readings[host.name, "sip"],),
                    readings[host.name, "node"],
                    tuple((rule, readings[host.name, "port"]) for rule in cluster.rules),
                    readings[host.name, "params"],
                )
            )
            for host in chosen
        )
        return ClusterView(cluster.name, cluster.rules, views, began, self._time.now())

    def _until(self, began: Instant, seconds: float) -> None:
        left = seconds - self._time.now().seconds_since(began)
        if left > 0:
            self._time.sleep(left)

    def _run_of(self, cluster: Cluster, host: Host) -> HostRun:
        return self._world.clusters[cluster.name].hosts[host.name]

    def _read_seconds(self, cluster: Cluster, host: Host, key: str) -> float:
        """Draw how long a reading takes; the whole time of the look where no answer comes."""
        run = self._run_of(cluster, host)
        hangs = run.faults.nlb in {NlbFault.HANG, NlbFault.HANG_AFTER} and key != "sip"
        hangs |= run.faults.page is PageFault.HANG and key == "sip"
        limit = self._config.remediator.look_timeout
        if hangs or not run.can_be_asked:
            return limit + 0.01
        seconds = self._seconds_of(cluster, host, key)
        if seconds > limit:
            self.late[cluster.name] = self._time.seconds
        return seconds

    def _seconds_of(self, cluster: Cluster, host: Host, key: str) -> float:
        """Draw how long a call takes, in steps of ten milliseconds."""
        faults, random = self._run_of(cluster, host).faults, self._random
        own = faults.page_latency_seconds if key == "sip" else faults.nlb_latency_seconds
        if random.random() < LONG_SHARE:
            own += random.uniform(0.0, 2.0)
        return own + random.randint(1, 6) / 100

    def _read(
        self, cluster: Cluster, host: Host, key: str, asked: Instant, deadline: Deadline, late: bool
    ) -> Reading[Any]:
        if key == "sip":
            reading = self._page(cluster, host, asked, late)
            return of_application(reading, host.sip_server.application)
        runner = _Runner(self._answer_of(cluster.name, host.name), asked, self._time, late)
        query = NlbQuery(runner, self._dialect.phrases, cluster.nlb_ip, host.host_id, "cp437")
        if key == "port":
            return query.port(cluster.rules[0], deadline)
        return query.node(deadline) if key == "node" else query.params(deadline)

    def _page(self, cluster: Cluster, host: Host, asked: Instant, late: bool) -> Reading[SipStatus]:
        run, now = self._run_of(cluster, host), self._time.now()
        fault, status, problem = run.faults.page, SipStatus(), None
        if late:
            problem = Problem(Reason.TIMEOUT, "no answer")
        elif fault is PageFault.REFUSED or not run.server.is_running:
            problem = Problem(Reason.UNREACHABLE, "connection refused")
        else:
            given = page(run.server, self._world.agenda.now, self._world.knobs, fault, bare=False)
            if fault is PageFault.HTTP_500:
                problem = Problem(Reason.HTTP_STATUS, given.status)
            elif len(given.body) < given.length:
                problem = Problem(Reason.MALFORMED, "the answer ends too early")
            else:
                status, _, problem = parse_serverx(given.body)
        lag = host.sip_server.sources[0].lag
        return Reading(status, "http", asked, now, lag, problem)

    def _answer_of(self, cluster: str, host: str) -> Callable[[Request], tuple[bytes, int] | None]:
        def answer(request: Request) -> tuple[bytes, int] | None:
            given = self._tool.call(cluster, host, "nlb", request.arguments())
            return None if given.hangs else (given.output, given.exit_status)

        return answer

    # -- commanding

    def carry_out(
        self,
        cluster: str,
        action: Action,
        number: int,
        timeout_seconds: float,
        send_before: Deadline,
    ) -> SwitchAnswer:
        """Send one command. One that takes longer than is waited takes effect all the same."""
        verb = Verb.ENABLE if action.verb is ActionVerb.ENABLE else Verb.DISABLE
        request = Request(verb, action.rule, send_before, number)
        if send_before.remaining(self._time.now()) <= 0:
            return SwitchAnswer(Sent.TOO_LATE, "nlb")
        config = self._config.cluster(cluster)
        assert config is not None
        host = next(each for each in config.hosts if each.name == action.host)
        seconds = self._seconds_of(config, host, "nlb")
        if seconds / 2 > timeout_seconds:
            answer_late = self._answer_of(cluster, action.host)
            self._time.at(self._time.seconds + seconds / 2, lambda: _ignore(answer_late(request)))
            self._time.sleep(timeout_seconds)
            return self._unanswered()
        asked = self._time.now()
        self._time.sleep(seconds / 2)
        given = self._answer_of(cluster, action.host)(request)
        if given is None or seconds > timeout_seconds:
            self._time.sleep(timeout_seconds - seconds / 2)
            return self._unanswered()
        self._time.sleep(seconds / 2)
        answer = Answer("nlb", asked, self._time.now(), True, given[0], b"", given[1])
        outcome = self._dialect.outcome(answer)
        return SwitchAnswer(
            Sent.ANSWERED, "nlb", outcome.result, outcome.text, given[1], outcome.failure
        )

    @staticmethod
    def _unanswered() -> SwitchAnswer:
        return SwitchAnswer(Sent.NO_ANSWER, "nlb", problem=Problem(Reason.TIMEOUT, "no answer"))


def _ignore(_: object) -> None:
    """Take an answer for which nobody waits any more."""


class _Runner:
    """Where one reading of NLB is carried out: at this moment, in the simulator's utility."""

    def __init__(
        self,
        answer: Callable[[Request], tuple[bytes, int] | None],
        asked: Instant,
        time: VirtualTime,
        late: bool,
    ) -> None:
        self._answer, self._asked, self._time, self._late = answer, asked, time, late

    def run(self, request: Request, deadline: Deadline, permit: Permit | None = None) -> Answer:
        """Carry out a request that reads."""
        now = self._time.now()
        given = None if self._late else self._answer(request)
        if given is None:
            ended = now.plus(deadline.remaining(now))
            problem = Problem(Reason.TIMEOUT, "no answer")
            return Answer("nlb", self._asked, ended, True, problem=problem)
        return Answer("nlb", self._asked, now, True, given[0], b"", given[1])
