"""What one input may cost: time, size of what comes of it, memory of the process."""

from __future__ import annotations

import resource
import time
from pathlib import Path

from tests.fuzz.targets import Run

MAX_INPUT = 64 * 1024
CPU_SECONDS = 2.0
"""For one input of at most `MAX_INPUT` bytes, under a fuzzer's instrumentation."""

MADE_AT_LEAST, MADE_A_BYTE = 2 * 1024 * 1024, 400
"""Characters that may come of an input, written out: so many, and so many more for each byte."""

ADDRESS_SPACE = 2 * 1024**3
"""Of the process, which holds two interpreters' worth of libraries besides."""


class BoundError(AssertionError):
    """An input cost too much."""


def tried(run: Run, raw: bytes) -> None:
    """Try one input. Raises whatever the target lets through, or `BoundError`."""
    began = time.thread_time()
    made = run(raw)
    spent = time.thread_time() - began
    if spent > CPU_SECONDS:
        raise BoundError(f"{spent:.1f} s of work for {len(raw)} bytes")
    size = len(repr(made))
    if size > MADE_AT_LEAST + MADE_A_BYTE * len(raw):
        raise BoundError(f"{size} characters of {len(raw)} bytes")


def limit_memory() -> None:
    """Let an allocation beyond the bound fail, here and in no other process."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def resident_megabytes(pid: int | None = None) -> float:
    """Return the memory that a process occupies now, this one if none is named."""
    status = Path(f"/proc/{pid or 'self'}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
