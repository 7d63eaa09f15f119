"""A reader with a mistake four bytes deep: what guides the fuzzer has to find it."""

from __future__ import annotations


def read(raw: bytes) -> bytes:
    """Break on one word of four bytes, each in a branch of its own."""
    for at, wanted in enumerate((0xC7, 0x1E, 0x95, 0x62)):
        if len(raw) <= at:
            return raw
        if raw[at] != wanted:
            return raw[:at]
    raise KeyError("found")
