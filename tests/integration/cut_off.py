"""A remediator that is cut off from the PostgreSQL that it shares. Not among the quick tests.

.venv/bin/pytest -q tests/integration/cut_off.py
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.replicas import Relay, make_replica, seconds_until, started
from tests.integration.running import RunningSite, until
from tests.integration.test_remediator import TWO, ports
from tests.integration.test_replicas import (
    SECOND,
    SOON,
    running_server,
    server,
    site,
    switch_over,
)
from tests.postgres import PostgresServer

__all__ = ["running_server", "server", "site"]  # pytest finds fixtures by their names here

pytestmark = pytest.mark.integration


def test_who_is_cut_off_from_the_database_lets_the_other_act(
    site: RunningSite,
    server: PostgresServer,
    tmp_path: Path,
) -> None:
    """It knows by its own clock that its lease is over, and says that it is not ready."""
    relay = Relay(server.port)
    one = make_replica("one", site, server, tmp_path, port=relay.port)
    two = make_replica("two", site, server, tmp_path)
    try:
        with started(one, two):
            relay.cut()
            with ThreadPoolExecutor(1) as pool:
                said = pool.submit(one.ready)
                switch_over(site, TWO)
                assert seconds_until(lambda: ports(site) == SECOND) < SOON
                assert said.result()[0] == 503
            assert two.has_lease()
            assert 'actions_total{outcome="verified",verb="enable"} 0.0' in one.metrics()

            relay.heal()
            until(lambda: one.ready()[0] == 200)
            assert not one.has_lease()
    finally:
        relay.close()
