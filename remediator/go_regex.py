"""Regular expressions as Alertmanager's silences have them, matched without backtracking. Pure.

documented: Prometheus and Alertmanager use RE2 syntax and anchor a matcher at both ends. Python's
own expressions differ from it in places, and one of them may take for ever, in which nothing else
of the program runs; whoever may set a silence could stop it by one. Here is what occurs in
matchers, matched as sets of places, in bounded steps. Whatever else is written cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MAX_CHARACTERS = 500
MAX_NESTING = 20
MAX_REPEAT = 1000
STEPS = 2_000
"""Of one match. A usual one takes fewer than 300."""

PERL = {
    "d": "0123456789",
    "w": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
    "s": "\t\n\f\r ",
}
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}

Places = frozenset[int]


class CannotTellError(Exception):
    """The expression is none that is understood here, or takes too long."""


class _Steps:
    def __init__(self) -> None:
        self._left = STEPS

    def take(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise CannotTellError("it takes too many steps")


Node = Callable[[str, Places, _Steps], Places]
"""From the places where a match may begin to those where it may end."""


def matches(pattern: str, text: str) -> bool:
    """Tell whether a whole text matches. Raises `CannotTellError`."""
    if len(pattern) > MAX_CHARACTERS:
        raise CannotTellError(f"it is longer than {MAX_CHARACTERS} characters")
    parser = _Parser(pattern)
    node = parser.alternatives(0)
    if parser.at < len(pattern):
        raise CannotTellError("unexpected )")
    return len(text) in node(text, frozenset({0}), _Steps())


def _character(is_one: Callable[[str], bool]) -> Node:
    def node(text: str, places: Places, steps: _Steps) -> Places:
        steps.take()
        return frozenset(at + 1 for at in places if at < len(text) and is_one(text[at]))

    return node


def _at(place: Callable[[str], int]) -> Node:
    return lambda text, places, _: places & {place(text)}


def _sequence(nodes: list[Node]) -> Node:
    def node(text: str, places: Places, steps: _Steps) -> Places:
        for each in nodes:
            steps.take()
            if not places:
                break
            places = each(text, places, steps)
        return places

    return node


def _choice(nodes: list[Node]) -> Node:
    def node(text: str, places: Places, steps: _Steps) -> Places:
        found: Places = frozenset()
        for each in nodes:
            steps.take()
            found |= each(text, places, steps)
        return found

    return node


def _repeated(inner: Node, least: int, most: int | None) -> Node:
    def node(text: str, places: Places, steps: _Steps) -> Places:
        for _ in range(least):
            steps.take()
            places = inner(text, places, steps)
        found = places
        for _ in range(MAX_REPEAT if most is None else most - least):
            steps.take()
            places = inner(text, places, steps) - found
            if not places:
                break
            found |= places
        return found

    return node


@dataclass(slots=True)
class _Parser:
    """Reads an expression from left to right."""

    pattern: str
    at: int = 0

    def _next(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def _taken(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    def alternatives(self, depth: int) -> Node:
        """Read up to the end or the bracket that closes."""
        if depth > MAX_NESTING:
            raise CannotTellError("it is nested too deeply")
        found = [self._sequence(depth)]
        while self._taken("|"):
            found.append(self._sequence(depth))
        return found[0] if len(found) == 1 else _choice(found)

    def _sequence(self, depth: int) -> Node:
        found: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            found.append(self._repetition(self._atom(depth)))
        return _sequence(found)

    def _repetition(self, atom: Node) -> Node:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self._next() in simple:
            least, most = simple[self._next()]
            self.at += 1
        elif self._next() == "{":
            least, most = self._bounds()
        else:
            return atom
        self._taken("?")  # how greedy it is makes no difference to a match of the whole
        if self._next() in {"*", "+", "?", "{"}:
            raise CannotTellError("repetition of a repetition")
        return _repeated(atom, least, most)

    def _bounds(self) -> tuple[int, int | None]:
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at + 1 : max(end, self.at)].partition(",")
        if end < 0 or not _is_number(low) or not (high == "" or _is_number(high)):
            raise CannotTellError("{ without a number of times")
        self.at = end + 1
        least = int(low)
        most = int(high) if high else None if comma else least
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise CannotTellError("{ with a number of times that is too large")
        return least, most

    def _atom(self, depth: int) -> Node:
        char = self._next()
        self.at += 1
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == ".":
            return _character(lambda c: c != "\n")
        if char == "^":
            return _at(lambda _: 0)
        if char == "$":
            return _at(len)
        if char == "\\":
            members = self._escape()
            return _character(members.__contains__)
        if char in "*+?{":
            raise CannotTellError(f"{char} repeats nothing")
        return _character(char.__eq__)

    def _group(self, depth: int) -> Node:
        if self._next() == "?" and not self._taken("?:"):
            raise CannotTellError("(? other than (?:")
        node = self.alternatives(depth + 1)
        if not self._taken(")"):
            raise CannotTellError("( that does not end")
        return node

    def _escape(self) -> frozenset[str]:
        """Read what follows a backslash: the characters that it stands for."""
        char = self._next()
        self.at += 1
        if char in PERL:
            return frozenset(PERL[char])
        if char in ESCAPES:
            return frozenset(ESCAPES[char])
        if char == "" or char.isalnum() or not char.isascii():
            raise CannotTellError(f"\\{char}")
        return frozenset(char)

    def _class(self) -> Node:
        negated = self._taken("^")
        members: set[str] = set()
        ranges: list[tuple[str, str]] = []
        first = True
        while first or self._next() != "]":
            low = self._member(first=first)
            first = False
            if self._next() == "-" and self.pattern[self.at + 1 : self.at + 2] not in {"]", ""}:
                self.at += 1
                high = self._member(first=True)
                if len(low) != 1 or len(high) != 1 or min(high) < min(low):
                    raise CannotTellError("[ with a range that is none")
                ranges.append((min(low), min(high)))
            else:
                members |= low
        self.at += 1
        return _character(
            lambda c: (c in members or any(a <= c <= b for a, b in ranges)) is not negated
        )

    def _member(self, *, first: bool) -> frozenset[str]:
        char = self._next()
        self.at += 1
        if char == "" or (char == "[" and self._next() in {":", "=", "."}):
            raise CannotTellError("[ that does not end, or with a class of its own")
        if char == "\\":
            return self._escape()
        if char == "-" and not first and self._next() != "]":
            raise CannotTellError("[ with a - in the middle")
        return frozenset(char)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
