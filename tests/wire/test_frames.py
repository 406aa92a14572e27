"""Frames of a server: tag, compression, and bodies that are damaged or made to explode."""

from __future__ import annotations

import gzip
import sys
import tracemalloc
from types import SimpleNamespace

import pytest

from pytest_inner_universe.sats import DecodeError
from pytest_inner_universe.wire.errors import CompressionUnavailable
from pytest_inner_universe.wire.frames import Compression, pack, unpack

LARGE = b"row" * 1000


class TinyBrotli:
    """Stands in for the brotli package: its packed form is a B in front and a Z at the end."""

    class error(Exception):  # noqa: N801  # as the package names it
        pass

    @staticmethod
    def compress(data: bytes, quality: int) -> bytes:
        assert quality == 1
        return b"B" + data + b"Z"

    class Decompressor:
        def process(self, data: bytes, output_buffer_limit: int) -> bytes:
            if not data.startswith(b"B"):
                raise TinyBrotli.error
            self.done = data.endswith(b"Z") and len(data) - 2 <= output_buffer_limit
            return data[1:].removesuffix(b"Z")[:output_buffer_limit]

        def is_finished(self) -> bool:
            return self.done


@pytest.fixture
def brotli(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", TinyBrotli)


@pytest.fixture
def no_brotli(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)


@pytest.mark.parametrize("compression", Compression)
def test_a_small_body_is_never_packed(compression: Compression) -> None:
    body = b"x" * 1024
    assert pack(body, compression) == b"\0" + body
    assert unpack(b"\0" + body) == body


def test_a_large_body_is_packed_with_gzip() -> None:
    frame = pack(LARGE, Compression.GZIP)
    assert frame[0] == 2
    assert len(frame) < 100
    assert gzip.decompress(frame[1:]) == LARGE
    assert unpack(frame) == LARGE


@pytest.mark.usefixtures("brotli")
def test_a_large_body_is_packed_with_brotli_where_that_is_installed() -> None:
    assert pack(LARGE, Compression.BROTLI) == b"\1B" + LARGE + b"Z"
    assert unpack(b"\1B" + LARGE + b"Z") == LARGE


@pytest.mark.usefixtures("no_brotli")
def test_without_brotli_a_server_sends_plain_frames() -> None:
    assert pack(LARGE, Compression.BROTLI) == b"\0" + LARGE


@pytest.mark.usefixtures("no_brotli")
def test_without_brotli_a_packed_frame_is_refused_with_the_remedy() -> None:
    with pytest.raises(CompressionUnavailable) as caught:
        unpack(b"\1BxZ")
    assert isinstance(caught.value, DecodeError)
    assert str(caught.value) == (
        "the frame is packed with brotli, which this process cannot unpack; "
        'connect with compression "Gzip" or "None", or install brotli 1.2 or newer (pip install brotli) at byte 0'
    )


def test_a_brotli_that_cannot_limit_its_output_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(Decompressor=lambda: SimpleNamespace(process=lambda data: data), error=TinyBrotli.error)
    monkeypatch.setitem(sys.modules, "brotli", old)
    with pytest.raises(CompressionUnavailable):
        unpack(b"\1BxZ")


@pytest.mark.usefixtures("brotli")
@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b"", "the frame is empty, its first byte should name the compression at byte 0"),
        (b"\3x", "unknown compression 3, there are 0 (none), 1 (brotli) and 2 (gzip) at byte 0"),
        (b"\1x", "the body is no brotli data at byte 1"),
        (b"\1Bx", "the brotli data is cut off at byte 1"),
        (b"\1B" + b"x" * 101 + b"Z", "the body unpacks to more than the limit of 100 bytes at byte 1"),
        (b"\2" + gzip.compress(b"x", mtime=0)[:-1], "the gzip data is cut off at byte 1"),
        (b"\2", "the gzip data is cut off at byte 1"),
        (b"\2" + gzip.compress(b"x", mtime=0) + b"yz", "2 bytes left over after the gzip data at byte 22"),
        (b"\2" + gzip.compress(b"x" * 101, mtime=0), "the body unpacks to more than the limit of 100 bytes at byte 1"),
        (
            b"\2plain",
            "the body is no gzip data (Error -3 while decompressing data: incorrect header check) at byte 1",
        ),
    ],
)
def test_a_damaged_frame_is_refused(frame: bytes, text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        unpack(frame, limit=100)
    assert str(caught.value) == text


def test_a_body_of_exactly_the_limit_passes() -> None:
    assert unpack(b"\2" + gzip.compress(b"x" * 100), limit=100) == b"x" * 100


def test_a_bomb_is_given_up_before_it_fills_the_memory() -> None:
    bomb = b"\2" + gzip.compress(bytes(200 * 1024 * 1024), compresslevel=1)
    tracemalloc.start()
    with pytest.raises(DecodeError) as caught:
        unpack(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(caught.value) == "the body unpacks to more than the limit of 33554432 bytes at byte 1"
    assert peak < 100 * 1024 * 1024


def test_the_parameter_has_the_spelling_that_servers_expect() -> None:
    assert [compression.parameter for compression in Compression] == ["None", "Brotli", "Gzip"]
