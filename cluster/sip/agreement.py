"""Several mode sources of one host: their names, and whether they agree. Pure.

Which of them decides is `HostView.effective_sip`'s; here nothing is decided, only said.
"""

from __future__ import annotations

from cluster.model import HostView, SipMode


def source_labels(view: HostView) -> tuple[str, ...]:
    """Return the names of the mode sources: ``http``, and ``http_2`` for a second of its kind."""
    names = [reading.source for reading in view.sip]
    return tuple(
        name if (nth := names[: index + 1].count(name)) == 1 else f"{name}_{nth}"
        for index, name in enumerate(names)
    )


def disagreement(view: HostView) -> str | None:
    """Say what each source tells, as ``http primary, exec backup``; None where none contradicts.

    A source that knows nothing contradicts none.
    """
    told = {reading.value.mode for reading in view.sip} - {SipMode.UNKNOWN}
    if len(told) < 2:
        return None
    pairs = zip(source_labels(view), view.sip, strict=True)
    return ", ".join(f"{label} {reading.value.mode}" for label, reading in pairs)
