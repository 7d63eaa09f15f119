"""What a host that is reached over WinRM may have in ``clusters.yml``. Pure.

Part of `cluster.config_checks`, which reports all problems together.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.config_model import Cluster
from cluster.config_runners import WinrmAccount, WinrmSettings
from cluster.strict_yaml import Path

Found = tuple[Path, str, str]
"""Key path, problem, hint."""


def contradictions_of_winrm(cluster: Cluster, at: Path) -> Iterator[Found]:
    """Find what does not go with the transport or with the way to log in."""
    for number, host in enumerate(cluster.hosts):
        if isinstance(host.runner, WinrmSettings):
            yield from _of_runner(host.runner, (*at, "hosts", number, "runner"))


def _of_runner(runner: WinrmSettings, at: Path) -> Iterator[Found]:
    plain, auth = runner.transport == "http", runner.auth
    if plain and auth == "certificate":
        yield (*at, "auth"), "certificate needs transport https", "use https, or another auth"
    if plain and runner.ca_file is not None:
        yield (*at, "ca_file"), "is of no use with transport http", "use https, or remove it"
    if auth != "kerberos" and "kerberos_service" in runner.model_fields_set:
        yield (*at, "kerberos_service"), f"is of no use with auth {auth}", "remove it"
    for name, account in (("read", runner.read), ("act", runner.act)):
        if account is not None:
            yield from _of_account(account, auth, (*at, name))


def _of_account(account: WinrmAccount, auth: str, at: Path) -> Iterator[Found]:
    """Find what an account has too much or too little for a way to log in."""
    own = ("certificate_file", "key_file")
    others = ("user", "password_file")
    if auth != "certificate":
        own, others = others, own
    for key in others:
        if getattr(account, key) is not None:
            yield (*at, key), f"is of no use with auth {auth}", "remove it, or change auth"
    missing = [key for key in own if getattr(account, key) is None]
    if len(missing) == len(own) and auth == "kerberos":
        return  # the ticket of the account that sipnlb runs as
    for key in missing:
        ticket = ", or leave both out to use the ticket" if auth == "kerberos" else ""
        beside = f"{next(each for each in own if each != key)} and {key} go together"
        yield at, f"auth {auth} needs {key}", f"add it: {beside}{ticket}"
