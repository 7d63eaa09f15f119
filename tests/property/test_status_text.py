"""Whatever a remediator tells of how all stands, there is a screen that a terminal only shows."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from remediator.status_text import screen
from tests.unit.test_remediator_status_text import QUIET, cluster, document

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def with_anything(sound: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects in which any values may be replaced by anything."""
    replaced = {key: st.just(value) | anything for key, value in sound.items()}
    return st.fixed_dictionaries({}, optional=replaced)


clusters = st.builds(
    lambda told, journal: told | {"journal": journal},
    with_anything(cluster()),
    with_anything(QUIET) | anything,
)


@settings(deadline=None)
@given(with_anything(document()), st.lists(clusters | anything, max_size=3), st.booleans())
def test_any_document_gives_a_screen(
    told: dict[str, Any], listed: list[Any], details: bool
) -> None:
    """Of printable lines, without an exception; all right only where it says that it is ready."""
    shown = screen({**told, "clusters": listed}, details=details)

    assert all(line.isprintable() and len(line) < 4000 for line in shown.lines)
    assert shown.attention or shown.ready
