"""Where it can be known which query set a row of the first protocol belongs to, it is."""

from __future__ import annotations

from collections import Counter

import pytest
from support.row_cache import Cache, Row

from pytest_inner_universe.wire import (
    RowList,
    SubscribeApplied,
    TransactionUpdate,
    UnsubscribeApplied,
)
from pytest_inner_universe.wire.errors import RemoteProtocolError
from pytest_inner_universe.wire.v1_queries import is_whole, table_of
from pytest_inner_universe.wire.v1_shares import Shares


class TestSets:
    """Where a set's own rows can be known, they are."""

    def changed(self, table: str, deletes: list[Row], inserts: list[Row]) -> tuple[str, RowList, RowList]:
        return table, RowList(deletes), RowList(inserts)

    def test_each_set_has_the_rows_of_its_table(self) -> None:
        shares, cache = Shares(), Cache()
        cache.take(SubscribeApplied(1, 1, shares.start(1, ["SELECT * FROM t"], [self.changed("t", [], [b"a"])])))
        cache.take(SubscribeApplied(1, 2, shares.start(2, ["SELECT * FROM u"], [])))
        cache.take(shares.change([self.changed("u", [], [b"x"]), self.changed("t", [b"a"], [b"b"])]))
        assert cache.of_set(1) == {"t": Counter({b"b": 1})}
        assert cache.of_set(2) == {"u": Counter({b"x": 1})}

    def test_a_set_with_the_same_query_has_the_same_rows(self) -> None:
        shares, cache = Shares(), Cache()
        query = ["SELECT * FROM t"]
        cache.take(SubscribeApplied(1, 1, shares.start(1, query, [self.changed("t", [], [b"a"])])))
        cache.take(SubscribeApplied(1, 2, shares.start(2, query, [])))
        assert cache.of_set(1) == cache.of_set(2) == {"t": Counter({b"a": 1})}
        cache.take(shares.change([self.changed("t", [], [b"b"])]))
        assert cache.of_set(1) == cache.of_set(2) == {"t": Counter({b"a": 1, b"b": 1})}
        moved, _ = shares.end(1, [])
        assert moved == TransactionUpdate()
        cache.take(UnsubscribeApplied(1, 1))
        cache.take(shares.change([self.changed("t", [b"a"], [])]))
        assert cache.of_set(2) == {"t": Counter({b"b": 1})}

    def test_the_query_for_the_whole_table_has_the_larger_change(self) -> None:
        shares, cache = Shares(), Cache()
        cache.take(SubscribeApplied(1, 1, shares.start(1, ["SELECT * FROM t WHERE x = 1"], [])))
        cache.take(SubscribeApplied(1, 2, shares.start(2, ["SELECT * FROM t"], [])))
        cache.take(shares.change([self.changed("t", [], [b"a"]), self.changed("t", [], [b"a", b"b"])]))
        cache.take(shares.change([self.changed("t", [], [b"c"])]))
        assert cache.of_set(1) == {"t": Counter([b"a"])}
        assert cache.of_set(2) == {"t": Counter([b"a", b"b", b"c"])}

    def test_sets_that_share_one_of_their_tables(self) -> None:
        shares, cache = Shares(), Cache()
        both = ["SELECT * FROM t", "SELECT * FROM u"]
        rows = [self.changed("t", [], [b"a"]), self.changed("u", [], [b"x"])]
        cache.take(SubscribeApplied(1, 1, shares.start(1, both, rows)))
        cache.take(SubscribeApplied(1, 2, shares.start(2, both[:1], [])))
        assert cache.of_set(2) == {"t": Counter([b"a"])}
        moved, _ = shares.end(1, [self.changed("u", [b"x"], [])])
        assert moved == TransactionUpdate()

    def test_who_remains_takes_over_what_is_shared_in_part(self) -> None:
        shares, cache = Shares(), Cache()
        both = ["SELECT * FROM t WHERE x = 1", "SELECT * FROM t WHERE x = 2"]
        rows = [self.changed("t", [], [b"a"]), self.changed("t", [], [b"x"])]
        cache.take(SubscribeApplied(1, 1, shares.start(1, both, rows)))
        cache.take(SubscribeApplied(1, 2, shares.start(2, both[:1], [])))
        assert cache.of_set(2) == {}
        moved, _ = shares.end(1, [self.changed("t", [b"x"], [])])
        cache.take(moved)
        cache.take(UnsubscribeApplied(1, 1))
        assert cache.of_set(2) == {"t": Counter([b"a"])}

    def test_a_name_in_a_query_may_be_an_alias(self) -> None:
        shares = Shares(str.lower)
        shares.start(1, ["SELECT * FROM T"], [])
        shares.start(2, ["SELECT * FROM U"], [])
        update = shares.change([self.changed("u", [], [b"x"])])
        assert [part.query_set_id for part in update.query_sets] == [2]

    def test_rows_that_nobody_has_cannot_go(self) -> None:
        shares = Shares()
        with pytest.raises(RemoteProtocolError) as caught:
            shares.change([self.changed("t", [], [b"a"])])
        assert str(caught.value) == "rows of table 't' changed, though nothing is subscribed to"
        shares.start(1, ["SELECT * FROM t"], [])
        with pytest.raises(RemoteProtocolError) as caught:
            shares.change([self.changed("t", [b"a"], [])])
        assert str(caught.value) == "a row of table 't' went, but was not there"
        with pytest.raises(RemoteProtocolError) as caught:
            shares.end(1, [self.changed("t", [b"a"], [])])
        assert str(caught.value) == "a row of table 't' went, but was not there"


@pytest.mark.parametrize(
    ("query", "table", "whole"),
    [
        ("SELECT * FROM person", "person", True),
        (' select  *  from "My Table" ; ', "My Table", True),
        ("SELECT * FROM person WHERE x = 1", "person", False),
        ("SELECT p.* FROM person p JOIN team t ON p.x = t.x", "person", False),
        ("SELECT t.* FROM person AS p JOIN team AS t ON p.x = t.x", "team", False),
        ("SELECT team.* FROM person JOIN team ON person.x = team.x", "team", False),
        ("SELECT * FROM *", None, True),
        ("SELECT q.* FROM person p", None, False),
        ("SELECT name FROM person", None, False),
        ("", None, False),
    ],
)
def test_what_a_query_is_about(query: str, table: str | None, whole: bool) -> None:
    assert table_of(query) == table
    assert is_whole(query) is whole
