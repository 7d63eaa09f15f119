"""Edge: plays the three workflows on the running stack and judges them by the world's truth.

Documented: Genesys SIP Server HA Deployment Guide, workflows of manual switchover, primary
failure and primary disconnect. Each is followed by its way back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp

from cluster.clock import Clock, deadline_in
from simulator import demo_measure, truth
from simulator.demo_probe import ANSWER_SECONDS, OptionsProbe
from simulator.demo_report import Result, Workflow, seconds_between
from simulator.demo_stack import Stack
from simulator.management_layer import NotPossibleError
from simulator.world import ClusterRun

POLL_SECONDS = 0.1
LIMIT_SECONDS = 45.0
STEADY_ANSWERS = 10
QUIET_SECONDS = 3.0
PHASE_SECONDS = 1.0  # the interval of scrapes and evaluations


@dataclass(frozen=True, slots=True)
class Play:
    """One operation on the site. moves_mode: whether a mode change must follow."""

    name: str
    operate: Callable[[ClusterRun], object]
    moves_mode: bool = True
    leaves_cut_off: bool = False


WORKFLOWS = (
    (
        Play("manual switchover", lambda cluster: cluster.management.switch_over()),
        Play("switchover back", lambda cluster: cluster.management.switch_over()),
    ),
    (
        Play("primary failure", lambda cluster: cluster.fail()),
        Play("restart as backup", lambda cluster: cluster.restart(), moves_mode=False),
    ),
    (
        Play("primary disconnect", lambda cluster: cluster.disconnect(), leaves_cut_off=True),
        Play("return and demotion", lambda cluster: cluster.reconnect()),
    ),
)


class Player:
    """Plays on one cluster. `title` says what is being played, for the display."""

    def __init__(
        self,
        stack: Stack,
        cluster: ClusterRun,
        probe: OptionsProbe,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        """Play with `stack`; `say` is told what begins and ends."""
        self._stack, self._cluster, self._probe = stack, cluster, probe
        self._clock, self._say = clock, say

    async def play_all(self, done: list[Workflow]) -> None:
        """Play every workflow and its way back, adding each to `done` when both are through."""
        await self._settle(LIMIT_SECONDS)
        for there, back in WORKFLOWS:
            first = await self._play(there)
            done.append(Workflow(first, await self._play(back)))

    async def _play(self, play: Play) -> Result:
        # Each play begins when the one before is right, so its moment would always fall into
        # the same place between two scrapes and the times would not be a fair sample.
        await asyncio.sleep(random.uniform(0.0, PHASE_SECONDS))
        self._say(play.name)
        self._stack.site.advance()
        began = self._clock.now()
        try:
            play.operate(self._cluster)
        except NotPossibleError as error:
            return Result(play.name, None, None, None, 0, ended_right=False, end_state=str(error))
        await self._stack.site.follow()
        changed = await self._mode_change(play)
        why = await self._until_right(play, changed)
        quiet = QUIET_SECONDS + self._stack.site.world.knobs.lag_seconds
        if why is None:
            why = await self._stays_right(play, quiet)
        await asyncio.sleep(ANSWER_SECONDS)
        found = demo_measure.Times(None, None, None)
        before: tuple[str, ...] = ()
        if changed is not None:
            rows = await self._stack.journal(self._cluster.description.name)
            primary = self._cluster.sole_primary() or ""
            found = demo_measure.times(rows, changed, primary)
            before = demo_measure.came_before(rows, began.utc, changed, primary)
        end = self._clock.now().monotonic - ANSWER_SECONDS
        base = changed or began.utc
        return Result(
            name=play.name,
            seconds_to_alert=seconds_between(base, found.alert),
            seconds_to_action=seconds_between(base, found.action),
            seconds_to_verified=seconds_between(base, found.verified),
            options_lost=self._probe.lost_between(began.monotonic, end),
            ended_right=why is None,
            end_state=why or self._left_open(),
            before_mode_change=before,
        )

    async def _mode_change(self, play: Play) -> datetime | None:
        """Wait until a host becomes the only primary; return when it did.

        A host that returns leaves the primary who it was: then it counts from the moment
        at which it is the only one again.
        """
        if not play.moves_mode:
            await self._wait(self._is_sound)
            return None
        since = self._stack.site.advance()
        await self._wait(
            lambda: self._cluster.sole_primary() is not None and self._cluster.primary_since > since
        )
        if self._cluster.sole_primary() is None:
            return None
        return self._stack.site.began + timedelta(seconds=self._cluster.primary_since)

    def _is_sound(self) -> bool:
        hosts = self._cluster.hosts.values()
        return all(host.server.is_running and host.connected for host in hosts)

    async def _until_right(self, play: Play, changed: datetime | None) -> str | None:
        """Wait until ports, answers and journal are right; return what is not, at the limit."""
        if changed is None and play.moves_mode:
            return "no host became the only primary"
        deadline = deadline_in(
            self._clock, LIMIT_SECONDS + 3 * self._stack.site.world.knobs.lag_seconds
        )
        why: str | None = "not looked at yet"
        while deadline.remaining(self._clock.now()) > 0:
            await asyncio.sleep(POLL_SECONDS)
            self._stack.check()
            why = self._why_not_right(play) or await self._why_journal_open(changed)
            if why is None:
                return None
        return why

    async def _stays_right(self, play: Play, seconds: float) -> str | None:
        """Watch for a while that nothing goes wrong again; return what did."""
        deadline = deadline_in(self._clock, seconds)
        while deadline.remaining(self._clock.now()) > 0:
            await asyncio.sleep(POLL_SECONDS)
            self._stack.check()
            why = self._why_not_right(play)
            if why is not None:
                return f"went wrong again: {why}"
        return None

    def _why_not_right(self, play: Play) -> str | None:
        """Return what is wrong by the world's truth, or at the virtual IP; None if nothing."""
        self._stack.site.advance()
        why = truth.why_not_right(self._cluster, leave_out_cut_off=play.leaves_cut_off)
        if why is not None:
            return why
        answers = {sent.host for sent in self._probe.latest(STEADY_ANSWERS)}
        if answers != {self._cluster.sole_primary()}:
            return "SIP OPTIONS are not all answered by the primary"
        return None

    async def _why_journal_open(self, changed: datetime | None) -> str | None:
        """Return what the remediator has not ended yet; None if nothing."""
        if changed is None:
            return None
        try:
            rows = await self._stack.journal(self._cluster.description.name)
        except (aiohttp.ClientError, TimeoutError) as error:
            return f"the journal cannot be read: {error}"
        if not demo_measure.is_all_verified(rows, changed):
            return "the remediator has not ended its action"
        return None

    def _left_open(self) -> str:
        cut_off = [name for name, host in self._cluster.hosts.items() if not host.connected]
        return f"{', '.join(cut_off)} is cut off and cannot be commanded" if cut_off else ""

    async def _settle(self, seconds: float) -> None:
        """Wait until the virtual IP answers steadily, before anything is played."""
        deadline = deadline_in(self._clock, seconds)
        while deadline.remaining(self._clock.now()) > 0:
            await asyncio.sleep(POLL_SECONDS)
            self._stack.check()
            if len(self._probe.latest(STEADY_ANSWERS)) == STEADY_ANSWERS and (
                self._why_not_right(WORKFLOWS[0][0]) is None
            ):
                return

    async def _wait(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, or for the limit; what is not so then shows later."""
        deadline = deadline_in(self._clock, LIMIT_SECONDS)
        while not is_so() and deadline.remaining(self._clock.now()) > 0:
            await asyncio.sleep(POLL_SECONDS)
            self._stack.site.advance()
