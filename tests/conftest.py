"""What tests of every kind share: where the real parts are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_part() -> Callable[[str], Path]:
    """Return a function that finds a real program, or fails: a missing part is no pass."""

    def find(name: str) -> Path:
        found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
        if found is None:
            pytest.fail(f"{name} is missing: run 'make setup', or install its Debian package")
        return Path(found)

    return find
