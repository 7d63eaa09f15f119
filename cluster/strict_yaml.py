"""YAML text → plain data, with the line of every key, refusing what is ambiguous. Pure.

PyYAML follows YAML 1.1: ``no`` is false, ``22:30`` is 1350, ``2024-05-20`` is a date, and of
two equal keys the last one wins in silence. Here scalars mean what YAML 1.2 says, and
wherever the two versions disagree the text is refused, so that the file reads the same in
every tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.resolver import Resolver

from cluster.errors import ConfigProblem

Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
MAX_VALUES = 100_000
"""Of a document. A few lines of aliases to aliases stand for more values than memory holds."""

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(slots=True)
class Document:
    """A parsed file: its data, where each value stands, and what was refused.

    lines: line number (from 1) of each key path. problems: empty if the text is sound.
    values: how many there are, each as often as an alias repeats it.
    """

    data: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)
    values: int = 0

    def line_of(self, path: Path) -> int | None:
        """Return the line of a path, or of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


class _TooManyError(Exception):
    """There are more than `MAX_VALUES`."""


def path_text(path: Path) -> str:
    """Write a path as ``clusters[0].hosts[1].address``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def parse(text: str) -> Document:
    """Read one YAML document; never raises for what stands in it."""
    document = Document()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.problems.append(
            ConfigProblem(
                mark.line + 1 if mark else None,
                "",
                f"not valid YAML: {error.problem or error.context}",
                "write Windows paths in single quotes"
                if "escape" in str(error.problem)
                else "check indentation, colons and quotes around this line and above it",
            )
        )
    except yaml.YAMLError as error:
        document.problems.append(
            ConfigProblem(None, "", f"not valid YAML: {str(error).splitlines()[0]}")
        )
    except RecursionError:
        document.problems.append(ConfigProblem(None, "", "nested too deeply"))
    else:
        if node is not None:
            _take(node, document)
    return document


def _take(node: yaml.Node, document: Document) -> None:
    try:
        document.data = _value(node, (), document, ())
    except _TooManyError:
        document.problems[:] = [
            ConfigProblem(None, "", f"more than {MAX_VALUES} values", "write aliases out")
        ]


def _value(node: yaml.Node, path: Path, document: Document, around: tuple[int, ...]) -> object:
    """Turn a node into plain data, noting lines and problems in `document`."""
    document.lines.setdefault(path, node.start_mark.line + 1)
    document.values += 1
    if document.values > MAX_VALUES:
        raise _TooManyError
    if id(node) in around:
        _refuse(document, node, path, "an alias to something that contains it", "write it out")
        return None
    around = (*around, id(node))
    if isinstance(node, yaml.MappingNode):
        return dict(_items(node, path, document, around))
    if isinstance(node, yaml.SequenceNode):
        return tuple(
            _value(child, (*path, index), document, around)
            for index, child in enumerate(node.value)
        )
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(node, path, document)


def _items(
    node: yaml.MappingNode, path: Path, document: Document, around: tuple[int, ...]
) -> Iterator[tuple[str, object]]:
    first_lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
            _refuse(document, key_node, path, "a key must be a plain word", "write the keys out")
            continue
        line = key_node.start_mark.line + 1
        if key in first_lines:
            _refuse(
                document,
                key_node,
                (*path, key),
                f"this key stands twice, first in line {first_lines[key]}",
                "keep one of the two",
            )
            continue
        first_lines[key] = line
        document.lines[(*path, key)] = line
        yield key, _value(value_node, (*path, key), document, around)


def _scalar(node: yaml.ScalarNode, path: Path, document: Document) -> object:
    text: str = node.value
    if node.style is not None:
        return text
    value = _plain(text)
    tag: str = Resolver().resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    old = tag.rpartition(":")[2]
    new = {str: "str", bool: "bool", int: "int", float: "float"}.get(type(value), "null")
    if old != new or (new == "int" and re.match(r"[-+]?0[0-9]", text)):
        _refuse(
            document,
            node,
            path,
            f"{text!r} without quotes means different things to different YAML readers",
            _mend(text),
        )
        return None
    return value


def _plain(text: str) -> bool | int | float | str | None:
    """Read a plain scalar as YAML 1.2's core schema does, decimal numbers only."""
    if text.lower() in _WORDS and text in {text.lower(), text.capitalize(), text.upper()}:
        return _WORDS[text.lower()]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) and text.strip("+-.") else text


def _mend(text: str) -> str:
    if text.lower() in {"yes", "no", "on", "off"}:
        boolean = "true" if text.lower() in {"yes", "on"} else "false"
        return f'write "{text}" in quotes if it is a name, or {boolean} if it is a switch'
    return f'write "{text}" in quotes if it is a text'


def _refuse(document: Document, node: yaml.Node, path: Path, problem: str, hint: str) -> None:
    document.problems.append(
        ConfigProblem(node.start_mark.line + 1, path_text(path), problem, hint)
    )
