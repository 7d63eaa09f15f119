"""Runner winrm against a PSRP peer over real HTTP: log-in, refusals, hangs, restarts, sharing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.clock import Deadline, SystemClock, deadline_in
from cluster.config_model import Host
from cluster.config_runners import WinrmSettings
from cluster.errors import ClusterError
from cluster.model import PortRule, Problem, Reason
from cluster.runners.request import Answer, Permit, Request, Verb
from cluster.runners.winrm import WinrmRunner
from cluster.runners.winrm_calls import Call
from cluster.runners.winrm_session import Endpoint, open_session
from cluster.surroundings import Surroundings
from tests.integration.running import until
from tests.integration.running_psrp import PsrpHost, run_psrp_host

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
RULE = PortRule("all", 5060, 5061, "both")
QUERY, QUERYPORT = Request(Verb.QUERY), Request(Verb.QUERYPORT, RULE)
PROGRAM = """#!/bin/sh
printf 'asked %s\\r\\n\\204' "$*"; printf 'aside' >&2; exit 3
"""


def program(directory: Path) -> str:
    """Return the utility of a host: it prints what it was asked, in code page 437."""
    file = directory / "nlb"
    file.write_text(PROGRAM)
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[PsrpHost]:
    """A host that is logged in to with NTLM, every message encrypted, over plain HTTP."""
    with run_psrp_host(tmp_path / "host", program(tmp_path)) as running:
        yield running


@pytest.fixture
def tls_host(tmp_path: Path) -> Iterator[PsrpHost]:
    """A host that is logged in to with certificates, over HTTPS."""
    with run_psrp_host(tmp_path / "tls", program(tmp_path), tls=True) as running:
        yield running


@pytest.fixture
def given() -> Iterator[Surroundings]:
    """Surroundings that may change ports; their sessions end with the test."""
    made = Surroundings(CLOCK, permit=Permit())
    yield made
    made.shared.close()


def runner(given: Surroundings, entry: dict[str, Any], address: str = "127.0.0.1") -> WinrmRunner:
    """Wire the runner of a host's entry."""
    host = {
        "name": "sip-east-1",
        "host_id": 1,
        "address": address,
        "runner": entry,
        "sip_server": {
            "application": "SIP",
            "sources": [{"type": "http", "url": "http://127.0.0.1:1/"}],
        },
    }
    return WinrmRunner(Host.model_validate(host, strict=False), "nlb", given)


def ask(runner: WinrmRunner, request: Request = QUERY, seconds: float = 5.0, **more: Any) -> Answer:
    """Ask, and hold the deadline against the clock."""
    began = time.monotonic()
    answer = runner.run(request, deadline_in(CLOCK, seconds), **more)
    assert time.monotonic() - began < seconds + 0.25
    return answer


def test_what_the_function_returns_comes_back_byte_for_byte(
    host: PsrpHost, given: Surroundings
) -> None:
    """Both streams, the exit status and the call as one would type it."""
    answer = ask(runner(given, host.runner()), QUERYPORT)

    assert (answer.stdout, answer.stderr) == (b"asked queryport 5060\r\n\x84", b"aside")
    assert (answer.exit_status, answer.sent, answer.problem) == (3, True, None)
    assert answer.command == (
        "Invoke-Command -ComputerName 127.0.0.1 -ConfigurationName SipNlbRead "
        "{ Get-SipNlbState -BackEnd nlb -What queryport -Port 5060 -Vip all }"
    )


def test_a_certificate_opens_the_endpoint_over_https(
    tls_host: PsrpHost, given: Surroundings
) -> None:
    """The host shows a certificate of the configured CA, and is shown the account's."""
    answer = ask(runner(given, tls_host.runner()))

    assert (answer.stdout, answer.problem) == (b"asked query\r\n\x84", None)


def test_a_password_opens_the_endpoint_over_https(tmp_path: Path, given: Surroundings) -> None:
    """NTLM, bound to the host's certificate; TLS encrypts, the messages themselves are plain."""
    utility = program(tmp_path)
    with run_psrp_host(tmp_path / "host", utility, tls=True, certificates=False) as host:
        one = runner(given, host.runner())
        answers = [ask(one) for _ in range(2)]

        assert [answer.problem for answer in answers] == [None, None]
        assert host.seen()["opened"] == 1


