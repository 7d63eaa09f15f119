"""Which program a host is asked with where the configuration names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import config
from cluster.clock import SystemClock
from cluster.nlb.back_ends import BACK_ENDS
from cluster.runners.request import Request, Verb
from cluster.surroundings import Surroundings

DATA = Path(__file__).parents[1] / "data" / "config"
REMOTE = "{type: ssh, read: {user: reader}}"


@pytest.mark.parametrize(
    ("back_end", "program"),
    [
        ("nlb", "C:\\Windows\\System32\\nlb.exe"),
        ("cim", "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"),
    ],
)
def test_a_remote_host_is_asked_with_its_own_system_s_program(back_end: str, program: str) -> None:
    """Whatever machine sipnlb runs on, and in no variable that a shell would have to expand."""
    text = (DATA / "sound.yml").read_text("utf-8").replace("{type: local}", REMOTE)
    text = text.replace("nlb: {program: on-porto-2}", f"nlb: {{backend: {back_end}}}")
    cluster = config.parse(text, "clusters.yml").clusters[0]
    given = Surroundings(SystemClock())
    dialect = BACK_ENDS[back_end].dialect(cluster, cluster.hosts[1], given)
    assert dialect.argv(Request(Verb.QUERY))[0] == program
