"""The host functions for bytes, log, identity and the rest, and the memory under them."""

from __future__ import annotations

import pytest

from pytest_inner_universe.engine.wasm.errors import BadPointer

from .guest import BUFFER, LENGTH, MINUS_ONE, OUT, Guest


def test_a_source_is_read_in_parts_and_ends_with_its_last_byte(guest: Guest) -> None:
    source = guest.imports.bytes.add_source(b"abcdefgh")
    assert guest.call("bytes_source_remaining_length", source, OUT) == 0
    assert guest.u32() == 8
    assert guest.read(source, 5) == (0, b"abcde")
    assert guest.call("bytes_source_remaining_length", source, OUT) == 0
    assert guest.u32() == 3
    assert guest.read(source, 0) == (0, b"")
    assert guest.read(source, 3) == (MINUS_ONE, b"fgh")
    assert guest.read(source, 3) == (8, b"")
    assert guest.call("bytes_source_remaining_length", source, OUT) == 8


def test_an_empty_source_is_valid_and_over_at_once(guest: Guest) -> None:
    source = guest.imports.bytes.add_source(b"")
    assert guest.read(source, 10) == (MINUS_ONE, b"")
    assert guest.read(0, 10) == (8, b"")


def test_a_sink_takes_everything(guest: Guest) -> None:
    sink = guest.imports.bytes.add_sink()
    for part in (b"abc", b"", b"d" * 70_000):
        guest.memory.write_u32(LENGTH, len(part))
        guest.memory.write(BUFFER, part)
        assert guest.call("bytes_sink_write", sink, BUFFER, LENGTH) == 0
        assert guest.u32(LENGTH) == len(part)
    assert bytes(guest.imports.bytes.sinks[sink]) == b"abc" + b"d" * 70_000
    assert guest.call("bytes_sink_write", 9, BUFFER, LENGTH) == 8


def test_log_records_have_optional_parts(guest: Guest) -> None:
    assert guest.call("console_log", 2, b"target", b"file.rs", 7, b"text") == 0
    assert guest.call("console_log", 0, 0, 5, 0, 5, MINUS_ONE, b"only \xff text") == 0
    assert guest.host.records == [
        (2, "target", "file.rs", 7, "text"),
        (0, None, None, None, "only � text"),
    ]


def test_log_records_that_cannot_be_read_are_dropped(guest: Guest) -> None:
    assert guest.call("console_log", 2, 0, 0, 0, 0, 1, 0, 4) == 0
    assert guest.call("console_log", 2, 400_000, 5, 0, 0, 1, b"text") == 0
    assert guest.call("console_log", 101, 0, 0, 0, 0, 1, 400_000, 4) == 0
    assert guest.host.records == []
    assert guest.imports.panic is None


def test_timers_log_how_long_they_ran(guest: Guest) -> None:
    first = guest.call("console_timer_start", b"one")
    second = guest.call("console_timer_start", b"two")
    assert (first, second) == (1, 2)
    assert guest.call("console_timer_end", first) == 0
    assert guest.call("console_timer_end", first) == 7
    assert guest.call("console_timer_start", b"three") == 1
    assert guest.call("console_timer_end", 0) == 7
    ((level, *_, text),) = guest.host.records
    assert level == 2
    assert text.startswith('timer "one": ')
    assert text.endswith(" ms")


def test_the_identity_is_that_of_the_database(guest: Guest) -> None:
    guest.call("identity", BUFFER)
    assert guest.memory.read(BUFFER, 32) == guest.host.identity


def test_immediate_calls_are_queued(outside: Guest) -> None:
    outside.call("volatile_nonatomic_schedule_immediate", b"later", b"args")
    assert outside.host.immediate == [("later", b"args")]


def test_claims_are_given_where_there_are_any(guest: Guest) -> None:
    connection = bytes(range(16))
    guest.memory.write(BUFFER, connection)
    assert guest.call("get_jwt", BUFFER, OUT) == 0
    assert guest.u32() == 0
    guest.host.claims[connection] = b'{"sub":"me"}'
    assert guest.call("get_jwt", BUFFER, OUT) == 0
    assert guest.read(guest.u32(), 100) == (MINUS_ONE, b'{"sub":"me"}')


def test_environment_variables_are_not_set(guest: Guest) -> None:
    guest.memory.write_u32(OUT, 77)
    assert guest.call("env_get", b"HOME", OUT) == 0
    assert guest.u32() == 0


def test_memory_that_grew_is_seen_and_what_lies_behind_it_is_refused(guest: Guest) -> None:
    behind = 4 * 65536
    with pytest.raises(BadPointer):
        guest.memory.read(behind, 1)
    guest.wasm_memory.grow(guest.store, 1)
    guest.memory.write(behind, b"new")
    assert guest.memory.read(behind, 3) == b"new"
    with pytest.raises(BadPointer):
        guest.memory.write(behind + 65536 - 2, b"new")


def test_a_closed_memory_refuses_everything(outside: Guest) -> None:
    outside.memory.close()
    for pointer in (0, 1, 100):
        with pytest.raises(BadPointer):
            outside.memory.read(pointer, 1)
