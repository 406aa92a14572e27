"""HTTP requests of procedures: their bytes, and the addresses that a server does not connect to."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.engine.outbound import (
    DEFAULT_TIMEOUT,
    LONGEST_TIMEOUT,
    REFUSED_ADDRESS,
    HttpRequest,
    HttpResponse,
    read_request,
    send,
)
from pytest_inner_universe.engine.wasm.errors import HttpRequestFailed, HttpRequestUnreadable


def request(method: bytes = b"\x00", timeout: bytes = b"\x01", version: int = 2, headers: bytes = bytes(4)) -> bytes:
    return method + headers + timeout + b"\x0a\x00\x00\x00http://a.b" + bytes([version])


def seconds(micros: int) -> bytes:
    return b"\x00" + micros.to_bytes(8, "little", signed=True)


def test_reads_what_a_module_asks_for() -> None:
    one_header = b"\x01\x00\x00\x00" + b"\x01\x00\x00\x00a" + b"\x02\x00\x00\x00\xff1"
    found = read_request(request(b"\x08", seconds(1_500_000), 3, one_header), b"body")
    assert found == HttpRequest("PATCH", "http://a.b", (("a", b"\xff1"),), b"body", 1.5, "HTTP/2.0")
    assert (found.header("A"), found.header("b")) == ("ÿ1", None)
    assert read_request(request(b"\x09\x04\x00\x00\x00BREW"), b"").method == "BREW"


@pytest.mark.parametrize(
    ("timeout", "found"), [(b"\x01", DEFAULT_TIMEOUT), (seconds(10**12), LONGEST_TIMEOUT), (seconds(-5), 0.0)]
)
def test_time_outs_have_a_default_and_a_limit(timeout: bytes, found: float) -> None:
    assert read_request(request(timeout=timeout), b"").timeout == found


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(HttpRequestUnreadable):
        assert read_request(data, b"").body == b""


def test_a_request_that_is_cut_off_says_where() -> None:
    with pytest.raises(HttpRequestUnreadable) as caught:
        read_request(request()[:-1], b"")
    assert str(caught.value) == (
        "the module asked for an HTTP request that cannot be read: tag needs 1 bytes, 0 are left at byte 20 in version"
    )


def test_writes_a_response() -> None:
    data, body = HttpResponse(404, "é", {"X-Name": "v"}, "HTTP/1.0").encode()
    name, value = b"\x06\x00\x00\x00x-name", b"\x01\x00\x00\x00v"
    assert data == b"\x01\x00\x00\x00" + name + value + b"\x01" + b"\x94\x01"
    assert body == "é".encode()
    assert HttpResponse(headers=[("a", b"\xff"), ("a", "2")]).encode()[0][:4] == b"\x02\x00\x00\x00"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.1.2.3:80/x",
        "https://192.168.0.1",
        "http://169.254.1.1/",
        "http://0.0.0.0/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[2001:db8::1]/",
        "http://localhost:3000/",
        "http://some.localhost/",
    ],
)
def test_private_addresses_are_refused(url: str) -> None:
    with pytest.raises(HttpRequestFailed) as caught:
        send(HttpRequest("GET", url), lambda _request: HttpResponse())
    assert str(caught.value) == REFUSED_ADDRESS


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/", "https://example.com/", "http://[2a00::1]:8080/", "http://localhost.org/"]
)
def test_public_addresses_are_not(url: str) -> None:
    assert send(HttpRequest("GET", url), lambda _request: HttpResponse(204))[0][-2:] == b"\xcc\x00"


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com/", "http://", "http://[::1/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(HttpRequestFailed):
        send(HttpRequest("GET", url), lambda _request: HttpResponse())


def test_an_error_of_the_system_is_a_request_without_response() -> None:
    def late(_request: HttpRequest) -> HttpResponse:
        raise TimeoutError

    with pytest.raises(HttpRequestFailed) as caught:
        send(HttpRequest("GET", "http://a.b/"), late)
    assert str(caught.value) == "error sending request: TimeoutError"
