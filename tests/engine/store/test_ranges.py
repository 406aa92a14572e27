from __future__ import annotations

import pytest
from support.tables import datastore, key, row, table_def, values

from pytest_inner_universe.engine.store import (
    EXCLUDED,
    INCLUDED,
    UNBOUNDED,
    Bound,
    Datastore,
    Index,
    Reader,
    Table,
)
from pytest_inner_universe.engine.store.errors import KeyDecodeFailed, WrongIndexAlgorithm
from pytest_inner_universe.sats import I16, STRING, U8, U32

PLACE = table_def(
    "place", "id", (), ["country,city,number", "number", "hash:country", "direct:rank"],
    id=U32, country=STRING, city=STRING, number=I16, rank=U8,
)  # fmt: skip
ROWS = [
    (1, "de", "ulm", 3, 0),
    (2, "de", "ulm", -1, 1),
    (3, "de", "köln", 7, 2),
    (4, "fr", "lyon", -300, 1),
    (5, "fr", "brest", 300, 5),
    (6, "d", "eulm", 3, 9),
]


@pytest.fixture
def store() -> Datastore:
    made = datastore(PLACE)
    tx = made.begin()
    for values_ in ROWS:
        tx.insert(made.table("place"), row(made.table("place"), *values_))
    tx.commit()
    return made


@pytest.fixture
def place(store: Datastore) -> Table:
    return store.table("place")


@pytest.fixture
def address(store: Datastore) -> Index:
    return store.index("place_country_city_number_idx_btree")


@pytest.fixture
def number(store: Datastore) -> Index:
    return store.index("place_number_idx_btree")


def text(value: str) -> bytes:
    return key(STRING, value)


def short(value: int) -> bytes:
    return key(I16, value)


def ids(
    reader: Reader, index: Index, prefix: bytes = b"", elems: int = 0, start: bytes = b"\2", end: bytes = b"\2"
) -> list[int]:
    found = reader.range_bsatn(index, prefix, elems, start, end)
    return [values_[0] for values_ in values(index.table, found)]


class TestBounds:
    def test_none_give_everything_in_the_order_of_the_keys(
        self, store: Datastore, number: Index, address: Index
    ) -> None:
        assert ids(store.view(), number) == [4, 2, 1, 6, 3, 5]
        assert ids(store.view(), address) == [6, 3, 2, 1, 5, 4]

    @pytest.mark.parametrize(
        ("start", "end", "found"),
        [
            ((0, 3), (2,), [1, 6, 3, 5]),
            ((1, 3), (2,), [3, 5]),
            ((2,), (0, 3), [4, 2, 1, 6]),
            ((2,), (1, 3), [4, 2]),
            ((0, -1), (1, 7), [2, 1, 6]),
            ((1, -1), (0, 7), [1, 6, 3]),
            ((0, 4), (1, 4), []),
            ((0, 7), (0, 3), []),
            ((1, 3), (1, 3), []),
            ((0, 3), (0, 3), [1, 6]),
            ((0, 8), (0, 8), []),
        ],
    )
    def test_on_a_single_column(
        self, store: Datastore, number: Index, start: tuple[int, ...], end: tuple[int, ...], found: list[int]
    ) -> None:
        lower, upper = (bytes(bound[:1]) + b"".join(map(short, bound[1:])) for bound in (start, end))
        assert ids(store.view(), number, start=lower, end=upper) == found
        bounds = [Bound(bound[0], bound[1:]) for bound in (lower, upper)]
        assert values(number.table, store.view().range(number, b"", 0, *bounds)) == [ROWS[id_ - 1] for id_ in found]

    def test_before_further_columns_take_in_or_leave_out_every_row_with_the_value(
        self, store: Datastore, address: Index
    ) -> None:
        view, ulm, lyon = store.view(), text("ulm"), text("lyon")
        assert ids(view, address, text("de"), 1, b"\0" + ulm) == [2, 1]
        assert ids(view, address, text("de"), 1, b"\1" + ulm) == []
        assert ids(view, address, text("de"), 1, b"\2", b"\0" + ulm) == [3, 2, 1]
        assert ids(view, address, text("de"), 1, b"\2", b"\1" + ulm) == [3]
        assert ids(view, address, text("de"), 1, b"\0" + ulm, b"\0" + ulm) == [2, 1]
        assert ids(view, address, text("fr"), 1, b"\1" + text("brest"), b"\0" + lyon) == [4]

    def test_after_a_prefix_of_several_columns(self, store: Datastore, address: Index) -> None:
        prefix = text("de") + text("ulm")
        assert ids(store.view(), address, prefix, 2) == [2, 1]
        assert ids(store.view(), address, prefix, 2, b"\0" + short(0)) == [1]
        assert ids(store.view(), address, prefix, 2, b"\0" + short(3), b"\0" + short(3)) == [1]

    def test_tell_columns_apart_that_look_the_same_when_put_together(self, store: Datastore, address: Index) -> None:
        assert ids(store.view(), address, text("d"), 1) == [6]
        assert ids(store.view(), address, text("deu"), 1) == []

    def test_at_the_ends_of_the_numbers(self, store: Datastore) -> None:
        rank = store.index("place_rank_idx_direct")
        assert ids(store.view(), rank, start=b"\1\xff") == []
        assert ids(store.view(), rank, start=b"\0\x05", end=b"\0\xff") == [5, 6]
        assert ids(store.view(), rank, end=b"\1\0") == []


