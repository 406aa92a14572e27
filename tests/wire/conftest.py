"""The recorded conversations, which several tests read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parents[2] / "fixtures" / "vectors"


def read_conversation(folder: str) -> list[dict[str, Any]]:
    """Return the recorded events of one server, in order."""
    lines = gzip.decompress((VECTORS / folder / "v2.bsatn.jsonl.gz").read_bytes()).decode().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session", params=["2.8.3", "2.8.3-module-1.4"])
def recorded(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Everything that was recorded of v2.bsatn on one server."""
    return read_conversation(request.param)


@pytest.fixture(scope="session")
def server_bodies() -> list[bytes]:
    """The plain messages of recorded servers, without the frame's tag."""
    events = read_conversation("2.8.3")
    frames = [bytes.fromhex(event["hex"]) for event in events if event["dir"] == "s2c" and "hex" in event]
    return [frame[1:] for frame in frames if frame[0] == 0]


@pytest.fixture(scope="session")
def client_frames() -> list[bytes]:
    """The frames of recorded clients."""
    events = read_conversation("2.8.3")
    return [
        bytes.fromhex(event["hex"])
        for event in events
        if event["dir"] == "c2s" and "hex" in event and event.get("note") != "undecodable message"
    ]
