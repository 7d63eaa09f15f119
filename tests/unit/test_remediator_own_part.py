"""What a remediator on a node carries out, and what it leaves to the one on the other node."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from cluster.clock import deadline_in
from cluster.config_model import Cluster, SipServer
from cluster.config_runners import PeerSettings
from cluster.model import NodeState, PortState, SipMode
from cluster.surroundings import Surroundings
from remediator.__main__ import main
from remediator.journal_schema import Kind
from remediator.look_result import Ending, LookResult
from remediator.looks import Trigger
from remediator.own_part import own_part
from remediator.planner import Action, ActionVerb, Decision, Finding
from remediator.rows import Hold, Row
from remediator.switch import Switch
from tests.unit.fake_pair import CLUSTER, RULE, Bench, FakeClock, FakeHost, bench

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN
E, D = PortState.ENABLED, PortState.DISABLED
OWN, PEER = "sip-west-1", "sip-west-2"


def on_node() -> Cluster:
    """Return the cluster as the first node has it in its configuration."""
    away = CLUSTER.hosts[1].model_copy(
        update={
            "runner": PeerSettings.model_validate(
                {"type": "peer", "url": "https://192.168.9.2:9876", "lag": "3s"}
            ),
            "sip_server": SipServer(application="SIP_2"),
        }
    )
    return CLUSTER.model_copy(update={"hosts": (CLUSTER.hosts[0], away)})


def look(made: Bench, trigger: Trigger = Trigger.ALERT) -> LookResult:
    """Look at the pair from the first node."""
    return made.executor.look(on_node(), trigger, Event())


def will_be(made: Bench, seconds: float, name: str, port: PortState) -> None:
    """Let the remediator on a host switch its port after a while."""
    made.pair.events.append((seconds, lambda: setattr(made.pair.hosts[name], "port", port)))


def test_actions_on_a_peer_become_rows_that_wait_for_it() -> None:
    """The most pressing comes first; what is ours stays as the table said it."""
    ours = Finding(Row.OTHER_OPEN, OWN, RULE, Action(ActionVerb.DISABLE, OWN, RULE))
    theirs = Finding(Row.PRIMARY_CLOSED, PEER, RULE, Action(ActionVerb.ENABLE, PEER, RULE))
    open_peer = Finding(Row.OTHER_OPEN, PEER, RULE, Action(ActionVerb.DISABLE, PEER, RULE))
    right = Finding(Row.RIGHT, None, RULE)

    assert own_part(Decision((theirs, ours)), frozenset({PEER})).findings == (
        ours,
        Finding(Row.PEER_CLOSED, PEER, RULE),
    )
    assert own_part(Decision((open_peer, right)), frozenset({PEER})).findings == (
        Finding(Row.PEER_OPEN, PEER, RULE),
        right,
    )
    assert own_part(Decision((theirs, ours)), frozenset()) == Decision((theirs, ours))


def test_an_own_primary_is_enabled_at_once_and_the_peer_closes_itself(tmp_path: Path) -> None:
    """On the primary's node: enable, then watch until the other remediator has closed its port."""
    made = bench(tmp_path, FakeHost(P, D), FakeHost(B, E))
    will_be(made, 4.0, PEER, D)

    result = look(made)

    assert (result.ending, result.hold) == (Ending.REMEDIATED, None)
    assert made.pair.commands == [f"enable 5060 on {OWN}"]
    assert made.actions() == [(OWN, "enable", "verified")]


