"""What mode sources ``exec`` must be to the rest of ``clusters.yml``. Pure.

Part of `cluster.config_checks`, which reports all problems together.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.config_model import Config
from cluster.config_sources import ExecSource
from cluster.strict_yaml import Path, path_text

Found = tuple[Path, str, str]
"""Key path, problem, hint."""


def contradictions_of_exec(config: Config) -> Iterator[Found]:
    """Find sources that no look could wait for, and servers that would be one and the same."""
    seen: dict[tuple[tuple[str, ...], str], Path] = {}
    for c, cluster in enumerate(config.clusters):
        for h, host in enumerate(cluster.hosts):
            place = ("clusters", c, "hosts", h, "sip_server")
            commands = {s.command for s in host.sip_server.sources if isinstance(s, ExecSource)}
            for command in commands:
                key = command, host.sip_server.application
                if key in seen:
                    other = path_text(seen[key])
                    yield (
                        (*place, "application"),
                        f"{key[1]!r} is {other} too, and the same program tells its mode",
                        "each SIP Server has an Application object of its own",
                    )
                seen.setdefault(key, (*place, "application"))
            yield from _too_slow(config, host.sip_server.sources[:1], place)


def _too_slow(config: Config, first: tuple[object, ...], place: Path) -> Iterator[Found]:
    """Find a program that decides the mode and may take longer than a look waits for it.

    Behind another source it may: a look then waits as long as for any reading and does without.
    Where there is no section ``remediator`` the file is for the exporter alone.
    """
    wait = config.remediator.look_timeout
    for source in first:
        if (
            isinstance(source, ExecSource)
            and source.timeout > wait
            and "remediator" in config.model_fields_set
        ):
            problem = (
                f"it may take {source.timeout:g} s (timeout), but a look waits {wait:g} s for it "
                "(remediator.look_timeout): the mode would never be known and nothing repaired"
            )
            yield (
                (*place, "sources", 0),
                problem,
                "raise remediator.look_timeout and max_age above it, or shorten timeout",
            )