class TestRefused:
    @pytest.mark.parametrize(
        ("prefix", "elems", "start", "end", "message"),
        [
            (b"a", 0, b"\2", b"\2", "prefix of {}: 1 bytes left over after the value at byte 0"),
            (b"", 3, b"\2", b"\2", "prefix of {}: it has 3 columns, a prefix of 3 leaves none for the bounds"),
            (b"", 1, b"\2", b"\2", "prefix of {}: length of String needs 4 bytes, 0 are left at byte 0 in country"),
            (text("a"), 2, b"\2", b"\2", "prefix of {}: length of String needs 4 bytes, 0 are left at byte 5 in city"),
            (b"", 0, b"", b"\2", "start of {}: a bound is 0 and a value, 1 and a value, or 2 alone"),
            (b"", 0, b"\2", b"\3", "end of {}: a bound is 0 and a value, 1 and a value, or 2 alone"),
            (b"", 0, b"\2a", b"\2", "start of {}: a bound is 0 and a value, 1 and a value, or 2 alone"),
            (b"", 0, b"\0", b"\2", "start of {}: length of String needs 4 bytes, 0 are left at byte 0 in country"),
            (b"", 0, b"\2", b"\1\1\0\0\0\xff", "end of {}: String is not UTF-8 at byte 4 in country"),
        ],
    )
    def test_what_does_not_decode(
        self, store: Datastore, address: Index, prefix: bytes, elems: int, start: bytes, end: bytes, message: str
    ) -> None:
        with pytest.raises(KeyDecodeFailed) as caught:
            store.view().range_bsatn(address, prefix, elems, start, end)
        assert str(caught.value) == "not a " + message.format("index 'place_country_city_number_idx_btree'")
        assert caught.value.errno == 3

    def test_a_prefix_of_an_index_with_one_column(self, store: Datastore, number: Index) -> None:
        bound = b"\0" + short(3)
        with pytest.raises(KeyDecodeFailed) as caught:
            store.view().range_bsatn(number, short(3), 1, bound, bound)
        assert (
            str(caught.value) == "not a prefix of index 'place_number_idx_btree': "
            "it has 1 columns, a prefix of 1 leaves none for the bounds"
        )

    def test_a_range_of_a_hash_index_even_if_it_is_one_key(self, store: Datastore) -> None:
        index, bound = store.index("place_country_idx_hash"), b"\0" + text("de")
        with pytest.raises(WrongIndexAlgorithm) as caught:
            store.view().range_bsatn(index, b"", 0, bound, bound)
        assert (
            str(caught.value) == "index 'place_country_idx_hash' is a hash index: it finds whole keys only, not ranges"
        )
        assert caught.value.errno == 10

    def test_a_key_that_does_not_decode(self, store: Datastore, number: Index, address: Index) -> None:
        for index, data, reason in (
            (number, b"\1", "I16 needs 2 bytes, 1 are left at byte 0 in number"),
            (number, b"\1\0\0", "1 bytes left over after the value at byte 2"),
            (address, text("de"), "length of String needs 4 bytes, 0 are left at byte 6 in city"),
        ):
            with pytest.raises(KeyDecodeFailed) as caught:
                store.view().seek(index, data)
            assert str(caught.value) == f"not a key of index {index.name!r}: {reason}"


