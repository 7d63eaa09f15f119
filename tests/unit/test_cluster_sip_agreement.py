"""Several sources of a host: their names, and what is said where they contradict each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import HostView, SipMode
from cluster.sip.agreement import disagreement, source_labels
from tests.unit import exporter_samples as samples

P, B, U = SipMode.PRIMARY, SipMode.BACKUP, SipMode.UNKNOWN


def told(**modes: SipMode) -> HostView:
    """Return a host whose sources tell these modes; a digest after ``_`` is no part of a name."""
    sip = tuple(samples.sip(mode, source=name.partition("_")[0]) for name, mode in modes.items())
    return replace(samples.primary(), sip=sip)


def test_two_sources_of_a_kind_have_two_names() -> None:
    """The first keeps the plain one."""
    view = told(http_a=P, exec_b=P, http_c=P, http_d=B)
    assert source_labels(view) == ("http", "exec", "http_2", "http_3")


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (told(http=P), None),
        (told(http=P, exec=P), None),
        (told(http=P, exec=U), None),
        (told(http=U, exec=U), None),
        (told(http=P, exec=B), "http primary, exec backup"),
        (told(http=U, exec_a=B, exec_b=P), "http unknown, exec backup, exec_2 primary"),
    ],
)
def test_only_known_modes_contradict_each_other(view: HostView, said: str | None) -> None:
    """A source that knows nothing contradicts none, and stands in the words all the same."""
    assert disagreement(view) == said
