"""When a log is too old to speak of the present."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from cluster.config_sources import CheckPointLiveness, TcpLiveness
from cluster.model import Problem, Reason
from cluster.sip.liveness import Liveness, liveness_of
from tests.unit import exporter_samples as samples

NOW = samples.BEGIN.utc.replace(tzinfo=None)


def made(settings: dict[str, object]) -> Liveness:
    """Return the check of a source's section."""
    section: TypeAdapter[TcpLiveness | CheckPointLiveness] = TypeAdapter(
        TcpLiveness | CheckPointLiveness
    )
    clock = samples.FakeClock()
    return liveness_of(section.validate_python(settings), "10.7.0.11", clock, live=True)


@pytest.mark.parametrize("kind", [{"type": "tcp", "port": 5070}, {"type": "check_point"}])
def test_a_log_that_does_not_go_on_ages_out(kind: dict[str, object]) -> None:
    """Also while the port accepts: a disk may be full, an option may have been changed."""
    check = made(kind)

    assert check.wants_moment
    assert check.after(NOW - timedelta(minutes=64)) is None
    assert check.after(NOW - timedelta(minutes=66)) == Problem(
        Reason.NOT_ALIVE, f"liveness {kind['type']}: the newest line of the log is 3960 s old"
    )


def test_where_no_check_points_are_written_the_port_alone_counts() -> None:
    """max_age: off."""
    check = made({"type": "tcp", "port": 5070, "max_age": "off"})

    assert (check.wants_moment, check.after(NOW - timedelta(days=7))) == (False, None)


def test_a_log_without_any_date_is_no_reason_where_a_port_accepts() -> None:
    """Without a port it is."""
    nothing = Problem(Reason.NOT_ALIVE, "liveness check_point: no line of the log has a date")

    assert made({"type": "tcp", "port": 5070}).after(None) is None
    assert made({"type": "check_point"}).after(None) == nothing


def test_a_max_age_that_is_none_is_refused() -> None:
    """With what may stand there."""
    with pytest.raises(ValidationError) as refused:
        made({"type": "tcp", "port": 5070, "max_age": "never"})

    assert refused.value.errors()[0]["msg"] == (
        "Value error, neither off nor a duration; write a whole number and a unit: 250ms, 2s, "
        "10m, 1h, 400d"
    )
