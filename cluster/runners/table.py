"""The table of runners: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from cluster.config_model import Host
from cluster.nlb.dialect import Dialect
from cluster.runners.local import LocalRunner
from cluster.runners.request import Runner
from cluster.surroundings import Surroundings


def _local(_: Host, dialect: Dialect, given: Surroundings) -> Runner:
    return LocalRunner(dialect.argv, given.clock, given.permit, given.group)


RUNNERS: dict[str, Callable[[Host, Dialect, Surroundings], Runner]] = {"local": _local}
"""By ``runner.type``. A runner is made without asking the host anything. ``peer`` is none of
them: a host that is only read (`cluster.host_reader`) has nothing that could be commanded."""
