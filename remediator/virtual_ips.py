"""Edge: asks a virtual IP whether it answers callers, where that verifies a remediation.

Nothing is ever undone for want of an answer: a person is called. Which virtual IPs did not
answer is remembered, so that they are asked again whatever else may hold before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cluster.clock import Clock, deadline_in
from cluster.config_model import Cluster
from remediator.acting import Caller
from remediator.evidence import describe_answer
from remediator.record import LookRecord


@dataclass(frozen=True, slots=True)
class VirtualIpAnswer:
    """What one question brought. words: in one line, for log and journal."""

    serves: bool
    words: str


class VirtualIps:
    """What asks the virtual IPs of the clusters whose remediations are verified so."""

    def __init__(self, clock: Clock, callers: Mapping[str, Caller], record: LookRecord) -> None:
        """Wire it. callers: by name of the cluster."""
        self._clock = clock
        self._callers = callers
        self._record = record
        self._unanswered: set[str] = set()  # beside the journal's notes: another may replace one

    def ask(self, cluster: Cluster, *, remediated: bool) -> VirtualIpAnswer | None:
        """Ask once; None where there is no reason to. Raises `JournalError`.

        remediated: this look has switched ports. Else it is only asked if it did not answer last.
        """
        name, probe = cluster.name, cluster.service_probe
        if probe is None or name not in self._callers:
            return None
        unanswered = name in self._unanswered or self._record.is_unanswered(name)
        if not remediated and not unanswered:
            return None
        reading = self._callers[name].ask(deadline_in(self._clock, probe.timeout))
        if reading.value.is_serving:
            self._unanswered.discard(name)
        return VirtualIpAnswer(reading.value.is_serving, describe_answer(reading))

    def give_up(self, cluster: str) -> None:
        """Remember that a virtual IP did not answer in the time that it is given."""
        self._unanswered.add(cluster)
