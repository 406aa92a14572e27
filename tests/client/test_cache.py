"""The cached rows of a table, and the tables by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.fake_server import MODULE, FakeServer, change, item, link, rows, update

from pytest_inner_universe.client import Connection, UnknownTable
from pytest_inner_universe.client.cache import Tables
from pytest_inner_universe.sats import (
    IDENTITY,
    STRING,
    DecodeError,
    EncodeError,
    Identity,
    codec,
    option,
    product,
)
from pytest_inner_universe.sats.definition import ColumnDef, ModuleDef, TableDef, ViewDef
from pytest_inner_universe.sats.types import UNIT, AlgebraicType, Array, Product
from pytest_inner_universe.wire import ReducerOk

ONE, TWO = item(1, "one"), item(2, "two")


@pytest.fixture
def tables() -> Tables:
    """The tables of the module, with two items in them."""
    tables = Tables(MODULE)
    tables["item"].apply({ONE: 1, TWO: 1})
    return tables


class TestTable:
    def test_rows_come_in_the_order_of_arrival(self, tables: Tables) -> None:
        table = tables["item"]
        assert table.rows() == list(table) == [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
        assert table.count == len(table) == 2
        assert repr(table) == "<TableCache item, 2 rows>"
        assert (table.name, table.primary_key) == ("item", "id")

    def test_a_row_is_found_by_its_primary_key(self, tables: Tables) -> None:
        table = tables["item"]
        assert table.find(2) == {"id": 2, "name": "two"}
        assert table.find(3) is None

    def test_what_was_found_keeps_up_with_changes(self, tables: Tables) -> None:
        table = tables["item"]
        assert table.find(1) == {"id": 1, "name": "one"}
        table.apply({ONE: -1, item(1, "uno"): 1, item(3, "three"): 1})
        assert table.find(1) == {"id": 1, "name": "uno"}
        assert table.find(3) == {"id": 3, "name": "three"}
        table.apply({TWO: -1})
        assert table.find(2) is None

    def test_a_key_of_a_wrong_type_is_refused(self, tables: Tables) -> None:
        with pytest.raises(EncodeError) as caught:
            tables["item"].find("one")
        assert str(caught.value) == "expected U32, got str 'one'"

    def test_a_table_without_primary_key_finds_nothing(self, tables: Tables) -> None:
        with pytest.raises(TypeError) as caught:
            tables["link"].find(1)
        assert str(caught.value) == "table 'link' has no primary key to find rows by"
        assert tables["link"].primary_key is None

    def test_keys_take_every_form_that_their_column_takes(self) -> None:
        column = ColumnDef(0, "who", "who", IDENTITY)
        owner = TableDef("owner", "owner", (column,), primary_key=0)
        table = Tables(ModuleDef(10, {"owner": owner}, {}))["owner"]
        somebody = Identity(bytes(range(32)))
        table.apply({somebody.to_bytes(): 1})
        assert table.find(somebody) == table.find(somebody.hex()) == {"who": somebody}

    def test_a_damaged_row_is_told_when_it_is_read(self, tables: Tables) -> None:
        tables["item"].apply({b"\1\0\0\0\xff\0\0\0": 1})
        assert tables["item"].count == 3
        with pytest.raises(DecodeError) as caught:
            tables["item"].rows()
        assert str(caught.value) == "String needs 255 bytes, 0 are left at byte 8 in name"

    def test_rows_are_decoded_once(self, tables: Tables) -> None:
        nested = tables["item"].decode(ONE)
        assert nested == tables["item"].rows()[0]
        assert tables["item"].rows()[0] is not tables["item"].rows()[0]


class TestTables:
    def test_a_name_of_the_source_means_the_same_table(self, tables: Tables) -> None:
        assert tables["Item"] is tables["item"]

    def test_they_can_be_looked_through(self, tables: Tables) -> None:
        assert list(tables) == ["item", "link", "notice", "all_items"]
        assert len(tables) == 4
        assert "item" in tables
        assert "Item" in tables
        assert "AllItems" in tables
        assert "itme" not in tables
        assert 5 not in tables
        assert repr(tables) == "<Tables item: 2, all_items: 0>"

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("itmes", "the module has no table 'itmes'; did you mean 'item'?"),
            ("xyz", "the module has no table 'xyz'; there are all_items, item, link, notice"),
        ],
    )
    def test_a_wrong_name_gets_help(self, tables: Tables, name: str, text: str) -> None:
        with pytest.raises(UnknownTable) as caught:
            tables[name]
        assert str(caught.value) == text
        assert caught.value.table == name
        assert sorted(caught.value.known) == ["all_items", "item", "link", "notice"]

    @pytest.mark.parametrize("returns", [option, Array, lambda row: product(__query__=row)])
    def test_a_view_has_the_rows_that_it_returns(self, returns: Callable[[Product], AlgebraicType]) -> None:
        row = product(name=STRING)
        view = ViewDef("me", "me", 0, True, True, UNIT, returns(row), ("name",))
        tables = Tables(ModuleDef(10, {}, {}, views={"me": view}))
        tables["me"].apply({codec(row).encode({"name": "Ada"}): 1})
        assert tables["me"].find("Ada") == {"name": "Ada"}


@pytest.mark.asyncio
async def test_bags_of_rows_without_key_count_too(server: FakeServer, connection: Connection) -> None:
    server.rows["a"] = rows(link=[link(1, 1), link(1, 1), link(1, 2)])
    subscription = await connection.subscribe("a")
    assert connection.tables["link"].count == 2
    server.outcomes.append(ReducerOk(b"", update(change(1, "link", deletes=(link(1, 1), link(1, 1))))))
    await connection.call("remove_item", 1)
    assert subscription.rows("link") == connection.tables["link"].rows() == [{"left": 1, "right": 2}]
