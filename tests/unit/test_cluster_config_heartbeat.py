"""What may stand in remediator.heartbeat, and how servers that are asked are told from each other."""

from __future__ import annotations

import pytest

from cluster.config import parse
from cluster.errors import ConfigError
from tests.unit.test_cluster_config_peers import ON_NODE


def problems(remediator: str) -> list[str]:
    """Return what is wrong with a section of the remediator, one line each."""
    with pytest.raises(ConfigError) as refused:
        parse(f"{ON_NODE}remediator: {remediator}\n", "clusters.yml")
    return [str(problem) for problem in refused.value.problems]


def test_everything_that_is_asked_is_found_in_one_place() -> None:
    """So that the secrets and certificates of each are read at the start."""
    config = parse(
        ON_NODE
        + "remediator:\n"
        + "  alertmanagers: [{url: 'https://am:9093', ca_file: am-ca.pem, cert_file: a.pem, key_file: a.key}]\n"
        + "  heartbeat: {url: 'https://switch/ping', alarm_url: 'https://switch/fail', "
        + "bearer_token_file: token, ca_file: ca.pem, alarm_command: [/usr/bin/page, now]}\n",
        "clusters.yml",
    )
    heartbeat = config.remediator.heartbeat
    assert heartbeat is not None
    assert [each.ca_file for each in config.asked] == ["am-ca.pem", "site-ca.pem", "ca.pem"]
    assert (heartbeat.method, heartbeat.alarm_command) == ("GET", ("/usr/bin/page", "now"))
    assert heartbeat.urls == ("https://switch/ping", "https://switch/fail")
    assert heartbeat.asks_for_credentials


def test_without_a_heartbeat_nobody_is_asked_for_it() -> None:
    """The section may be left out."""
    config = parse(ON_NODE, "clusters.yml")
    assert config.remediator.heartbeat is None
    assert config.asked == config.peer_runners


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        (
            "{heartbeat: {method: POST}}",
            "line 22, remediator.heartbeat: does nothing; name url, alarm_url or alarm_command",
        ),
        (
            "{heartbeat: {url: 'http://u:p@switch/'}}",
            "line 22, remediator.heartbeat.url: credentials must not stand in an address; name a "
            "file for them",
        ),
        (
            "{heartbeat: {url: 'https://one/a', alarm_url: 'https://two/a', bearer_token_file: t}}",
            "line 22, remediator.heartbeat: url and alarm_url are of two servers, and both would "
            "be shown the same credentials; leave these out, or use one server",
        ),
        (
            "{heartbeat: {url: 'https://one/a', cert_file: c.pem}}",
            "line 22, remediator.heartbeat: cert_file and key_file go together",
        ),
        (
            "{heartbeat: {url: 'http://one/a', ca_file: ca.pem}}",
            "line 22, remediator.heartbeat.ca_file: it is of no use with http (use https in the url)",
        ),
        (
            "{heartbeat: {alarm_command: [page]}}",
            "line 22, remediator.heartbeat.alarm_command: 'page' is not a full path; write where "
            "the program is",
        ),
        (
            "{heartbeat: {alarm_command: [/usr/bin/page, --token=abc]}}",
            "line 22, remediator.heartbeat.alarm_command: argument 1 looks like a password, which "
            "everybody could read in the process list; name its file as password_file, and let a "
            "script read it from standard input",
        ),
        (
            "{alertmanagers: [{url: 'http://am', cert_file: a.pem, key_file: a.key}]}",
            "line 22, remediator.alertmanagers[0].cert_file: it is of no use with http (use https "
            "in the url)",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(section: str, problem: str) -> None:
    """With its place and what to do."""
    assert problems(section) == [problem]


def test_two_servers_without_credentials_are_two_servers() -> None:
    """Nothing is shown to either."""
    text = "remediator: {heartbeat: {url: 'https://one/a', alarm_url: 'https://two/a'}}\n"
    assert parse(ON_NODE + text, "clusters.yml").remediator.heartbeat is not None
