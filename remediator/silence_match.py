"""What an Alertmanager says of silences → which clusters they keep from being repaired. Pure.

documented: Alertmanager API v2, ``GET /api/v2/silences`` and ``GET /api/v2/alerts``. A silence
mutes an alert if each of its matchers matches; a label that is not there is empty. Held against it
are the label sets that the shipped repair alerts of a cluster can have. What a site adds to them
(external labels) is not known here: of these only Alertmanager itself can tell, and does, for
repair alerts that fire. Whoever may set silences writes the texts: they are shortened, and shown
without control characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from cluster.clock import utc_text
from cluster.config_model import Cluster
from remediator.go_regex import CannotTellError, matches
from remediator.webhook import REPAIR_LABEL, moment

REPAIR_ALERTS = ("SipServerBecamePrimary", "SipServerBecameBackup")
MAX_SHOWN_CHARACTERS = 120
MAX_SILENCES = 2000
"""Active ones that are looked through; what is beyond cannot be told."""
MAX_MATCHES = 100_000
"""Of expressions, for one answer; what is beyond cannot be told."""


@dataclass(frozen=True, slots=True)
class Silence:
    """An active silence. creator, comment: as they may be shown. until: its end, as told."""

    id: str
    creator: str = ""
    comment: str = ""
    until: str = ""
    matchers: tuple[tuple[str, str, bool, bool], ...] = ()

    def __str__(self) -> str:
        """Say whose it is and how long it stands."""
        said = f'silence {self.id} by "{self.creator}": "{self.comment}"'
        return f"{said}, until {self.until}" if self.until else said


@dataclass(frozen=True, slots=True)
class SilencesTold:
    """What one answer says. silenced: by cluster. untold: (id, why) of what cannot be told."""

    silenced: Mapping[str, Silence]
    untold: tuple[tuple[str, str], ...] = ()


def label_sets(cluster: Cluster) -> tuple[dict[str, str], ...]:
    """Return the labels of every repair alert that a cluster can have."""
    rules = (rule.port for rule in cluster.rules)
    hosts = (host.name for host in cluster.hosts)
    name, value = REPAIR_LABEL
    return tuple(
        {"alertname": alert, "cluster": cluster.name, "host": host, "port": port, name: value}
        for alert, host, port in product(REPAIR_ALERTS, hosts, rules)
    )


def told(silences: Any, alerts: Any, clusters: Iterable[Cluster]) -> SilencesTold:
    """Read both answers. Raises ValueError for what Alertmanager would not answer."""
    if not isinstance(silences, list) or not isinstance(alerts, list):
        raise ValueError("the answer is not a list")
    active = [_silence(each) for each in silences if _is_active(each)]
    matching = _Matching()
    found: dict[str, Silence] = {}
    by_alert = dict(_silencers(alerts, active))
    for cluster in clusters:
        silencer = matching.first(active[:MAX_SILENCES], cluster) or by_alert.get(cluster.name)
        if silencer is not None:
            found[cluster.name] = silencer
    if len(active) > MAX_SILENCES:
        matching.untold[""] = f"there are {len(active)} active silences"
    return SilencesTold(found, tuple(sorted(matching.untold.items())))


@dataclass(slots=True)
class _Matching:
    """Holds silences against clusters, and each expression against each value once."""

    untold: dict[str, str] = field(default_factory=dict)
    _known: dict[tuple[str, str], bool | str] = field(default_factory=dict)

    def first(self, silences: Iterable[Silence], cluster: Cluster) -> Silence | None:
        """Return the first silence that mutes a repair alert of a cluster."""
        sets = label_sets(cluster)
        return next((s for s in silences if any(self._mutes(s, labels) for labels in sets)), None)

    def _mutes(self, silence: Silence, labels: Mapping[str, str]) -> bool:
        """Tell whether a silence mutes an alert; one that cannot be told does not."""
        why = ""
        for name, value, is_regex, is_equal in silence.matchers:
            text = labels.get(name, "")
            found = self._matches(value, text) if is_regex else value == text
            if isinstance(found, str):
                why = f"{shown(value)}: {found}"
            elif found is not is_equal:
                return False
        if why:
            self.untold[silence.id] = why
        return not why and bool(silence.matchers)

    def _matches(self, pattern: str, text: str) -> bool | str:
        """Tell whether an expression matches, or why that cannot be told."""
        key = (pattern, text)
        if key not in self._known:
            if len(self._known) >= MAX_MATCHES:
                return "there are too many expressions"
            try:
                self._known[key] = matches(pattern, text)
            except CannotTellError as error:
                self._known[key] = str(error)
        return self._known[key]


def _is_active(silence: Any) -> bool:
    if not isinstance(silence, dict):
        raise ValueError("a silence is not an object")
    status = silence.get("status")
    return isinstance(status, dict) and status.get("state") == "active"


def _silence(silence: dict[str, Any]) -> Silence:
    matchers = silence.get("matchers")
    if not isinstance(matchers, list) or not all(isinstance(each, dict) for each in matchers):
        raise ValueError("a silence has no list of matchers")
    until = moment(silence.get("endsAt"))
    return Silence(
        shown(silence.get("id")),
        shown(silence.get("createdBy")),
        shown(silence.get("comment")),
        utc_text(until) if until is not None else "",
        tuple(_matcher(each) for each in matchers),
    )


def _matcher(matcher: dict[str, Any]) -> tuple[str, str, bool, bool]:
    """Read one. isEqual came later than the others (Alertmanager 0.22); without it, it is true."""
    name, value = matcher.get("name"), matcher.get("value")
    if not isinstance(name, str) or not isinstance(value, str):
        raise ValueError("a matcher has no name or no value")
    return name, value, matcher.get("isRegex") is True, matcher.get("isEqual") is not False


def _silencers(alerts: list[Any], known: list[Silence]) -> Iterable[tuple[str, Silence]]:
    """Yield by cluster what Alertmanager itself says to mute a repair alert that fires."""
    by_id = {silence.id: silence for silence in known}
    name, value = REPAIR_LABEL
    for alert in alerts:
        labels, status = (
            alert.get(key) if isinstance(alert, dict) else None for key in ("labels", "status")
        )
        if not isinstance(labels, dict) or not isinstance(status, dict):
            raise ValueError("an alert has no labels or no status")
        silencers, cluster = status.get("silencedBy"), labels.get("cluster")
        if isinstance(silencers, list) and silencers and labels.get(name) == value:
            silencer = shown(silencers[0])
            yield str(cluster), by_id.get(silencer, Silence(silencer))


def shown(text: Any) -> str:
    """Return a text of somebody else as it may be shown: short, without control characters."""
    if not isinstance(text, str):
        return ""
    cut = text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "…"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut
    )
