"""Edge: mode source ``exec``, a program that prints the modes of all SIP Servers.

``mlcmd -getallappstatus`` tells what Solution Control Server believes; any script of a site
may take its place (`cluster.sip.mlcmd` has both forms). Such a call is dear (mlcmd logs in to
Configuration Server and Solution Control Server, some seconds, assumed), so one call serves
every host and cluster with the same command, and no two of them run at once.

The exporter takes an answer that is younger than ``refresh``. A look never does: its answer is
from a call that began after the look asked. If another call is under way then, the look waits
for its end and shares the next, so that it may take twice as long as the command.

The password is read from its file for each call and goes to the program's standard input, as
one line. No process list and no environment shows it. mlcmd itself takes a password only on
its command line (documented: option -cspassword), where it can be read by the same account
and by administrators, on Linux by every account of the machine. A wrapper that starts it
passes it on in that way and cannot help it: let it be the password of a user of Configuration
Server that may only read, on a machine where nobody else logs in.

By hand: the command as configured, on the machine that sipnlb runs on.
"""

from __future__ import annotations

import contextlib
import shlex
import threading
from dataclasses import dataclass

from cluster import programs
from cluster.clock import Clock, Deadline, Instant, deadline_in
from cluster.config import read_secret
from cluster.config_sources import ExecSource
from cluster.errors import ClusterError
from cluster.model import Problem, Reading, Reason, SipStatus
from cluster.sip.mlcmd import Listing, decode, parse_mlcmd, parse_plain
from cluster.sip.single_flight import SingleFlight
from cluster.surroundings import Surroundings

NAME = "exec"
MAX_RAW_CHARACTERS = 8192
MAX_SAID_CHARACTERS = 120
SHARED_FOR = 0.9
"""Part of ``refresh`` for which the exporter shares an answer. Less than all of it: a loop whose
turn comes every ``refresh`` would else find the answer a moment too young, and wait for two."""

GRACE_SECONDS = 0.1
"""How much longer than its own deadline a reading waits for a call that ends at that moment."""

MASK = "[password]"
CODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252", "cp850", "cp437")
"""How a program may print the password that it was given."""

NO_LISTING = Listing(())
PARSERS = {"mlcmd": parse_mlcmd, "plain": parse_plain}


@dataclass(frozen=True, slots=True)
class Output:
    """What one call came to. problem: why there is no listing, None where there is one."""

    asked: Instant
    answered: Instant
    listing: Listing = NO_LISTING
    problem: Problem | None = None
    raw: str = ""


class ExecCall:
    """One command, run once for all who ask at the same time."""

    def __init__(self, settings: ExecSource, clock: Clock, group: programs.RunGroup) -> None:
        """Keep the command; it is not run before somebody asks."""
        self._settings = settings
        self._clock = clock
        self._group = group
        self._flight: SingleFlight[Output | Exception] = SingleFlight()
        self._changed = threading.Condition()

    def ask(self, not_before: Instant, deadline: Deadline) -> Output | None:
        """Return the output of a call that began at `not_before` or later.

        None if there is none by the deadline. The call then goes on to its own ``timeout``.
        """
        with self._changed:
            while (landed := self._flight.shared(not_before)) is None:
                remaining = deadline.remaining(self._clock.now())
                if remaining <= 0:
                    return None
                if not self._flight.is_running:
                    self._begin()
                self._changed.wait(remaining)
        if isinstance(landed.result, Exception):
            raise landed.result  # a bug of ours; the boundary of readings makes a reading of it
        return landed.result

    def close(self) -> None:
        """End the call under way."""
        self._group.end()

    def _begin(self) -> None:
        thread = threading.Thread(target=self._fly, daemon=True, name="exec call")
        began = self._clock.now()
        thread.start()
        self._flight.begin(began)

    def _fly(self) -> None:
        result: Output | Exception
        try:
            result = self._run()
        except Exception as error:  # noqa: BLE001 - boundary: whoever waits must be told
            result = error
        with self._changed:
            self._flight.end(result)
            self._changed.notify_all()

    def _run(self) -> Output:
        settings, asked = self._settings, self._clock.now()
        try:
            secret = read_secret(settings.password_file) if settings.password_file else None
        except ClusterError as error:
            return Output(
                asked, self._clock.now(), problem=Problem(Reason.NOT_INSTALLED, str(error))
            )
        deadline = deadline_in(self._clock, settings.timeout)
        line = None if secret is None else f"{secret}\n".encode()
        finished = programs.run(settings.command, deadline, self._clock, self._group, line)
        return output_of(settings, finished, secret)


