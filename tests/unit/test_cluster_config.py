"""Configuration: one file per mistake, each with the whole message; a sound file loads whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import config
from cluster.config import load, parse, read_secret
from cluster.config_model import Cluster, Config
from cluster.errors import ClusterError, ConfigError
from cluster.model import PortRule
from tests.unit import exporter_samples as samples

DATA = Path(__file__).parents[1] / "data" / "config"
SOUND = (DATA / "sound.yml").read_text("utf-8")

NAMES = sorted(file.stem for file in DATA.glob("*.yml") if file.stem != "sound")


@pytest.mark.parametrize("name", NAMES)
def test_each_mistake_has_its_message(name: str) -> None:
    """A file with a mistake is refused, and the message names line, key, mistake and mend.

    The problems stand, one a line, in the ``.txt`` beside the file.
    """
    file = DATA / f"{name}.yml"
    messages = file.with_suffix(".txt").read_text("utf-8").splitlines()
    with pytest.raises(ConfigError) as refused:
        load(file)
    count = "1 problem" if len(messages) == 1 else f"{len(messages)} problems"
    lines = "\n".join(f"  {message}" for message in messages)
    assert str(refused.value) == f"{file}: {count}\n{lines}"


def test_a_sound_file_loads_with_every_default() -> None:
    """What the file leaves out has the documented default."""
    loaded = load(DATA / "sound.yml")
    cluster = loaded.clusters[0]
    assert (cluster.name, cluster.operation_mode, cluster.simulated) == ("porto", "unicast", False)
    assert cluster.rules == (PortRule("all", 5070, 5071, "udp"),)
    assert [(host.name, host.host_id, host.nlb.code_page) for host in cluster.hosts] == [
        ("porto-1", 3, "cp437"),
        ("porto-2", 7, "cp437"),
    ]
    assert (cluster.nlb_ip, cluster.largest_lag) == ("10.7.0.100", 10.0)
    refresh = loaded.exporter.refresh
    assert (refresh.sip_server, refresh.nlb, refresh.params) == (1.0, None, 60.0)
    assert (loaded.exporter.timeout, loaded.remediator.policy.level) == (2.0, "observe")
    assert loaded.remediator.policy.settle is None


def test_values_are_kept_in_their_own_units() -> None:
    """Durations of every unit are kept in seconds; addresses and vips in one spelling."""
    text = SOUND.replace("virtual_ip: 10.7.0.100", "virtual_ip: FE80::1\n    cluster_ip: FE80::2")
    text = text.replace("vip: all", "vip: ALL").replace('serverx"}', 'serverx", lag: 250ms}', 1)
    text += """
exporter: {refresh: {sip_server: 2s, nlb: 3m, params: 1h}, timeout: 4s}
remediator:
  policy: {settle: 7s}
  journal: {retention: 400d}
  web: {bearer_token_file: /run/token}
  alertmanagers: [{url: "https://10.7.0.5:9093", basic_auth: {username: u, password_file: p}}]
"""
    loaded = parse(text, "clusters.yml")
    cluster = loaded.clusters[0]
    assert (cluster.virtual_ip, cluster.nlb_ip) == ("fe80::1", "fe80::2")
    assert cluster.port_rules[0].vip == "all"
    assert [host.sip_server.sources[0].lag for host in cluster.hosts] == [0.25, 10.0]
    refresh = loaded.exporter.refresh
    assert (refresh.sip_server, refresh.nlb, refresh.params) == (2.0, 180.0, 3600.0)
    remediator = loaded.remediator
    assert (remediator.policy.settle, remediator.journal.retention) == (7.0, 34_560_000.0)
    assert remediator.web.bearer_token_file == "/run/token"
    assert remediator.alertmanagers[0].basic_auth is not None


def test_settle_may_say_auto() -> None:
    """`auto` is the same as leaving it out."""
    loaded = parse(SOUND + "remediator: {policy: {settle: auto}}\n", "clusters.yml")
    assert loaded.remediator.policy.settle is None


def test_clusters_are_found_by_name() -> None:
    """A cluster is found by its name; another name finds none."""
    loaded = load(DATA / "sound.yml")
    assert isinstance(loaded.cluster("porto"), Cluster)
    assert loaded.cluster("Porto") is None


def test_rules_on_different_addresses_may_share_ports() -> None:
    """Ranges that overlap on different virtual IPs are two rules, if they begin apart."""
    text = SOUND.replace("vip: all", "vip: 10.7.0.100").replace(
        "protocol: udp}",
        "protocol: udp}\n      - {vip: 10.7.0.102, start: 5069, end: 5071, protocol: tcp}",
    )
    assert isinstance(parse(text, "clusters.yml"), Config)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    """Editors on Windows put a mark before the text."""
    file = tmp_path / "clusters.yml"
    file.write_text(SOUND, "utf-8-sig")
    assert load(file) == load(DATA / "sound.yml")


def test_a_file_that_is_not_there_is_told() -> None:
    """The message names the flag that names the file."""
    with pytest.raises(ClusterError) as refused:
        load(Path("/nowhere/clusters.yml"))
    assert str(refused.value) == (
        "/nowhere/clusters.yml: cannot be read: No such file or directory "
        "(name it with --config.file)"
    )


def test_a_file_of_absurd_size_is_refused(tmp_path: Path) -> None:
    """A file larger than any configuration is not parsed."""
    file = tmp_path / "clusters.yml"
    with file.open("wb") as large:
        large.truncate(config.MAX_BYTES + 1)
    with pytest.raises(ClusterError) as refused:
        load(file)
    assert str(refused.value) == f"{file}: is larger than 16777216 bytes (is it the right file?)"


def test_a_secret_is_the_first_line(tmp_path: Path) -> None:
    """A secret is its file's first line without blanks around it."""
    file = tmp_path / "token"
    file.write_bytes(b"\xef\xbb\xbf  s3cret\r\nsecond\r\n")
    assert read_secret(str(file)) == "s3cret"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the secret file cannot be read: No such file or directory (check path and rights)"),
        (b"", "the secret file is empty (put the secret on its first line)"),
        (b" \ns3cret\n", "the secret file is empty (put the secret on its first line)"),
        (b"s3\xff", "the secret file cannot be read: it is not UTF-8 text (check path and rights)"),
    ],
)
def test_an_unusable_secret_is_named_but_never_shown(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    """The error names the file and what is wrong, never what is in it."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ClusterError) as refused:
        read_secret(str(file))
    assert str(refused.value) == f"{file}: {message}"


def test_the_size_is_told_in_words() -> None:
    """What a check prints reads as a sentence."""
    assert samples.config().size == "1 cluster, 2 hosts"
    two = samples.config().model_copy(update={"clusters": samples.config().clusters * 2})
    assert two.size == "2 clusters, 4 hosts"
