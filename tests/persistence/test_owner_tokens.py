"""Tokens of owners, kept in one file."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from pytest_inner_universe.persistence import ControllerError
from pytest_inner_universe.persistence.owner_tokens import OwnerTokens


def test_kept_and_forgotten(tmp_path: Path) -> None:
    tokens = OwnerTokens(tmp_path / "db")
    tokens.forget("a")
    assert tokens.get("a") is None
    tokens.keep("a", "one")
    tokens.keep("b", "two")
    tokens.keep("a", "three")
    assert (tokens.get("a"), tokens.get("b")) == ("three", "two")
    assert stat.S_IMODE(tokens.file.stat().st_mode) == 0o600
    tokens.forget("a")
    assert json.loads(tokens.file.read_text()) == {"b": "two"}
    assert stat.S_IMODE(tokens.file.stat().st_mode) == 0o600
    tokens.forget("b")
    assert list((tmp_path / "db").iterdir()) == []


def test_a_file_that_is_none(tmp_path: Path) -> None:
    tokens = OwnerTokens(tmp_path)
    tokens.file.write_text("[]")
    with pytest.raises(ControllerError) as caught:
        tokens.forget("a")
    assert str(caught.value) == f"the owners' tokens in {tokens.file} cannot be read: it holds no JSON object"
