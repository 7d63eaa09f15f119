"""What happens to a simulated site without an order, and who may watch it."""

from __future__ import annotations

import pytest

from cluster.model import PortState, SipMode
from simulator.description import usual_site
from simulator.faults import PageFault
from simulator.knobs import quick
from simulator.management_layer import NotPossibleError
from simulator.nlb_node import PortVerb
from simulator.serverx_page import page
from simulator.world import World

ONE, TWO = "sip-east-1", "sip-east-2"


def _world() -> World:
    return World(usual_site(1, quick()))


def test_a_forced_mode_stays_until_the_management_layer_enforces_its_own() -> None:
    """Two primaries stand as long as nobody looks; then the second one is demoted."""
    world = _world()
    cluster = world.cluster("sip-east")

    assert cluster.force(TWO, SipMode.PRIMARY) == TWO
    world.advance(300.0)
    assert [host.server.mode for host in cluster.hosts.values()] == [SipMode.PRIMARY] * 2

    cluster.management.enforce()
    world.advance(302.0)
    assert cluster.hosts[TWO].server.mode is SipMode.BACKUP
    assert cluster.sole_primary() == ONE


def test_a_dead_sip_server_takes_no_mode() -> None:
    """What does not run cannot be forced, and the error says so."""
    cluster = _world().cluster("sip-east")
    cluster.fail(TWO)

    with pytest.raises(NotPossibleError, match=f"^no SIP Server runs on {TWO}$"):
        cluster.force(TWO, SipMode.PRIMARY)


def test_a_stale_page_is_sound_and_a_minute_old() -> None:
    """It tells the mode of then, and nothing in it says how old it is."""
    world = _world()
    cluster = world.cluster("sip-east")
    world.advance(200.0)
    cluster.force(ONE, SipMode.BACKUP)
    server = cluster.hosts[ONE].server

    def role(now: float, fault: PageFault) -> bool:
        return b">Primary (Active)<" in page(server, now, world.knobs, fault, bare=False).body

    assert not role(201.0, PageFault.NONE)
    assert role(201.0, PageFault.STALE)
    assert role(259.0, PageFault.STALE)
    assert not role(261.0, PageFault.STALE)


def test_watchers_are_called_after_every_step_of_the_world() -> None:
    """Between two steps nothing changes unseen."""
    world = _world()
    seen: list[tuple[float, SipMode]] = []
    server = world.cluster("sip-east").hosts[TWO].server
    world.watchers.append(lambda: seen.append((world.agenda.now, server.mode)))

    world.cluster("sip-east").management.switch_over()
    world.advance(5.0)

    assert seen[0] == (1.0, SipMode.PRIMARY)
    assert seen[-1] == (5.0, SipMode.PRIMARY)


def test_an_operation_can_be_watched_before_and_after_it() -> None:
    """Who judges a command sees the site as it is when the command arrives, and then its effect."""
    nlb = _world().cluster("sip-east").nlb
    rule = nlb.nodes[TWO].rules[0]
    seen: list[tuple[str, str, PortVerb, PortState]] = []
    nlb.before_operation = lambda host, verb: seen.append(("before", host, verb, rule.state))
    nlb.after_operation = lambda host, verb: seen.append(("after", host, verb, rule.state))

    nlb.operate(TWO, PortVerb.ENABLE, None, 5060)

    assert seen == [
        ("before", TWO, PortVerb.ENABLE, PortState.DISABLED),
        ("after", TWO, PortVerb.ENABLE, PortState.ENABLED),
    ]
