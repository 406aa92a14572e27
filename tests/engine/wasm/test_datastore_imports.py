"""The host functions that read and write tables."""

from __future__ import annotations

from struct import pack

import pytest

from pytest_inner_universe.engine.store import Transaction
from pytest_inner_universe.engine.store.errors import ScheduleDelayTooLong
from pytest_inner_universe.engine.wasm.errors import BadPointer, Trap

from .guest import BUFFER, LENGTH, MINUS_ONE, MISSING, OUT, Guest, pair, u32s


def test_tables_and_indexes_are_found_by_both_names(guest: Guest) -> None:
    for name in (b"pair", b"PAIR"):
        assert guest.call("table_id_from_name", name, OUT) == 0
        assert guest.u32() == guest.table("pair")
    for name in (b"pair_name_idx_btree", b"PAIR_name_idx_btree"):
        assert guest.call("index_id_from_name", name, OUT) == 0
        assert guest.u32() == guest.index("pair_name_idx_btree")


def test_unknown_names_and_numbers_are_told(guest: Guest) -> None:
    assert guest.call("table_id_from_name", b"nothing", OUT) == 4
    assert guest.call("index_id_from_name", b"nothing", OUT) == 5
    assert guest.call("datastore_table_row_count", MISSING, OUT) == 4
    assert guest.call("datastore_table_scan_bsatn", MISSING, OUT) == 4
    assert guest.call("datastore_insert_bsatn", MISSING, BUFFER, LENGTH) == 4
    assert guest.call("datastore_update_bsatn", MISSING, guest.index("pair_id_idx_btree"), BUFFER, LENGTH) == 4
    assert guest.call("datastore_update_bsatn", guest.table("pair"), MISSING, BUFFER, LENGTH) == 5
    assert guest.call("datastore_index_scan_point_bsatn", MISSING, b"x", OUT) == 5
    assert guest.call("datastore_delete_by_index_scan_point_bsatn", MISSING, b"x", OUT) == 5
    assert guest.call("datastore_index_scan_range_bsatn", MISSING, 0, 0, 0, b"\2", b"\2", OUT) == 5
    assert guest.call("datastore_delete_by_index_scan_range_bsatn", MISSING, 0, 0, 0, b"\2", b"\2", OUT) == 5
    assert guest.call("datastore_delete_all_by_eq_bsatn", MISSING, bytes(4), OUT) == 4
    assert guest.call("datastore_clear", MISSING, OUT) == 4


NEEDS_TRANSACTION: list[tuple[str, tuple[int | bytes, ...]]] = [
    ("table_id_from_name", (b"pair", OUT)),
    ("index_id_from_name", (b"pair", OUT)),
    ("datastore_table_row_count", (1, OUT)),
    ("datastore_table_scan_bsatn", (1, OUT)),
    ("datastore_index_scan_point_bsatn", (1, b"", OUT)),
    ("datastore_index_scan_range_bsatn", (1, 0, 0, 0, b"\2", b"\2", OUT)),
    ("datastore_btree_scan_bsatn", (1, 0, 0, 0, b"\2", b"\2", OUT)),
    ("datastore_delete_by_index_scan_point_bsatn", (1, b"", OUT)),
    ("datastore_delete_by_index_scan_range_bsatn", (1, 0, 0, 0, b"\2", b"\2", OUT)),
    ("datastore_delete_by_btree_scan_bsatn", (1, 0, 0, 0, b"\2", b"\2", OUT)),
    ("datastore_delete_all_by_eq_bsatn", (1, bytes(4), OUT)),
    ("datastore_insert_bsatn", (1, BUFFER, LENGTH)),
    ("datastore_update_bsatn", (1, 1, BUFFER, LENGTH)),
    ("datastore_clear", (1, OUT)),
    ("get_jwt", (BUFFER, OUT)),
    ("env_get", (b"HOME", OUT)),
]


@pytest.mark.parametrize(("name", "values"), NEEDS_TRANSACTION)
def test_without_a_transaction_there_is_no_data(outside: Guest, name: str, values: tuple[int | bytes, ...]) -> None:
    assert outside.call(name, *values) == 2


@pytest.mark.parametrize(("name", "values"), NEEDS_TRANSACTION)
def test_pointers_are_looked_at_before_the_transaction(
    outside: Guest, name: str, values: tuple[int | bytes, ...]
) -> None:
    flat = [n for value in values for n in ((0, len(value)) if isinstance(value, bytes) else (value,))]
    if name in {"datastore_insert_bsatn", "datastore_update_bsatn"}:
        flat[-1] = 0
    elif name == "get_jwt":
        flat[0] = 0
    elif not any(isinstance(value, bytes) for value in values):
        return  # nothing is read from memory
    with pytest.raises(BadPointer):
        outside.call(name, *flat)


