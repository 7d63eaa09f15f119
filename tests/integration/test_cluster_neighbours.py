"""This machine's neighbour table, asked with the real ``ip``, in a network of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.clock import SystemClock, deadline_in
from cluster.neighbour_table import Neighbour
from cluster.neighbours import neighbour
from tests.integration.running import ROOT

pytestmark = pytest.mark.integration

RealPart = Callable[[str], Path]
NETWORK = """
ip link set lo up
ip link add d0 type veth peer name d1
ip address add 10.0.0.1/24 dev d0
ip link set d0 up
ip neigh add 10.0.0.100 lladdr 03:bf:0a:00:00:64 dev d0 nud permanent
ip neigh add 10.0.0.101 lladdr 02:bf:0a:00:00:65 dev d0 nud reachable
ip route add 10.9.0.0/16 via 10.0.0.254
"""
ASK = """
import sys
from cluster.clock import SystemClock, deadline_in
from cluster.neighbours import neighbour
clock = SystemClock()
for address in sys.argv[1:]:
    print(neighbour(address, deadline_in(clock, 5), clock))
"""


def ask(address: str, program: str = "ip", seconds: float = 5.0) -> Neighbour | None:
    """Ask this machine."""
    clock = SystemClock()
    return neighbour(address, deadline_in(clock, seconds), clock, program)


def script(folder: Path, text: str) -> str:
    """Write a program that stands in for ``ip``."""
    program = folder / "ip"
    program.write_text("#!/bin/sh\n" + text, "utf-8")
    program.chmod(0o755)
    return str(program)


def test_an_address_of_this_machine_is_its_own(real_part: RealPart) -> None:
    """No entry is needed for it."""
    assert ask("127.0.0.1", str(real_part("ip"))) == Neighbour(is_own=True)
    assert ask("::1", str(real_part("ip"))) == Neighbour(is_own=True)


def test_each_kind_of_neighbour_is_told_in_a_network_of_its_own(real_part: RealPart) -> None:
    """A static entry, a learned one, none, one behind a router, one without any way."""
    addresses = ["10.0.0.100", "10.0.0.101", "10.0.0.102", "10.9.0.100", "10.5.0.100"]
    unshare = [str(real_part("unshare")), "--net", "--map-root-user"]
    ended = subprocess.run(
        [*unshare, "sh", "-ec", NETWORK + '"$@"', "sh", sys.executable, "-c", ASK, *addresses],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
        check=False,
    )
    if "unshare failed" in ended.stderr or "Operation not permitted" in ended.stderr:
        why = "this system lets nobody make a network of his own: " + ended.stderr.strip()
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)

    assert ended.stderr == ""
    assert ended.stdout.splitlines() == [
        str(each)
        for each in (
            Neighbour("03-bf-0a-00-00-64", True, None, False),
            Neighbour("02-bf-0a-00-00-65", False, None, False),
            Neighbour(None, None, None, False),
            Neighbour(None, None, "10.0.0.254", False),
            Neighbour(None, None, None, False),
        )
    ]


@pytest.mark.parametrize("text", ["exit 1\n", "echo 10.0.0.100 dev eth0\n", "exec sleep 600\n"])
def test_a_program_that_does_not_tell_tells_nothing(tmp_path: Path, text: str) -> None:
    """It fails, prints no JSON, or hangs: the table is unknown, in time."""
    assert ask("10.0.0.100", script(tmp_path, text), 0.5) is None


def test_a_missing_program_tells_nothing(tmp_path: Path) -> None:
    """A system without iproute2."""
    assert ask("10.0.0.100", str(tmp_path / "ip")) is None


def test_without_any_way_there_is_still_a_table(tmp_path: Path) -> None:
    """Asking for the route fails then, asking for the entry does not."""
    program = script(tmp_path, '[ "$2" = neigh ] && echo "[]" || exit 2\n')
    assert ask("10.0.0.100", program) == Neighbour(is_own=False)
