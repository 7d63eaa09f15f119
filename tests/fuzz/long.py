"""The long attacks on running programs: schemathesis on both, hostile labels by the thousand."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz import api, hostile
from tests.fuzz.bounds import resident_megabytes
from tests.fuzz.programs import Attacked, attacked, errors
from tests.integration.test_remediator import TOKEN

CREDENTIALS = {"Authorization": f"Bearer {TOKEN}"}
OPERATING = "/(pause|resume|reconcile|approve|acknowledge)$"
"""Paths that one caller may call once a second: there, no faster."""

GROWTH_MEGABYTES = 30
"""In the second half of the attack."""


def schemathesis(examples: int, seed: int) -> bool:
    """Attack both programs with all checks; tell whether they stood it."""
    fast = [f"--max-examples={examples}", f"--seed={seed}", "--continue-on-failure"]
    slow = [f"--max-examples={max(1, examples // 10)}", f"--seed={seed}", "--rate-limit=50/m"]
    only, but = f"--include-path-regex={OPERATING}", f"--exclude-path-regex={OPERATING}"
    phases = "--phases=coverage,fuzzing"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        running = stack.enter_context(attacked(folder))
        remediator = running.remediator.url
        told = {
            "exporter": api.attack("exporter", running.exporter, folder, *fast, headers=CREDENTIALS),
            "remediator": api.attack("remediator", remediator, folder, *fast, but, headers=CREDENTIALS),
            "remediator, operating": api.attack(
                "remediator", remediator, folder, *slow, only, phases, headers=CREDENTIALS
            ),
            "remediator, without credentials": api.attack(
                "remediator", remediator, folder, *fast, headers={}, without=api.OF_FRIENDS
            ),
        }  # fmt: skip
        for name, attack in told.items():
            stood = "nothing found" if attack.status == 0 else f"BROKEN\n{attack.said}"
            print(f"schemathesis, {name}: {attack.cases:,} requests, {stood}", flush=True)
        sound = _is_sound(running)
    return sound and not any(attack.status for attack in told.values())


def labels(number: int) -> bool:
    """Send thousands of hostile webhooks; tell whether they stayed texts."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        records: list[Path] = []
        running = stack.enter_context(
            attacked(folder, prepare=lambda made: records.append(hostile.record_commands(made, folder)))
        )  # fmt: skip
        series = hostile.series(running.remediator)
        began = time.monotonic()
        sent = hostile.send(running, folder / "canary", number)
        seconds = time.monotonic() - began
        lines = hostile.command_lines(records[0])
        first, halfway, last = sent.megabytes
        answers = ", ".join(f"{code}: {count:,}" for code, count in sorted(sent.statuses.items()))
        print(
            f"hostile labels: {sent.requests:,} webhooks in {seconds:.0f} s ({answers}), "
            f"memory {first:.0f}, {halfway:.0f}, {last:.0f} MB, {len(series)} series before, "
            f"{len(hostile.series(running.remediator))} after, command lines: {sorted(lines)}",
            flush=True,
        )
        kept = not (folder / "canary").exists() and lines <= hostile.COMMANDS
        same = hostile.series(running.remediator) == series and set(sent.statuses) <= {200, 400}
        return kept and same and last - halfway < GROWTH_MEGABYTES and _is_sound(running)


def _is_sound(running: Attacked) -> bool:
    """Tell whether both programs live, and had no unexpected error."""
    process = running.remediator.process
    assert process is not None
    said = errors(running.remediator.log) + errors(running.log)
    print("".join(f"BROKEN {line}\n" for line in said), end="", flush=True)
    sizes = [resident_megabytes(pid) for pid in (process.pid, running.exporter_pid)]
    print(f"remediator {sizes[0]:.0f} MB, exporter {sizes[1]:.0f} MB afterwards", flush=True)
    return not said
