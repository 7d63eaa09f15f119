"""Attacks one target in this process: ``python -m tests.fuzz.child TARGET SECONDS FOLDER [SEED]``.

Guided by coverage with atheris, where that is installed; else, and for the target ``all``, only
changed by chance: ``all`` tries as many inputs of each as SECONDS says, the same for the same SEED.
FOLDER keeps the corpus, and under crashes/ each input that broke something. What was not guided
ends with a line of JSON. Exit status: 0 nothing broke, else something did.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import sys
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

WATCHED = ["cluster", "exporter", "remediator", "yaml", "tests.fuzz.trap"]
"""Packages whose branches guide: ours, and what reads YAML for us."""

STRUCTURED_SHARE = 0.7
"""Of changes that know the form of an input; the others are libFuzzer's."""

RESIDENT_MEGABYTES = 900


def main(arguments: list[str]) -> int:
    """Attack, and tell figures."""
    name, seconds, folder = arguments[0], float(arguments[1]), Path(arguments[2])
    seed = int(arguments[3]) if len(arguments) > 3 else 1
    for each in ("corpus", "crashes"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    if name == "all":
        _target("webhook")
        every = importlib.import_module("tests.fuzz.targets").targets()
        made = (unguided(each, 0.0, folder, seed, round(seconds)) for each in every)
        return next((status for status in made if status), 0)
    if find_spec("atheris") is None:
        return unguided(_target(name), seconds, folder, seed)
    atheris = importlib.import_module("atheris")
    with contextlib.redirect_stdout(sys.stderr), atheris.instrument_imports(include=WATCHED):
        target = _target(name)
    return guided(atheris, target, seconds, folder, seed)


def _target(name: str) -> Target:
    targets = importlib.import_module("tests.fuzz.targets")
    found: Target = targets.find(name)
    importlib.import_module("cluster.log").configure("error", "logfmt")
    return found


def guided(atheris: Any, target: Target, seconds: float, folder: Path, seed: int) -> int:
    """Let libFuzzer guide; it ends this process, with 77 after what broke something."""
    from tests.fuzz import bounds  # noqa: PLC0415 - what is watched has to be imported before

    begun = folder / "seeds"
    begun.mkdir(exist_ok=True)
    for raw in _beginning(target):
        (begun / hashlib.sha256(raw).hexdigest()[:16]).write_bytes(raw)

    def change(raw: bytes, most: int, chosen: int) -> bytes:
        chance = Random(chosen)
        if chance.random() < STRUCTURED_SHARE:
            return target.mutator(raw, most, chance)
        return bytes(atheris.Mutate(raw, len(raw)))[:most]

    flags = {
        "max_total_time": max(1, round(seconds)),
        "max_len": bounds.MAX_INPUT,
        "timeout": 120,
        "rss_limit_mb": RESIDENT_MEGABYTES,
        "print_final_stats": 1,
        "seed": seed,
        "artifact_prefix": f"{folder / 'crashes'}/",
    }
    given = [sys.argv[0], *(f"-{flag}={value}" for flag, value in flags.items())]
    places = [str(folder / "corpus"), str(begun)]
    atheris.Setup(
        [*given, *places], lambda raw: bounds.tried(target.run, raw), custom_mutator=change
    )
    bounds.limit_memory()
    atheris.Fuzz()
    return 0


def unguided(target: Target, seconds: float, folder: Path, seed: int, least: int = 0) -> int:
    """Change seeds by chance until the time is over; tell how many inputs were tried.

    least: how many are changed even so.
    """
    from tests.fuzz import bounds, mutate  # noqa: PLC0415 - as above

    bounds.limit_memory()
    chance, pool = Random(seed), _beginning(target)
    ends, count = time.monotonic() + seconds, 0
    while count < len(pool) + least or time.monotonic() < ends:
        raw = pool[count] if count < len(pool) else chance.choice(pool)
        if count >= len(pool):
            mutator = target.mutator if chance.random() < STRUCTURED_SHARE else mutate.some_bytes
            raw = mutator(raw, bounds.MAX_INPUT, chance)
        count += 1
        try:
            bounds.tried(target.run, raw)
        except BaseException:  # noqa: BLE001 - any is what is looked for
            traceback.print_exc()
            name = "crash-" + hashlib.sha256(raw).hexdigest()[:16]
            (folder / "crashes" / name).write_bytes(raw)
            print(json.dumps({"inputs": count, "target": target.name}), flush=True)
            return 77
    figures = {"inputs": count, "target": target.name, "mb": bounds.resident_megabytes()}
    print(json.dumps(figures), flush=True)
    return 0


def _beginning(target: Target) -> list[bytes]:
    from tests.fuzz import seeds  # noqa: PLC0415 - as above

    return [*target.seeds(), *seeds.found(target.name)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
