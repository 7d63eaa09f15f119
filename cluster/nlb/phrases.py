"""The phrase tables of ``phrases.yml``, compiled. `parse` is pure; `load` reads the files."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from cluster import strict_yaml
from cluster.config_section import Section
from cluster.errors import ClusterError, ConfigError, ConfigProblem
from cluster.model import NodeState, PortState, Reason
from cluster.runners.request import CommandResult


def _pattern(value: object) -> re.Pattern[str]:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a regular expression")
    try:
        return re.compile(value, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None


Pattern = Annotated[re.Pattern[str], BeforeValidator(_pattern)]


class Phrase(Section):
    """One pattern, and how sure its wording is."""

    pattern: Pattern
    source: str = Field(min_length=1)


class Failure(Phrase):
    """A text that means the utility could not do its work."""

    reason: Annotated[Reason, BeforeValidator(Reason)]


class HostLine(Phrase):
    """The beginning of a line about a host. Its pattern has a group ``id``."""

    @model_validator(mode="after")
    def _names_the_host(self) -> HostLine:
        if "id" not in self.pattern.groupindex:
            raise ValueError("the pattern needs a group (?P<id>...) for the host id")
        return self


class NodePhrase(Phrase):
    """A text that tells a node's state. default: whether it makes the node the default host."""

    state: Annotated[NodeState, BeforeValidator(NodeState)]
    default: bool = False


class PortPhrase(Phrase):
    """A text that tells a port rule's state."""

    state: Annotated[PortState, BeforeValidator(PortState)]


class ResultPhrase(Phrase):
    """A text that tells what became of a command."""

    result: Annotated[CommandResult, BeforeValidator(CommandResult)]


class Phrases(Section):
    """All tables, each tried from its first row to its last."""

    failures: tuple[Failure, ...] = ()
    doubts: tuple[Phrase, ...] = ()
    host_lines: tuple[HostLine, ...] = ()
    node_states: tuple[NodePhrase, ...] = ()
    port_states: tuple[PortPhrase, ...] = ()
    results: tuple[ResultPhrase, ...] = ()

    def before(self, other: Phrases) -> Phrases:
        """Return tables in which this one's rows come before the other's."""
        return Phrases(
            failures=self.failures + other.failures,
            doubts=self.doubts + other.doubts,
            host_lines=self.host_lines + other.host_lines,
            node_states=self.node_states + other.node_states,
            port_states=self.port_states + other.port_states,
            results=self.results + other.results,
        )


P = TypeVar("P", bound=Phrase)


def states_in(table: tuple[P, ...], text: str) -> list[P]:
    """Return every row whose pattern occurs in the text."""
    return [row for row in table if row.pattern.search(text)]


def first_match(table: tuple[P, ...], text: str) -> P | None:
    """Return the first row whose pattern occurs in the text, or None."""
    return next((row for row in table if row.pattern.search(text)), None)


def parse(text: str, file: str) -> Phrases:
    """Check the text of a phrase file. Raises `ConfigError` with every problem."""
    document = strict_yaml.parse(text)
    problems = list(document.problems)
    if not problems:
        try:
            return Phrases.model_validate(document.data or {})
        except ValidationError as error:
            problems += [
                ConfigProblem(
                    document.line_of(finding["loc"]),
                    strict_yaml.path_text(finding["loc"]),
                    finding["msg"].removeprefix("Value error, "),
                )
                for finding in error.errors(include_url=False)
            ]
    raise ConfigError(file, tuple(problems))


def load(site_file: str | None = None) -> Phrases:
    """Return the built-in phrases, a site's own before them.

    Raises `ClusterError` if the site's file cannot be read or used.
    """
    shipped = resources.files("cluster.nlb").joinpath("phrases.yml").read_text("utf-8")
    built_in = parse(shipped, "phrases.yml")
    if site_file is None:
        return built_in
    try:
        text = Path(site_file).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(
            site_file, f"the phrase file cannot be read: {error}", "see nlb.phrases_file"
        ) from error
    return parse(text, site_file).before(built_in)
