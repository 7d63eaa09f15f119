"""Edge: wires every host once, as a program does at its start. Asks no host anything.

What a host's configuration needs of this machine (libraries, keys, secrets, certificates) is
told for all hosts at once, each with its place, before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cluster import strict_yaml
from cluster.client_context import client_context
from cluster.clock import Clock
from cluster.config import read_secret
from cluster.config_model import Cluster, Config, Host
from cluster.config_runners import SshSettings, WinrmSettings
from cluster.config_sources import ExecSource
from cluster.errors import ClusterError, ConfigError, ConfigProblem
from cluster.host_reader import host_reader
from cluster.strict_yaml import path_text
from cluster.surroundings import Surroundings

Wire = Callable[[Cluster, Host, Surroundings], object]
"""Makes what a program needs of a host. Raises `ClusterError`."""

Found = tuple[strict_yaml.Path, str, str]
"""Key path, problem, hint."""


def preflight(
    config: Config, file: Path, clock: Clock, wire: Wire, more: Iterable[Found] = ()
) -> None:
    """Wire everything and drop it again. more: what else was found.

    Raises `ConfigError` with everything that is missing; the lines are those of `file`.
    """
    given = Surroundings(clock)
    try:
        found = [*_problems(config, wire, given), *more]
    finally:
        given.shared.close()
    if found:
        document = _document(file)
        problems = [
            ConfigProblem(document.line_of(path), path_text(path), problem, hint)
            for path, problem, hint in found
        ]
        raise ConfigError(str(file), tuple(sorted(problems, key=lambda p: (p.line or 0, p.path))))


def wire_reader(cluster: Cluster, host: Host, given: Surroundings) -> None:
    """Make what reads a host, and read the secrets of its mode sources. Raises `ClusterError`."""
    host_reader(cluster, host, given)
    for source in host.sip_server.sources:
        if isinstance(source, ExecSource) and source.password_file is not None:
            read_secret(source.password_file)


def cannot_act(config: Config) -> Iterator[Found]:
    """Find hosts without an account that may change a port, where ports are to be changed."""
    level = config.remediator.policy.level
    if level == "observe":
        return
    for c, cluster in enumerate(config.clusters):
        for h, host in enumerate(cluster.hosts):
            if isinstance(host.runner, SshSettings | WinrmSettings) and host.runner.act is None:
                problem = f"policy.level is {level}, and no account may change a port here"
                hint = "add act, the account that may, or set the level to observe"
                yield ("clusters", c, "hosts", h, "runner"), f"host {host.name}: {problem}", hint


def _problems(config: Config, wire: Wire, given: Surroundings) -> Iterator[Found]:
    for c, cluster in enumerate(config.clusters):
        probe = cluster.service_probe
        if probe is not None and probe.ca_file is not None:
            try:
                client_context(probe.ca_file, None, None)
            except ClusterError as error:
                place = ("clusters", c, "service_probe", "ca_file")
                yield place, f"{error.where}: {error.problem}", error.hint
        for h, host in enumerate(cluster.hosts):
            try:
                wire(cluster, host, given)
            except ClusterError as error:
                at = ("clusters", c, "hosts", h)
                key = next(_keys_of(error.where, host.model_dump(exclude={"name"})), ("runner",))
                file = "" if error.where == host.name else f"{error.where}: "
                yield (*at, *key), f"host {host.name}: {file}{error.problem}", error.hint


def _keys_of(value: str, within: object) -> Iterator[strict_yaml.Path]:
    """Yield where a value stands."""
    if value == within:
        yield ()
    pairs = (
        within.items()
        if isinstance(within, dict)
        else enumerate(within)
        if isinstance(within, tuple)
        else ()
    )
    for key, inner in pairs:
        for rest in _keys_of(value, inner):
            yield (key, *rest)


def _document(file: Path) -> strict_yaml.Document:
    """Read the file again for its lines alone; none if it is gone by now."""
    try:
        return strict_yaml.parse(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return strict_yaml.Document()
