"""Names the readings of a host's view and puts a new one in its place. Pure.

The board, the reading loops, the metrics and the pages all name a reading the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from cluster.model import HostView, NlbParams, NodeStatus, PortStatus, Reading, SipStatus
from cluster.sip.agreement import source_labels


class Kind(StrEnum):
    """What a reading is of."""

    MODE = "mode"
    NODE = "node"
    PORT = "port"
    PARAMS = "params"


@dataclass(frozen=True, slots=True)
class ReadingKey:
    """Which reading of a host. index: of the mode source or port rule, as configured, from 0."""

    kind: Kind
    index: int = 0


def unknown_value(kind: Kind) -> Any:
    """Return the value that means that nothing is known."""
    return {
        Kind.MODE: SipStatus(),
        Kind.NODE: NodeStatus(),
        Kind.PORT: PortStatus(),
        Kind.PARAMS: NlbParams(),
    }[kind]


def keys_of(view: HostView) -> tuple[ReadingKey, ...]:
    """Return the keys of all readings of a host."""
    return (
        *(ReadingKey(Kind.MODE, index) for index in range(len(view.sip))),
        ReadingKey(Kind.NODE),
        *(ReadingKey(Kind.PORT, index) for index in range(len(view.ports))),
        ReadingKey(Kind.PARAMS),
    )


def reading_of(view: HostView, key: ReadingKey) -> Reading[Any]:
    """Return one reading of a host."""
    match key.kind:
        case Kind.MODE:
            return view.sip[key.index]
        case Kind.NODE:
            return view.node
        case Kind.PORT:
            return view.ports[key.index][1]
        case _:
            return view.params


def with_reading(view: HostView, key: ReadingKey, reading: Reading[Any]) -> HostView:
    """Return the view with one reading replaced."""
    match key.kind:
        case Kind.MODE:
            before, after = view.sip[: key.index], view.sip[key.index + 1 :]
            return replace(view, sip=(*before, reading, *after))
        case Kind.NODE:
            return replace(view, node=reading)
        case Kind.PORT:
            rule = view.ports[key.index][0]
            others = view.ports[: key.index], view.ports[key.index + 1 :]
            return replace(view, ports=(*others[0], (rule, reading), *others[1]))
        case _:
            return replace(view, params=reading)


def label_of(view: HostView, key: ReadingKey) -> str:
    """Return the label ``reading``: ``mode_http``, ``node``, ``port_5060``, ``params``."""
    match key.kind:
        case Kind.MODE:
            return f"mode_{source_labels(view)[key.index]}"
        case Kind.PORT:
            return f"port_{view.ports[key.index][0].port}"
        case _:
            return str(key.kind)


def state_of(kind: Kind, value: Any) -> str:
    """Return the one word that a reading tells; empty for parameters, which are many."""
    match kind:
        case Kind.MODE:
            return str(value.mode)
        case Kind.PARAMS:
            return ""
        case _:
            return str(value.state)
