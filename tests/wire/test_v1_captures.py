"""Real servers' conversations in the first and the third protocol, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from support.recordings import RELEASES, frames, schema_of

from pytest_inner_universe.wire import v1, v1_json, v3
from pytest_inner_universe.wire.errors import CompressionUnavailable
from pytest_inner_universe.wire.frames import Compression, unpack
from pytest_inner_universe.wire.v1_rows import RowTexts
from pytest_inner_universe.wire.versions import V3


@RELEASES
def test_binary_requests_are_written_with_the_same_bytes(release: str) -> None:
    sent = frames(release, "v1.bsatn", "c2s")
    assert len(sent) > 70
    assert [v1.encode_client(v1.decode_client(frame)) for frame in sent] == sent


@RELEASES
def test_binary_answers_are_written_as_the_same_message(release: str) -> None:
    bodies = [unpack(frame) for frame in frames(release, "v1.bsatn", "s2c") if frame[0] != Compression.BROTLI]
    answers = [v1.decode_server(body) for body in bodies]
    assert len(answers) > 110
    assert [v1.decode_server(v1.encode_server(answer)) for answer in answers] == answers


def test_the_newer_release_hints_at_rows_as_we_do() -> None:
    bodies = [unpack(frame) for frame in frames("2.8.3", "v1.bsatn", "s2c") if frame[0] != Compression.BROTLI]
    assert [v1.encode_server(v1.decode_server(body)) for body in bodies] == bodies


@RELEASES
def test_frames_packed_with_brotli_hold_a_message(release: str) -> None:
    packed = [frame for frame in frames(release, "v1.bsatn", "s2c") if frame[0] == Compression.BROTLI]
    assert packed
    for frame in packed:
        try:
            assert isinstance(v1.decode_server(unpack(frame)), v1.TransactionUpdate)
        except CompressionUnavailable:
            continue


@RELEASES
def test_requests_in_json_are_written_as_the_same_json(release: str) -> None:
    sent = frames(release, "v1.json", "c2s")
    assert len(sent) > 70
    for text in sent:
        assert json.loads(v1_json.encode_client(v1_json.decode_client(text))) == json.loads(text)


@RELEASES
def test_answers_in_json_are_written_as_the_same_text(release: str) -> None:
    received = frames(release, "v1.json", "s2c")
    assert len(received) > 110
    assert [v1_json.encode_server(v1_json.decode_server(text)) for text in received] == received


def rows_in(value: Any, table: str = "", is_delta: bool = False) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    """Find the rows in a message: table, whether it shows a change, texts."""
    is_delta = is_delta or isinstance(value, (v1.TransactionUpdate, v1.TransactionUpdateLight))
    table = getattr(value, "table_name", table)
    for name in [field.name for field in fields(value)] if is_dataclass(value) else []:
        inner = getattr(value, name)
        if name in {"deletes", "inserts", "rows"} and isinstance(inner, tuple):
            yield table, is_delta, inner
        for part in inner if isinstance(inner, tuple) else (inner,):
            yield from rows_in(part, table, is_delta)


@RELEASES
def test_rows_in_json_are_written_as_the_same_text(release: str) -> None:
    schema = schema_of(release)
    texts = RowTexts(schema)
    count = 0
    for text in frames(release, "v1.json", "s2c"):
        for table, is_delta, rows in rows_in(v1_json.decode_server(text)):
            write = texts.write_delta if is_delta else texts.write_page
            assert write(table, texts.read(table, rows).rows) == rows
            count += len(rows)
    assert count > 300


def test_frames_of_the_third_protocol_are_written_with_the_same_bytes() -> None:
    sent = frames("2.8.3", "v3.bsatn", "c2s")
    assert len(sent) > 70
    assert max(len(v3.decode_client(frame)) for frame in sent) == 2
    assert [v3.encode_client(v3.decode_client(frame)) for frame in sent] == [[frame] for frame in sent]
    received = [frame for frame in frames("2.8.3", "v3.bsatn", "s2c") if frame[0] == Compression.NONE]
    assert max(len(V3.for_client().read_server_frame(frame)) for frame in received) == 2
    for frame in received:
        answers = V3.for_client().read_server_frame(frame)
        assert V3.for_server().server_frames(answers, Compression.NONE) == [frame]
