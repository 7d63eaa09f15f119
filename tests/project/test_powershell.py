"""Every PowerShell file parses. Nothing here can run one: only a Windows host proves more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = frozenset({".ps1", ".psm1", ".psd1", ".psrc", ".pssc"})
FOLDERS = ("cluster", "exporter", "remediator", "simulator", "tests")
FILES = sorted(
    str(file.relative_to(ROOT))
    for folder in FOLDERS
    for file in (ROOT / folder).rglob("*")
    if file.suffix in SUFFIXES
)


def mistakes(source: bytes) -> list[str]:
    """Return where the grammar is broken, as line and text."""
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    return [
        f"line {node.start_point.row + 1}: {(node.text or b'').decode()[:60]!r}"
        for node in nodes(parser.parse(source).root_node)
        if node.is_error or node.is_missing
    ]


def nodes(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield a node and all below it."""
    yield node
    for child in node.children:
        yield from nodes(child)


def test_the_scripts_of_back_end_cim_are_here() -> None:
    """The list is not empty by mistake, and each script is in the package whose work it does."""
    assert {"cluster/nlb/windows/Get-SipNlb.ps1", "remediator/windows/Set-SipNlbPort.ps1"} <= set(
        FILES
    )


@pytest.mark.parametrize("name", FILES)
def test_each_file_parses(name: str) -> None:
    """Brackets, strings and parameters are closed and in their places."""
    assert mistakes((ROOT / name).read_bytes()) == []


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_plain_ascii(name: str) -> None:
    """Windows PowerShell reads a file without a byte order mark in the system's code page."""
    assert (ROOT / name).read_bytes().isascii()


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("cluster/")])
def test_nothing_that_reads_can_change(name: str) -> None:
    """What cluster ships calls no method of NLB and no cmdlet that sets anything of it."""
    text = (ROOT / name).read_text("ascii").lower()
    found = [
        word for word in ("invoke-cimmethod", "enableex", "disableex", "set-nlb") if word in text
    ]
    assert found == []


def test_a_broken_file_is_seen() -> None:
    """The grammar notices what a person would."""
    assert mistakes(b"if ($a -eq 1) { 'x'\n") == ["line 1: ''"]
    assert mistakes(b"$x = @{\n  a = 1\n)\n}\n") == ["line 3: ')'"]
    assert mistakes(b"if ($a -eq 1) { 'x' }\n") == []
