"""How often each reading of a host is taken."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.config_model import Exporter, Host, Nlb
from exporter.pace import Limits, limits_of, refresh_seconds, timeout_seconds
from exporter.readings import Kind, ReadingKey

SETTINGS = Exporter.model_validate(
    {"refresh": {"sip_server": "2s", "params": "30s"}, "timeout": "3s"}
)
SSH = {"type": "ssh", "read": {"user": "reader"}}
SOURCES = (
    {"type": "http", "url": "http://10.7.0.11:8090/serverx"},
    {
        "type": "log",
        "path": "sip.log",
        "liveness": {"type": "tcp", "port": 2020},
        "refresh": "70ms",
    },
    {"type": "exec", "command": ("/opt/modes",), "refresh": "20s", "timeout": "7s"},
)


def host(runner: dict[str, Any]) -> Host:
    """Return a host with one source of each type."""
    return Host.model_validate(
        {
            "name": "porto-1",
            "host_id": 3,
            "address": "10.7.0.11",
            "runner": runner,
            "sip_server": {"application": "SIP_P", "sources": SOURCES},
        }
    )


@pytest.mark.parametrize(
    ("runner", "key", "seconds"),
    [
        ({"type": "local"}, ReadingKey(Kind.MODE, 0), 2.0),
        ({"type": "local"}, ReadingKey(Kind.MODE, 1), 0.07),
        ({"type": "local"}, ReadingKey(Kind.MODE, 2), 20.0),
        ({"type": "local"}, ReadingKey(Kind.NODE), 1.0),
        (SSH, ReadingKey(Kind.NODE), 5.0),
        (SSH, ReadingKey(Kind.PORT, 0), 5.0),
        (SSH, ReadingKey(Kind.PARAMS), 30.0),
    ],
)
def test_slow_sources_and_runners_have_their_own_pace(
    runner: dict[str, Any], key: ReadingKey, seconds: float
) -> None:
    """A source's own refresh comes before the general one; NLB over a network is read less."""
    assert refresh_seconds(SETTINGS, host(runner), key) == pytest.approx(seconds)


def test_numbers_are_read_less_often_than_text() -> None:
    """Each reading of back end cim starts PowerShell, on the node itself too; params stay."""
    cim = host({"type": "local"}).model_copy(update={"nlb": Nlb(backend="cim")})
    keys = ReadingKey(Kind.NODE), ReadingKey(Kind.PORT, 0), ReadingKey(Kind.PARAMS)
    assert [refresh_seconds(SETTINGS, cim, key) for key in keys] == [5.0, 5.0, 30.0]


def test_a_configured_pace_of_nlb_holds_for_every_runner() -> None:
    """exporter.refresh.nlb is taken as it is written."""
    settings = Exporter.model_validate({"refresh": {"nlb": "4s"}})
    keys = ReadingKey(Kind.NODE), ReadingKey(Kind.PORT, 0)
    assert [refresh_seconds(settings, host(SSH), key) for key in keys] == [4.0, 4.0]


def test_a_value_lasts_three_refreshes_and_a_failure_a_time_out_longer() -> None:
    """How old a reading may be follows its pace."""
    assert limits_of(SETTINGS, host(SSH), ReadingKey(Kind.NODE)) == Limits(15.0, 18.0)
    assert limits_of(SETTINGS, host(SSH), ReadingKey(Kind.MODE, 0)) == Limits(6.0, 9.0)
    assert limits_of(SETTINGS, host(SSH), ReadingKey(Kind.MODE, 2)) == Limits(60.0, 67.0)


def test_no_value_lasts_less_than_a_second() -> None:
    """Three refreshes of a log are less than a busy machine may take for one reading."""
    assert limits_of(SETTINGS, host(SSH), ReadingKey(Kind.MODE, 1)) == Limits(1.0, 4.0)


@pytest.mark.parametrize(
    ("key", "seconds"),
    [
        (ReadingKey(Kind.MODE, 0), 3.0),
        (ReadingKey(Kind.MODE, 1), 3.0),
        (ReadingKey(Kind.MODE, 2), 7.0),
        (ReadingKey(Kind.PORT, 0), 3.0),
    ],
)
def test_a_source_may_have_a_time_out_of_its_own(key: ReadingKey, seconds: float) -> None:
    """A program that logs in somewhere takes longer than exporter.timeout allows."""
    assert timeout_seconds(SETTINGS, host({"type": "local"}), key) == pytest.approx(seconds)
