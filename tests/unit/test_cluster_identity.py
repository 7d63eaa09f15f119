"""Whose readings a view holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.identity import of_application, own_readings_only
from cluster.model import NodeState, PortState, Problem, Reason, SipMode, SipStatus
from tests.unit import exporter_samples as samples

FOREIGN = Problem(Reason.OTHER_HOST, "configured is host id 7, the answer is of host id 3")


def test_a_view_of_its_own_host_stays_as_it_is() -> None:
    """Nothing is doubted without a reason."""
    view = samples.healthy().hosts[0]
    assert own_readings_only(view) is view


@pytest.mark.parametrize("which", ["node", "params"])
def test_the_ports_of_another_host_are_not_this_hosts(which: str) -> None:
    """The state of a port does not say whose it is; node and parameters do."""
    view = samples.healthy().hosts[0]
    rule = view.ports[0][0]
    foreign = replace(view, **{which: replace(getattr(view, which), problem=FOREIGN)})

    own = own_readings_only(foreign)

    assert (own.port_state(rule), own.port(rule).problem) == (PortState.UNKNOWN, FOREIGN)
    assert (own.node_state, own.params.value.rules) == (NodeState.UNKNOWN, None)
    assert own.mode is view.mode


def test_a_page_of_another_sip_server_tells_no_mode() -> None:
    """Two swapped addresses must not make the wrong host primary."""
    reading = samples.sip(SipMode.PRIMARY)
    assert of_application(reading, "SIP_P") is reading
    foreign = of_application(reading, "SIP_B")
    assert (foreign.value, foreign.problem) == (
        SipStatus(),
        Problem(
            Reason.OTHER_APPLICATION,
            "configured is application 'SIP_B', the answer is of 'SIP_P'",
        ),
    )


def test_a_source_that_names_no_application_is_taken() -> None:
    """Not every source tells whose mode it gives."""
    reading = samples.sip(SipMode.UNKNOWN)
    assert of_application(reading, "SIP_B") is reading
