from __future__ import annotations

import pytest
from support.tables import datastore, row, table_def, values

from pytest_inner_universe.engine.store import Datastore, Table, Transaction
from pytest_inner_universe.engine.store.errors import (
    IndexNotUnique,
    NoSuchIndex,
    NoSuchRow,
    RowDecodeFailed,
    StoreError,
    TransactionClosed,
    TransactionOpen,
    UniqueViolation,
)
from pytest_inner_universe.sats import STRING, U8, U32

PERSON = table_def("person", "id", ["name"], ["team"], id=U32, name=STRING, team=U8)
TAG = table_def("tag", text=STRING)
PING = table_def("ping", None, ["id"], (), (), None, True, True, id=U32, text=STRING)


@pytest.fixture
def store() -> Datastore:
    made = datastore(PERSON, TAG, PING)
    tx = made.begin()
    for id_, name, team in ((1, "ada", 1), (2, "ben", 1), (3, "cem", 2)):
        tx.insert(made.table("person"), row(made.table("person"), id_, name, team))
    tx.commit()
    return made


@pytest.fixture
def person(store: Datastore) -> Table:
    return store.table("person")


@pytest.fixture
def tx(store: Datastore) -> Transaction:
    return store.begin()


class TestInsert:
    def test_is_seen_by_the_transaction_and_after_the_commit_by_everyone(
        self, store: Datastore, person: Table, tx: Transaction
    ) -> None:
        dan = row(person, 4, "dan", 1)
        assert tx.insert(person, dan) == (dan, b"")
        assert tx.contains(person, dan)
        assert tx.count(person) == 4
        assert (store.view().contains(person, dan), store.view().count(person)) == (False, 3)
        changes = tx.commit()
        assert (store.view().contains(person, dan), store.view().count(person)) == (True, 4)
        assert changes == {"person": (person, [dan], [])}

    def test_of_a_row_that_is_there_succeeds_and_changes_nothing(self, person: Table, tx: Transaction) -> None:
        ada = row(person, 1, "ada", 1)
        assert tx.insert(person, ada) == (ada, b"")
        new = row(person, 9, "new", 1)
        tx.insert(person, new)
        assert tx.insert(person, new) == (new, b"")
        assert tx.count(person) == 4
        assert tx.commit() == {"person": (person, [new], [])}

    def test_of_a_row_that_this_transaction_deleted_takes_the_deletion_back(
        self, person: Table, tx: Transaction
    ) -> None:
        ada = row(person, 1, "ada", 1)
        tx.delete(person, ada)
        tx.insert(person, ada)
        assert values(person, tx.rows(person))[0] == (1, "ada", 1)
        assert tx.commit() == {}

    def test_then_delete_cancels_out(self, person: Table, tx: Transaction) -> None:
        dan = row(person, 4, "dan", 1)
        tx.insert(person, dan)
        assert tx.delete(person, dan)
        assert tx.commit() == {}

    @pytest.mark.parametrize(
        ("values_", "index", "column"),
        [((1, "new", 1), "person_id_idx_btree", "id"), ((9, "ada", 1), "person_name_idx_btree", "name")],
    )
    def test_refuses_a_second_row_with_a_unique_key(
        self, person: Table, tx: Transaction, values_: tuple[int, str, int], index: str, column: str
    ) -> None:
        new = row(person, *values_)
        with pytest.raises(UniqueViolation) as caught:
            tx.insert(person, new)
        error = caught.value
        assert str(error) == f"table 'person' has another row with the same {column} (unique index '{index}')"
        assert (error.errno, error.row, error.existing) == (12, new, row(person, 1, "ada", 1))
        assert (error.table, error.index, error.columns) == ("person", index, (column,))
        assert tx.peek() == {}

    def test_refuses_a_key_of_a_row_of_this_transaction(self, person: Table, tx: Transaction) -> None:
        tx.insert(person, row(person, 4, "dan", 1))
        with pytest.raises(UniqueViolation):
            tx.insert(person, row(person, 4, "eva", 1))

    def test_takes_the_key_of_a_row_that_this_transaction_deleted(self, person: Table, tx: Transaction) -> None:
        old, new = row(person, 1, "ada", 1), row(person, 1, "eva", 1)
        tx.delete(person, old)
        tx.insert(person, new)
        with pytest.raises(UniqueViolation):
            tx.insert(person, old)  # its key is taken by now, although it would come back to life
        assert tx.commit() == {"person": (person, [new], [old])}

    def test_keeps_equal_rows_of_a_table_without_keys_once(self, store: Datastore, tx: Transaction) -> None:
        tag = store.table("tag")
        tx.insert(tag, row(tag, "x"))
        tx.insert(tag, row(tag, "x"))
        assert tx.count(tag) == 1

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "U32 needs 4 bytes, 0 are left at byte 0 in id"),
            (b"\1\0\0\0\1\0\0\0\xff\1", "String is not UTF-8 at byte 8 in name"),
            (b"\1\0\0\0\1\0\0\0a\1\1", "1 bytes left over after the value at byte 10"),
        ],
    )
    def test_refuses_bytes_that_are_no_row(self, person: Table, tx: Transaction, data: bytes, reason: str) -> None:
        for refused in (tx.insert, lambda table, row: tx.update(table, table.unique_indexes[0], row)):
            with pytest.raises(RowDecodeFailed) as caught:
                refused(person, data)
            assert str(caught.value) == f"not a row of table 'person': {reason}"
            assert caught.value.errno == 3
        assert tx.peek() == {}


