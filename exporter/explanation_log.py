"""One captured file of a SIP Server log → what the product makes of it, as plain data. Pure.

Reads every record from the begin, so that stamps without a date get theirs: from the header's
local time, then from midnight to midnight. The programs read backwards and do not need it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from cluster.model import SipMode
from cluster.sip.log_coding import narrow
from cluster.sip.log_lines import MAX_LINE, START_TIME, Record, StartTime, record_of
from cluster.sip.log_segment import HEAD_BYTES, UNDATED, segment_of
from cluster.sip.log_state import Calendar, LogState


def explain_log(raw: bytes, encoding: str) -> dict[str, Any]:
    """Read a whole file of a log. encoding: where it has no byte order mark.

    since: of the line that told the role, in the zone of the log. Never raises for what
    stands in the file.
    """
    segment = segment_of("", UNDATED, raw[:HEAD_BYTES], encoding)
    if segment is None:
        return _explanation(LogState(), None, ["neither a header nor a record of a log"])
    header = segment.header
    problems = [
        f"the header names no {what}"
        for what, value in (
            ("application", header.application),
            ("start time of the process", header.start),
            ("local time", header.local),
        )
        if value is None
    ]
    plain = narrow(raw[segment.coding.mark :], segment.coding)
    state, since = _read(plain, segment.coding.narrow_codec, header.local)
    problem = state.problem()
    return _explanation(
        replace(state, start=state.start or header.start),
        since,
        [*problems, *([str(problem)] if problem else [])],
    )


def _read(plain: bytes, codec: str, local: datetime | None) -> tuple[LogState, datetime | None]:
    """Return what the records add up to, and the moment of the one that told the role."""
    state, calendar, since = LogState(), Calendar(local), None
    for whole in plain.replace(b"\0", b"\n").split(b"\n"):
        line = whole[:MAX_LINE].rstrip(b"\r")
        if line.startswith(START_TIME.encode()):
            text = line[len(START_TIME) :].decode(codec, errors="replace")
            state = state.after(StartTime(text.strip()))
            continue
        record: Record | None = record_of(line, codec)
        if record is None:
            continue
        calendar, before = calendar.then(record), state
        state = state.after(record)
        if state is not before:
            since = calendar.at
    return state, since


def _explanation(state: LogState, since: datetime | None, problems: list[str]) -> dict[str, Any]:
    known = state.mode is not SipMode.UNKNOWN
    return {
        "mode": str(state.mode) if known else None,
        "standby": state.standby,
        "since": since.isoformat(timespec="milliseconds") if known and since else state.since,
        "instance_start": state.start,
        "problems": problems,
    }