def test_an_own_backup_is_disabled_only_once_the_peer_serves(tmp_path: Path) -> None:
    """On the old primary's node: watch until the peer's port is open, then close ours."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D))
    will_be(made, 4.0, PEER, E)
    seen: list[PortState] = []
    made.pair.before_command = lambda _: seen.append(made.two().port)

    result = look(made)

    assert result.ending is Ending.REMEDIATED
    assert made.pair.commands == [f"disable 5060 on {OWN}"]
    assert seen == [E]


@pytest.mark.parametrize(
    ("own", "peer", "hold", "row", "commands", "why"),
    [
        pytest.param(
            (B, E),
            (P, D),
            Hold.PEER_NOT_SEEN_SERVING,
            Row.PEER_CLOSED,
            [],
            "port 5060 on sip-west-2: the primary's port is closed: the remediator on that host "
            "is to enable it",
            id="peer-does-not-open",
        ),
        pytest.param(
            (P, D),
            (B, E),
            Hold.LEFT_TO_PEER,
            Row.PEER_OPEN,
            ["enable 5060 on sip-west-1"],
            "port 5060 on sip-west-2: the port should be closed: the remediator on that host is "
            "to disable it",
            id="peer-does-not-close",
        ),
        pytest.param(
            (P, E),
            (U, E),
            Hold.LEFT_TO_PEER,
            Row.PEER_OPEN,
            [],
            "port 5060 on sip-west-2: the port should be closed: the remediator on that host is "
            "to disable it",
            id="crashed-peer-does-not-close",
        ),
    ],
)
def test_a_peer_without_its_remediator_is_held_after_the_wait(
    tmp_path: Path,
    own: tuple[SipMode, PortState],
    peer: tuple[SipMode, PortState],
    hold: Hold,
    row: Row,
    commands: list[str],
    why: str,
) -> None:
    """After `peer_wait` a person is called; nothing is ever sent to the peer."""
    made = bench(tmp_path, FakeHost(*own), FakeHost(*peer), peer_wait="6s")

    result = look(made)

    assert (result.ending, result.hold, result.decision.row) == (Ending.HELD, hold, row)
    assert result.text == why
    assert made.pair.commands == commands
    assert 6.0 <= made.pair.clock.seconds < 8.0
    assert [note.reason for note in made.journal.open_rows(Kind.PERSON)] == [str(hold)]


def test_a_hold_ends_when_the_peer_has_done_its_part(tmp_path: Path) -> None:
    """The next look of a hold does not wait again, and closes the note once all is right."""
    made = bench(tmp_path, FakeHost(P, E), FakeHost(B, E), peer_wait="6s")
    assert look(made).hold is Hold.LEFT_TO_PEER
    before = made.pair.clock.seconds

    assert look(made, Trigger.HOLD).hold is Hold.LEFT_TO_PEER
    assert made.pair.clock.seconds - before < 0.5

    made.two().port = D
    assert look(made, Trigger.HOLD).ending is Ending.RIGHT
    assert made.journal.open_rows(Kind.PERSON) == []


def test_a_peer_that_cannot_be_read_does_not_close_the_own_port(tmp_path: Path) -> None:
    """Cut off from a peer: a backup closes nothing, since nobody is seen to serve."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, D, reachable=False))

    assert look(made).hold is Hold.PRIMARY_NOT_SEEN
    assert made.pair.commands == []


def test_a_primary_is_opened_though_its_peer_cannot_be_read(tmp_path: Path) -> None:
    """A dead node is the main case; what it left open is noted."""
    made = bench(tmp_path, FakeHost(P, D), FakeHost(B, E, reachable=False))

    assert look(made).hold is Hold.FENCE_PENDING
    assert made.pair.commands == [f"enable 5060 on {OWN}"]


def test_a_peer_that_is_enabled_on_a_dead_node_does_not_serve(tmp_path: Path) -> None:
    """The port alone is no proof: the own one stays open while the peer's node is stopped."""
    made = bench(tmp_path, FakeHost(B, E), FakeHost(P, E, node=NodeState.STOPPED))

    assert look(made).hold is Hold.PRIMARY_NODE_NOT_SERVING
    assert made.pair.commands == []


@pytest.mark.parametrize(("own", "peer"), [((B, E), (P, D)), ((P, D), (B, E)), ((P, E), (B, E))])
def test_level_observe_calls_nobody_for_what_is_left_to_a_peer(
    tmp_path: Path, own: tuple[SipMode, PortState], peer: tuple[SipMode, PortState]
) -> None:
    """It says what its own part would be, at once, and touches nothing."""
    made = bench(tmp_path, FakeHost(*own), FakeHost(*peer), policy={"level": "observe"})

    result = look(made)

    assert (result.ending, made.pair.commands) == (Ending.OBSERVED, [])
    assert {action.host for action in result.decision.actions} <= {OWN}
    assert made.pair.clock.seconds < 0.5


def test_the_switch_has_no_road_to_a_peer() -> None:
    """Even an action that should not exist could not be sent: there is no runner for the host."""
    clock = FakeClock()
    switch = Switch((on_node(),), Surroundings(clock))
    action = Action(ActionVerb.DISABLE, PEER, RULE)

    with pytest.raises(KeyError):
        switch.carry_out("sip-west", action, 7, 1.0, deadline_in(clock, 1.0))


def test_a_peers_secret_is_looked_for_before_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is missing is named by --config.check, not found out in a failover."""
    file = tmp_path / "clusters.yml"
    missing = tmp_path / "exporter-token"
    peer = f"type: peer, url: 'https://192.168.7.12:9876', bearer_token_file: '{missing}'"
    file.write_text(
        "clusters:\n"
        "  - name: porto\n"
        "    virtual_ip: 10.7.0.100\n"
        "    port_rules: [{vip: all, start: 5070, end: 5071, protocol: udp}]\n"
        "    hosts:\n"
        "      - name: porto-1\n"
        "        host_id: 3\n"
        "        address: 10.7.0.11\n"
        "        runner: {type: local}\n"
        "        sip_server:\n"
        "          application: SIP_P\n"
        "          sources: [{type: http, url: 'http://10.7.0.11:8090/serverx'}]\n"
        "      - name: porto-2\n"
        "        host_id: 7\n"
        "        address: 10.7.0.12\n"
        f"        runner: {{{peer}}}\n"
        "        sip_server: {application: SIP_B}\n"
    )

    assert main([f"--config.file={file}", "--config.check"]) == 2
    assert capsys.readouterr().err == (
        f"sipnlb-remediator: {missing}: the secret file cannot be read: "
        "No such file or directory (check path and rights)\n"
    )
