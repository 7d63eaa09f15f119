"""The demonstration runs what is shipped, with only addresses and times replaced."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cluster import config
from cluster.errors import ClusterError
from simulator import demo_configs, demo_files, demo_tools, site_files
from simulator.demo_configs import Addresses
from simulator.description import usual_cluster
from tests.project.rules import with_second_remediator

AT = Addresses(
    ("127.0.0.1:21001",),
    ("127.0.0.1:21002",),
    "127.0.0.1:21003",
    "127.0.0.1:21004",
    "127.0.0.1:21005",
)
ON_NODES = replace(
    AT,
    exporters=("127.0.0.1:21001", "127.0.0.1:21011"),
    remediators=("127.0.0.1:21002", "127.0.0.1:21012"),
)


def without(document, *paths):
    """Return the document with values at these key paths taken out, in every list on the way."""
    for path in paths:
        _take_out(document, path)
    return document


def _take_out(node, path) -> None:
    if isinstance(node, list):
        for child in node:
            _take_out(child, path)
    elif isinstance(node, dict):
        if len(path) == 1:
            node.pop(path[0], None)
        elif path[0] in node:
            _take_out(node[path[0]], path[1:])


def test_prometheus_runs_the_shipped_configuration(tmp_path: Path) -> None:
    """Nothing but targets and intervals differs from the shipped file."""
    made = yaml.safe_load(demo_files.write_prometheus(tmp_path, AT).read_text("utf-8"))
    targets = [job["static_configs"] for job in made["scrape_configs"]]
    assert targets == [[{"targets": ["127.0.0.1:21001"]}], [{"targets": ["127.0.0.1:21002"]}]]
    assert made["alerting"]["alertmanagers"][0]["static_configs"] == [
        {"targets": ["127.0.0.1:21004"]}
    ]
    assert (made["global"]["scrape_interval"], made["global"]["evaluation_interval"]) == (
        "1s",
        "1s",
    )
    changed = (
        ("global", "scrape_interval"),
        ("global", "evaluation_interval"),
        ("scrape_configs", "static_configs"),
        ("scrape_configs", "scrape_interval"),
        ("scrape_configs", "scrape_timeout"),
        ("alerting", "alertmanagers", "static_configs"),
    )
    ship = yaml.safe_load(demo_files.shipped("alertmanager/prometheus.yml").read_text("utf-8"))
    assert without(made, *changed) == without(ship, *changed)


def test_alertmanager_runs_the_shipped_configuration(tmp_path: Path) -> None:
    """Nothing but addresses and the credentials file differs, and nothing leaves loopback."""
    token = tmp_path / "token"
    made = yaml.safe_load(demo_files.write_alertmanager(tmp_path, AT, token).read_text("utf-8"))
    webhooks = [hook for receiver in made["receivers"] for hook in receiver["webhook_configs"]]
    assert [hook["url"] for hook in webhooks] == [
        "http://127.0.0.1:21002/api/v1/alerts",
        "http://127.0.0.1:21005/sipnlb",
    ]
    assert webhooks[0]["http_config"]["authorization"]["credentials_file"] == str(token)
    changed = (
        ("receivers", "webhook_configs", "url"),
        ("receivers", "webhook_configs", "http_config", "authorization", "credentials_file"),
    )
    ship = yaml.safe_load(demo_files.shipped("alertmanager/alertmanager.yml").read_text("utf-8"))
    assert without(made, *changed) == without(ship, *changed)


def test_programs_on_each_node_are_all_scraped(tmp_path: Path) -> None:
    """Each job has every node's program as a target."""
    made = yaml.safe_load(demo_files.write_prometheus(tmp_path, ON_NODES).read_text("utf-8"))

    assert [job["static_configs"] for job in made["scrape_configs"]] == [
        [{"targets": ["127.0.0.1:21001", "127.0.0.1:21011"]}],
        [{"targets": ["127.0.0.1:21002", "127.0.0.1:21012"]}],
    ]


def test_each_remediator_gets_what_the_shipped_file_gives_a_second_one(tmp_path: Path) -> None:
    """It is what a person gets who removes the comment signs; only addresses differ."""
    token = tmp_path / "token"
    made = yaml.safe_load(demo_files.write_alertmanager(tmp_path, ON_NODES, token).read_text())
    text = demo_files.shipped("alertmanager/alertmanager.yml").read_text("utf-8")
    by_hand = yaml.safe_load(with_second_remediator(text))

    assert [hook["url"] for each in made["receivers"] for hook in each["webhook_configs"]] == [
        "http://127.0.0.1:21002/api/v1/alerts",
        "http://127.0.0.1:21012/api/v1/alerts",
        "http://127.0.0.1:21005/sipnlb",
    ]
    where = ("receivers", "webhook_configs", "url"), ("receivers", "webhook_configs", "http_config")
    assert without(made, *where)["receivers"] == without(by_hand, *where)["receivers"]
    routes = [sorted(map(str, each["route"].pop("routes"))) for each in (made, by_hand)]
    assert routes[0] == routes[1]
    assert made["route"] == by_hand["route"]


