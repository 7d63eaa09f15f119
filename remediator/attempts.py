"""How often an action may be tried. Pure: time passed in, in monotonic seconds.

A few tries with growing pauses; then a person is called, and further tries come at long
intervals, or at once when the host reads as it has not read at any failed try. An action is
never tried without end at short intervals, and never given up for good: the port still has to
follow the mode.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.model import HostView
from remediator.planner import Action

SHORT_PAUSES = (0.5, 1.0, 2.0, 4.0)
LONG_PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0)


Appearance = tuple[str, str, str]


def appearance(host: HostView, action: Action) -> Appearance:
    """Return what would make a failed action worth trying again when it is new."""
    port = host.port(action.rule)
    trouble = str(port.problem.reason) if port.problem else ""
    return str(port.value.state), str(host.node_state), trouble


@dataclass(slots=True)
class _Tries:
    failures: int
    not_before: float
    seen: frozenset[Appearance]
    why: str


@dataclass(slots=True)
class Attempts:
    """Failed tries of one cluster's actions. limit: tries before a person is called."""

    limit: int
    _tries: dict[Action, _Tries] = field(default_factory=dict)

    def number(self, action: Action) -> int:
        """Return which try the next one is, from 1."""
        return self._tries[action].failures + 1 if action in self._tries else 1

    def pause(self, action: Action, seen: Appearance, now: float) -> float:
        """Return how many seconds the next try must wait; 0.0 if it may go ahead."""
        tries = self._tries.get(action)
        if tries is None or (self.is_exhausted(action) and seen not in tries.seen):
            return 0.0
        return max(0.0, tries.not_before - now)

    def failed(self, action: Action, seen: Appearance, now: float, jitter: float, why: str) -> None:
        """Note a failed try. jitter: 0.5..1.5, multiplies the pause. why: in words."""
        before = self._tries[action].seen if action in self._tries else frozenset()
        failures = self.number(action)
        if failures < self.limit:
            pause = SHORT_PAUSES[min(failures - 1, len(SHORT_PAUSES) - 1)]
        else:
            pause = LONG_PAUSES[min(failures - self.limit, len(LONG_PAUSES) - 1)]
        self._tries[action] = _Tries(failures, now + pause * jitter, before | {seen}, why)

    def why(self, action: Action) -> str:
        """Say why the last try failed. An action that has not failed: KeyError."""
        return self._tries[action].why

    def is_exhausted(self, action: Action) -> bool:
        """Tell whether a person has to be called."""
        return action in self._tries and self._tries[action].failures >= self.limit

    def done(self, action: Action) -> None:
        """Forget the failures of an action that was verified."""
        self._tries.pop(action, None)

    def clear(self) -> None:
        """Forget all failures: the cluster was read as right, or a person asked to try again."""
        self._tries.clear()
