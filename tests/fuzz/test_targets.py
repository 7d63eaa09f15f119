"""Everything that reads outside text bears some hundreds of hostile inputs; `make fuzz` millions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz import seeds
from tests.fuzz.__main__ import ROOT, attack
from tests.fuzz.bounds import BoundError, tried
from tests.fuzz.targets import find, targets

pytestmark = pytest.mark.integration

LEAST = 150


def test_every_reader_bears_what_is_changed_by_chance(tmp_path: Path) -> None:
    """All seeds, and as many changed ones, of each target: within time, size and memory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.child", "all", str(LEAST), str(tmp_path), "20310506"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["target"] for each in told] == [target.name for target in targets()]
    assert all(each["inputs"] > LEAST and each["mb"] < 500 for each in told)


def test_a_mistake_four_bytes_deep_is_found(tmp_path: Path) -> None:
    """What guides the fuzzer leads it there, and the input that broke it is kept."""
    if find_spec("atheris") is None:
        assert not attack(find("trap"), 1.0, tmp_path, 3).guided
        return

    found = attack(find("trap"), 60.0, tmp_path, 3)

    assert found.guided
    assert found.broke.startswith("BROKEN KeyError: 'found' ")
    (kept,) = (tmp_path / "trap" / "crashes").iterdir()
    assert kept.read_bytes()[:4] == b"\xc7\x1e\x95\x62"


@pytest.mark.parametrize("target", sorted(file.name for file in seeds.FOUND.glob("*")))
def test_what_once_broke_a_reader_breaks_it_no_more(target: str) -> None:
    """Each input that was found is tried for ever."""
    for raw in seeds.found(target):
        tried(find(target).run, raw)


def test_what_takes_long_or_grows_is_found() -> None:
    """The bounds are bounds."""
    with pytest.raises(BoundError, match="s of work for 3 bytes"):
        tried(lambda _: sum(range(150_000_000)), b"abc")
    with pytest.raises(BoundError, match=r"9000002 characters of 3 bytes"):
        tried(lambda raw: raw.decode() * 3_000_000, b"abc")