def output_of(settings: ExecSource, finished: programs.Finished, secret: str | None) -> Output:
    """Return what is made of a call that has ended; whatever it printed, never raises."""
    stdout, stderr = (
        decode(raw if secret is None else _masked(raw, secret))
        for raw in (finished.stdout, finished.stderr)
    )
    listing = PARSERS[settings.format](stdout)
    problem = _problem(settings, finished, listing, stdout, stderr)
    raw = "\n".join(filter(None, (stdout, stderr)))[:MAX_RAW_CHARACTERS]
    return Output(finished.asked, finished.ended, listing, problem, raw)


def _masked(raw: bytes, secret: str) -> bytes:
    """Return an output without the password: some scripts show their commands as they run them.

    In whatever code page a console or a tool may print it.
    """
    for coding in CODINGS:
        with contextlib.suppress(UnicodeEncodeError):
            raw = raw.replace(secret.encode(coding), MASK.encode(coding))
    return raw


def _problem(
    settings: ExecSource, finished: programs.Finished, listing: Listing, stdout: str, stderr: str
) -> Problem | None:
    """Say why an output is not to be used, None if it is.

    The exit statuses of mlcmd are not documented, so its text decides. A script that prints the
    plain form ends with 0, or it has failed.
    """
    program = settings.command[0]
    if finished.start_error is not None:
        return Problem(Reason.NOT_INSTALLED, f"{program}: {finished.start_error}")
    if finished.timed_out:
        return Problem(Reason.TIMEOUT, f"{program} was still running after {settings.timeout:g} s")
    if finished.truncated:
        return Problem(Reason.TOO_LARGE, f"{program} printed more than expected")
    failed = settings.format == "plain" and finished.exit_status != 0
    if listing.records and not failed:
        return None
    said = " ".join((stderr.strip() or stdout.strip()).split())[:MAX_SAID_CHARACTERS]
    reason = Reason.MALFORMED if said else Reason.NO_OUTPUT
    what = "failed" if failed else "listed no application"
    return Problem(reason, f"{program} {what}, exit status {finished.exit_status}: {said!r}")


class ExecSipSource:
    """Reads the mode of one SIP Server from the output of a command that serves many."""

    def __init__(self, settings: ExecSource, application: str, given: Surroundings) -> None:
        """Share the command's calls with every source of the same command."""
        self.name = NAME
        self.lag_seconds = settings.lag
        self._application = application
        self._command = shlex.join(settings.command)
        self._clock = given.clock
        self._live = given.live
        self._shared_seconds = SHARED_FOR * settings.refresh
        self._call = given.shared.get(
            (NAME, settings.command, settings.format, settings.password_file, settings.timeout),
            lambda: ExecCall(settings, given.clock, given.group or programs.RunGroup()),
        )

    def read(self, deadline: Deadline) -> Reading[SipStatus]:
        """Return what the command says, within the deadline; never raises for what it does."""
        now = self._clock.now()
        not_before = now if self._live else now.plus(-self._shared_seconds)
        output = self._call.ask(not_before, Deadline(deadline.monotonic + GRACE_SECONDS))
        if output is None:
            late = self._late(deadline.remaining(now))
            return self._reading(Output(now, self._clock.now(), problem=late))
        return self._reading(output)

    def _late(self, seconds: float) -> Problem:
        hint = "; looks wait no longer than remediator.look_timeout" if self._live else ""
        return Problem(Reason.TIMEOUT, f"no answer within {seconds:.1f} s{hint}")

    def _reading(self, output: Output) -> Reading[SipStatus]:
        status, problem = SipStatus(), output.problem
        if problem is None:
            record = output.listing.find(self._application)
            if record is None:
                problem = self._not_listed(output.listing)
            else:
                status, problem = record.as_status(), record.problem
        return Reading(
            status,
            NAME,
            output.asked,
            output.answered,
            self.lag_seconds,
            problem,
            self._command,
            output.raw,
        )

    def _not_listed(self, listing: Listing) -> Problem:
        count = len(listing.records)
        listed = f"the {count} that are listed" if count > 1 else "what is listed"
        return Problem(
            Reason.OTHER_APPLICATION, f"application {self._application!r} is not among {listed}"
        )
