"""A program that stands and is not killed: what becomes of it is done to its journal's file."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from remediator.journal_claim import claim
from remediator.journal_schema import Kind
from remediator.looks import Trigger
from remediator.rows import Hold
from tests.crash.gates import PLACE_BYTES, Gates
from tests.crash.life import Plan, Program, wire
from tests.crash.site import BEGINNINGS, Manner, Site
from tests.unit import remediator_samples as samples

CLUSTER = "quito"
SOON = 15.0  # seconds; far above what anything here takes
MOMENT = 0.15  # seconds in which a look would have sent its command many times over


class Standing:
    """A site and the program on it. journal: another folder for it than the site's."""

    def __init__(self, folder: Path, journal: Path | None = None) -> None:
        self.site = Site(folder / "site")
        self.file = (journal or folder) / "journal.db"
        place = mmap.mmap(-1, PLACE_BYTES)
        self._plan = Plan(folder, (CLUSTER,), Manner(), None, place, journal=self.file)
        self._program: Program | None = None

    def start(self) -> None:
        """Start it as the program does. Raises `JournalError` if it cannot."""
        claimed = claim(f"sqlite:///{self.file}")
        try:
            self._program = wire(self._plan, Gates(None, self._plan.place))
        except BaseException:
            claimed.close()
            raise
        self._claimed = claimed
        self._program.service.start()
        until(lambda: self.program.service.last_look(CLUSTER) is not None)

    @property
    def program(self) -> Program:
        """What runs."""
        assert self._program is not None
        return self._program

    def stop(self) -> None:
        """End it, if it runs."""
        if self._program is not None:
            with closing(self._claimed):
                self._program.stop()
        self._program = None

    def restart(self) -> None:
        """End it and start it again."""
        self.stop()
        self.start()

    def switch_over(self) -> None:
        """Let the modes change places."""
        self.site.happen(BEGINNINGS["switchover"])

    def post(self) -> tuple[int, str]:
        """Send an alert; return the answer's status, and the problem that it names."""
        body = samples.body([samples.sent(samples.labels(CLUSTER))])
        answer = self.program.client.post("/api/v1/alerts", data=body)
        return answer.status_code, str((answer.json or {}).get("error", ""))

    def get(self, path: str) -> tuple[int, str]:
        """Ask; return the answer's status and text."""
        answer = self.program.client.get(path)
        return answer.status_code, answer.text

    def look(self) -> Hold | None:
        """Have the cluster looked at now, whatever the journal says; return why it holds."""
        number = self.program.service.request(CLUSTER, Trigger.RECONCILE)
        until(lambda: self._looked() >= number)
        last = self.program.service.last_look(CLUSTER)
        assert last is not None
        return last.hold

    def _looked(self) -> int:
        last = self.program.service.last_look(CLUSTER)
        return last.number if last else 0

    def ends_right(self) -> None:
        """See that an alert is taken and exactly the primary's port is open soon."""
        assert self.post() == (200, "")
        until(lambda: self.site.is_right(CLUSTER))

    def settle(self) -> None:
        """Wait until no look runs."""
        until(lambda: self.program.service.seconds_to_waiting_look(CLUSTER) != 0.0)

    def outcomes(self, kind: str) -> list[tuple[str, str, str | None]]:
        """Return (host, verb, outcome) of the journal's rows of a kind, oldest first."""
        rows = self.program.journal.rows(kind=Kind(kind))
        return [(row.host, row.verb, row.outcome) for row in reversed(rows)]

    def on_command(self, do: Callable[[], object]) -> None:
        """Have something done whenever a command has arrived at a host."""
        self.program.gates.on("command on its way", do)

    def does_nothing(self) -> bool:
        """Tell whether no command came, now and in a moment."""
        time.sleep(MOMENT)
        return self.site.commands() == []


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fail if it is not so soon."""
    deadline = time.monotonic() + SOON
    while not is_so():
        assert time.monotonic() < deadline, "not so in time"
        time.sleep(0.005)
