"""The runner ssh against a real sshd: trust, accounts, deadlines, and what a lost server costs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cluster.clock import Deadline, SystemClock, deadline_in
from cluster.config_model import Cluster
from cluster.errors import ClusterError
from cluster.host_reader import runner_of
from cluster.model import PortRule, Problem, Reason
from cluster.programs import MAX_OUTPUT_BYTES
from cluster.runners.request import Answer, Permit, Request, Runner, Verb
from cluster.runners.ssh_connection import SshPool
from cluster.surroundings import Surroundings
from remediator.planner import Action, ActionVerb
from remediator.switch import Switch
from remediator.switch_answer import Sent
from tests.integration.running import until
from tests.integration.ssh_server import USER, SshServer, run_ssh_server, runner_section

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
RULE = PortRule("all", 5070, 5071, "udp")
QUERY = Request(Verb.QUERY)
ENABLE = Request(Verb.ENABLE, RULE)


@pytest.fixture
def server(real_part: Callable[[str], Path], tmp_path: Path) -> Iterator[SshServer]:
    """A running sshd whose host key is known, with a reader and an operator."""
    for made in run_ssh_server(real_part, tmp_path / "sshd"):
        made.write_known_hosts()
        made.make_key("reader")
        made.make_key("operator")
        yield made


@dataclass
class Bench:
    """Makes runners for one host whose utility is a script, and ends their connections."""

    server: SshServer
    program: Path
    given: Surroundings

    def tool(self, body: str) -> None:
        """Say what the utility does, in the language of /bin/sh."""
        self.program.parent.mkdir(exist_ok=True)
        self.program.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
        self.program.chmod(0o755)

    def hanging_tool(self, first: str = ":") -> None:
        """Let the utility do something and then nothing more."""
        self.tool(f"echo $$ >> '{self.server.directory}/pids'; {first}; exec sleep 60")

    def end(self) -> None:
        """End the connections, and what hangs: the server leaves it running."""
        self.given.shared.close()
        pids = self.server.directory / "pids"
        for pid in pids.read_text().split() if pids.exists() else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def runner(self, permit: Permit | None = None, key: str = "reader", **more: Any) -> Runner:
        """Return a runner as the programs wire it."""
        cluster = self.cluster(key, **more)
        return runner_of(cluster, cluster.hosts[0], replace(self.given, permit=permit))[0]

    def cluster(self, key: str = "reader", **more: Any) -> Cluster:
        """Return the configuration. more: other values of the runner's section; None takes out."""
        section = runner_section(self.server, read=self.account(key)) | more
        section = {name: value for name, value in section.items() if value is not None}
        return Cluster.model_validate(
            {
                "name": "porto",
                "virtual_ip": "10.7.0.100",
                "port_rules": ({"vip": "all", "start": 5070, "end": 5071, "protocol": "udp"},),
                "hosts": tuple(self._host(number, section) for number in (3, 7)),
            }
        )

    def account(self, key: str) -> dict[str, str]:
        """Return an account whose key is one of the server's directory."""
        return {"user": USER, "key_file": str(self.server.directory / key)}

    def _host(self, number: int, section: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": f"porto-{number}",
            "host_id": number,
            "address": f"10.7.0.{number}",
            "runner": section,
            "nlb": {"program": str(self.program)},
            "sip_server": {
                "application": f"SIP_{number}",
                "sources": ({"type": "http", "url": f"http://10.7.0.{number}:8090/serverx"},),
            },
        }


@pytest.fixture
def bench(server: SshServer, tmp_path: Path) -> Iterator[Bench]:
    """A utility whose path has blanks, quotes and signs in it."""
    program = tmp_path / 'it\'s the "old" $HOME & more' / "nlb tool"
    made = Bench(server, program, Surroundings(CLOCK))
    made.tool('echo "$# $1 $2"; echo oops >&2; exit 3')
    yield made
    made.end()


