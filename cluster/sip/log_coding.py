"""How the characters of a log are coded, and its bytes as one byte a character. Pure.

All that is telling in a log is ASCII, so a log in any code page is searched as bytes; one in
UTF-16 is made narrow first. What is not ASCII there becomes a question mark.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
QUESTION_MARK = 0x3F


@dataclass(frozen=True, slots=True)
class Coding:
    """How a file is coded. codec: Python's name. mark: length of its byte order mark, 0 to 3."""

    codec: str
    mark: int = 0

    @property
    def width(self) -> int:
        """Bytes of a character that is telling: 2 in UTF-16, else 1."""
        return 2 if self.codec.startswith("utf-16") else 1

    @property
    def narrow_codec(self) -> str:
        """How what `narrow` returns is read."""
        return self.codec if self.width == 1 else "ascii"


def coding_of(begin: bytes, configured: str) -> Coding:
    """Return how a file is coded: by its byte order mark, else as configured.

    begin: its first bytes. configured: as `cluster.config_values` accepts it.
    """
    for mark, codec in _MARKS:
        if begin.startswith(mark):
            return Coding(codec, len(mark))
    name = codecs.lookup(configured).name
    return Coding("utf-16-le" if name == "utf-16" else name)


def narrow(data: bytes, coding: Coding) -> bytes:
    """Return bytes of a log as one byte a character; an odd byte at the end is left out."""
    if coding.width == 1:
        return data
    data = data[: len(data) // 2 * 2]
    low, high = (data[::2], data[1::2]) if coding.codec == "utf-16-le" else (data[1::2], data[::2])
    if not any(high):
        return low
    return bytes(QUESTION_MARK if above else one for one, above in zip(low, high, strict=True))