def test_a_job_without_an_address_is_refused() -> None:
    """A shipped job that the demonstration does not know is a mistake to be mended."""
    document = {
        "global": {},
        "alerting": {"alertmanagers": []},
        "scrape_configs": [{"job_name": "node"}],
    }
    with pytest.raises(ClusterError) as refused:
        demo_configs.redirect_prometheus(document, AT)
    assert str(refused.value) == (
        "alertmanager/prometheus.yml: job 'node' is not part of the demonstration "
        "(give it an address in simulator/demo_configs.py)"
    )


def test_a_receiver_beyond_loopback_is_refused(tmp_path: Path) -> None:
    """A page that would leave the machine is never sent by a demonstration."""
    document = {"receivers": [{"name": "nobody"}, {"name": "desk", "email_configs": []}]}
    with pytest.raises(ClusterError) as refused:
        demo_configs.redirect_alertmanager(document, AT, tmp_path)
    assert str(refused.value) == (
        "alertmanager/alertmanager.yml: receiver 'desk' has email_configs "
        "(the demonstration can send to webhooks alone)"
    )


def test_rules_are_copied_byte_by_byte(tmp_path: Path) -> None:
    """The rules of the demonstration are the shipped ones."""
    demo_files.copy_folders(tmp_path)
    rules = demo_files.shipped("alertmanager/rules")
    assert {file.name: file.read_bytes() for file in (tmp_path / "rules").iterdir()} == {
        file.name: file.read_bytes() for file in rules.iterdir()
    }


def test_the_token_is_its_owners_alone_and_new_each_time(tmp_path: Path) -> None:
    """Nobody else can read the bearer token, and no two demonstrations share one."""
    (tmp_path / "a").mkdir()
    first, second = demo_files.write_token(tmp_path), demo_files.write_token(tmp_path / "a")
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert len(first.read_text("utf-8").strip()) > 40
    assert first.read_text("utf-8") != second.read_text("utf-8")


def test_the_clusters_file_is_accepted_and_marked_as_simulated(tmp_path: Path) -> None:
    """Exporter and remediator get a configuration that they load, with enforcement on."""
    cluster = usual_cluster(7)
    entry = site_files.cluster_entry(
        cluster,
        {host.name: tmp_path / host.name / "nlb" for host in cluster.hosts},
        {
            host.name: [
                {
                    "type": "http",
                    "url": f"http://127.0.0.1:{21006 + number}/serverx",
                    "lag": "2500ms",
                }
            ]
            for number, host in enumerate(cluster.hosts)
        },
        "cp850",
    )
    token = demo_files.write_token(tmp_path)
    file = tmp_path / "clusters.yml"
    made = demo_configs.program_sections(tmp_path / "journal.db", AT.alertmanager, token)
    site_files.write_configuration(file, [entry], made)
    loaded = config.load(file)
    found = loaded.clusters[0]
    assert (found.name, found.simulated, found.largest_lag) == ("sip-008", True, 2.5)
    assert [host.address for host in found.hosts] == ["10.1.7.11", "10.1.7.12"]
    assert (found.hosts[1].nlb.program, found.hosts[1].nlb.code_page) == (
        str(tmp_path / "sip-008-2" / "nlb"),
        "cp850",
    )
    assert loaded.remediator.policy.level == "enforce"
    assert loaded.remediator.journal.url == f"sqlite:///{tmp_path}/journal.db"


def test_a_file_that_is_not_shipped_is_named() -> None:
    """A missing file says which it is."""
    with pytest.raises(ClusterError) as missing:
        demo_files.shipped("alertmanager/nothing.yml")
    assert str(missing.value) == (
        "alertmanager/nothing.yml: is not among the shipped files (install sipnlb again)"
    )


def test_a_program_in_the_checkout_is_found(monkeypatch, tmp_path: Path) -> None:
    """What is not in PATH is taken from the unpacked packages."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    program = tmp_path / "prometheus-alertmanager"
    program.touch(mode=0o700)
    assert demo_tools.find("alertmanager", tools=tmp_path) == program


def test_the_pages_of_an_unpacked_prometheus_are_found(tmp_path: Path) -> None:
    """A link to the unpacked program leads to the pages beside it; elsewhere there are none."""
    program = tmp_path / "root" / "usr" / "bin" / "prometheus"
    program.parent.mkdir(parents=True)
    program.touch()
    link = tmp_path / "prometheus"
    link.symlink_to(program)
    assert demo_tools.unpacked_pages(link) is None

    pages = tmp_path / "root" / "usr" / "share" / "prometheus" / "web"
    pages.mkdir(parents=True)
    assert demo_tools.unpacked_pages(link) == pages


def test_a_missing_program_says_what_to_install(monkeypatch, tmp_path: Path) -> None:
    """Without Prometheus in PATH or in the checkout, the error names the packages."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError) as missing:
        demo_tools.find("alertmanager", tools=tmp_path)
    assert str(missing.value) == (
        "alertmanager: prometheus-alertmanager or alertmanager is not in PATH (install the "
        "Debian packages prometheus and prometheus-alertmanager, or run 'make demo')"
    )
