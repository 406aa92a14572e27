"""How 2.x modules turn the names of their source into the names that clients see.

A name is cut into words at separators, between a lower and an upper case letter, before the last capital of an acronym
that a lower case letter follows, and between letters and digits; the words are then joined in the wanted style.

Source: the rules of the crate convert_case 0.6, which servers use.
"""

from __future__ import annotations

from functools import lru_cache

_SEPARATORS = frozenset("_- ")
_CUTS = frozenset(("aA", "a1", "A1", "1a", "1A"))


def _kind(character: str) -> str:
    """Return ``a``, ``A`` or ``1`` for lower case, upper case and digits, a separator as it is, a point for the rest."""
    if "0" <= character <= "9":
        return "1"
    lower, upper = character.lower(), character.upper()
    if lower == upper:
        return character if character in _SEPARATORS else "."
    return "a" if character == lower else "A" if character == upper else "."


def words(name: str) -> list[str]:
    """Cut a name into its words."""
    kinds = "".join(map(_kind, name))
    found, start = [], 0
    for i in range(len(name)):
        if kinds[i] in _SEPARATORS:
            found.append(name[start:i])
            start = i + 1
        elif kinds[i - 1 : i + 1] in _CUTS or kinds[i - 1 : i + 2] == "AAa":  # the end of an acronym
            found.append(name[start:i])
            start = i
    found.append(name[start:])
    return [word for word in found if word]


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:].lower()


@lru_cache(maxsize=4096)
def snake_case(name: str) -> str:
    """Return ``player_1_id`` for ``Player1Id``."""
    return "_".join(word.lower() for word in words(name))


@lru_cache(maxsize=4096)
def camel_case(name: str) -> str:
    """Return ``veryLongName`` for ``VeryLongName``."""
    first, *rest = words(name) or [""]
    return first.lower() + "".join(_capital(word) for word in rest)


def pascal_case(name: str) -> str:
    """Return ``VeryLongName`` for ``very_long_name``."""
    return "".join(_capital(word) for word in words(name))