class TestUpdate:
    @pytest.mark.parametrize("index", ["person_id_idx_btree", "person_name_idx_btree"])
    def test_replaces_the_row_with_the_same_key(
        self, store: Datastore, person: Table, tx: Transaction, index: str
    ) -> None:
        new = row(person, 1, "ada", 7)
        assert tx.update(person, store.index(index), new) == (new, b"")
        assert tx.commit() == {"person": (person, [new], [row(person, 1, "ada", 1)])}
        assert store.view().seek(store.index(index), store.index(index).key_of(new)) == [new]

    def test_of_a_row_of_this_transaction_leaves_one_insert(
        self, store: Datastore, person: Table, tx: Transaction
    ) -> None:
        tx.insert(person, row(person, 4, "dan", 1))
        new = row(person, 4, "dan", 2)
        tx.update(person, store.index("person_id_idx_btree"), new)
        assert tx.commit() == {"person": (person, [new], [])}

    def test_there_and_back_changes_nothing(self, store: Datastore, person: Table, tx: Transaction) -> None:
        index, old = store.index("person_id_idx_btree"), row(person, 1, "ada", 1)
        tx.update(person, index, row(person, 1, "ada", 2))
        tx.update(person, index, old)
        assert tx.commit() == {}

    def test_with_the_same_row_changes_nothing(self, store: Datastore, person: Table, tx: Transaction) -> None:
        old = row(person, 1, "ada", 1)
        assert tx.update(person, store.index("person_id_idx_btree"), old) == (old, b"")
        assert tx.commit() == {}

    def test_refuses_another_unique_key_and_leaves_the_old_row(
        self, store: Datastore, person: Table, tx: Transaction
    ) -> None:
        with pytest.raises(UniqueViolation) as caught:
            tx.update(person, store.index("person_id_idx_btree"), row(person, 1, "ben", 1))
        assert caught.value.existing == row(person, 2, "ben", 1)
        assert tx.contains(person, row(person, 1, "ada", 1))
        assert tx.peek() == {}

    def test_needs_a_row_with_the_key(self, store: Datastore, person: Table, tx: Transaction) -> None:
        new = row(person, 9, "new", 1)
        with pytest.raises(NoSuchRow) as caught:
            tx.update(person, store.index("person_id_idx_btree"), new)
        assert (
            str(caught.value) == "table 'person' has no row with the key of the new one in index 'person_id_idx_btree'"
        )
        assert (caught.value.errno, caught.value.row) == (15, new)

    def test_finds_no_row_that_this_transaction_deleted(self, store: Datastore, person: Table, tx: Transaction) -> None:
        tx.delete(person, row(person, 1, "ada", 1))
        with pytest.raises(NoSuchRow):
            tx.update(person, store.index("person_id_idx_btree"), row(person, 1, "ada", 2))

    def test_needs_a_unique_index(self, store: Datastore, person: Table, tx: Transaction) -> None:
        with pytest.raises(IndexNotUnique) as caught:
            tx.update(person, store.index("person_team_idx_btree"), row(person, 1, "ada", 2))
        assert (
            str(caught.value)
            == "index 'person_team_idx_btree' is not unique: an update has to name the one row that it replaces"
        )
        assert caught.value.errno == 14

    def test_needs_an_index_of_the_table(self, store: Datastore, person: Table, tx: Transaction) -> None:
        with pytest.raises(NoSuchIndex) as caught:
            tx.update(person, store.index("ping_id_idx_btree"), row(person, 1, "ada", 2))
        assert str(caught.value) == "no index 'ping_id_idx_btree' in table 'person'"
        assert caught.value.errno == 5


