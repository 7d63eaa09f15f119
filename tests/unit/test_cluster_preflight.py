"""What --config.check tells before a start: libraries, keys, secrets and who may act."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cluster.config import load
from exporter import __main__ as exporter
from remediator import __main__ as remediator
from tests.unit import exporter_samples as samples

DATA = Path(__file__).parents[1] / "data"
NONE = "No such file or directory"


def written(folder: Path, first: str, more: str = "") -> Path:
    """Write porto with another first runner."""
    text = samples.CONFIG.replace("runner: {type: local}", f"runner: {first}", 1)
    file = folder / "clusters.yml"
    file.write_text(text + more, "utf-8")
    return file


def line_of(file: Path, text: str) -> int:
    """Return the line of a text."""
    return file.read_text("utf-8")[: file.read_text("utf-8").index(text)].count("\n") + 1


def test_a_key_that_is_missing_is_told_with_host_key_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the start would, by each program for the accounts it uses, from the folder of the file."""
    runner = "{type: ssh, read: {user: looks}, act: {user: acts, key_file: keys/act}}"
    file = written(tmp_path, runner)
    check = [f"--config.file={file}", "--config.check"]

    assert exporter.main(check) == 0
    assert "; no host was asked, see sipnlb-exporter check\n" in capsys.readouterr().out
    assert remediator.main(check) == 2
    assert capsys.readouterr().err == (
        f"sipnlb-remediator: {file}: 1 problem\n"
        f"  line {line_of(file, runner)}, clusters[0].hosts[0].runner.act.key_file: host porto-1: "
        f"{tmp_path}/keys/act: the key of user acts cannot be read: {NONE} "
        "(sipnlb needs the file and the right to read it when it starts)\n"
    )


def test_all_that_is_missing_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A secret of one host and a certificate of its cluster."""
    runner = "{type: winrm, auth: ntlm, read: {endpoint: R, user: u, password_file: /none/pw}}"
    file = written(tmp_path, runner)
    probe = "service_probe: {transport: tls, ca_file: /none/ca.pem}\n    hosts:"
    file.write_text(file.read_text("utf-8").replace("hosts:", probe, 1), "utf-8")

    assert exporter.main([f"--config.file={file}", "--config.check"]) == 2
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"  line {line_of(file, probe)}, clusters[0].service_probe.ca_file: /none/ca.pem: cannot "
        f"be used as certificates: [Errno 2] {NONE} (name a file in PEM form)",
        f"  line {line_of(file, runner)}, clusters[0].hosts[0].runner.read.password_file: host "
        f"porto-1: /none/pw: the secret file cannot be read: {NONE} (check path and rights)",
    ]


def test_a_missing_library_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the host that needs it."""
    monkeypatch.setitem(sys.modules, "pypsrp", None)
    file = written(tmp_path, "{type: winrm, read: {endpoint: R}}")

    assert exporter.main([f"--config.file={file}", "--config.check"]) == 2
    assert (
        "hosts[0].runner: host porto-1: runner winrm needs the library pypsrp "
        in capsys.readouterr().err
    )


def test_enforcing_needs_an_account_that_may_act(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The remediator refuses to begin what it could never do; the exporter changes nothing."""
    runner = "{type: ssh, read: {user: looks}}"
    file = written(tmp_path, runner, "\nremediator: {policy: {level: enforce}}\n")
    check = [f"--config.file={file}", "--config.check"]

    assert remediator.main(check) == 2
    assert capsys.readouterr().err == (
        f"sipnlb-remediator: {file}: 1 problem\n"
        f"  line {line_of(file, runner)}, clusters[0].hosts[0].runner: host porto-1: "
        "policy.level is enforce, and no account may change a port here "
        "(add act, the account that may, or set the level to observe)\n"
    )
    assert exporter.main(check) == 0


def test_relative_paths_begin_in_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the program is started; whole paths, those of Windows and ~ stay as they are."""
    known = "read: {user: looks, key_file: ../looks}, known_hosts: ~/hosts"
    file = written(tmp_path, f"{{type: ssh, {known}, act: {{user: a, key_file: 'C:\\k'}}}}")
    monkeypatch.chdir("/")
    runner = load(file).clusters[0].hosts[0].runner.model_dump()

    assert runner["read"]["key_file"] == f"{tmp_path}/../looks"
    assert (runner["known_hosts"], runner["act"]["key_file"]) == ("~/hosts", "C:\\k")
    monkeypatch.chdir(tmp_path)
    assert load(Path("clusters.yml")).clusters[0].hosts[0].runner.model_dump() == runner


def test_an_output_given_twice_is_one_host_too_many(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A skeleton would list the host twice."""
    captured = next(DATA.glob("**/params_healthy.txt"))

    assert exporter.main(["clusters", "--from-nlb", "--params", str(captured), str(captured)]) == 1
    assert capsys.readouterr().err == (
        f"clusters: {captured}: is of host 3 of cluster 10.7.0.100, and so is {captured} "
        "(give one output of each host)\n"
    )
