"""Checks of the way to a host: every reason of a failed reading falls under one of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import Problem, Reason
from exporter import checks_access as access
from tests.unit import check_samples as check
from tests.unit import exporter_samples as samples

HAND = " (by hand: nlb query)"


def host(reason: Reason, text: str = "") -> dict[str, object]:
    """Return what `told` needs for a host whose NLB readings failed."""
    return {"view": check.failed(samples.primary(), Problem(reason, text))}


def test_a_healthy_host_passes_everything() -> None:
    """Each of the four says so."""
    assert check.told(access.reachable) == ["✓ answers, by runner local"]
    assert check.told(access.utility) == ["✓ answers"]
    assert check.told(access.rights) == ["✓ sufficient to read"]
    assert check.told(access.readable) == ["✓ answers are understood"]


@pytest.mark.parametrize(
    ("runner", "mend"),
    [
        ("runner: {type: local}", "run it by hand on this machine; does it answer?"),
        (
            check.SSH,
            "is the host up, its SSH port open to this machine, its host key in known_hosts, the account's key accepted?",
        ),
        (
            None,
            "does the exporter on that host run, and is its port open to this machine?",
        ),
    ],
)
def test_a_host_that_does_not_answer_is_told_by_its_runner(runner: str | None, mend: str) -> None:
    """What to look at depends on how the host is reached."""
    changes = check.PEER if runner is None else (("runner: {type: local}", runner),)
    config = check.config(*changes)
    found = check.told(access.reachable, config=config, **host(Reason.TIMEOUT, "5.0 s"))
    assert found == [f"✗ nlb query: no answer within the deadline: 5.0 s → {mend}{HAND}"]


def test_without_a_command_none_is_named() -> None:
    """A reading that was given up has no command to type."""
    view = check.failed(samples.primary(), Problem(Reason.UNREACHABLE, ""))
    view = replace(view, node=replace(view.node, command=""))
    assert check.told(access.reachable, view=view) == [
        "✗ nlb query: cannot be reached → run it by hand on this machine; does it answer?"
    ]


def test_one_reading_that_hangs_is_told_though_others_answer() -> None:
    """A host that answers one question is not simply reachable."""
    view = replace(samples.primary(), params=samples.params(problem=check.DEAD))
    assert check.told(access.reachable, view=view) == [
        "✗ nlb params: no answer within the deadline: still running after 5.0 s → "
        "run it by hand on this machine; does it answer? (by hand: nlb params)"
    ]


WINRM = "runner: {type: winrm, read: {endpoint: SipNlbRead}}"


@pytest.mark.parametrize(
    ("runner", "mend"),
    [
        (
            "runner: {type: local}",
            "install the NLB tools on the host (features NLB and RSAT-NLB), or put nlb.program right",
        ),
        (WINRM, "register the endpoint on the host (remediator/windows), or put its name right"),
    ],
)
def test_a_missing_utility_is_told(runner: str, mend: str) -> None:
    """The program, or what stands for it, could not be started."""
    config = check.config(("runner: {type: local}", runner))
    found = check.told(
        access.utility, config=config, **host(Reason.NOT_INSTALLED, "nlb: No such file")
    )
    assert found == [
        f"✗ nlb query: the program cannot be started: nlb: No such file → {mend}{HAND}"
    ]


@pytest.mark.parametrize(
    ("runner", "mend"),
    [
        (
            "runner: {type: local}",
            "run it elevated, as a local Administrator, and let it start the utility",
        ),
        (
            check.SSH,
            "let the account log in with its key, and make it a local Administrator of the host",
        ),
        (WINRM, "let the account's group enter the endpoint (remediator/windows)"),
    ],
)
def test_missing_rights_are_told_with_both_causes(runner: str, mend: str) -> None:
    """One line of the utility stands for both, so the advice names both."""
    config = check.config(("runner: {type: local}", runner))
    assert check.told(access.rights, config=config, **host(Reason.NOT_INSTALLED_OR_DENIED)) == [
        f"✗ nlb query: NLB is not installed on the host or the account lacks rights → {mend}; or the feature NLB is "
        "not installed there, or not bound to the adapter"
    ]


def test_a_peer_that_refuses_is_told_as_rights() -> None:
    """What is missing are the credentials of its exporter."""
    config = check.config(*check.PEER)
    assert check.told(
        access.rights, config=config, **host(Reason.HTTP_STATUS, "HTTP status 401")
    ) == [
        "✗ nlb query: the HTTP status is not 200: HTTP status 401 → "
        "give runner the credentials that the exporter on that host asks for"
    ]


@pytest.mark.parametrize("reason", [Reason.OTHER_HOST, Reason.OTHER_CLUSTER])
def test_two_nodes_with_two_configurations_are_told(reason: Reason) -> None:
    """What does not fit is then a file of ours; what NLB on the peer says is told as everywhere."""
    view = check.failed(samples.primary(), Problem(reason, "all 1-2 udp"))
    refused = replace(view, node=replace(view.node, source="peer"))
    config = check.config(*check.PEER)

    first, second = (
        check.told(access.readable, view=refused, config=config)[0],
        check.told(access.readable, view=view, config=config)[0],
    )

    assert (
        "write cluster and host by the same names, with the same host_id and port_rules, into "
        "clusters.yml of both nodes"
    ) in first
    assert "clusters.yml" not in second


def test_each_way_of_being_unreadable_is_told_once() -> None:
    """Three readings with one problem make one line; what is under another check makes none."""
    view = check.failed(samples.primary(), Problem(Reason.OTHER_HOST, "id 7"))
    view = replace(view, params=samples.params(problem=Problem(Reason.MALFORMED, "no table")))
    view = replace(view, ports=((view.ports[0][0], replace(view.ports[0][1], problem=check.DEAD)),))
    assert check.told(access.readable, view=view) == [
        "✗ nlb query: the answer is of another host than the configured one: id 7 → two hosts with one id never "
        "converge, and a runner or program that leads to another host reads the wrong one: put host_id, runner "
        f"and program right{HAND}",
        "✗ nlb params: the answer is not of its format: no table → see what it prints (by hand: nlb params)",
    ]
    alike = check.failed(samples.primary(), Problem(Reason.UNKNOWN_TEXT, "x"))
    assert len(check.told(access.readable, view=alike)) == 1


@pytest.mark.parametrize(
    ("reason", "asked", "answered", "utility", "admitted"),
    [
        (Reason.BUG, False, False, False, True),
        (Reason.TIMEOUT, True, False, False, False),
        (Reason.UNREACHABLE, True, False, False, False),
        (Reason.NOT_INSTALLED, True, True, False, False),
        (Reason.NOT_INSTALLED_OR_DENIED, True, True, True, False),
        (Reason.UNKNOWN_TEXT, True, True, True, True),
    ],
)
def test_a_check_is_told_only_where_the_ones_before_it_passed(
    reason: Reason, asked: bool, answered: bool, utility: bool, admitted: bool
) -> None:
    """A host that is not reached says nothing of its rights."""
    of = check.of_host(view=check.failed(samples.primary(), Problem(reason, "")))
    assert access.was_asked(of) is asked
    assert access.answered(of) is answered
    assert access.utility_answered(of) is utility
    assert access.admitted(of) is admitted


ONE = "read and act have the same {} → give act an account of its own that alone may enable and disable: whoever takes the exporter's must not be able to switch a port"


@pytest.mark.parametrize(
    ("accounts", "found"),
    [
        ("read: {user: looks}, act: {user: switches}", ["✓ read and act are apart"]),
        ("read: {user: looks}", ["✓ read alone: nothing is changed on this host"]),
        ("read: {user: same}, act: {user: same, key_file: other}", ["✗ " + ONE.format("user")]),
        (
            "read: {user: same, key_file: key}, act: {user: same, key_file: key}",
            ["✗ " + ONE.format("user and key_file")],
        ),
    ],
)
def test_the_accounts_of_exporter_and_remediator_are_apart(accounts: str, found: list[str]) -> None:
    """One account for both would let the exporter switch ports."""
    config = check.config(("runner: {type: local}", f"runner: {{type: ssh, {accounts}}}"))
    assert check.told(access.accounts_apart, config=config) == found


def test_where_ports_are_to_be_changed_an_account_must_be_able_to() -> None:
    """To read alone is right as long as nothing is enforced."""
    runner = ("runner: {type: local}", "runner: {type: ssh, read: {user: looks}}")
    config = check.config(runner, ("clusters:", ENFORCE))
    assert check.told(access.accounts_apart, config=config) == [
        "✗ read alone, and remediator.policy.level is enforce: no account may change a port here "
        "→ add act to the host's runner, or set the level to observe"
    ]


ENFORCE = "remediator: {policy: {level: enforce}}\nclusters:"
TICKET = "! by the Kerberos ticket of the account that each program runs as → run exporter and remediator as two accounts, of which one alone may enter the endpoint that switches ports"


@pytest.mark.parametrize(
    ("accounts", "found"),
    [
        ("read: {endpoint: SipNlbRead}, act: {endpoint: SipNlb}", TICKET),
        (
            "read: {endpoint: R, user: SITE\\looks, password_file: one}, act: {endpoint: S}",
            TICKET,
        ),
        (
            "read: {endpoint: S, user: looks, password_file: one}, act: {endpoint: S, user: acts, password_file: two}",
            "✓ read and act are apart",
        ),
        (
            "read: {endpoint: R, user: SITE\\Ops, password_file: one}, act: {endpoint: S, user: site\\ops, password_file: two}",
            "✗ " + ONE.format("user"),
        ),
        (
            "auth: certificate, read: {endpoint: R, certificate_file: one, key_file: k1}, act: {endpoint: S, certificate_file: two, key_file: k2}",
            "✓ read and act are apart",
        ),
    ],
)
def test_accounts_of_powershell_are_apart_by_user_or_certificate(accounts: str, found: str) -> None:
    """Two endpoints do not make two accounts; whose ticket it is cannot be seen here."""
    config = check.config(("runner: {type: local}", f"runner: {{type: winrm, {accounts}}}"))
    assert check.told(access.accounts_apart, config=config) == [found]


def test_a_local_host_has_no_accounts() -> None:
    """It says nothing of them."""
    assert check.told(access.accounts_apart) == []