def test_the_certificate_may_name_the_host_instead_of_its_address(
    tls_host: PsrpHost, given: Surroundings
) -> None:
    """With hostname, the address is connected to and the name is checked."""
    named = tls_host.runner(hostname="sip1.example.com")
    other = tls_host.runner(hostname="sip2.example.com")

    assert ask(runner(given, named)).problem is None
    refused = ask(runner(given, other))
    assert refused.problem is not None
    assert refused.problem.reason is Reason.UNREACHABLE
    assert "sip1.example.com" in refused.problem.text
    assert not refused.sent


def test_a_host_whose_certificate_nobody_signed_is_told_nothing(
    tls_host: PsrpHost, given: Surroundings
) -> None:
    """Without the CA the connection ends before anything is asked."""
    unknown = {key: value for key, value in tls_host.runner().items() if key != "ca_file"}
    answer = ask(runner(given, unknown))

    assert answer.problem == Problem(
        Reason.UNREACHABLE,
        "endpoint SipNlbRead: the host's certificate is refused: "
        "self-signed certificate in certificate chain",
    )
    assert (tls_host.seen()["opened"], answer.sent) == (0, False)


def test_a_client_certificate_of_a_stranger_opens_nothing(
    tls_host: PsrpHost, given: Surroundings
) -> None:
    """A certificate of another CA is not sent past the handshake."""
    stranger = str(tls_host.directory / "stranger.pem")
    entry = tls_host.runner(
        read={"endpoint": "SipNlbRead", "certificate_file": stranger, "key_file": stranger}
    )
    answer = ask(runner(given, entry))

    assert answer.problem is not None
    assert (tls_host.seen()["opened"], answer.sent) == (0, False)


def test_a_wrong_password_is_named_and_not_tried_again_at_once(
    host: PsrpHost, given: Surroundings
) -> None:
    """The readings of several loops make one log-in, so that no account is locked."""
    (host.directory / "read-password").write_text("opensesam\n", "utf-8")
    one = runner(given, host.runner())
    refusal = "endpoint SipNlbRead: the account was refused, or its password, ticket or certificate"

    assert ask(one).problem == Problem(Reason.NOT_INSTALLED_OR_DENIED, refusal)
    again = ask(one)
    assert again.problem == Problem(
        Reason.NOT_INSTALLED_OR_DENIED, f"{refusal}; not tried again for 10 s"
    )
    assert (host.seen()["refused"], again.sent) == (1, False)


def test_an_account_enters_only_its_own_endpoint(host: PsrpHost, given: Surroundings) -> None:
    """The reader is denied the endpoint that acts."""
    entry = host.runner()
    entry["read"]["endpoint"] = "SipNlb"

    assert ask(runner(given, entry)).problem == Problem(
        Reason.NOT_INSTALLED_OR_DENIED, "endpoint SipNlb: access is denied"
    )


def test_an_endpoint_that_is_not_registered_is_named(host: PsrpHost, given: Surroundings) -> None:
    """It tells a host without set-up from one that denies."""
    entry = host.runner()
    entry["read"]["endpoint"] = "SipNlbReed"

    assert ask(runner(given, entry)).problem == Problem(
        Reason.NOT_INSTALLED, "endpoint SipNlbReed is not registered on the host"
    )


def test_a_function_that_is_not_visible_is_named(host: PsrpHost, given: Surroundings) -> None:
    """An act account in the reading endpoint can change nothing there."""
    entry = host.runner()
    entry["act"] = entry["read"]
    acting = runner(given, entry)
    answer = ask(acting, Request(Verb.ENABLE, RULE, number=1938420000011), permit=given.permit)

    assert answer.problem == Problem(
        Reason.NOT_INSTALLED, "Set-SipNlbPort is not visible in the endpoint"
    )
    assert host.seen()["calls"] == []


def test_a_port_outside_the_endpoints_set_is_not_switched(
    host: PsrpHost, given: Surroundings
) -> None:
    """Whatever is configured here, the host's own list decides."""
    request = Request(Verb.DISABLE, PortRule("all", 443, 443, "tcp"), number=1938420000013)
    answer = ask(runner(given, host.runner()), request, permit=given.permit)

    assert answer.problem == Problem(
        Reason.NOT_INSTALLED_OR_DENIED,
        "the endpoint does not permit Set-SipNlbPort -BackEnd nlb -Port 443 -Vip all "
        "-Action disable -Number 1938420000013: Cannot validate argument on parameter 'Port'.",
    )
    assert host.seen()["calls"] == []