def ask(runner: Runner, seconds: float = 5.0, request: Request = QUERY) -> Answer:
    """Carry out a request that has some seconds."""
    return runner.run(request, deadline_in(CLOCK, seconds))


def problem(reason: Reason, text: str) -> Problem:
    """Return a problem to compare with."""
    return Problem(reason, text)


def test_the_answer_is_whole(bench: Bench) -> None:
    """Both streams, the exit status, when it was asked, and a command a person can type."""
    before = CLOCK.now()
    answer = ask(bench.runner(), request=Request(Verb.QUERYPORT, RULE))
    assert (answer.stdout, answer.stderr, answer.exit_status, answer.problem) == (
        b"2 queryport 5070\n",
        b"oops\n",
        3,
        None,
    )
    assert answer.sent
    assert before.monotonic < answer.asked.monotonic < answer.answered.monotonic
    typed = f"ssh -i {bench.server.directory}/reader -o UserKnownHostsFile={bench.server.directory}/known_hosts"
    again = subprocess.run(
        ["/bin/sh", "-c", answer.command.replace("ssh", typed, 1)],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (again.stdout, again.returncode) == (b"2 queryport 5070\n", 3)


def test_an_unknown_host_is_refused(bench: Bench) -> None:
    """It is told which key it showed and what to do; the account's key was not shown to it."""
    known = bench.server.directory / "known_hosts"
    known.write_text("# nobody\n")
    shown = bench.server.fingerprint(bench.server.directory / "host_key.pub")
    answer = ask(bench.runner())
    assert (answer.sent, answer.problem) == (
        False,
        problem(
            Reason.UNREACHABLE,
            f"127.0.0.1:{bench.server.port}: the host is not in {known}; it shows ssh-ed25519 "
            f"{shown}: compare that with the host's own, then add it (ssh-keyscan prints the line)",
        ),
    )
    assert bench.server.logins() == 0
    known.unlink()
    assert ask(bench.runner()).problem == answer.problem
    bench.server.write_known_hosts()
    assert ask(bench.runner()).problem is None


def test_a_host_with_another_key_is_refused(bench: Bench) -> None:
    """Whoever answers in a host's place is not believed, nor given a login."""
    bench.server.kill()
    bench.server.new_host_key()
    bench.server.start()
    shown = bench.server.fingerprint(bench.server.directory / "host_key.pub")
    known = bench.server.directory / "known_hosts"
    assert ask(bench.runner()).problem == problem(
        Reason.UNREACHABLE,
        f"127.0.0.1:{bench.server.port}: the host shows ssh-ed25519 {shown}, which is not the key "
        f"of {known}: another machine answers, or its keys were made anew",
    )
    assert bench.server.logins() == 0


def test_a_fingerprint_stands_for_known_hosts(bench: Bench) -> None:
    """The right one lets in, a wrong one says so."""
    shown = bench.server.fingerprint(bench.server.directory / "host_key.pub")
    wrong = "SHA256:" + "x" * 43
    assert ask(bench.runner(known_hosts=None, host_key=shown)).problem is None
    assert ask(bench.runner(known_hosts=None, host_key=wrong)).problem == problem(
        Reason.UNREACHABLE,
        f"127.0.0.1:{bench.server.port}: the host shows ssh-ed25519 {shown}, which is not the key "
        f"of {wrong}: another machine answers, or its keys were made anew",
    )


def test_a_key_that_the_host_does_not_know_is_refused_by_it(bench: Bench) -> None:
    """The message names user and key, the reason is that of missing rights."""
    stranger = bench.server.make_key("stranger")
    answer = ask(bench.runner(key="stranger"))
    assert (answer.sent, answer.problem) == (
        False,
        problem(
            Reason.NOT_INSTALLED_OR_DENIED,
            f"127.0.0.1:{bench.server.port} refuses user {USER} with {stranger}",
        ),
    )


def test_a_key_with_a_passphrase_is_opened_by_its_file(bench: Bench, tmp_path: Path) -> None:
    """The passphrase is the first line of a file; a wrong one is refused when sipnlb starts."""
    key = bench.server.make_key("locked", passphrase="open sesame")
    phrase = tmp_path / "phrase"
    phrase.write_text("open sesame\n")
    account = bench.account("locked") | {"key_passphrase_file": str(phrase)}
    assert ask(bench.runner(read=account)).problem is None
    bench.given.shared.close()
    phrase.write_text("open barley\n")
    with pytest.raises(ClusterError) as refused:
        bench.runner(read=account)
    assert str(refused.value) == (
        f"{key}: this is no private key that can be opened: Incorrect passphrase "
        "(name the private key, and the file of its passphrase if it has one)"
    )


def test_a_key_that_cannot_be_read_stops_the_start(bench: Bench) -> None:
    """A remediator whose key is gone must not find out in the middle of a failover."""
    with pytest.raises(ClusterError) as refused:
        bench.runner(Permit(), act=bench.account("gone"))
    assert str(refused.value) == (
        f"{bench.server.directory}/gone: the key of user {USER} cannot be read: No such file or "
        "directory (sipnlb needs the file and the right to read it when it starts)"
    )


def test_keys_of_an_agent_are_used(
    bench: Bench, real_part: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without key_file the agent signs; without an agent the problem says what is missing."""
    account = {"user": USER}
    place = bench.server.directory / "agent"
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert ask(bench.runner(read=account)).problem == problem(
        Reason.NOT_INSTALLED_OR_DENIED,
        f"user {USER} has no key_file, and no SSH agent answers: Agent not found",
    )
    agent = subprocess.Popen(
        [real_part("ssh-agent"), "-D", "-a", str(place)], stdout=subprocess.DEVNULL
    )
    try:
        until(place.exists)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        assert ask(bench.runner(read=account)).problem == problem(
            Reason.NOT_INSTALLED_OR_DENIED,
            f"user {USER} has no key_file, and the SSH agent holds no key",
        )
        key = bench.server.directory / "reader"
        subprocess.run([real_part("ssh-add"), "-q", str(key)], check=True)
        assert ask(bench.runner(read=account)).problem is None
        assert bench.server.logins(key) == 1
    finally:
        agent.terminate()
        agent.wait()


def test_reading_never_opens_the_acting_account(bench: Bench) -> None:
    """The exporter's runner does not touch the key that may switch, and refuses to switch."""
    runner = bench.runner(act=bench.account("there is no such key"))
    assert ask(runner).problem is None
    with pytest.raises(PermissionError):
        runner.run(ENABLE, deadline_in(CLOCK, 1.0), Permit())
    assert bench.server.logins() == 1


def test_changes_go_through_the_acting_account_alone(bench: Bench) -> None:
    """Each account has a connection of its own."""
    permit, operator = Permit(), bench.server.directory / "operator"
    runner = bench.runner(permit, act=bench.account("operator"))
    assert ask(runner).problem is None
    assert bench.server.logins(operator) == 0
    answer = runner.run(ENABLE, deadline_in(CLOCK, 5.0), permit)
    assert (answer.stdout, answer.sent, answer.problem) == (b"2 enable 5070\n", True, None)
    assert (bench.server.logins(operator), bench.server.logins()) == (1, 2)
    with pytest.raises(PermissionError):
        runner.run(ENABLE, deadline_in(CLOCK, 1.0), Permit())


def test_without_an_acting_account_nothing_is_switched(bench: Bench) -> None:
    """The refusal says what is missing, and that nothing was sent."""
    permit = Permit()
    answer = bench.runner(permit).run(ENABLE, deadline_in(CLOCK, 1.0), permit)
    assert (answer.sent, answer.problem) == (
        False,
        problem(
            Reason.NOT_INSTALLED_OR_DENIED,
            "no account may change a port here: add act to the host's runner",
        ),
    )
    assert bench.server.logins() == 0


def test_a_command_that_hangs_is_given_up(bench: Bench) -> None:
    """At the deadline the reading ends, the host is asked to end the command, the next works.

    This sshd, without privilege separation for its own user, only notes that it was asked.
    """
    runner = bench.runner()
    assert ask(runner).problem is None
    bench.hanging_tool("echo begun")
    began = time.monotonic()
    answer = ask(runner, 0.5)
    assert 0.5 <= time.monotonic() - began < 0.75
    assert (answer.sent, answer.stdout, answer.exit_status) == (True, b"begun\n", None)
    assert answer.problem == problem(
        Reason.TIMEOUT,
        f"127.0.0.1:{bench.server.port}: the command was still running after 0.5 s",
    )
    until(lambda: "session signalling requires privilege separation" in bench.server.log())
    bench.tool("echo fine")
    assert ask(runner).stdout == b"fine\n"


def test_commands_that_hang_do_not_use_up_the_connection(bench: Bench) -> None:
    """A server that allows ten sessions, all of them stuck, still answers the next reading."""
    runner = bench.runner()
    bench.hanging_tool()
    with ThreadPoolExecutor(11) as pool:
        answers = list(pool.map(lambda _: ask(runner, 0.4), range(11)))
    assert {answer.problem.reason for answer in answers if answer.problem} == {Reason.TIMEOUT}
    bench.tool("echo fine")
    assert ask(runner).stdout == b"fine\n"


def test_a_host_is_not_filled_with_commands_that_hang(bench: Bench) -> None:
    """After a dozen in a row it is asked only now and then, and says so at once."""
    runner = bench.runner()
    bench.hanging_tool()
    answers = []
    for _ in range(4):
        with ThreadPoolExecutor(4) as pool:
            answers += list(pool.map(lambda _: ask(runner, 0.3), range(4)))
    sent = [answer for answer in answers if answer.sent]
    assert len(sent) == 13
    assert answers[-1].problem == problem(
        Reason.BUSY,
        f"127.0.0.1:{bench.server.port}: 12 commands in a row hang there; next try in 5 s",
    )


def test_a_command_without_exit_status_is_an_answer(bench: Bench) -> None:
    """What a signal ended has printed something; its status is None."""
    shell = "case $(cat /proc/$PPID/comm) in sshd*) echo $$;; *) echo $PPID;; esac"
    bench.tool(f"echo so far; kill -9 $({shell})")
    answer = ask(bench.runner())
    assert (answer.stdout, answer.exit_status, answer.problem) == (b"so far\n", None, None)


def test_a_flood_is_cut(bench: Bench) -> None:
    """What is beyond the cap is read and dropped, on both streams."""
    size = MAX_OUTPUT_BYTES + 70_000
    bench.tool(f"head -c {size} /dev/zero; head -c {size} /dev/zero >&2")
    answer = ask(bench.runner())
    assert (len(answer.stdout), len(answer.stderr)) == (MAX_OUTPUT_BYTES, MAX_OUTPUT_BYTES)
    assert answer.problem == problem(Reason.TOO_LARGE, "the command printed more than expected")


def test_many_readings_share_one_connection(bench: Bench) -> None:
    """Side by side or one after the other, of both hosts' readers: one login."""
    bench.tool('echo "$2"')
    runners = [bench.runner(), bench.runner()]

    def read(number: int) -> bool:
        rule = PortRule("all", number, number, "udp")
        answer = ask(runners[number % 2], 10.0, Request(Verb.QUERYPORT, rule))
        return (answer.stdout, answer.problem) == (f"{number}\n".encode(), None)

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(read, range(1, 201)))
    assert bench.server.logins() == 1


def test_a_command_that_could_not_leave_is_tried_once_more(bench: Bench) -> None:
    """A connection that takes no further command is replaced; no reading is lost by it."""
    bench.server.kill()
    bench.server.more = "MaxSessions 3\n"
    bench.server.start()
    bench.tool("sleep 0.3; echo fine")
    runner = bench.runner()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(runner), range(4)))
    assert [answer.stdout for answer in answers] == [b"fine\n"] * 4
    assert bench.server.logins() == 2


