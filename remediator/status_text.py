"""What ``GET /api/v1/status`` tells → one screen for a person, and what needs attention. Pure.

The document comes from another program, of another version perhaps: whatever it is, there are
words for it, and a sign that a terminal would act on is never among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

RIGHT_ENDINGS = frozenset({"right", "remediated"})
ELSEWHERE = "lease_elsewhere"
TOLD_BELOW = {"paused": "pauses", "approval_wanted": "approvals"}
"""Holds whose text says what the journal says of the cluster, by key there."""
MAX_CHARACTERS = 400
"""Of one text of the document."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Screen:
    """What is shown. attention: what needs somebody, one sentence each, none where all is right.

    ready: whether the remediator does its work.
    """

    lines: tuple[str, ...]
    attention: tuple[str, ...]
    ready: bool


def screen(document: Document, *, details: bool) -> Screen:
    """Return how all stands. details: show the hosts of clusters that are right, too."""
    ready = document.get("ready") is True
    lines, attention = [_head(document)], []
    for reason in _texts(document.get("reasons")):
        lines.append(f"  not ready: {reason}")
        attention.append(f"not ready: {reason}")
    if not ready and not attention:
        attention.append("it does not say that it is ready")
    for each in _objects(document.get("alertmanagers")):
        if each.get("problem"):
            said = f"{_text(each.get('url'))} cannot be asked: {_text(each.get('problem'))}"
            lines.append(f"  Alertmanager {said}")
            attention.append(f"Alertmanager {said}")
    for cluster in _objects(document.get("clusters")):
        wrong = list(_wrong(cluster))
        name = _text(cluster.get("name"))
        attention += [f"{name}: {each}" for each in wrong]
        lines.append(_cluster(cluster, right=not wrong))
        if wrong or details:
            lines += _hosts(cluster)
        lines += [f"    {each}" for each in (*wrong, *_known(cluster))]
    return Screen(tuple(lines), tuple(attention), ready)


def _head(document: Document) -> str:
    state = "ready" if document.get("ready") is True else "NOT READY"
    return (
        f"sipnlb-remediator {_text(document.get('version'))}: {state}, "
        f"level {_text(document.get('level'))}, {_watchdog(_object(document.get('watchdog')))}"
    )


def _watchdog(told: Document) -> str:
    age, grace = told.get("age_seconds"), told.get("waited_for_seconds")
    if _is_number(age):
        return f"watchdog alert {_ago(age)}"
    left = f", it is waited for {grace:.0f} s more" if _is_number(grace) else ""
    return f"no watchdog alert yet{left}"


def _cluster(cluster: Document, *, right: bool) -> str:
    primary = ", ".join(_texts(cluster.get("primary"))) or "none seen"
    words = [
        f"{_text(cluster.get('name'))}: {'right' if right else 'ATTENTION'}",
        *(["simulated"] if cluster.get("simulated") is True else []),
        f"primary {primary}",
        _look(cluster),
    ]
    lease = _object(cluster.get("lease"))
    if lease.get("held") is False and lease.get("holder"):
        words.append(f"acted on by {_text(lease['holder'])}, ask that one")
    return ", ".join(words)


def _look(cluster: Document) -> str:
    last = _object(cluster.get("last_look"))
    age, due = cluster.get("last_look_age_seconds"), cluster.get("next_look_seconds")
    following = ""
    if _is_number(due):
        following = ", another runs" if due == 0 else f", next in {due:.0f} s"
    if not last:
        return f"not looked at yet{following}"
    ended = f" {_ago(age)}" if _is_number(age) else ""
    said = _text(last.get("ending")) if last.get("ending") else "failed"
    return f"last look ({_text(last.get('trigger'))}) {said}{ended}{following}"


def _hosts(cluster: Document) -> Iterator[str]:
    for host in _objects(cluster.get("hosts")):
        ports = [
            f"{_text(port.get('port'))} {_text(port.get('state'))}"
            + (", serves" if port.get("serving") is True else "")
            for port in _objects(host.get("ports"))
        ]
        node = f"node {_text(host.get('node_state'))}"
        yield f"  {'; '.join((_text(host.get('name')), _text(host.get('mode')), node, *ports))}"


def _wrong(cluster: Document) -> Iterator[str]:
    """Yield what of a cluster needs somebody."""
    lease = _object(cluster.get("lease"))
    other = lease.get("held") is False and bool(lease.get("holder"))
    if lease.get("held") is False and not other:
        yield "no remediator is known to have its lease"
    if not other:
        yield from _wrong_look(_object(cluster.get("last_look")), _object(cluster.get("journal")))
    silenced, hold = cluster.get("silenced"), _object(cluster.get("last_look")).get("hold")
    if silenced and (other or hold != "silenced"):
        yield f"no repair while this stands: {_text(silenced)}"
    told = cluster.get("journal")
    if not isinstance(told, Mapping):
        yield "what the journal says of it is not known"
        return
    for each in _objects(told.get("needs_person")):
        since = _text(each.get("since"))
        yield f"needs a person since {since}: {_text(each.get('hold'))}: {_text(each.get('text'))}"
    for host in _texts(told.get("fence_pending")):
        yield f"{host} should be closed and cannot be commanded"
    for each in _objects(told.get("pauses")):
        what = "paused" if each.get("cluster") else "all clusters paused"
        who, until = _text(each.get("who")), _text(each.get("until"))
        yield f"{what} by {who} until {until}: {_text(each.get('reason'))}"
    for each in _objects(told.get("approvals")):
        actions = ", then ".join(_texts(each.get("actions")))
        until = _text(each.get("until"))
        yield f"waits for approval {_text(each.get('id'))} until {until}: {actions}"


def _known(cluster: Document) -> Iterator[str]:
    """Yield what somebody knows of; it calls for nobody by itself."""
    for each in _objects(_object(cluster.get("journal")).get("acknowledged")):
        said = f"{_text(each.get('hold'))}: {_text(each.get('text'))}"
        yield f"acknowledged by {_text(each.get('who'))} at {_text(each.get('at'))}: {said}"


def _wrong_look(last: Document, told: Document) -> Iterator[str]:
    """Yield what is wrong with a look. told: what the journal says, shown below it."""
    if not last:
        yield "not looked at yet"
        return
    ending, hold = last.get("ending"), last.get("hold")
    if hold and hold != ELSEWHERE:
        would = ", ".join(_texts(last.get("would")))
        said = (f"would {would}" if would else "") if _is_below(last, told) else last.get("text")
        yield f"held, {_text(hold)}" + (f": {_text(said)}" if said else "")
    elif ending == "observed":
        would = ", ".join(_texts(last.get("would"))) or _text(last.get("why"))
        yield f"only observed, would {would}"
    elif ending not in RIGHT_ENDINGS:
        yield f"the last look ended {_text(ending) if ending else 'without a result'}"


def _is_below(last: Document, told: Document) -> bool:
    """Tell whether the text of a look that holds stands among what the journal says, too."""
    hold, text = last.get("hold"), last.get("text")
    if isinstance(hold, str) and _objects(told.get(TOLD_BELOW.get(hold, ""))):
        return True
    return any(each.get("text") == text for each in _objects(told.get("needs_person")))


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _object(value: object) -> Document:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Document]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [_text(each) for each in value] if isinstance(value, list) else []


def _text(value: object) -> str:
    """Return any value as one line that a terminal only shows."""
    words = " ".join(str("?" if value is None else value).split())[:MAX_CHARACTERS]
    return "".join(sign if sign.isprintable() else "?" for sign in words)