def test_a_change_goes_through_the_account_that_acts(host: PsrpHost, given: Surroundings) -> None:
    """Reads and changes have sessions of their own."""
    one = runner(given, host.runner())
    ask(one)
    answer = ask(one, Request(Verb.ENABLE, RULE, number=1938420000011), permit=given.permit)

    assert (answer.stdout, answer.problem) == (b"asked enable 5060\r\n\x84", None)
    assert "-ConfigurationName SipNlb {" in answer.command
    assert (host.seen()["opened"], host.seen()["calls"]) == (
        2,
        ["Get-SipNlbState", "Set-SipNlbPort"],
    )


def test_a_change_that_is_older_than_the_last_is_refused(
    host: PsrpHost, given: Surroundings
) -> None:
    """The utility is not started for it; what is newer is carried out again."""
    one = runner(given, host.runner())
    later, earlier, latest = (Request(Verb.ENABLE, RULE, number=number) for number in (43, 41, 47))
    answers = [ask(one, each, permit=given.permit) for each in (later, earlier, latest)]

    assert [answer.problem for answer in answers] == [
        None,
        Problem(Reason.REFUSED, "the host has seen a later command, number 43; this one has 41"),
        None,
    ]
    assert (answers[1].sent, answers[1].stdout) == (True, b"")
    assert host.seen()["calls"] == ["Set-SipNlbPort"] * 2


def test_without_the_permit_nothing_of_act_is_touched(host: PsrpHost) -> None:
    """The exporter neither opens the acting account's files nor carries out a change."""
    (host.directory / "act-password").unlink()
    given = Surroundings(CLOCK)
    reading = runner(given, host.runner())

    with pytest.raises(PermissionError, match="enable without the permit of this runner"):
        reading.run(
            Request(Verb.ENABLE, RULE, number=1938420000011), deadline_in(CLOCK, 1.0), Permit()
        )
    assert ask(reading).problem is None
    given.shared.close()
    with pytest.raises(ClusterError, match="the secret file cannot be read"):
        runner(replace(given, permit=Permit()), host.runner())


def test_a_hanging_call_is_given_up_at_its_deadline_and_the_next_one_works(
    host: PsrpHost, given: Surroundings
) -> None:
    """The session is thrown away on both sides; what was sent is said to have been."""
    one = runner(given, host.runner())
    ask(one)
    host.set("hang")
    hung = ask(one, seconds=0.5)
    assert hung.problem == Problem(Reason.TIMEOUT, "Get-SipNlbState was still running after 0.5 s")
    assert hung.sent
    until(lambda: [each for each in threading.enumerate() if each.name == "winrm"] == [])
    host.clear("hang")

    assert ask(one).problem is None
    until(lambda: host.seen()["open"] == 1)


def test_hanging_calls_cost_a_bounded_number_of_threads(
    host: PsrpHost, given: Surroundings
) -> None:
    """However often a dead endpoint is asked, and it is told apart from a slow one."""
    one = runner(given, host.runner())
    host.set("hang")
    before = threading.active_count()
    for _ in range(12):
        ask(one, seconds=0.2)
    assert threading.active_count() - before <= 8
    host.clear("hang")

    until(lambda: ask(one).problem is None)


def test_a_change_that_would_come_too_late_is_not_sent(host: PsrpHost, given: Surroundings) -> None:
    """While a session is being opened the readings grow old; the next attempt finds it open."""
    one = runner(given, host.runner())
    host.set("slow", "1.0")
    late = Request(Verb.DISABLE, RULE, deadline_in(CLOCK, 0.3), 1938420000017)
    answer = ask(one, late, permit=given.permit)

    assert answer.problem == Problem(
        Reason.TIMEOUT, "no session was open in time; it goes on being opened"
    )
    assert not answer.sent
    until(lambda: host.seen()["opened"] == 1)
    time.sleep(0.1)
    assert host.seen()["calls"] == []
    again = ask(
        one,
        Request(Verb.DISABLE, RULE, deadline_in(CLOCK, 0.3), 1938420000017),
        permit=given.permit,
    )
    assert (again.problem, host.seen()["opened"]) == (None, 1)


