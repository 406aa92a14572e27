"""How long is waited before each attempt to come back."""

from __future__ import annotations

from pytest_inner_universe.client import Reconnect


def test_waits_grow_up_to_a_limit() -> None:
    assert list(Reconnect(attempts=6, jitter=0, longest_delay=1).delays()) == [0.1, 0.2, 0.4, 0.8, 1, 1]


def test_chance_makes_them_shorter_and_can_be_repeated() -> None:
    first = list(Reconnect(attempts=5, seed=7).delays())
    assert first == list(Reconnect(attempts=5, seed=7).delays())
    full = Reconnect(attempts=5, jitter=0).delays()
    assert all(whole / 2 <= part <= whole for part, whole in zip(first, full))
