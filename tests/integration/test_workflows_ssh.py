"""The three workflows with the hosts' utilities behind a real sshd."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import workflows
from tests.integration.running import RunningSite, run_site
from tests.integration.ssh_server import USER, SshServer, run_ssh_server, runner_section
from tests.integration.test_remediator import make

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunningSite]:
    """A site whose pages do not lag."""
    yield from run_site(tmp_path, "--lag", "0")


@pytest.fixture
def server(real_part: Callable[[str], Path], tmp_path: Path) -> Iterator[SshServer]:
    """A running sshd whose host key is known."""
    for made in run_ssh_server(real_part, tmp_path / "sshd"):
        made.write_known_hosts()
        yield made


def test_the_three_workflows(site: RunningSite, server: SshServer, tmp_path: Path) -> None:
    """Source http, back end nlb, runner ssh with two accounts; a host that is cut off hangs."""
    reader, operator = server.make_key("reader"), server.make_key("operator")
    section = runner_section(
        server,
        read={"user": USER, "key_file": str(reader)},
        act={"user": USER, "key_file": str(operator)},
    )

    def over_ssh(host: dict[str, Any]) -> None:
        host["runner"] = section

    remediator = make(site, tmp_path, look_timeout="750ms")
    workflows.change_hosts(remediator, over_ssh)
    remediator.start()
    try:
        workflows.play(site, remediator)
        assert server.logins(operator) == 1
        commands = [row["detail"]["command"] for row in remediator.rows("action")]
        assert all(text.startswith(f"ssh -p {server.port} {USER}@127.0.0.1 ") for text in commands)
    finally:
        remediator.end(signal.SIGTERM)
