"""Which mode source decides, where an older answer comes first and a newer one differs. Pure.

In a look every source has just been asked, and the configured order decides alone. On the board
readings are of different ages: an ``exec`` source is read every 15 s, a page every second.
If the mode changes in between, the source that comes first still tells the old one.

So a later source decides where it is certain that its news is newer: it told another mode
before, changed since then, and the change happened after the first one last answered. As soon
as the first one answers again, the order decides again, whatever it says: two sources that
contradict each other for long do not take turns.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.clock import Instant
from cluster.model import Reading, SipMode, SipStatus


@dataclass(frozen=True, slots=True)
class SourceNews:
    """The mode that a source told last, and the earliest moment of its last change.

    changed: None while it has told but one mode since the exporter started.
    """

    mode: SipMode = SipMode.UNKNOWN
    changed: Instant | None = None

    def after(self, reading: Reading[SipStatus]) -> SourceNews:
        """Return it with one more reading; unknown in between is no change.

        What is read may have been so for the source's lag before it was asked.
        """
        mode = reading.value.mode
        if mode in {SipMode.UNKNOWN, self.mode}:
            return self
        if self.mode is SipMode.UNKNOWN:
            return SourceNews(mode)
        return SourceNews(mode, reading.asked.plus(-reading.lag_seconds))


def deciding(sip: tuple[Reading[SipStatus], ...], news: tuple[SourceNews, ...]) -> int | None:
    """Return which source decides against the order, None where the order does.

    sip: the readings as they count now, what is too old as unknown. news: of the same sources.
    """
    known = [n for n, reading in enumerate(sip) if reading.value.mode is not SipMode.UNKNOWN]
    if not known:
        return None
    first = sip[known[0]]
    for number in known[1:]:
        changed = news[number].changed
        differs = sip[number].value.mode is not first.value.mode
        if differs and changed is not None and changed.seconds_since(first.answered) > 0:
            return number
    return None
