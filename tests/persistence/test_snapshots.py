"""Stored states: compressed when that is shorter, and damage is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence import CorruptDataError
from pytest_inner_universe.persistence.snapshots import decode_state, encode_state


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(1, 5000).map(lambda n: "abc" * n))
def test_a_state_comes_back_and_is_never_stored_longer(text: str) -> None:
    encoding, data = encode_state(text)
    assert len(data) <= len(text)
    assert decode_state("v1", encoding, data) == text


def test_a_long_state_is_compressed() -> None:
    encoding, data = encode_state("[0,0]" * 1000)
    assert encoding == "json+zlib+base64"
    assert len(data) < 100


@pytest.mark.parametrize(
    ("encoding", "data", "text"),
    [
        ("xml", "<a/>", "row v1 of state_snapshot cannot be read: unknown encoding 'xml'"),
        (
            "json+zlib+base64",
            "AAAA",
            (
                "row v1 of state_snapshot cannot be read: data is not json+zlib+base64: "
                "Error -3 while decompressing data: unknown compression method"
            ),
        ),
    ],
)
def test_a_damaged_state_is_noticed(encoding: str, data: str, text: str) -> None:
    with pytest.raises(CorruptDataError) as caught:
        decode_state("v1", encoding, data)
    assert str(caught.value) == text
