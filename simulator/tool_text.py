"""The words in which the simulated NLB utility answers, by profile. Pure.

Documented forms are printed literally (KB 812870; banner and ``params`` of V2.4: UCMDB NLB
discovery script; banner of V2.6: xcyclopedia). Everything else is *simulated wording*: no
public sample exists, and the real utility may say it otherwise. Knows no commands; those are
in `nlb_tool`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simulator.nlb_node import PortVerb, Result

DENIED = (
    "{name} is not installed on this system or you do not have sufficient privileges "
    "to administer the cluster."
)
"""Documented for V2.4 (UCMDB script), with WLBS; assumed for V2.6, with the name as called."""


class ExitProfile(StrEnum):
    """The exit status of the utility; no table is public, so all three are assumed.

    ZERO: always 0. ONE: 0 for ok and already, else 1. WMI: the number that the CIM method
    would return; POSIX keeps only its low eight bits.
    """

    ZERO = "zero"
    ONE = "one"
    WMI = "wmi"


@dataclass(frozen=True, slots=True)
class ToolProfile:
    """How the utility of a host prints.

    version: ``2.4`` or ``2.6``. line_end: what ends each line. code_page: the console's, as
    Python names it.
    """

    version: str = "2.6"
    line_end: str = "\r\n"
    code_page: str = "cp437"
    exit_profile: ExitProfile = ExitProfile.ONE

    def banner(self, name: str) -> str:
        """Return the first line. V2.4 says WLBS under both names (documented)."""
        if self.version == "2.4":
            return "WLBS Cluster Control Utility V2.4 (c) 1997-2003 Microsoft Corporation."
        return f"{name.upper()} Cluster Control Utility V{self.version}"

    def denied(self, name: str) -> str:
        """Return the only line printed without NLB or without rights."""
        return DENIED.format(name="WLBS" if self.version == "2.4" else name.upper())

    def encode(self, lines: list[str]) -> bytes:
        """Make bytes of lines, as the console would get them."""
        text = "".join(line + self.line_end for line in lines)
        return text.encode(self.code_page, errors="replace")


WMI_NUMBERS = {
    Result.OK: 1000,
    Result.ALREADY: 1001,
    Result.DRAIN_STOP: 1002,
    Result.NOT_FOUND: 1004,
    Result.STOPPED: 1005,
    Result.DRAINING: 1009,
    Result.SUSPENDED: 1013,
}
"""Documented: wlbsprov, standard return values."""

_DONE = {PortVerb.ENABLE: "enabled", PortVerb.DISABLE: "disabled", PortVerb.DRAIN: "draining"}
_REFUSED = {
    Result.STOPPED: "The port rule was left as it is: the host is stopped.",
    Result.SUSPENDED: "The port rule was left as it is: the host is suspended.",
    Result.DRAINING: "The port rule was left as it is: the host is draining.",
}
_NODE_DONE = {
    "start": "Cluster operations started.",
    "stop": "Cluster operations stopped.",
    "drainstop": "Connections are draining; the host stops afterwards.",
    "suspend": "Cluster operations suspended.",
    "resume": "Cluster operations resumed.",
}


def port_result(verb: PortVerb, result: Result, port: int | None) -> str:
    """Say how an operation on a rule went; simulated wording throughout."""
    if result is Result.NOT_FOUND:
        return not_found(port)
    if result is Result.ALREADY:
        return f"Traffic handling for specified port rule(s) is already {_DONE[verb]}."
    if result is Result.OK:
        return f"Traffic handling for specified port rule(s) {_DONE[verb]}."
    return _REFUSED[result]


def node_result(command: str, result: Result) -> str:
    """Say how an operation on a node went; simulated wording throughout."""
    if result is Result.OK:
        return _NODE_DONE[command]
    if result is Result.ALREADY:
        return "Nothing to do: the host is in this state already."
    if result is Result.DRAIN_STOP:
        return "Draining was interrupted."
    return f"The host is {result}."


def not_found(port: int | None) -> str:
    """Say that no rule holds a port; simulated wording."""
    return f"Cannot find port {'ALL' if port is None else port} among the valid rules"


def windows_time(moment: datetime) -> str:
    """Write a time as US English Windows does, such as ``5/20/2024 8:15:02 AM``."""
    hour = moment.hour % 12 or 12
    return (
        f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} "
        f"{'AM' if moment.hour < 12 else 'PM'}"
    )


def foreign_lines(lines: list[str]) -> list[str]:
    """Put output into a language of nobody: what an unknown localisation looks like.

    Numbers and banner stay, words do not.
    """
    return lines[:1] + [
        "".join(chr(0xE0 + ord(c.lower()) % 24) if c.isalpha() else c for c in line)
        for line in lines[1:]
    ]


HELP = """\
Usage: {name} <command>
A stand-in by sipnlb-simulator; nothing real is switched.

  help                              this text
  query      [<cluster>]            state of this host and the hosts it sees
  queryport  [<vip>:|ALL:]<port> [<cluster>]   state of the rule that holds the port
  params     [<cluster>|ALL]        parameters and port rules
  display    [<cluster>|ALL]        parameters, then state
  ip2mac     <cluster>              hardware addresses that belong to a cluster address
  enable     [<vip>:|ALL:](<port>|ALL) [<cluster>]   take traffic of the rule
  disable    [<vip>:|ALL:](<port>|ALL) [<cluster>]   take none of it
  drain      [<vip>:|ALL:](<port>|ALL) [<cluster>]   take no new traffic of it
  start, stop, drainstop, suspend, resume [<cluster>]   change this host's own state
  reload     [<cluster>|ALL]        read the parameters again
"""
