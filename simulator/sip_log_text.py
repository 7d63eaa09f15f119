"""Text of a simulated SIP Server's log: header, records, names of its files. Pure.

Header, names, stamps and forms are documented (captured logs, application template); host and
paths are invented, and so is which text goes with which level.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cluster.model import SipMode

LINE_END = "\r\n"
ROLE_RECORDS = {
    SipMode.BACKUP: ("04561", "Hot Standby (backup) mode activated"),
    SipMode.PRIMARY: ("04563", "Hot Standby (Primary) mode activated"),
}


class MessageFormat(StrEnum):
    """Option ``message-format``."""

    SHORT = "short"
    FULL = "full"


class TimeFormat(StrEnum):
    """Option ``time-format``: a date and time, a time alone, or as the locale has it."""

    ISO8601 = "ISO8601"
    TIME = "time"
    LOCALE = "locale"


@dataclass(frozen=True, slots=True)
class LogProfile:
    """How logs are written.

    segment_bytes: after how many a new segment is begun. expire: segments that are kept.
    """

    message_format: MessageFormat = MessageFormat.SHORT
    time_format: TimeFormat = TimeFormat.ISO8601
    segment_bytes: int = 16 * 1024
    expire: int = 10


@dataclass(frozen=True, slots=True)
class LogOwner:
    """Whose log it is. start: UTC moment, naive, at which the process started."""

    host: str
    application: str
    start: datetime


def file_name(base: str, local: datetime) -> str:
    """Return the name of a segment that is begun at a local time."""
    return f"{base}.{local:%Y%m%d_%H%M%S}_{local.microsecond // 1000:03d}.log"


def header(owner: LogOwner, utc: datetime, offset: timedelta, number: int, file: str) -> str:
    """Return the header of a segment. offset: of local time to UTC. number: from 1."""
    west = -round(offset.total_seconds())
    lines = (
        f"Application name: {owner.application}",
        "Application type: TServer (1)",
        f"Command line:     sip_server -host {owner.host} -port 2020 -app {owner.application}",
        f"Host name:        {owner.host}",
        "DST:              TZ = 0, timeb = 0",
        f"Time zone:        {west}, Simulated Standard Time, Simulated Daylight Time",
        f"UTC time:         {iso(utc)}",
        f"Local time:       {iso(utc + offset)}",
        f"Start time (UTC): {owner.start:%Y-%m-%dT%H:%M:%S}",
        "Running time:     0:00:00:00",
        "Host info:        simulated by sipnlb-simulator",
        f"File:             ({number}) {file}",
        "",
    )
    return "".join(line + LINE_END for line in lines)


def record(profile: LogProfile, owner: LogOwner, local: datetime, number: str, text: str) -> str:
    """Return one record. number: five digits."""
    when = stamp(profile.time_format, local)
    if profile.message_format is MessageFormat.SHORT:
        return f"{when} Std {number} {text}{LINE_END}"
    return f"{when} Standard {owner.host} {owner.application} GCTI-00-{number} {text}{LINE_END}"


def check_point(profile: LogProfile, owner: LogOwner, local: datetime) -> str:
    """Return what is written when nothing else happens: a check point and some debug lines."""
    text = f"Check point {local:%Y-%m-%dT%H:%M:%S}"
    clock = f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
    noise = (f"{clock}: SIPCM: id={number} idle{LINE_END}" for number in range(5))
    return record(profile, owner, local, "04120", text) + "".join(noise)


def stamp(time_format: TimeFormat, local: datetime) -> str:
    """Return a local time as a stamp."""
    clock = f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
    match time_format:
        case TimeFormat.TIME:
            return clock
        case TimeFormat.LOCALE:
            return f"{local:%m/%d/%y} {clock}"
        case _:
            return f"{local:%Y-%m-%d}T{clock}"


def iso(moment: datetime) -> str:
    """Return a moment with milliseconds, as headers have it."""
    return moment.isoformat(timespec="milliseconds")