class TestDelete:
    def test_tells_whether_the_row_was_there(self, person: Table, tx: Transaction) -> None:
        ada = row(person, 1, "ada", 1)
        assert tx.delete(person, ada)
        assert not tx.delete(person, ada)
        assert not tx.delete(person, b"no row at all")
        assert tx.count(person) == 2
        assert tx.commit() == {"person": (person, [], [ada])}

    def test_of_several_rows_counts_those_that_were_there(self, person: Table, tx: Transaction) -> None:
        rows = [row(person, 1, "ada", 1), row(person, 1, "ada", 1), row(person, 9, "new", 1), row(person, 3, "cem", 2)]
        assert tx.delete_rows(person, rows) == 2
        assert values(person, tx.rows(person)) == [(2, "ben", 1)]

    def test_clear_removes_everything_that_is_visible(self, store: Datastore, person: Table, tx: Transaction) -> None:
        gone = row(person, 1, "ada", 1)
        tx.delete(person, gone)
        tx.insert(person, row(person, 4, "dan", 1))
        assert tx.clear(person) == 3
        assert tx.clear(person) == 0
        assert (tx.rows(person), tx.count(person)) == ([], 0)
        assert tx.commit() == {"person": (person, [], [gone, row(person, 2, "ben", 1), row(person, 3, "cem", 2)])}
        assert store.view().count(person) == 0

    def test_cleared_rows_can_come_back(self, person: Table, tx: Transaction) -> None:
        before = tx.rows(person)
        tx.clear(person)
        for data in before:
            tx.insert(person, data)
        assert tx.commit() == {}


class TestRelation:
    def test_is_cut_into_rows(self, person: Table) -> None:
        rows = [row(person, 1, "ada", 1), row(person, 2, "a much longer name", 1)]
        assert person.split_rows(b"\2\0\0\0" + b"".join(rows)) == rows
        assert person.split_rows(bytes(4)) == []

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"\1\0\0", "length of array needs 4 bytes, 3 are left at byte 0"),
            (bytes(5), "1 bytes left over after the value at byte 4"),
        ],
    )
    def test_is_refused_where_it_is_none(self, person: Table, data: bytes, reason: str) -> None:
        with pytest.raises(RowDecodeFailed) as caught:
            person.split_rows(data)
        assert str(caught.value) == f"not a row of table 'person': {reason}"


