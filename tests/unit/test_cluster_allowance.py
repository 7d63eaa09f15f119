"""How often something may happen."""

from __future__ import annotations

from cluster.allowance import Allowance


def test_a_burst_is_allowed_and_then_so_many_a_second() -> None:
    """A key that was never seen has the whole burst; what it took comes back with time."""
    allowance = Allowance(burst=3, per_second=0.5)

    assert [allowance.spend("lima", 100.0) for _ in range(5)] == [True, True, True, False, False]
    assert (allowance.has("lima", 101.9), allowance.has("lima", 102.0)) == (False, True)
    assert allowance.seconds_to_next("lima", 100.5) == 1.5
    assert allowance.seconds_to_next("lima", 109.0) == 0.0
    assert [allowance.spend("lima", 102.0), allowance.spend("lima", 102.5)] == [True, False]
    assert [allowance.spend("lima", 9_999.0) for _ in range(4)] == [True, True, True, False]


def test_each_key_has_its_own() -> None:
    """What one takes costs another nothing."""
    allowance = Allowance(burst=1, per_second=0.1)

    assert allowance.spend("lima", 5.0)
    assert not allowance.has("lima", 5.0)
    assert allowance.has("quito", 5.0)


def test_of_too_many_keys_the_one_that_was_not_seen_for_longest_is_forgotten() -> None:
    """However many come, memory stays bounded."""
    allowance = Allowance(burst=1, per_second=0.001, max_keys=2)
    for key in ("lima", "quito", "lima", "cusco"):
        allowance.spend(key, 7.0)

    assert {key: allowance.has(key, 7.0) for key in ("lima", "quito", "cusco")} == {
        "lima": False,
        "quito": True,
        "cusco": False,
    }
