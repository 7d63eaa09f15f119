"""The soak with real programs, for a quarter of a minute. The long one is ``make soak``."""

from __future__ import annotations

import pytest

from tests.soak import growth
from tests.soak.incident import Ended
from tests.soak.real_soak import RealPlan, real_soak

pytestmark = pytest.mark.integration


def test_real_programs_end_a_few_incidents_as_they_are_to(real_part) -> None:
    """Switchovers and other hands, with notifications that are lost or come twice."""
    real_part("prometheus")
    real_part("prometheus-alertmanager")
    plan = RealPlan(
        6,
        clusters=2,
        seconds=9.0,
        pause=(1.0, 2.0),
        begin=0.5,
        only=("switchover", "port closed by other hands", "rules re-enabled by a reload"),
    )

    made = real_soak(plan)

    assert (made.report.broken(), made.ended_by_itself) == ([], [])
    assert len(made.report.fates) >= 3
    assert Ended.REPAIRED in {fate.ended for fate in made.report.fates}
    assert made.report.alerts_accepted > 0
    assert len(growth.lines(made.uses)) == 3
