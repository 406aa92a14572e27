"""What a view may return, and what is said of everything else: views written by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import pytest
from engine.conftest import ALICE, OWNER, Guest, rows
from support import raw_definitions as raw
from support.puppets import puppet

from pytest_inner_universe.engine.database import Database
from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.release import NEWEST
from pytest_inner_universe.engine.sql import SqlError
from pytest_inner_universe.sats import Array, Product, Ref, product
from pytest_inner_universe.sats.meta import type_bytes
from pytest_inner_universe.sats.types import STRING, U32

T = 4096
"""Number of the table."""
SINK, LENGTH, RESULT = "(local.get $sink)", 8208, 9000
ROW = product(n=U32)
OUTCOME = "The module instance encountered a fatal error: "
Publish = Callable[..., Database]


def number_rows(*numbers: int) -> bytes:
    return struct.pack(f"<I{len(numbers)}I", len(numbers), *numbers)


def view_module(
    result: bytes, code: int = 2, *, body: str = "", key: tuple[str, ...] = (), public: bool = True, row: int = 0
) -> bytes:
    """A module with a table of numbers and an anonymous view that counts its rows and then returns what it is told to."""
    data = "".join(f"\\{byte:02x}" for byte in result)
    view = (
        raw.text("v") + struct.pack("<I", 0) + bytes([public, 1]) + raw.params(product()) + type_bytes(Array(Ref(row)))
    )
    definition = raw.definition_v10(
        types=[ROW, product(text=STRING), product(n=U32, m=U32)],
        tables=[raw.table_v10("t", 0), raw.table_v10("words", 1)],
        reducers=[raw.reducer_v10("go")],
        views=[view],
        **({"view_keys": [("v", key)]} if key else {}),
    )
    return puppet(
        imports='(import "spacetime_10.0" "datastore_table_row_count" (func $count (param i32 i32) (result i32)))',
        extra=f"""
        (data (i32.const {RESULT}) "{data}")
        (func (export "__call_view_anon__") (param $id i32) (param $args i32) (param $sink i32) (result i32)
          (drop (call $count (i32.const {T}) (i32.const 8200)))
          {body}
          (i32.store (i32.const {LENGTH}) (i32.const {len(result)}))
          (drop (call $write {SINK} (i32.const {RESULT}) (i32.const {LENGTH})))
          (i32.const {code}))""",
        definition=definition,
    )


@pytest.fixture
def made(publish: Publish) -> Iterator[Callable[..., Database]]:
    modules: list[Module] = []

    def make(result: bytes, code: int = 2, **options: object) -> Database:
        modules.append(Module.load(view_module(result, code, **options), "puppet.wasm"))  # type: ignore[arg-type]
        return publish(modules[-1])

    yield make
    for module in modules:
        module.close()


def add(database: Database, number: int) -> None:
    database.sql(f"INSERT INTO t (n) VALUES ({number})")


def failure(database: Database) -> str:
    """Have a view followed whose result cannot be used, and return what the next change is told."""
    guest = Guest(database)
    assert guest.subscribe(1, "SELECT * FROM v") == {}
    with pytest.raises(SqlError) as caught:
        add(database, 5)
    assert rows(database, "t") == []
    assert caught.value.reason.startswith(OUTCOME)
    return caught.value.reason[len(OUTCOME) :]


@pytest.mark.parametrize(
    ("result", "code"),
    [(b"\x00" + number_rows(3, 4), 2), (number_rows(3, 4), 0), (b"\x00" + number_rows(3, 4) + b"x", 2)],
)
def test_rows_with_and_without_header(made: Callable[..., Database], result: bytes, code: int) -> None:
    database = made(result, code)
    assert Guest(database).subscribe(1, "SELECT * FROM v") == {"v": [{"n": 3}, {"n": 4}]}


def test_equal_rows_are_one(made: Callable[..., Database]) -> None:
    assert Guest(made(b"\x00" + number_rows(3, 3))).subscribe(1, "SELECT * FROM v") == {"v": [{"n": 3}]}


def test_a_query_instead_of_rows(made: Callable[..., Database]) -> None:
    database = made(b"\x01" + raw.text("SELECT * FROM t WHERE n > 2"))
    guest = Guest(database)
    assert guest.subscribe(1, "SELECT * FROM v") == {}
    for number in (1, 3):
        add(database, number)
    assert guest.news() == [{"v": (1, 0)}]
    assert database.sql("SELECT * FROM v").rows == ((3,),)


def test_an_empty_query_has_no_rows(made: Callable[..., Database]) -> None:
    database = made(b"\x01" + raw.text("  "))
    assert database.sql("SELECT * FROM v").rows == ()
    add(database, 1)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM words",
        "SELECT * FROM v",
        "SELECT n FROM t",
        "SELECT * FROM nothing",
        "SELECT t.* FROM t JOIN t AS u ON t.n = u.n",
        "SELECT * FROM st_client WHERE identity = :sender",
        "UPDATE t SET n = 1",
    ],
)
def test_a_query_that_a_view_may_not_return(made: Callable[..., Database], query: str) -> None:
    database = made(b"\x01" + raw.text(query))
    assert failure(database) == "Error materializing view `v`: Error executing raw SQL returned by view"


@pytest.mark.parametrize("result", [b"", b"\x02", b"\x01\xff\xff\xff\xff"])
def test_a_header_that_is_none(made: Callable[..., Database], result: bytes) -> None:
    assert failure(made(result)) == "Error materializing view `v`: Error parsing view result"


@pytest.mark.parametrize(("result", "code"), [(b"\x00" + number_rows(3)[:-1], 2), (b"", 0), (b"\xff\xff\xff\xff", 0)])
def test_rows_that_are_none(made: Callable[..., Database], result: bytes, code: int) -> None:
    assert failure(made(result, code)) == "Error materializing view `v`: Error deserializing rows returned by view"


@pytest.mark.parametrize("code", [1, 3, 77])
def test_an_error_of_the_view_is_a_fatal_one_for_the_call(made: Callable[..., Database], code: int) -> None:
    database = made(b"my reason", code)
    assert failure(database) == NEWEST.crashed
    assert not [record for record in database.log if record.level == "panic"]


def test_rows_with_the_same_primary_key(made: Callable[..., Database]) -> None:
    two = struct.pack("<IIIII", 2, 3, 1, 3, 2)
    database = made(b"\x00" + two, key=("n",), row=2)
    (index,) = database.datastore.table("v").unique_indexes
    assert (index.name, index.columns) == ("v_arg_hash_n_idx_btree", (0, 1))
    Guest(database).subscribe(1, "SELECT * FROM v")
    with pytest.raises(SqlError) as caught:
        add(database, 5)
    assert caught.value.reason == f"{OUTCOME}Error materializing view `v`: Error materializing view"
    assert len(Guest(made(b"\x00" + two, row=2)).subscribe(1, "SELECT * FROM v")["v"]) == 2


def test_a_trap_leaves_only_what_was_read(made: Callable[..., Database]) -> None:
    database = made(b"", body="(unreachable)")
    assert failure(database) == "failed to look up materialized view args for view 4096"


def test_a_view_that_its_module_does_not_export(publish: Publish) -> None:
    definition = raw.definition_v9(
        types=[ROW], tables=[raw.table_v9("t")], exports=[b"\x02" + raw.view("v", Array(Ref(0)))]
    )
    module = Module.load(puppet(definition=definition), "puppet.wasm")
    database = publish(module)
    assert database.sql("SELECT * FROM v").rows == ()
    module.close()


def test_a_private_view_is_for_the_owner(made: Callable[..., Database]) -> None:
    database = made(b"\x00" + number_rows(3), public=False)
    assert database.sql("SELECT * FROM v", OWNER).rows == ((3,),)
    with pytest.raises(SqlError) as caught:
        Guest(database, ALICE).subscribe(1, "SELECT * FROM v")
    assert caught.value.reason == "no such table: `v`. If the table exists, it may be marked private."
    assert Guest(database, ALICE).subscribe(1, "SELECT * FROM *") == {}
    assert Guest(database, OWNER).subscribe(1, "SELECT * FROM *") == {"v": [{"n": 3}]}


def test_the_type_of_rows_is_that_of_the_view() -> None:
    from pytest_inner_universe.sats import ViewDef, option

    for returned in (Array(ROW), option(ROW), product(__query__=ROW)):
        view = ViewDef("v", "v", 0, True, True, Product(()), returned)
        assert view.row_type == ROW


def test_a_version_that_breaks_clients_starts_without_rows(made: Callable[..., Database]) -> None:
    database = made(b"\x00" + number_rows(3))
    guest = Guest(database)
    guest.subscribe(1, "SELECT * FROM v")
    other = Module.load(view_module(number_rows(1, 2)[:4] + number_rows(7, 8)[4:], 0, row=2), "other.wasm")
    assert database.update(other).breaks_clients
    assert guest.ended == [(1001, "module exited")]
    assert rows(database, "v") == []
    other.close()


def test_a_version_whose_view_gives_other_rows_tells_its_followers(made: Callable[..., Database]) -> None:
    database = made(b"\x00" + number_rows(3, 4))
    guest, leaver = Guest(database), Guest(database)
    for client in (guest, leaver):
        client.subscribe(1, "SELECT * FROM v")
    other = Module.load(view_module(b"\x00" + number_rows(4, 5, 6)), "other.wasm")
    database.update(other)
    assert guest.news() == [{"v": (2, 1)}]
    assert database.sql("SELECT * FROM v").rows == ((4,), (5,), (6,))
    other.close()


def test_a_version_whose_view_fails_is_logged(made: Callable[..., Database]) -> None:
    database = made(b"\x00" + number_rows(3))
    Guest(database).subscribe(1, "SELECT * FROM v")
    other = Module.load(view_module(b"", body="(unreachable)"), "other.wasm")
    database.update(other)
    (record,) = database.log
    assert record.message.startswith(f"the view 'v' failed: {NEWEST.crashed}")
    other.close()
