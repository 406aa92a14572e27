"""How many examples a property is tried on."""

from __future__ import annotations

from hypothesis import settings

#: What a test that names no number gets, and what the numbers given to `examples` are relative to.
USUAL = 100


def examples(count: int) -> settings:
    """Try a property on `count` examples where the profile asks for the usual number, on more or fewer where it does.

    A number written into a test's settings would win over the profile.
    """
    return settings(max_examples=max(1, count * settings().max_examples // USUAL))