class TestSeek:
    def test_finds_rows_by_the_whole_key_in_every_kind_of_index(
        self, store: Datastore, place: Table, address: Index
    ) -> None:
        view = store.view()
        assert values(place, view.seek(store.index("place_country_idx_hash"), text("fr"))) == ROWS[3:5]
        assert values(place, view.seek(address, text("de") + text("ulm") + short(3))) == ROWS[:1]
        assert values(place, view.seek(store.index("place_id_idx_btree"), key(U32, 5))) == ROWS[4:5]
        assert view.seek(store.index("place_id_idx_btree"), key(U32, 7)) == []

    def test_key_of_gives_what_seek_takes(self, store: Datastore, place: Table) -> None:
        for index in place.indexes:
            for data in store.view().rows(place):
                assert data in store.view().seek(index, index.key_of(data))


class TestOrder:
    def test_is_rows_of_the_transaction_then_committed_ones_each_in_key_order(
        self, store: Datastore, place: Table, number: Index
    ) -> None:
        tx = store.begin()
        for id_, value in ((7, 9), (8, -5), (9, 3)):
            tx.insert(place, row(place, id_, "x", "y", value, 0))
        tx.delete(place, row(place, *ROWS[0]))
        assert ids(tx, number) == [8, 9, 7, 4, 2, 6, 3, 5]
        assert ids(tx, number, start=b"\0" + short(3), end=b"\0" + short(3)) == [9, 6]

    def test_does_not_depend_on_forks(self, store: Datastore, place: Table, number: Index) -> None:
        forked = store.fork()
        for id_, value in ((7, 9), (8, -5), (9, 3)):
            for target in (store, forked):
                tx = target.begin()
                tx.insert(place, row(place, id_, "x", "y", value, 0))
                tx.commit()
            forked = forked.fork()
        assert ids(forked.view(), number) == ids(store.view(), number) == [4, 8, 2, 1, 6, 9, 3, 7, 5]

    def test_follows_changes_between_scans(self, store: Datastore, place: Table, number: Index) -> None:
        tx = store.begin()
        for step in range(40):
            tx.insert(place, row(place, 100 + step, "x", "y", 1000 - step, 0))
            assert ids(tx, number)[: step + 1] == list(range(100 + step, 99, -1))
        for step in range(0, 40, 2):
            tx.delete(place, row(place, 100 + step, "x", "y", 1000 - step, 0))
            assert 100 + step not in ids(tx, number)
        tx.insert(place, row(place, 100, "x", "y", 1000, 0))
        tx.delete(place, row(place, 100, "x", "y", 1000, 0))
        assert ids(tx, number)[:20] == list(range(139, 100, -2))

    def test_follows_changes_between_scans_of_what_is_committed(
        self, store: Datastore, place: Table, number: Index
    ) -> None:
        stores = [store, store.fork()]
        for step in range(60):
            tx = store.begin()
            tx.insert(place, row(place, 100 + step, "x", "y", 1000 - step, 0))
            if step >= 30:
                tx.delete(place, row(place, 100 + step - 30, "x", "y", 1000 - step + 30, 0))
            tx.commit()
            if step % 3 == 0:
                stores.append(store.fork())
            kept = list(range(100 + step, 99 + max(step - 29, 0), -1))
            assert ids(store.view(), number) == [4, 2, 1, 6, 3, 5, *kept]
        assert ids(stores[1].view(), number) == [4, 2, 1, 6, 3, 5]
        assert ids(stores[-1].view(), number) == [4, 2, 1, 6, 3, 5, *range(157, 127, -1)]


def test_kinds_of_bounds_are_numbered_as_in_the_abi() -> None:
    assert (INCLUDED, EXCLUDED, UNBOUNDED) == (0, 1, 2)
