"""Sources `exec` in a configuration: what is taken, beside the mistakes in `tests/data/config`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.config import parse
from cluster.config_sources import ExecSource

SOUND = (Path(__file__).parents[1] / "data" / "config" / "sound.yml").read_text("utf-8")
PAGE = 'sources: [{type: http, url: "http://10.7.0.11:8090/serverx"}]'
LOOKS = "remediator: {look_timeout: 6s, max_age: 8s}\n"


def with_sources(sources: str, more: str = "") -> ExecSource:
    """Return the first source of kind exec where porto-1 has these sources."""
    config = parse(SOUND.replace(PAGE, f"sources: [{sources}]") + more, "clusters.yml")
    found = config.clusters[0].hosts[0].sip_server.sources
    return next(source for source in found if isinstance(source, ExecSource))


def test_a_command_is_taken_with_every_default() -> None:
    """A full path of either system, and arguments as they stand."""
    source = with_sources("{type: exec, command: ['C:\\sipnlb\\m.cmd', -csuser, a b]}")
    assert source == ExecSource(type="exec", command=(r"C:\sipnlb\m.cmd", "-csuser", "a b"))
    assert (source.format, source.password_file, source.lag) == ("mlcmd", None, 0.0)
    assert (source.refresh, source.timeout) == (15.0, 5.0)


@pytest.mark.parametrize(
    ("sources", "more"),
    [
        pytest.param("{type: exec, command: [/opt/m]}", "", id="for-the-exporter-alone"),
        pytest.param("{type: exec, command: [/opt/m]}", LOOKS, id="looks-wait-for-it"),
        pytest.param(
            "{type: http, url: 'http://10.7.0.11/'}, {type: exec, command: [/opt/m]}",
            "remediator: {}\n",
            id="behind-the-page",
        ),
    ],
)
def test_a_program_may_take_longer_than_a_look_waits_where_it_does_not_decide(
    sources: str, more: str
) -> None:
    """Only a first source without which a look knows nothing must be as quick as the look."""
    assert with_sources(sources, more).timeout == pytest.approx(5.0)


def test_one_program_may_tell_of_two_servers() -> None:
    """That is what it is for; only their names must differ."""
    text = SOUND.replace("type: http", "type: exec, command: [/opt/m]")
    for host in ("11", "12"):
        text = text.replace(f', url: "http://10.7.0.{host}:8090/serverx"', "")
    assert len(parse(text, "clusters.yml").clusters[0].hosts) == 2