class TestEnd:
    def test_rollback_forgets_everything(self, store: Datastore, person: Table, tx: Transaction) -> None:
        before = store.view().rows(person)
        tx.insert(person, row(person, 4, "dan", 1))
        tx.clear(person)
        tx.rollback()
        assert store.view().rows(person) == before

    @pytest.mark.parametrize(("end", "word"), [("commit", "committed"), ("rollback", "rolled back")])
    def test_nothing_works_afterwards(
        self, store: Datastore, person: Table, tx: Transaction, end: str, word: str
    ) -> None:
        getattr(tx, end)()
        index, data = store.index("person_id_idx_btree"), row(person, 1, "ada", 1)
        for use in (
            lambda: tx.insert(person, data),
            lambda: tx.update(person, index, data),
            lambda: tx.delete(person, data),
            lambda: tx.clear(person),
            lambda: tx.rows(person),
            lambda: tx.count(person),
            lambda: tx.seek(index, bytes(4)),
            lambda: tx.range_bsatn(index, b"", 0, b"\2", b"\2"),
            tx.peek,
            tx.commit,
            tx.rollback,
        ):
            with pytest.raises(TransactionClosed) as caught:
                use()
            assert str(caught.value) == f"the transaction was {word}: begin a new one"
        assert repr(tx) == f"<Transaction {word}>"

    def test_only_one_is_open_at_a_time(self, store: Datastore, tx: Transaction) -> None:
        with pytest.raises(TransactionOpen) as caught:
            store.begin()
        assert str(caught.value) == "another transaction is open: a database has one writer, commit or roll back first"
        tx.rollback()
        store.begin().rollback()

    def test_peek_shows_what_a_commit_would_change(self, person: Table, tx: Transaction) -> None:
        tx.insert(person, row(person, 4, "dan", 1))
        seen = tx.peek()
        tx.delete(person, row(person, 1, "ada", 1))
        assert seen == {"person": (person, [row(person, 4, "dan", 1)], [])}
        assert tx.peek() == {"person": (person, [row(person, 4, "dan", 1)], [row(person, 1, "ada", 1)])}
        assert repr(tx) == "<Transaction open, 1 tables touched>"


class TestOrder:
    def test_of_a_scan_is_committed_rows_as_they_came_then_those_of_the_transaction(
        self, person: Table, tx: Transaction
    ) -> None:
        tx.insert(person, row(person, 0, "new", 1))
        tx.delete(person, row(person, 2, "ben", 1))
        tx.insert(person, row(person, 2, "other", 1))
        assert [id_ for id_, _, _ in values(person, tx.rows(person))] == [1, 3, 0, 2]

    def test_of_equal_keys_is_rows_of_the_transaction_then_committed_ones(
        self, store: Datastore, person: Table, tx: Transaction
    ) -> None:
        tx.insert(person, row(person, 9, "new", 1))
        found = tx.seek(store.index("person_team_idx_btree"), b"\1")
        assert [id_ for id_, _, _ in values(person, found)] == [9, 1, 2]


class TestEventTable:
    def test_rows_live_as_long_as_the_transaction(self, store: Datastore, tx: Transaction) -> None:
        ping = store.table("ping")
        data = row(ping, 1, "a")
        tx.insert(ping, data)
        assert tx.rows(ping) == [data]
        with pytest.raises(UniqueViolation):
            tx.insert(ping, row(ping, 1, "b"))
        assert tx.commit() == {"ping": (ping, [data], [])}
        assert store.view().rows(ping) == []
        after = store.begin()
        assert (after.rows(ping), after.count(ping), after.seek(ping.indexes[0], data[:4])) == ([], 0, [])
        after.insert(ping, row(ping, 1, "b"))
        assert after.commit() == {"ping": (ping, [row(ping, 1, "b")], [])}

    def test_what_was_deleted_again_is_not_reported(self, store: Datastore, tx: Transaction) -> None:
        ping = store.table("ping")
        tx.insert(ping, row(ping, 1, "a"))
        tx.clear(ping)
        assert tx.commit() == {}


def test_a_store_error_tells_its_number() -> None:
    numbers = {error.__name__: error.errno for error in StoreError.__subclasses__()}
    assert numbers["NoSuchTable"] == 4
    assert len(numbers) >= 8
