"""Recorded conversations with real servers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_inner_universe.sats import decode_definition
from pytest_inner_universe.wire.schema import Schema

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"
BINDINGS = {"1.2.0": "1.4", "2.8.3": "2.8"}
RELEASES = pytest.mark.parametrize("release", BINDINGS)


def recording(release: str, version: str) -> list[dict[str, Any]]:
    lines = gzip.decompress((VECTORS / release / f"{version}.jsonl.gz").read_bytes()).decode().splitlines()
    return [json.loads(line) for line in lines]


def schema_of(release: str) -> Schema:
    text = (VECTORS / f"definition-bindings-{BINDINGS[release]}.hex").read_text()
    return Schema(decode_definition(bytes.fromhex(text)))


def frame_of(event: dict[str, Any]) -> bytes | str | None:
    return bytes.fromhex(event["hex"]) if "hex" in event else event.get("text")


def frames(release: str, version: str, direction: str) -> list[Any]:
    kind = "text" if version == "v1.json" else "hex"
    chosen = [event for event in recording(release, version) if event["dir"] == direction and kind in event]
    return [frame_of(event) for event in chosen if event.get("note") not in {"undecodable message", "empty frame"}]
