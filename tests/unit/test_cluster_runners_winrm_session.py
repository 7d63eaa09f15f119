"""What must be there before a session is opened, each said with what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cluster.config_runners import WinrmSettings
from cluster.errors import ClusterError
from cluster.runners.winrm_session import check


def settings(directory: Path, **more: object) -> WinrmSettings:
    """Return a section whose files are all there."""
    (directory / "password").write_text("opensesame\n", "utf-8")
    account = {
        "endpoint": "SipNlbRead",
        "user": "EXAMPLE\\reader",
        "password_file": str(directory / "password"),
    }
    return WinrmSettings.model_validate({"type": "winrm", "auth": "ntlm", "read": account} | more)


def refusal(section: WinrmSettings) -> str:
    """Return why a section cannot be used."""
    with pytest.raises(ClusterError) as refused:
        check("porto-2", section, section.read)
    return str(refused.value)


def test_what_is_complete_is_taken(tmp_path: Path) -> None:
    """Nothing is asked over the network for it."""
    section = settings(tmp_path)

    check("porto-2", section, section.read)


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site without Windows remoting needs no library for it."""
    monkeypatch.setitem(sys.modules, "pypsrp", None)

    assert refusal(settings(tmp_path)) == (
        "porto-2: runner winrm needs the library pypsrp (install sipnlb with its extra winrm, as in "
        "pip install '.[winrm]')"
    )


def test_kerberos_needs_an_extra_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Except on Windows, which brings it."""
    section = settings(tmp_path, auth="kerberos")
    monkeypatch.setitem(sys.modules, "gssapi", None)
    monkeypatch.setattr(sys, "platform", "linux")
    assert refusal(section) == (
        "porto-2: auth kerberos needs the library gssapi (install sipnlb with its extra "
        "winrm-kerberos, as in pip install '.[winrm-kerberos]')"
    )

    monkeypatch.setattr(sys, "platform", "win32")
    check("porto-2", section, section.read)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """At start, not at the first failover."""
    missing = str(tmp_path / "ca.pem")
    assert refusal(settings(tmp_path, ca_file=missing)) == (
        f"{missing}: cannot be read: No such file or directory (check path and rights)"
    )

    section = settings(tmp_path)
    (tmp_path / "password").write_text("\n", "utf-8")
    assert refusal(section) == (
        f"{tmp_path / 'password'}: the secret file is empty (put the secret on its first line)"
    )
