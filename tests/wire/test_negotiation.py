"""Agreeing on a version, and what addresses ask for."""

from __future__ import annotations

import pytest

from pytest_inner_universe.sats import ConnectionId
from pytest_inner_universe.wire.errors import BadParameter
from pytest_inner_universe.wire.frames import Compression
from pytest_inner_universe.wire.negotiation import ConnectionOptions, choose, parse_options
from pytest_inner_universe.wire.versions import V1, V1_JSON, V2, V3


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("v1.json.spacetimedb,v3.bsatn.spacetimedb", V3),
        ("v1.bsatn.spacetimedb , v2.bsatn.spacetimedb", V2),
        (["v1.json.spacetimedb", "v1.bsatn.spacetimedb"], V1),
        ("soap, v1.json.spacetimedb", V1_JSON),
        ("soap", None),
        ("", None),
        ([], None),
    ],
)
def test_the_order_of_the_server_decides(offered: str | list[str], expected: object) -> None:
    assert choose(offered) is expected


def test_a_server_may_know_less() -> None:
    assert (
        choose(
            "v3.bsatn.spacetimedb, v1.json.spacetimedb, v1.bsatn.spacetimedb",
            ["v1.bsatn.spacetimedb", "v1.json.spacetimedb"],
        )
        is V1
    )
    assert choose("v3.bsatn.spacetimedb", ["v1.bsatn.spacetimedb"]) is None


def test_parameters() -> None:
    parameters = {
        "compression": "None",
        "light": "true",
        "confirmed": "false",
        "connection_id": "0" * 31 + "1",
        "token": "abc",
        "something": "else",
    }
    assert parse_options(parameters) == ConnectionOptions(
        Compression.NONE, light=True, confirmed=False, connection_id=ConnectionId.from_int(1), token="abc"
    )
    assert parse_options({}) == ConnectionOptions(Compression.BROTLI, light=False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("compression", "Zip", "unknown compression, there are None, Brotli and Gzip (parameter compression='Zip')"),
        ("compression", "gzip", "unknown compression, there are None, Brotli and Gzip (parameter compression='gzip')"),
        ("light", "yes", "expected true or false (parameter light='yes')"),
        ("confirmed", "", "expected true or false (parameter confirmed='')"),
        ("connection_id", "12", "expected 32 hexadecimal digits (parameter connection_id='12')"),
        ("connection_id", "z" * 32, f"expected 32 hexadecimal digits (parameter connection_id='{'z' * 32}')"),
        ("connection_id", "0x" + "1" * 30, f"expected 32 hexadecimal digits (parameter connection_id='0x{'1' * 30}')"),
        (
            "connection_id",
            "0" * 32,
            f"Invalid connection ID: the all-zeros ConnectionId is reserved. (parameter connection_id='{'0' * 32}')",
        ),
    ],
)
def test_values_that_servers_refuse(name: str, value: str, expected: str) -> None:
    with pytest.raises(BadParameter) as caught:
        parse_options({name: value})
    assert str(caught.value) == expected
    assert (caught.value.name, caught.value.value) == (name, value)