def test_a_restarted_host_is_read_again(host: PsrpHost, given: Surroundings) -> None:
    """Down it is a named problem; up again the old session is replaced within the same reading."""
    one = runner(given, host.runner())
    ask(one)
    until(lambda: host.seen()["finished"] == 1)
    host.stop()
    down = ask(one)
    assert down.problem is not None
    assert (down.problem.reason, down.sent) == (Reason.UNREACHABLE, False)
    host.start()

    assert ask(one).problem is None


@pytest.mark.parametrize("kind", ["host", "tls_host"])
def test_a_session_that_the_host_ended_is_replaced_within_the_same_call(
    kind: str, given: Surroundings, request: pytest.FixtureRequest
) -> None:
    """A change after hours without one is sent once, in a new session."""
    host: PsrpHost = request.getfixturevalue(kind)
    one = runner(given, host.runner())
    enable = Request(Verb.ENABLE, RULE, number=1938420000011)
    ask(one, enable, permit=given.permit)
    until(lambda: host.seen()["finished"] == 1)
    host.stop()
    host.start()
    answer = ask(one, enable, permit=given.permit)

    assert (answer.problem, host.seen()["calls"]) == (None, ["Set-SipNlbPort"])


def test_bytes_of_no_format_are_a_named_problem(host: PsrpHost, given: Surroundings) -> None:
    """Whatever the host sends, in a new session and in one that is open."""
    one = runner(given, host.runner())
    ask(one)
    host.set("garbage")
    for _ in range(2):
        problem = ask(one).problem
        assert problem is not None
        assert problem.reason is Reason.MALFORMED
    host.clear("garbage")

    assert ask(one).problem is None


def test_who_asks_the_same_account_shares_its_sessions(host: PsrpHost, given: Surroundings) -> None:
    """Two readers one after the other are one session; many at once no more than three."""
    runners = [runner(given, host.runner()) for _ in range(2)]
    for each in runners:
        ask(each)
    assert host.seen()["opened"] == 1

    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(ask(runners[0]))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.problem for answer in answers] == [None] * 12
    assert host.seen()["opened"] <= 3


def test_the_sessions_end_with_the_program(host: PsrpHost) -> None:
    """Closing leaves no process behind on the host, and later calls are refused."""
    given = Surroundings(CLOCK)
    one = runner(given, host.runner())
    ask(one)
    given.shared.close()

    assert host.seen()["open"] == 0
    assert ask(one).problem == Problem(Reason.UNREACHABLE, "the program is being stopped")


def test_an_answer_that_is_not_encrypted_is_not_believed(
    host: PsrpHost, given: Surroundings
) -> None:
    """Over plain HTTP encryption is all that tells the host from whoever is in between."""
    one = runner(given, host.runner())
    assert ask(one).problem is None
    until(lambda: host.seen()["finished"] == 1)
    host.set("plain")
    answer = ask(one, QUERYPORT)

    assert (answer.stdout, answer.sent, answer.problem) == (
        b"",
        True,
        Problem(Reason.MALFORMED, "Get-SipNlbState: HTTP status 200 came back without encryption"),
    )
    host.clear("plain")
    assert ask(one).problem is None


def test_a_host_over_plain_http_may_have_a_name(host: PsrpHost, given: Surroundings) -> None:
    """Kerberos needs it; there is no certificate to hold it against."""
    assert ask(runner(given, host.runner(hostname="sip1.example.com"))).problem is None


def test_what_must_be_sent_by_a_moment_is_not_sent_after_it(host: PsrpHost) -> None:
    """Also in a session that is open: its connection may have to be made anew."""
    settings = WinrmSettings.model_validate(host.runner(), strict=False)
    endpoint = Endpoint("127.0.0.1", settings, settings.read, CLOCK)
    session = open_session(endpoint, deadline_in(CLOCK, 5.0))
    call = Call("Get-SipNlbState", (("BackEnd", "nlb"), ("What", "query")))
    late = session.invoke(call, deadline_in(CLOCK, 5.0), Deadline(0.0))
    session.close(deadline_in(CLOCK, 1.0))

    assert (late.sent, late.usable, host.seen()["calls"]) == (False, False, [])
