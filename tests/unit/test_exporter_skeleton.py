"""A configuration skeleton made of what hosts report, whole, and filled in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.config import parse
from cluster.errors import ConfigError
from cluster.model import NlbParams, ReportedRule
from exporter.skeleton import Report, skeleton

SIP = ReportedRule("all", 5060, 5061, "both", "multiple", None, None, "single", True)
WEB = ReportedRule("10.7.0.100", 80, 443, "tcp", "single", 4, None, "")
ONE = NlbParams(
    cluster_ip="10.7.0.100",
    host_id=3,
    operation_mode="multicast",
    rules=(WEB, SIP),
    clusters=1,
    host_name="PORTO1",
    dedicated_ip="10.7.0.11",
)
TWO = replace(ONE, host_id=7, host_name="PORTO2", dedicated_ip="10.7.0.12")

WHOLE = """\
# Skeleton of clusters.yml, made of what NLB reports. Every key stands in clusters.example.yml.
# Delete clusters that have no SIP Server, write what is missing where TODO stands, then check the
# file and the hosts:
#   sipnlb-exporter --config.file=clusters.yml --config.check
#   sipnlb-exporter --config.file=clusters.yml check

clusters:

  - name: "nlb-10.7.0.100"                 # label in metrics and alerts; choose one that people know
    virtual_ip: "10.7.0.100"               # address that callers use
    cluster_ip: "10.7.0.100"               # NLB primary IP
    operation_mode: "multicast"            # as all hosts report it
    port_rules:                            # switched as a whole; see that all of its ports are SIP's
      - {vip: "all", start: 5060, end: 5061, protocol: both}
      # also on a host: {vip: "10.7.0.100", start: 80, end: 443, protocol: tcp}
    hosts:
      - name: "PORTO1"                     # label of the host in metrics and alerts
        host_id: 3                         # NLB host priority
        address: "10.7.0.11"               # dedicated address on the NLB adapter, or that of its second network card
        runner: {type: local}              # this machine
        sip_server:
          application:                     # TODO: name of its Application object
          sources:
            - type: http
              url:                         # TODO: http://HOST:HTTP-PORT/serverx, or another source
      # of this host nothing was read; 'nlb params' on it tells more
      - name:                              # TODO: label of the host in metrics and alerts
        host_id: 7                         # NLB host priority
        address:                           # TODO: dedicated address on the NLB adapter, or that of its second network card
        runner:                            # TODO: how it is reached: local, ssh, winrm or peer
        sip_server:
          application:                     # TODO: name of its Application object
          sources:
            - type: http
              url:                         # TODO: http://HOST:HTTP-PORT/serverx, or another source