def test_an_insert_writes_back_what_sequences_gave(guest: Guest) -> None:
    assert guest.insert("pair", pair(0, "Ada", 1, 2)) == (0, pack("<Q", 1))
    assert guest.insert("pair", pair(0, "Bob", 1, 2)) == (0, pack("<Q", 2))
    assert guest.insert("pair", pair(70, "Cleo", 1, 2)) == (0, b"")
    assert guest.insert("plain", u32s(5)) == (0, b"")


def test_an_insert_that_is_refused_says_why(guest: Guest) -> None:
    guest.insert("pair", pair(5, "Ada", 1, 2))
    assert guest.insert("pair", pair(5, "Ada", 1, 2)) == (0, b"")  # the very same row
    assert guest.insert("pair", pair(6, "Ada", 1, 2)) == (12, b"")
    assert guest.insert("pair", pair(5, "Bob", 1, 2)) == (12, b"")
    assert guest.insert("pair", b"\1") == (3, b"")
    assert guest.insert("plain", bytes(5)) == (3, b"")


def test_an_update_goes_through_a_unique_index_of_its_table(guest: Guest) -> None:
    guest.insert("pair", pair(5, "Ada", 1, 2))
    guest.insert("pair", pair(6, "Bob", 1, 2))
    assert guest.update("pair", "pair_id_idx_btree", pair(5, "Ada", 9, 9)) == (0, b"")
    assert guest.update("pair", "pair_name_idx_btree", pair(8, "Ada", 9, 9)) == (0, b"")
    assert guest.update("pair", "pair_name_idx_btree", pair(0, "Ada", 9, 9)) == (0, pack("<Q", 1))
    assert guest.update("pair", "pair_id_idx_btree", pair(6, "Ada", 1, 1)) == (12, b"")
    assert guest.update("pair", "pair_id_idx_btree", pair(77, "Zoe", 1, 1)) == (15, b"")
    assert guest.update("pair", "pair_team_age_idx_btree", pair(6, "Bob", 1, 1)) == (14, b"")
    assert guest.update("pair", "timed_id_idx_btree", pair(6, "Bob", 1, 1)) == (5, b"")
    assert guest.update("pair", "pair_id_idx_btree", b"") == (3, b"")


def test_schedules_are_told_to_the_host_with_the_stored_row(guest: Guest) -> None:
    row = pack("<QBq", 0, 1, 12345)
    assert guest.insert("timed", row) == (0, pack("<Q", 1))
    stored = pack("<QBq", 1, 1, 12345)
    later = pack("<QBq", 1, 1, 777)
    assert guest.update("timed", "timed_id_idx_btree", later) == (0, b"")
    guest.insert("plain", u32s(1))
    assert guest.host.inserted == [("timed", stored), ("timed", later)]


def test_a_delay_that_is_too_long_is_an_error_of_the_datastore(guest: Guest) -> None:
    guest.host.raises = ScheduleDelayTooLong("timed", 9, 8)
    assert guest.insert("timed", pack("<QBq", 0, 1, 1)) == (13, b"")


def test_counting_sees_the_transaction(guest: Guest) -> None:
    for number in range(3):
        guest.insert("plain", u32s(number))
    assert guest.call("datastore_table_row_count", guest.table("plain"), OUT) == 0
    assert guest.u64() == 3


def test_the_last_rows_come_with_the_news_that_they_are_the_last(guest: Guest) -> None:
    for number in range(3):
        guest.insert("plain", u32s(number))
    assert guest.call("datastore_table_scan_bsatn", guest.table("plain"), OUT) == 0
    handle = guest.u32()
    guest.insert("plain", u32s(9))  # what came later is not seen
    assert guest.advance(handle) == (MINUS_ONE, u32s(0, 1, 2))
    assert guest.call("row_iter_bsatn_advance", handle, BUFFER, LENGTH) == 6
    assert guest.call("row_iter_bsatn_close", handle) == 6


def test_a_scan_of_nothing_is_over_at_once(guest: Guest) -> None:
    guest.call("datastore_table_scan_bsatn", guest.table("plain"), OUT)
    assert guest.advance(guest.u32(), 0) == (MINUS_ONE, b"")


