"""Both programs, attacked by schemathesis: whatever is sent, they answer as they are described."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fuzz import api
from tests.fuzz.bounds import resident_megabytes
from tests.fuzz.programs import Attacked, attacked, errors
from tests.integration.test_remediator import TOKEN

pytestmark = pytest.mark.integration

CREDENTIALS = {"Authorization": f"Bearer {TOKEN}"}
FEW = ("--max-examples=2", "--seed=20310506")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """Both programs on one site."""
    with attacked(tmp_path_factory.mktemp("attacked")) as running:
        yield running


def addresses(programs: Attacked) -> dict[str, str]:
    """Return where each program answers."""
    return {"exporter": programs.exporter, "remediator": programs.remediator.url}


def test_what_is_no_path_or_no_method_is_refused_in_words(programs: Attacked) -> None:
    """404 and 405 with what is allowed, of every program, never a page of the library's.

    First of all: an odd method counts among what operates, of which there may be so much.
    """
    for url in addresses(programs).values():
        for method, path, status in (("BREW", "/metrics", 405), ("GET", "/%00", 404)):
            answer = requests.request(method, url + path, headers=CREDENTIALS, timeout=5)
            assert (answer.status_code, "<" in answer.text) == (status, False)
            assert ("GET" in answer.headers.get("Allow", "")) == (status == 405)


@pytest.mark.parametrize("program", ["exporter", "remediator"])
def test_with_credentials_everything_is_as_described(
    programs: Attacked, program: str, tmp_path: Path
) -> None:
    """All checks, on every operation, with sound and unsound requests; strangers are refused."""
    url = addresses(programs)[program]

    told = api.attack(program, url, tmp_path, *FEW, headers=CREDENTIALS)

    assert told.status == 0, told.said
    assert told.operations == (len(api.operations(program)),) * 2
    assert told.cases > 50


def test_without_credentials_nothing_is_answered_and_that_is_described(
    programs: Attacked, tmp_path: Path
) -> None:
    """No request gets through the API's door, and each refusal is a described one."""
    remediator = programs.remediator
    before = remediator.rows("alert") + remediator.rows("service")

    told = api.attack(
        "remediator",
        remediator.url,
        tmp_path,
        *(*FEW, "--phases=coverage", "--mode=positive"),
        headers={},
        without=api.OF_FRIENDS,
    )

    assert told.status == 0, told.said
    assert remediator.rows("alert") + remediator.rows("service") == before


def test_bytes_that_are_no_text_are_refused(programs: Attacked) -> None:
    """In path or query, sent as they are: 400 or 404, of both programs."""
    for name, url in addresses(programs).items():
        path = {"exporter": b"/probe?cluster=", "remediator": b"/api/v1/status?cluster="}[name]
        token = f"Authorization: {CREDENTIALS['Authorization']}".encode()
        for target in (path + b"\xa8\xff", b"/\xa8\xff"):
            host, port = url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port)), timeout=5) as caller:
                caller.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + token + b"\r\n\r\n")
                assert caller.recv(12) in {b"HTTP/1.1 400", b"HTTP/1.1 404"}


def test_afterwards_both_are_as_they_were(programs: Attacked) -> None:
    """Nothing was an unexpected error to them, and they are no larger than programs of this kind."""
    process = programs.remediator.process
    assert process is not None
    for pid, log in ((process.pid, programs.remediator.log), (programs.exporter_pid, programs.log)):
        assert resident_megabytes(pid) < 250
        assert errors(log) == []
    assert requests.get(programs.remediator.url + "/-/ready", timeout=5).ok
