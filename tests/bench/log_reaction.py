"""How fast a line in a SIP Server log is read, and what a log of 10 GB costs.

    .venv/bin/python tests/bench/log_reaction.py

Prints: the time from the writing of a line until a reading loop at the default pace has the
new mode; the cost of one reading; the first reading of a log of 10 GB whose role stands at its
end, and one whose role stands nowhere. Figures depend on the machine and are asserted nowhere.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import threading
import time
from pathlib import Path

from cluster.clock import SystemClock, deadline_in
from cluster.model import SipMode
from cluster.sip.log_folder import LogFolder
from cluster.sip.log_tail import LogTail
from tests.unit import sip_log_samples as samples

REFRESH_SECONDS = 0.05
GIGABYTE = 10**9
CLOCK = SystemClock()


def tail_in(folder: Path) -> LogTail:
    """Return a tail as the programs have it."""
    return LogTail(
        LogFolder(folder / samples.BASE, "cp1252"), CLOCK, None, wants_moment=False, follows=False
    )


def reactions(folder: Path, count: int, segments: int) -> list[float]:
    """Return the seconds from a line to the reading that has it. segments: in the folder."""
    for number in range(1, segments + 1):
        path = samples.write(folder, samples.header(number, minutes=number * 90), number * 90)
    samples.append(path, samples.record(samples.BACKUP))
    tail, stop = tail_in(folder), threading.Event()
    seen: list[tuple[SipMode, float]] = []

    def loop() -> None:
        due = time.monotonic()
        while not stop.is_set():
            seen.append((tail.read(deadline_in(CLOCK, 2.0)).state.mode, time.monotonic()))
            due += REFRESH_SECONDS
            stop.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=loop)
    thread.start()
    found = []
    for number in range(count):
        what, mode = ((samples.PRIMARY, SipMode.PRIMARY), (samples.BACKUP, SipMode.BACKUP))[
            number % 2
        ]
        time.sleep(0.1 + number % 7 * 0.011)
        began = time.monotonic()
        samples.append(path, samples.record(what, number))
        while seen[-1][0] is not mode:
            time.sleep(0.0005)
        found.append(next(at for kind, at in reversed(seen) if kind is mode) - began)
    stop.set()
    thread.join()
    return found


def first_reading(folder: Path, text: str) -> tuple[str, int, float]:
    """Return what comes of a log of 10 GB with a text behind it, in how many readings and seconds."""
    path = samples.write(folder, samples.header(1))
    line = b"13:54:59.856: SIPCM: id=1 INVITE sip:04561234@10.7.0.11 something or other\r\n"
    block = line * (16 * 1024 * 1024 // len(line))
    with path.open("ab") as file:
        for _ in range(4):
            file.write(block)
        file.seek(10 * GIGABYTE)
        file.write(b"\r\n" + block + text.encode())
    tail, began, count = tail_in(folder), time.monotonic(), 0
    while True:
        count += 1
        told = tail.read(deadline_in(CLOCK, 2.0))
        if told.problem is None or told.problem.reason != "timeout":
            mode = str(told.problem.reason if told.problem else told.state.mode)
            return mode, count, time.monotonic() - began


def main() -> None:
    """Measure and print."""
    for segments in (1, 500):
        with tempfile.TemporaryDirectory() as directory:
            times = [seconds * 1000 for seconds in reactions(Path(directory), 100, segments)]
            tail = tail_in(Path(directory))
            tail.read(deadline_in(CLOCK, 2.0))
            began = time.perf_counter()
            for _ in range(200):
                tail.read(deadline_in(CLOCK, 2.0))
            cost = (time.perf_counter() - began) / 200 * 1000
        print(
            f"{segments} segments: line to reading, median {statistics.median(times):.0f} ms, "
            f"worst {max(times):.0f} ms of {len(times)}; one reading {cost:.2f} ms"
        )
    for text in (samples.record(samples.PRIMARY), ""):
        with tempfile.TemporaryDirectory() as directory:
            mode, count, seconds = first_reading(Path(directory), text)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"10 GB (most of it sparse): {mode} after {count} readings, {seconds:.2f} s; peak {peak:.0f} MB"
        )


if __name__ == "__main__":
    main()