def test_handles_of_iterators_start_at_one_and_are_used_again(guest: Guest) -> None:
    def scan() -> int:
        guest.call("datastore_table_scan_bsatn", guest.table("plain"), OUT)
        return guest.u32()

    assert [scan(), scan(), scan()] == [1, 2, 3]
    assert guest.call("row_iter_bsatn_close", 2) == 0
    assert [scan(), scan()] == [2, 4]
    assert guest.call("row_iter_bsatn_close", 0) == 6
    assert guest.call("row_iter_bsatn_close", 5) == 6


def test_rows_come_in_whole_chunks_that_fit(guest: Guest) -> None:
    for number in range(20_000):
        guest.insert("plain", u32s(number))
    everything = u32s(*range(20_000))
    guest.call("datastore_table_scan_bsatn", guest.table("plain"), OUT)
    handle = guest.u32()
    chunk = 32768 + 4  # a chunk is closed when it is larger than 32 KiB
    assert guest.advance(handle, 1000) == (11, b"%d" % chunk)
    assert guest.advance(handle, chunk - 1) == (11, b"%d" % chunk)
    assert guest.advance(handle, 40_000) == (0, everything[:chunk])
    assert guest.advance(handle, 66_000) == (MINUS_ONE, everything[chunk:])


def test_several_chunks_come_at_once_when_they_fit(guest: Guest) -> None:
    for number in range(20_000):
        guest.insert("plain", u32s(number))
    guest.call("datastore_table_scan_bsatn", guest.table("plain"), OUT)
    handle = guest.u32()
    chunk = 32768 + 4
    assert guest.advance(handle, 2 * chunk) == (0, u32s(*range(2 * chunk // 4)))
    assert guest.advance(handle, 2 * chunk) == (MINUS_ONE, u32s(*range(2 * chunk // 4, 20_000)))


def test_a_row_larger_than_a_chunk_asks_for_its_size(guest: Guest) -> None:
    row = pair(1, "x" * 50_000, 1, 1)
    guest.insert("pair", row)
    guest.call("datastore_table_scan_bsatn", guest.table("pair"), OUT)
    handle = guest.u32()
    assert guest.advance(handle, 100) == (11, b"%d" % len(row))
    assert guest.advance(handle, len(row)) == (MINUS_ONE, row)


def people(guest: Guest) -> list[bytes]:
    rows = [pair(n + 1, f"p{n}", n // 3, n % 3) for n in range(9)]
    for row in rows:
        guest.insert("pair", row)
    return rows


def test_a_point_is_sought_in_an_index(guest: Guest) -> None:
    rows = people(guest)
    index = guest.index("pair_team_age_idx_btree")
    assert guest.call("datastore_index_scan_point_bsatn", index, pack("<IB", 1, 2), OUT) == 0
    assert guest.advance(guest.u32()) == (MINUS_ONE, rows[5])
    assert guest.call("datastore_index_scan_point_bsatn", index, pack("<I", 1), OUT) == 3
    assert guest.call("datastore_index_scan_point_bsatn", guest.index("pair_age_idx_hash"), b"\1", OUT) == 0
    assert guest.advance(guest.u32())[0] == MINUS_ONE


@pytest.mark.parametrize("name", ["datastore_index_scan_range_bsatn", "datastore_btree_scan_bsatn"])
def test_a_range_is_sought_in_an_index(guest: Guest, name: str) -> None:
    rows = people(guest)
    index = guest.index("pair_team_age_idx_btree")
    start, end = b"\0" + u32s(1), b"\1" + u32s(2)
    assert guest.call(name, index, 0, 0, 0, start, end, OUT) == 0
    assert guest.advance(guest.u32()) == (MINUS_ONE, b"".join(rows[3:6]))
    assert guest.call(name, index, u32s(2), 1, b"\0\1", b"\2", OUT) == 0
    assert guest.advance(guest.u32()) == (MINUS_ONE, b"".join(rows[7:9]))


def test_ranges_that_make_no_sense_are_told(guest: Guest) -> None:
    name = "datastore_index_scan_range_bsatn"
    index = guest.index("pair_team_age_idx_btree")
    assert guest.call(name, guest.index("pair_age_idx_hash"), 0, 0, 0, b"\2", b"\2", OUT) == 10
    assert guest.call(name, index, pack("<IB", 1, 1), 2, b"\2", b"\2", OUT) == 3
    assert guest.call(name, index, b"", 1, b"\2", b"\2", OUT) == 3
    assert guest.call(name, index, 0, 0, 0, b"\7", b"\2", OUT) == 3
    assert (
        guest.call(name, index, MISSING * 9, 77, 0, b"\2", b"\2", OUT) == 0
    )  # no prefix: its pointer is not looked at
    with pytest.raises(Trap) as caught:
        guest.call(name, index, b"", 65536, b"\2", b"\2", OUT)
    assert caught.value.reason == "it asked for an index range with 65536 prefix columns"


@pytest.mark.parametrize("name", ["datastore_delete_by_index_scan_range_bsatn", "datastore_delete_by_btree_scan_bsatn"])
def test_a_range_is_deleted(guest: Guest, name: str) -> None:
    people(guest)
    assert guest.call(name, guest.index("pair_team_age_idx_btree"), u32s(1), 1, b"\2", b"\2", OUT) == 0
    assert guest.u32() == 3
    assert count(guest, "pair") == 6


def test_a_point_is_deleted(guest: Guest) -> None:
    people(guest)
    name = "datastore_delete_by_index_scan_point_bsatn"
    assert guest.call(name, guest.index("pair_id_idx_btree"), pack("<Q", 4), OUT) == 0
    assert guest.u32() == 1
    assert guest.call(name, guest.index("pair_id_idx_btree"), pack("<Q", 4), OUT) == 0
    assert guest.u32() == 0
    assert guest.call(name, guest.index("pair_age_idx_hash"), b"\1", OUT) == 0
    assert guest.u32() == 3


def test_rows_are_deleted_by_being_equal(guest: Guest) -> None:
    rows = people(guest)
    name = "datastore_delete_all_by_eq_bsatn"
    relation = u32s(3) + rows[0] + rows[4] + pair(1, "no such", 1, 1)
    assert guest.call(name, guest.table("pair"), relation, OUT) == 0
    assert guest.u32() == 2
    assert guest.call(name, guest.table("pair"), u32s(0), OUT) == 0
    assert guest.u32() == 0
    for wrong in (b"", b"\1\0\0", u32s(2) + rows[1], u32s(MINUS_ONE), u32s(1) + b"\xff" * 12):
        assert guest.call(name, guest.table("pair"), wrong, OUT) == 3
    assert count(guest, "pair") == 7


def test_a_table_is_cleared(guest: Guest) -> None:
    people(guest)
    assert guest.call("datastore_clear", guest.table("pair"), OUT) == 0
    assert guest.u64() == 9
    assert count(guest, "pair") == 0


def count(guest: Guest, table: str) -> int:
    tx = guest.host.tx
    assert isinstance(tx, Transaction)
    return tx.count(guest.host.datastore.table(table))


@pytest.mark.parametrize(
    "name", ["table_id_from_name", "index_id_from_name", "console_timer_start", "volatile_nonatomic_schedule_immediate"]
)
def test_a_name_that_is_no_text_stops_the_module(guest: Guest, name: str) -> None:
    more: tuple[int | bytes, ...] = {"console_timer_start": (), "volatile_nonatomic_schedule_immediate": (b"",)}.get(
        name, (OUT,)
    )
    with pytest.raises(Trap) as caught:
        guest.call(name, b"ab\xff", *more)
    assert caught.value.reason == "it gave a host function a name that is not UTF-8: invalid start byte at byte 2"


@pytest.mark.parametrize("out", [0, 4 * 65536 - 3])
def test_results_are_not_written_outside_of_the_memory(guest: Guest, out: int) -> None:
    people(guest)
    index = guest.index("pair_id_idx_btree")
    calls: list[tuple[str, tuple[int | bytes, ...]]] = [
        ("table_id_from_name", (b"pair", out)),
        ("index_id_from_name", (b"pair_id_idx_btree", out)),
        ("datastore_table_row_count", (guest.table("pair"), out)),
        ("datastore_table_scan_bsatn", (guest.table("pair"), out)),
        ("datastore_index_scan_point_bsatn", (index, pack("<Q", 4), out)),
        ("datastore_delete_by_index_scan_point_bsatn", (index, pack("<Q", 400), out)),
        ("datastore_delete_all_by_eq_bsatn", (guest.table("pair"), u32s(0), out)),
        ("datastore_clear", (guest.table("plain"), out)),
        ("get_jwt", (BUFFER, out)),
        ("env_get", (b"HOME", out)),
        ("identity", (out,)),
        ("bytes_source_remaining_length", (guest.imports.bytes.add_source(b"x"), out)),
    ]
    for name, values in calls:
        with pytest.raises(BadPointer):
            guest.call(name, *values)
    assert len(guest.imports.iterators) == 0
