"""Regular expressions as Alertmanager's silences have them: RE2's, over the whole text. Pure.

documented: Prometheus and Alertmanager use RE2 syntax and anchor a matcher at both ends. Python's
own expressions differ from it in places, and one of them may take for ever, in which nothing else
of the program runs. RE2 takes a time in proportion to the text, whoever wrote the expression.
"""

from __future__ import annotations

import re2

MAX_CHARACTERS = 500
MAX_MEMORY_BYTES = 1 << 20
"""Of one expression: one that would grow larger is none that is understood."""


class CannotTellError(Exception):
    """The expression is none that is understood here."""


def matches(pattern: str, text: str) -> bool:
    """Tell whether a whole text matches. Raises `CannotTellError`."""
    if len(pattern) > MAX_CHARACTERS:
        raise CannotTellError(f"it is longer than {MAX_CHARACTERS} characters")
    options = re2.Options()
    options.max_mem = MAX_MEMORY_BYTES
    options.log_errors = False
    try:
        return re2.compile(pattern, options).fullmatch(text) is not None
    except re2.error as error:
        raise CannotTellError(_said(error)) from error
    except UnicodeEncodeError as error:
        raise CannotTellError("it is no text in UTF-8") from error


def _said(error: Exception) -> str:
    """Return RE2's own words, which come as bytes."""
    words = error.args[0] if error.args else ""
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)
