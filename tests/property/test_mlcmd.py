"""Whatever a program prints and whenever it ends: a mode or a problem, and one call at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.clock import Instant
from cluster.config_command import shows_secret
from cluster.config_sources import ExecSource
from cluster.model import Reason, SipMode
from cluster.programs import Finished
from cluster.sip.exec import MAX_RAW_CHARACTERS, ExecSipSource, output_of
from cluster.sip.mlcmd import KEEPS_MODE, Listing, decode, parse_mlcmd, parse_plain
from cluster.sip.single_flight import SingleFlight
from cluster.surroundings import Surroundings
from tests.unit import exporter_samples as samples

SAMPLE = (Path(__file__).parents[1] / "data" / "sip" / "mlcmd_pair.txt").read_bytes()
PIECES = [
    *SAMPLE.splitlines(keepends=True),
    b"Application: SIP_P\n",
    b"Runmode: Backup\r\n",
    b"Status:",
    b"SIP_P primary\n",
    b"SIP_P  backup\n",
    b"\x00",
    b"\xff\xfe",
    b"\n",
    b" ",
    b"DBID: " + b"9" * 5000 + b"\n",
    "Runmode: \uff30RIMARY\n".encode(),
    "DBID: ²³\n".encode(),
]
outputs = st.one_of(
    st.binary(max_size=400),
    st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join),
    st.integers(0, len(SAMPLE)).map(lambda end: SAMPLE[:end]),
)


def check(listing: Listing) -> None:
    """A record has a mode or a problem, never both and never neither, and stands once."""
    names = [record.application for record in listing.records]
    assert len(names) == len(set(names))
    for record in listing.records:
        assert (record.mode is SipMode.UNKNOWN) == (record.problem is not None)
        if record.problem is not None:
            assert record.problem.text in listing.problems
            assert record.problem.reason in {
                Reason.MALFORMED,
                Reason.NOT_RUNNING,
                Reason.UNKNOWN_TEXT,
            }
        assert listing.find(record.application) is record


@given(outputs)
@settings(deadline=None)
def test_any_output_of_mlcmd_gives_modes_or_problems(raw: bytes) -> None:
    """A mode needs a whole record of a living server, and the words for it in the output."""
    listing = parse_mlcmd(decode(raw))
    check(listing)
    for record in listing.records:
        if record.mode is not SipMode.UNKNOWN:
            assert record.status in KEEPS_MODE
            assert record.dbid is not None
            assert str(record.mode).upper() in decode(raw).upper()


@given(outputs)
@settings(deadline=None)
def test_any_plain_output_gives_modes_or_problems(raw: bytes) -> None:
    """It never tells of a connection that it cannot know."""
    listing = parse_plain(decode(raw))
    check(listing)
    assert all(record.as_status().scs_connected is None for record in listing.records)


@given(
    outputs,
    outputs,
    st.one_of(st.none(), st.integers(-15, 255)),
    st.sampled_from(["mlcmd", "plain"]),
    st.one_of(st.none(), st.sampled_from(["SIP_P", "Application", "primary"])),
    st.booleans(),
)
@settings(deadline=None)
def test_any_end_of_a_program_gives_a_mode_or_a_problem(
    stdout: bytes, stderr: bytes, status: int | None, form: str, secret: str | None, cut: bool
) -> None:
    """Of the configured SIP Server alone; what is shown is capped and hides the password."""
    command = {"type": "exec", "command": ("/opt/modes",), "format": form}
    kept = ExecSource.model_validate(command)
    now = samples.BEGIN
    finished = Finished(
        now,
        now.plus(1),
        stdout=stdout,
        stderr=stderr,
        exit_status=status,
        timed_out=status is None,
        truncated=cut,
    )
    source = ExecSipSource(kept, "SIP_P", Surroundings(samples.FakeClock()))
    reading = source._reading(output_of(kept, finished, secret))
    assert (reading.value.mode is SipMode.UNKNOWN) == (reading.problem is not None)
    assert (reading.asked, reading.answered) == (now, now.plus(1))
    if reading.problem is None:
        assert (reading.value.application, status is None, cut) == ("SIP_P", False, False)
    assert len(reading.raw) <= MAX_RAW_CHARACTERS
    assert secret is None or secret not in reading.raw


@given(st.integers(0, len(SAMPLE)))
def test_output_that_breaks_off_never_makes_another_mode(end: int) -> None:
    """What is cut says less than the whole, or the same."""
    whole, cut = parse_mlcmd(decode(SAMPLE)), parse_mlcmd(decode(SAMPLE[:end]))
    for record in cut.records:
        same = whole.find(record.application)
        assert record.mode is SipMode.UNKNOWN or (same is not None and same.mode is record.mode)


@given(st.text(max_size=80))
def test_any_argument_is_judged(argument: str) -> None:
    """Whatever stands in a command, it is a password or none."""
    assert shows_secret(argument) in {True, False}


@dataclass
class Asker:
    """Someone who waits for a call that began at `not_before` or later."""

    not_before: Instant
    calls_ended: int = 0


@given(
    st.lists(
        st.one_of(
            st.floats(0.0, 20.0).map(lambda age: ("ask", age)),
            st.just(("end", 0.0)),
            st.floats(0.001, 9.0).map(lambda seconds: ("pass", seconds)),
        ),
        max_size=60,
    )
)
def test_in_any_order_one_call_runs_and_nobody_gets_an_older_one(
    steps: list[tuple[str, float]],
) -> None:
    """Every request ends with a call of its own age, after at most one that was under way.

    `SingleFlight.begin` itself refuses a second call beside one that runs.
    """
    now, begun = samples.BEGIN, samples.BEGIN
    flight, waiting = SingleFlight[Instant](), list[Asker]()

    for step, amount in [*steps, ("end", 0.0), ("end", 0.0)]:
        if step == "pass":
            now = now.plus(amount)
        elif step == "ask":
            waiting.append(Asker(now.plus(-amount)))
        elif flight.is_running:
            flight.end(begun)
            for asker in waiting:
                asker.calls_ended += 1
                assert asker.calls_ended <= 2
        for asker in list(waiting):
            landed = flight.shared(asker.not_before)
            if landed is not None:
                assert landed.result.seconds_since(asker.not_before) >= 0
                waiting.remove(asker)
            elif not flight.is_running:
                begun = now
                flight.begin(now)
    assert waiting == []