"""


def lines_of(text: str, key: str) -> list[str]:
    """Return the lines of a key, without their blanks."""
    return [
        " ".join(line.split())
        for line in text.splitlines()
        if line.strip(" -").startswith(key + ":")
    ]


def test_of_this_machine_all_is_written_that_nlb_knows() -> None:
    """Its partner is known by its id alone."""
    assert skeleton((Report(ONE, is_here=True, members=(3, 7)),)) == WHOLE


def test_what_is_missing_is_refused_with_its_line() -> None:
    """Nothing is guessed: until a person has written it the file is no configuration."""
    with pytest.raises(ConfigError) as refused:
        parse(skeleton((Report(ONE), Report(TWO))), "clusters.yml")
    no_value = "has no value (write one; clusters.example.yml shows what may stand there)"
    assert [str(problem) for problem in refused.value.problems] == [
        f"line 20, clusters[0].hosts[0].runner: {no_value}",
        f"line 22, clusters[0].hosts[0].sip_server.application: {no_value}",
        f"line 25, clusters[0].hosts[0].sip_server.sources[0].url: {no_value}",
        f"line 29, clusters[0].hosts[1].runner: {no_value}",
        f"line 31, clusters[0].hosts[1].sip_server.application: {no_value}",
        f"line 34, clusters[0].hosts[1].sip_server.sources[0].url: {no_value}",
    ]


def filled(text: str) -> str:
    """Write what is missing, as a person would."""
    done = []
    for number, line in enumerate(text.splitlines()):
        key, _, rest = line.partition(":")
        values = {
            "runner": f"{{type: ssh, read: {{user: looks{number}}}}}",
            "application": f"SIP_{number}",
            "url": f"http://10.9.9.{number}:8090/serverx",
        }
        missing = "TODO" in rest and key.strip() in values
        done.append(f"{key}: {values[key.strip()]}" if missing else line)
    return "\n".join(done)


def test_once_filled_in_it_is_the_configuration_of_the_hosts() -> None:
    """Strict loading takes it, and everything NLB knows is in it."""
    cluster = parse(filled(skeleton((Report(ONE), Report(TWO)))), "clusters.yml").clusters[0]
    assert (cluster.virtual_ip, cluster.nlb_ip) == ("10.7.0.100", "10.7.0.100")
    assert (cluster.operation_mode, cluster.rules) == ("multicast", (SIP.rule,))
    assert [(host.name, host.host_id, host.address) for host in cluster.hosts] == [
        ("PORTO1", 3, "10.7.0.11"),
        ("PORTO2", 7, "10.7.0.12"),
    ]


def test_a_rule_with_an_address_gives_the_virtual_ip() -> None:
    """Callers use the address that the rule names."""
    params = replace(ONE, rules=(replace(SIP, vip="10.7.0.101"),))
    text = skeleton((Report(params), Report(replace(params, host_id=7))))
    assert lines_of(text, "virtual_ip") == ['virtual_ip: "10.7.0.101" # address that callers use']
    assert lines_of(text, "cluster_ip") == ['cluster_ip: "10.7.0.100" # NLB primary IP']


def test_of_several_addresses_none_is_chosen() -> None:
    """Which of them callers use only a person knows."""
    params = replace(ONE, rules=(replace(SIP, vip="10.7.0.101"), replace(SIP, vip="10.7.0.102")))
    text = skeleton((Report(params), Report(replace(params, host_id=7))))
    assert lines_of(text, "virtual_ip") == ["virtual_ip: # TODO: address that callers use"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ((WEB,), (WEB,)),
        ((SIP,), (replace(SIP, end=5090),)),
        ((SIP,), None),
    ],
    ids=["no-sip", "different", "unread"],
)
def test_rules_are_chosen_only_where_all_hosts_have_the_same_with_sip(
    one: tuple[ReportedRule, ...], two: tuple[ReportedRule, ...] | None
) -> None:
    """Else a person chooses among those that are there."""
    text = skeleton((Report(replace(ONE, rules=one)), Report(replace(TWO, rules=two))))
    assert lines_of(text, "port_rules") == [
        "port_rules: # TODO: the rules that SIP Server's callers use, the same on all"
    ]
    shown = [line.strip() for line in text.splitlines() if "# also on a host: " in line]
    assert len(shown) == len({*one, *(two or ())})


@pytest.mark.parametrize(
    ("one", "two", "line"),
    [
        (
            "unicast",
            "multicast",
            "operation_mode: # TODO: the same on all; hosts report multicast, unicast",
        ),
        (None, None, "operation_mode: # TODO: the same on all; hosts report nothing"),
        (None, "unicast", "operation_mode: # TODO: the same on all; hosts report nothing, unicast"),
    ],
)
def test_an_operation_mode_that_is_not_agreed_is_left_open(
    one: str | None, two: str | None, line: str
) -> None:
    """Which host is right is not guessed."""
    reports = Report(replace(ONE, operation_mode=one)), Report(replace(TWO, operation_mode=two))
    assert lines_of(skeleton(reports), "operation_mode") == [line]


def test_each_nlb_cluster_is_written_by_itself() -> None:
    """Hosts are gathered by cluster, in the order in which they came."""
    other = replace(ONE, cluster_ip="fd00::100", rules=(SIP,))
    text = skeleton((Report(ONE), Report(other), Report(TWO), Report(replace(other, host_id=7))))
    assert [line.partition(" #")[0] for line in lines_of(text, "name")] == [
        '- name: "nlb-10.7.0.100"',
        '- name: "PORTO1"',
        '- name: "PORTO2"',
        '- name: "nlb-fd00--100"',
        '- name: "PORTO1"',
        '- name: "PORTO1"',
    ]


@pytest.mark.parametrize(
    "text", ['x"\n  - evil: 1', 'fe80::1%"evil', "über", "a b", "", None, "-a"]
)
def test_text_of_hosts_stands_in_it_only_in_a_safe_form(text: str | None) -> None:
    """A name or address that is none is left to a person."""
    params = replace(ONE, host_name=text, cluster_ip=text)
    written = skeleton((Report(params),))
    assert "evil" not in written
    assert lines_of(written, "cluster_ip") == ["cluster_ip: # TODO: NLB primary IP"]
    assert lines_of(written, "name")[0] == (
        "- name: # TODO: label in metrics and alerts; choose one that people know"
    )
