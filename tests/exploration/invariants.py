"""What must hold whenever a command leaves, written apart from the product. Pure.

By the numbers of the invariants in the architecture, and the sentences beside them. A reading
counts as what was true when it was asked for; its age here is counted by the explored world,
not by the product, so that "fresh" means: true so many ticks before the command left.
"""

from __future__ import annotations

from typing import NamedTuple

from remediator.planner import UnknownPeer, Unknowns, UnknownScs
from tests.exploration.product import MAX_AGE, SETTLE, Command, Seen


class Leaving(NamedTuple):
    """A command at the moment at which it is sent.

    order: e or d, as in force when it was planned. own: the only host that this remediator may
    command, None where it may command all. side_by_side: ticks since it last saw both hosts as
    primary without having read one of them as backup since, -1 for never. intent: o where the
    journal holds the intent and nothing was sent; s where it was, k where it may have been.
    frozen: the process stood still between its last check and this moment (invariant 7 leaves
    that open), so the ages mean nothing any more.
    """

    command: Command
    seen: tuple[Seen, Seen]
    look_age: float
    order: str
    unknowns: Unknowns
    own: int | None
    side_by_side: float
    intent: str
    frozen: bool


def broken(given: Leaving) -> list[str]:
    """Return which sentences this command breaks; empty for a sound one."""
    return [*_by_view(given), *_by_rule(given), *_by_age(given)]


def _by_view(given: Leaving) -> list[str]:
    command, seen = given.command, given.seen
    target, other = seen[command.host], seen[1 - command.host]
    found = []
    if (target.mode == "P") + (other.mode == "P") != 1:
        found.append("3: a command without exactly one primary in view")
    if command.letter == "E" and target.mode != "P":
        found.append("1: an enable of a host that is not the primary")
    if command.letter == "D" and target.mode == "P":
        found.append("2: a disable of the primary")
    serves = (other.mode, other.port, other.node) == ("P", "E", "S")
    if command.letter == "D" and given.order == "e" and not serves:
        found.append("4: a disable while no other host serves as primary")
    if command.letter == "D" and target.mode == "U":
        found += _closing_the_unknown(given, other)
    if target.port not in ("ED".replace(command.letter, ""), "G"):
        found.append("P: a command to a port that is not seen to need it")
    return found


def _closing_the_unknown(given: Leaving, primary: Seen) -> list[str]:
    found = []
    if given.unknowns.peer is UnknownPeer.LEAVE:
        found.append("U: a host of unknown mode is closed against the policy")
    if primary.scs == "F" or (primary.scs == "?" and given.unknowns.scs is UnknownScs.HOLD):
        found.append("C: a host of unknown mode is closed and SCS does not vouch for the primary")
    if 0 <= given.side_by_side - given.look_age <= SETTLE:
        found.append("O: one of two primaries of a moment ago is closed while it cannot be read")
    return found


def _by_rule(given: Leaving) -> list[str]:
    found = []
    if not given.command.as_configured:
        found.append("8: a command that names what configuration does not")
    if given.seen[given.command.host].rule != "T":
        found.append("R: a command to a host that does not report exactly the configured rule")
    if given.own not in {None, given.command.host}:
        found.append("N: a command to the host of another remediator")
    if given.intent != "o":
        found.append("6: a command on an intent that is not there or may have been carried out")
    return found


def _by_age(given: Leaving) -> list[str]:
    if given.frozen:
        return []
    ages = [given.look_age]
    for seen in given.seen:
        ages += [seen.mode_age, seen.port_age, seen.age]
    return ["F: a command on what is no longer fresh"] if max(ages) > MAX_AGE else []


def unproved(command: Command, outcome: str, after: Seen) -> list[str]:
    """Return what is wrong with an outcome, given the reading after the command."""
    wanted = (after.port, after.node) == ("E", "S") if command.letter == "E" else after.port == "D"
    if outcome == "verified" and not wanted:
        return ["E: success without evidence"]
    return []
