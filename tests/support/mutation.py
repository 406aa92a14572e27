"""Makes input that is nearly right: something real, changed in a few places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

_BYTES = [0, 1, 2, 3, 4, 5, 0x20, 0x22, 0x5B, 0x7F, 0x80, 0xC2, 0xFE, 0xFF]
_NUMBERS = [0, 1, 0x7F, 0xFF, 0x100, 0x400, 0x401, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF]
_MOST_CHANGES = 4
_LONGEST_PIECE = 24

Draw = Callable[[Any], Any]


@st.composite
def mutated(draw: Draw, samples: Sequence[bytes]) -> bytes:
    """Change a sample in one to four places; now and then make it up."""
    if draw(st.integers(0, 15)) == 0:
        made_up: bytes = draw(st.binary(max_size=200))
        return made_up
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, _MOST_CHANGES))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, _LONGEST_PIECE)))
        kind = draw(st.integers(0, 7))
        if kind == 0 and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == 1 and at < len(data):
            data[at] = draw(st.sampled_from(_BYTES))
        elif kind == 2:
            # A length or a count, which are where they are believed most.
            data[at : at + 4] = draw(st.sampled_from(_NUMBERS)).to_bytes(4, "little")
        elif kind == 3:
            del data[at:end]
        elif kind == 4:
            data[at:at] = data[at:end] * draw(st.integers(1, 4))
        elif kind == 5:
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif kind == 6:
            del data[at:]
        else:
            other = draw(st.sampled_from(samples))
            start = draw(st.integers(0, len(other)))
            data[at:end] = other[start : start + _LONGEST_PIECE]
    return bytes(data)


@st.composite
def mutated_text(draw: Draw, samples: Sequence[str], words: Sequence[str]) -> str:
    """Change a text word by word; now and then letter by letter."""
    if draw(st.integers(0, 7)) == 0:
        changed: bytes = draw(mutated([sample.encode() for sample in samples]))
        return changed.decode("utf-8", "replace")
    pieces: list[str] = draw(st.sampled_from(samples)).split(" ")
    word = st.one_of(st.sampled_from(words), st.text(max_size=6), st.integers().map(str))
    for _ in range(draw(st.integers(1, _MOST_CHANGES))):
        at = draw(st.integers(0, len(pieces)))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            pieces.insert(at, draw(word))
        elif kind == 1 and at < len(pieces):
            pieces[at] = draw(word)
        elif kind == 2:
            end = at + draw(st.integers(1, 4))
            pieces[at:at] = pieces[at:end] * draw(st.sampled_from([1, 2, 30]))
        else:
            del pieces[at : at + 1]
    return " ".join(pieces)