def test_a_server_that_was_killed_is_found_again(bench: Bench) -> None:
    """A command under way says that its connection was lost; while nobody listens the problem
    is named; the first reading after the restart works.
    """
    runner = bench.runner()
    assert ask(runner).problem is None
    bench.hanging_tool()
    place = f"127.0.0.1:{bench.server.port}"
    threading.Timer(0.4, bench.server.kill).start()
    answer = ask(runner)
    assert (answer.sent, answer.problem) == (
        True,
        problem(Reason.UNREACHABLE, f"{place}: the connection was lost before the command ended"),
    )
    until(lambda: bench.server.process is None)
    assert len((bench.server.directory / "pids").read_text().split()) == 1, "sent once alone"
    answer = ask(runner)
    assert (answer.sent, answer.problem) == (
        False,
        problem(Reason.UNREACHABLE, f"{place}: Connection refused"),
    )
    bench.tool("echo back")
    bench.server.start()
    assert ask(runner).stdout == b"back\n"


def test_a_frozen_server_costs_only_the_deadline(bench: Bench) -> None:
    """Nothing that was sent is sent again; a new connection finds the server when it goes on."""
    runner = bench.runner()
    assert ask(runner).problem is None
    assert bench.server.process is not None
    session = _session_of(bench.server.process.pid)
    os.kill(session, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = ask(runner, 0.4)
        assert time.monotonic() - began < 0.65
        assert (answer.sent, answer.problem) == (
            False,
            problem(
                Reason.TIMEOUT,
                f"127.0.0.1:{bench.server.port}: the command could not be sent within 0.4 s",
            ),
        )
        assert ask(runner).problem is None
        assert bench.server.logins() == 2
    finally:
        os.kill(session, signal.SIGCONT)


def _session_of(sshd: int) -> int:
    """Return the process that serves the one connection."""
    children = Path(f"/proc/{sshd}/task/{sshd}/children")
    until(lambda: len(children.read_text().split()) == 1)
    child = int(children.read_text())
    below = Path(f"/proc/{child}/task/{child}/children").read_text().split()
    return int(below[0]) if below else child


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listener that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_connection_that_does_not_open_holds_no_reading(
    bench: Bench, silent: socket.socket
) -> None:
    """Readings end at their deadlines, opening at its own; nothing was sent."""
    port = silent.getsockname()[1]
    runner = bench.runner(port=port, connect_timeout="1s")
    began = time.monotonic()
    answer = ask(runner, 0.3)
    assert time.monotonic() - began < 0.55
    assert (answer.sent, answer.problem) == (
        False,
        problem(Reason.TIMEOUT, f"127.0.0.1:{port}: still connecting after 0.3 s"),
    )
    answer = ask(runner, 3.0)
    assert time.monotonic() - began < 1.5
    assert answer.problem == problem(Reason.TIMEOUT, f"127.0.0.1:{port}: no connection within 1 s")


def test_a_change_that_would_be_late_is_not_sent(bench: Bench, tmp_path: Path) -> None:
    """Its readings grow old while the connection opens; the next attempt finds it open."""
    bench.tool(f"echo $1 >> '{tmp_path}/done'")
    permit = Permit()
    runner = bench.runner(permit, act=bench.account("operator"))
    now = CLOCK.now()
    soon = replace(ENABLE, send_before=Deadline(now.monotonic + 0.005))
    answer = runner.run(soon, deadline_in(CLOCK, 5.0), permit)
    assert answer.answered.seconds_since(now) < 0.3
    assert not answer.sent
    assert answer.problem is not None
    assert answer.problem.reason is Reason.TIMEOUT
    until(lambda: bench.server.logins() == 1)
    later = replace(ENABLE, send_before=deadline_in(CLOCK, 1.0))
    assert runner.run(later, deadline_in(CLOCK, 5.0), permit).problem is None
    assert (tmp_path / "done").read_text() == "enable\n"
    assert bench.server.logins() == 1


def test_time_that_the_connections_lose_counts(bench: Bench, tmp_path: Path) -> None:
    """They share one thread: a change that waited for it is held to the moment all the same."""
    bench.tool(f"echo $1 >> '{tmp_path}/done'")
    permit = Permit()
    runner = bench.runner(permit, act=bench.account("operator"))
    assert runner.run(ENABLE, deadline_in(CLOCK, 5.0), permit).problem is None
    pool = bench.given.shared.get("ssh", lambda: SshPool(CLOCK))
    pool._loop.call_soon_threadsafe(time.sleep, 0.6)  # what other hosts cost
    soon = replace(ENABLE, send_before=deadline_in(CLOCK, 0.2))
    assert not runner.run(soon, deadline_in(CLOCK, 5.0), permit).sent
    assert (tmp_path / "done").read_text() == "enable\n"


def test_the_switch_calls_a_late_command_late(bench: Bench) -> None:
    """So that the cluster is looked at again at once, without counting a failed try."""
    switch = Switch((bench.cluster(act=bench.account("operator")),), bench.given)
    action = Action(ActionVerb.ENABLE, "porto-3", RULE)
    soon = Deadline(CLOCK.now().monotonic + 0.005)
    assert switch.carry_out("porto", action, 7, 5.0, soon).sent is Sent.TOO_LATE
    until(lambda: bench.server.logins() == 1)
    answer = switch.carry_out("porto", action, 7, 5.0, deadline_in(CLOCK, 1.0))
    assert (answer.sent, answer.exit_status) == (Sent.ANSWERED, 3)
    bench.server.kill()
    answer = switch.carry_out("porto", action, 7, 5.0, deadline_in(CLOCK, 1.0))
    assert answer.sent is Sent.NOT_SENT


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-1.5-old\r\n",
        b"SSH-2.0-x\r\n" + bytes(range(256)),
        b"SSH-2.0-x\r\n\xff\xff\xff\xff" + b"y" * 4000,
        b"z" * 100_000,
    ],
    ids=["nothing", "http", "version-1", "noise", "length", "endless"],
)
def test_whatever_answers_there_is_a_named_problem(
    bench: Bench, silent: socket.socket, said: bytes
) -> None:
    """Bytes that are no SSH give no answer, within the deadline, and no other exception."""

    def serve() -> None:
        connection, _ = silent.accept()
        with connection:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(3.0)
            while connection.recv(4096):
                pass

    threading.Thread(target=serve, daemon=True).start()
    answer = ask(bench.runner(port=silent.getsockname()[1]), 2.0)
    assert answer.problem is not None
    assert answer.problem.reason is Reason.UNREACHABLE
    assert not answer.sent
    assert (answer.stdout, answer.stderr) == (b"", b"")


def test_the_end_of_the_program_ends_what_is_under_way(bench: Bench) -> None:
    """Closing what is shared waits for nobody; later requests are refused."""
    bench.hanging_tool()
    runner = bench.runner()
    threading.Timer(0.5, bench.given.shared.close).start()
    began = time.monotonic()
    answer = ask(runner, 30.0)
    assert time.monotonic() - began < 2.0
    assert answer.problem is not None
    assert ask(runner).problem == problem(Reason.UNREACHABLE, "sipnlb is ending")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """Only a configuration that needs it asks for the extra."""
    for name in ("ssh", "ssh_connection", "ssh_login"):
        monkeypatch.delitem(sys.modules, f"cluster.runners.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    with pytest.raises(ClusterError) as refused:
        bench.runner()
    assert str(refused.value) == (
        "porto-3: runner ssh needs the library asyncssh (install sipnlb with its extra ssh, "
        "as in pip install '.[ssh]')"
    )
