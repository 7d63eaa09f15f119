"""The databases that a journal may be in, for tests that run on each of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster.clock import Clock
from cluster.config_journal import Journal as JournalSettings
from remediator.journal import Fence, Journal
from remediator.journal_postgres import open_postgres
from tests.postgres import PostgresServer, run_postgres


@dataclass(frozen=True)
class Database:
    """Where a journal is, and how others read it."""

    where: Path | PostgresServer

    def open(self, clock: Clock, fence: Fence | None = None) -> Journal:
        """Open it as the program does."""
        if isinstance(self.where, Path):
            return Journal(f"sqlite:///{self.where}", clock, fence)
        settings = JournalSettings.model_validate(self.where.journal)
        return Journal(open_postgres(settings, clock), clock, fence)

    def seen(self, query: str) -> list[tuple[Any, ...]]:
        """Return what another program reads in it."""
        if isinstance(self.where, PostgresServer):
            return self.where.ask(query)
        with closing(sqlite3.connect(self.where)) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="session")
def running_postgres(real_part: Callable[[str], Path]) -> Iterator[PostgresServer]:
    """A real PostgreSQL for all tests of a run."""
    yield from run_postgres(real_part)


@pytest.fixture
def postgres(running_postgres: PostgresServer) -> PostgresServer:
    """The PostgreSQL, empty."""
    running_postgres.empty()
    return running_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database, of each kind in turn."""
    if request.param == "sqlite":
        return Database(tmp_path / "journal.db")
    return Database(request.getfixturevalue("postgres"))
