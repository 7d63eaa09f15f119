"""What a peer may have in the configuration, and what it must not."""

from __future__ import annotations

import pytest

from cluster.config import parse
from cluster.errors import ConfigError

ON_NODE = """\
clusters:
  - name: porto
    virtual_ip: 10.7.0.100
    cluster_ip: 10.7.0.101
    port_rules:
      - {vip: all, start: 5070, end: 5071, protocol: udp}
    hosts:
      - name: porto-1
        host_id: 3
        address: 10.7.0.11
        runner: {type: local}
        sip_server:
          application: SIP_P
          sources: [{type: http, url: "http://10.7.0.11:8090/serverx", lag: 4s}]
      - name: porto-2
        host_id: 7
        address: 10.7.0.12
        runner: {type: peer, url: "https://192.168.7.12:9876", ca_file: site-ca.pem}
        sip_server: {application: SIP_B}
exporter:
  web: {basic_auth: {username: node-2, password_file: exporter-password}}
"""


def problems(text: str) -> list[str]:
    """Return what is wrong with a configuration, one line each."""
    with pytest.raises(ConfigError) as refused:
        parse(text, "clusters.yml")
    return [str(problem) for problem in refused.value.problems]


def test_a_node_of_a_pair_needs_of_its_peer_only_where_it_is_read() -> None:
    """Neither sources nor a program are named for a peer; its lag is the largest it may have."""
    config = parse(ON_NODE, "clusters.yml")
    cluster = config.clusters[0]

    assert [host.name for host in cluster.own_hosts] == ["porto-1"]
    assert cluster.peers == {"porto-2"}
    assert [host.largest_lag for host in cluster.hosts] == [4.0, 10.0]
    assert cluster.largest_lag == 10.0
    assert [runner.url for runner in config.peer_runners] == ["https://192.168.7.12:9876"]
    assert config.remediator.peer_wait == 10.0


def test_a_host_that_is_no_peer_needs_a_source() -> None:
    """Nothing else tells its mode."""
    text = ON_NODE.replace('sources: [{type: http, url: "http://10.7.0.11:8090/serverx", lag: 4s}]', "sources: []")  # fmt: skip

    assert problems(text) == [
        "line 14, clusters[0].hosts[0].sip_server.sources: needs at least 1 (add what is missing)"
    ]


def test_a_peer_has_nothing_that_only_its_own_exporter_knows() -> None:
    """Sources and utility of a peer would never be used, and so are refused."""
    text = ON_NODE.replace(
        "{application: SIP_B}",
        '{application: SIP_B, sources: [{type: http, url: "http://10.7.0.12:8090/serverx"}]}\n'
        "        nlb: {code_page: cp850}",
    )

    assert problems(text) == [
        "line 19, clusters[0].hosts[1].sip_server.sources: a peer is read through its own "
        "exporter, which has the sources (leave them out here)",
        "line 20, clusters[0].hosts[1].nlb: a peer is never spoken to; its own exporter knows how "
        "(leave it out here)",
    ]


@pytest.mark.parametrize("address", ["10.7.0.100", "10.7.0.101"])
def test_a_peer_is_not_asked_through_the_address_that_both_have(address: str) -> None:
    """Whoever takes the traffic would answer, which may be the asking node itself."""
    assert problems(ON_NODE.replace("192.168.7.12", address)) == [
        "line 18, clusters[0].hosts[1].runner.url: the exporter would be asked through the "
        "cluster's own address (use the host's address on a network card without NLB)"
    ]


def test_certificates_are_of_no_use_without_https() -> None:
    """Who names them believes that the road is closed."""
    assert problems(ON_NODE.replace("https://", "http://")) == [
        "line 18, clusters[0].hosts[1].runner.ca_file: it is of no use with http "
        "(use https in the url)"
    ]


def test_a_certificate_that_is_shown_is_whole_and_shown_over_https() -> None:
    """Half of one is of no use, and neither is any on an open road."""
    shown = "ca_file: site-ca.pem, cert_file: node-1.pem, key_file: node-1.key"
    assert (
        parse(ON_NODE.replace("ca_file: site-ca.pem", shown), "porto.yml").peer_runners[0].cert_file
    )
    assert problems(ON_NODE.replace("ca_file: site-ca.pem", "key_file: node-1.key")) == [
        "line 18, clusters[0].hosts[1].runner: cert_file and key_file go together"
    ]
    plain = ON_NODE.replace("https://", "http://").replace("ca_file: site-ca.pem", shown)
    assert [line.split(":")[0] for line in problems(plain)] == [
        "line 18, clusters[0].hosts[1].runner.ca_file",
        "line 18, clusters[0].hosts[1].runner.cert_file",
    ]


def test_two_peers_are_not_read_through_one_exporter() -> None:
    """An exporter is asked for the host on which it runs."""
    third = """\
      - name: porto-3
        host_id: 9
        address: 10.7.0.13
        runner: {type: peer, url: "https://192.168.7.12:9876"}
        sip_server: {application: SIP_C}
exporter:"""

    assert problems(ON_NODE.replace("exporter:", third)) == [
        "line 23, clusters[0].hosts[2].runner.url: hosts[1] is read through the same exporter "
        "(name the exporter that runs on the host itself)"
    ]


def test_somebody_must_be_at_home() -> None:
    """A cluster of peers alone could be neither published nor switched."""
    text = ON_NODE.replace(
        "{type: local}", '{type: peer, url: "https://192.168.7.11:9876"}'
    ).replace('application: SIP_P\n          sources: [{type: http, url: "http://10.7.0.11:8090/serverx", lag: 4s}]', "application: SIP_P")  # fmt: skip

    assert problems(text) == [
        "line 7, clusters[0].hosts: every host is a peer, so that nothing can be read or switched "
        "from here (give the host on which this configuration is used runner type local)"
    ]


def test_the_order_on_nodes_is_enable_first() -> None:
    """A node cannot promise to close first what another one opens."""
    text = ON_NODE + "remediator:\n  policy: {order: disable_first}\n"

    assert problems(text) == [
        "line 23, remediator.policy.order: disable_first cannot be kept where another remediator "
        "commands a host (use enable_first: a host is closed when its peer was read as serving)"
    ]
