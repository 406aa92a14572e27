"""What a server says of arguments that do not fit, and what we say in its place."""

from __future__ import annotations

import asyncio
import json

import pytest

from pytest_inner_universe.client.errors import CallRefused
from pytest_inner_universe.client.http_requests import Requester
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.sats.server_json_words import complaint_about_json
from pytest_inner_universe.server.remote_handle import RemoteHandle

ROW = {"id": 1, "a_bool": True}
WRONG = [
    *(
        "",
        " ",
        "[",
        "{",
        "]",
        "x",
        "null",
        "nul",
        "1",
        "1.5",
        "-1",
        "-",
        "01",
        '"x"',
        '"x',
        "true",
        "[]",
        "{}",
        '"\\x"',
    ),
    *('["x"]', '["x",', '["x",]', '["x" 1]', '["x",1', '["x",1,', '["x",1,2', '["x",1,2] 3', '["x",1,2,3]', "[1,2,3]"),
    *(
        '["x",1,256]',
        '["x",1,-1]',
        '["x",1,1.5]',
        '["x",1,1e2]',
        '["x","1",2]',
        '["x",null,2]',
        '["x",[],2]',
        '["x",{},2]',
    ),
    *('["x",true,2]', '["x",-1,2]', '["x",99999999999999999999,2]', '["x",4294967296,2]', "[null,1,2]", "[[],1,2]"),
    *("[{},1,2]", "[tru,1,2]", '["a\\u0001b"]', '["é",1,300]', '["a\\"b\\n",1,"\\"é\\n"]', '["x",1,02]', '["x",1,+2]'),
    *('{"name":"x"}', '{"name":"x","team":1}', '{"name":"x","team":1,"age":2,"more":3}', '{"nam":"x"}', '{"name" "x"}'),
    *('{"name":"x","name":"y"}', '{"name":1}', "{name}", '{"name":', '{"name"', '{"name":"x",}', '{"name":"x" "team"}'),
    *(
        '{"name":"x","team":1,"age":2,}',
        '{"name":"x","team":1,"age":256}',
        '\n[\n "x",\n 1,\n 256]',
        '["x",\n\n "é",2]',
    ),
]
"""Texts that are no arguments of `add_person`."""


def asked(database: RemoteHandle, reducer: str, body: bytes) -> tuple[int, str]:
    async def ask() -> tuple[int, str]:
        requester = Requester(database.url, database.token_of(None), 10.0, None)
        try:
            path = f"/v1/database/{database.name}/call/{reducer}"
            answer = await requester.send("POST", path, body, {}, "application/json")
            return answer.status, answer.text
        finally:
            await requester.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("text", WRONG)
def test_the_reason_is_told_in_the_words_of_the_server(database: RemoteHandle, module: Module, text: str) -> None:
    params = module.definition.reducers["add_person"].params
    complaint = complaint_about_json("add_person", params, text.encode(), before_2=True)
    assert complaint is not None
    assert asked(database, "add_person", text.encode()) == (
        400,
        complaint.full("reducer", "add_person", before_2=True),
    )


FIELDS = [
    *('"a_bool":1', '"a_u128":"1"', '"a_u128":-1', '"a_u128":1.5', '"a_f64":"x"', '"a_f32":null', '"some_bytes":"zz"'),
    *(
        '"some_bytes":5',
        '"some_bytes":[256]',
        '"some_ints":5',
        '"some_ints":[1,"x"]',
        '"some_ints":[1,]',
        '"a_point":5',
    ),
    *(
        '"a_point":[1]',
        '"a_point":{"x":1}',
        '"a_point":{"y":1}',
        '"a_shape":5',
        '"a_shape":{}',
        '"a_shape":{"Round":1}',
    ),
    *(
        '"a_shape":[9,1]',
        '"a_shape":[0]',
        '"a_shape":["Round",1]',
        '"a_shape":[300,1]',
        '"a_shape":null',
        '"a_shape":"x"',
    ),
    *('"maybe_u32":{"other":1}', '"maybe_u32":7', '"maybe_u32":{"some":"x"}', '"an_identity":"0x1"', '"a_time":5'),
    *('"a_shape":{"Empty":[]', '"a_shape":{"Circle":1.5,"x":1}', '"a_shape":[true,1]', '"a_i8":-129', '"a_i8":128'),
    *('"a_u64":18446744073709551616', '"a_i64":-9223372036854775809', '"a_i128":"x"', '"a_u256":5'),
]
"""Fields of a row that are no such fields."""


@pytest.mark.parametrize("field", FIELDS)
def test_the_same_for_every_type(database: RemoteHandle, module: Module, field: str) -> None:
    text = ("[" + json.dumps(ROW)[:-1] + ", " + field + "}]").encode()
    complaint = complaint_about_json("put_every", module.definition.reducers["put_every"].params, text, before_2=True)
    assert complaint is not None
    assert asked(database, "put_every", text) == (400, complaint.full("reducer", "put_every", before_2=True))


def test_our_client_shows_them(database: RemoteHandle) -> None:
    from pytest_inner_universe.client.sync_http import SyncHttp

    with SyncHttp(database.url, database.token_of(None)) as api, pytest.raises(CallRefused) as caught:
        api.call(database.name, "add_person", ["x", 1])
    assert "invalid length 2, expected reducer args for add_person with 3 elements" in str(caught.value)
