"""Compiled Rust modules, run for real."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from pytest_inner_universe.engine.module import Module
from pytest_inner_universe.engine.wasm.errors import InstanceSpent, Panic, Trap
from pytest_inner_universe.sats import Identity, TimeDuration, Timestamp

from .conftest import NO_CONNECTION, NOBODY, Begin, Stage
from .guest import StandIn


def test_a_reducer_inserts_and_its_key_is_generated(begin: Begin, real: Module) -> None:
    stage = begin(real)
    assert stage.call("add_person", "Ada", 1, 36) == (0, b"")
    assert stage.call("add_person", "Bob", 2, 40) == (0, b"")
    assert stage.rows("person") == [
        {"id": 1, "name": "Ada", "team": 1, "age": 36},
        {"id": 2, "name": "Bob", "team": 2, "age": 40},
    ]


def test_rows_are_found_updated_and_deleted(begin: Begin, real: Module) -> None:
    stage = begin(real)
    for name, team in (("Ada", 1), ("Bob", 2), ("Cleo", 1)):
        stage.call("add_person", name, team, 30)
    assert stage.call("set_age", "Bob", 41) == (0, b"")
    assert stage.call("move_team", 1, 7) == (0, b"")
    assert stage.call("remove_person", "Ada") == (0, b"")
    people = sorted((row["name"], row["team"], row["age"]) for row in stage.rows("person"))
    assert people == [("Bob", 2, 41), ("Cleo", 7, 30)]
    assert stage.rows("seen") == [{"what": "moved 1 to 7"}]


def test_an_error_of_the_module_is_its_text(begin: Begin, real: Module) -> None:
    stage = begin(real)
    assert stage.call("fails", "so it is ✗") == (1, "so it is ✗".encode())
    assert stage.call("remove_person", "Nobody") == (1, b"no person Nobody")
    assert stage.call("fails", "") == (1, b"")
    assert stage.call("nothing") == (0, b"")


def test_a_unique_key_that_exists_is_an_error_of_the_module(begin: Begin, real: Module) -> None:
    stage = begin(real)
    stage.call("add_person", "Ada", 1, 36)
    code, text = stage.call("add_person", "Ada", 2, 1)
    assert (code, b"unique" in text) == (1, True)
    assert len(stage.rows("person")) == 1


def test_a_panic_is_a_trap_with_its_words_and_place(begin: Begin, real: Module) -> None:
    stage = begin(real)
    with pytest.raises(Trap) as caught:
        stage.call("panics")
    trap = caught.value
    assert trap.panic is not None
    assert trap.panic == Panic("on purpose", "src/lib.rs", trap.panic.line)
    assert str(trap) == f"the module panicked: on purpose (src/lib.rs:{trap.panic.line})"
    assert trap.reason == "it aborted (wasm `unreachable`)"
    assert [record[0] for record in stage.host.records] == [101]
    assert stage.instance.is_spent
    with pytest.raises(InstanceSpent) as spent:
        stage.call("nothing")
    assert str(spent.value) == "this instance of the module trapped or was closed; take a new one"


def test_arguments_that_do_not_decode_are_a_trap(begin: Begin, real: Module) -> None:
    stage = begin(real)
    with pytest.raises(Trap) as caught:
        stage.call(real.definition.reducers["add_person"].id, raw=b"\x01")
    assert caught.value.panic is not None


def test_a_reducer_sees_its_caller(begin: Begin, real: Module) -> None:
    stage = begin(real)
    definition = real.definition.reducers["own_team"]
    tx = stage.host.tx = stage.host.datastore.begin()
    sender = bytes(range(100, 132))
    args = definition.encode_args(5, "mine")
    assert stage.instance.call_reducer(definition.id, sender, NO_CONNECTION, 1, args) == (0, b"")
    tx.commit()
    stage.host.tx = None
    assert stage.rows("team") == [{"id": 5, "owner": Identity(sender), "title": "mine"}]


def test_a_reducer_sees_the_time(begin: Begin, real: Module) -> None:
    stage = begin(real)
    definition = real.definition.reducers["schedule_once"]
    tx = stage.host.tx = stage.host.datastore.begin()
    args = definition.encode_args(500, "later")
    now = 1_700_000_000_000_000
    assert stage.instance.call_reducer(definition.id, NOBODY, NO_CONNECTION, now, args) == (0, b"")
    tx.commit()
    stage.host.tx = None
    assert stage.rows("once") == [{"id": 1, "at": Timestamp(now + 500), "note": "later"}]
    assert [name for name, _ in stage.host.inserted] == ["once"]


def test_schedules_of_both_kinds_are_told_to_the_host(begin: Begin, real: Module) -> None:
    stage = begin(real)
    stage.call("start_ticks", 1000)
    assert stage.rows("tick") == [{"id": 1, "at": TimeDuration(1000)}]
    (table, row), *_ = stage.host.inserted
    assert (table, row[:8]) == ("tick", b"\x01" + bytes(7))


def test_many_rows_cross_the_border_in_chunks(begin: Begin, real: Module) -> None:
    stage = begin(real)
    assert stage.call("many", 5000) == (0, b"")
    connected = real.definition.lifecycle["client_connected"]
    assert stage.call(connected.name) == (0, b"")  # it reads all of them
    stage.call("close_door")
    assert stage.call(connected.name) == (1, b"the door is closed")


def test_large_rows_go_in_and_out(begin: Begin, real: Module) -> None:
    stage = begin(real)
    text = "é" * 300_000
    assert stage.call("own_team", 9, text) == (0, b"")
    assert stage.call("add_person", text, 1, 2) == (0, b"")
    assert stage.call("set_age", text, 3) == (0, b"")
    assert [row["age"] for row in stage.rows("person")] == [3]
    assert stage.call("fails", text) == (1, text.encode())


def test_log_records_reach_the_host(begin: Begin, real: Module) -> None:
    stage = begin(real)
    stage.call("connected")
    ((level, target, file, line, text),) = stage.host.records
    assert (level, text, file) == (2, "connected", "src/lib.rs")
    assert isinstance(line, int)
    assert target is not None


def memory_of(stage: Stage) -> bytes:
    return stage.instance._memory.view.tobytes()


def test_rewound_instances_have_forgotten_everything(begin: Begin, real: Module) -> None:
    stage = begin(real)
    first = memory_of(stage)
    stage.call("add_person", "Ada", 1, 36)
    stage.call("move_team", 1, 2)
    assert stage.instance.rewind()
    assert memory_of(stage)[: len(first)] == first
    assert not any(memory_of(stage)[len(first) :])
    stage.host = stage.instance.host = StandIn(real.definition)
    stage.call("add_person", "Ada", 1, 36)
    assert [row["id"] for row in stage.rows("person")] == [1]


def test_rewinding_again_and_again_ends_when_the_memory_has_grown(begin: Begin, every_type: Module) -> None:
    stage = begin(every_type)
    rounds = 0
    while stage.instance.rewind() and rounds < 100:
        stage.host = stage.instance.host = StandIn(every_type.definition)
        assert stage.call("add_person", "Ada", 1, 36) == (0, b"")
        assert [row["id"] for row in stage.rows("person")] == [1]
        rounds += 1
    assert 2 <= rounds < 100


def test_an_instance_that_trapped_does_not_rewind(begin: Begin, every_type: Module) -> None:
    stage = begin(every_type)
    with pytest.raises(Trap):
        stage.call("panics")
    assert not stage.instance.rewind()


def test_all_instances_have_the_same_memory_at_first(begin: Begin, real: Module) -> None:
    one, two = begin(real), begin(real)
    assert memory_of(one) == memory_of(two)
    assert one.instance.description == two.instance.description


def test_instances_run_in_threads_of_their_own(begin: Begin, every_type: Module) -> None:
    stages = [begin(every_type) for _ in range(4)]
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for n in range(50):
                assert stages[number].call("add_person", f"{number}-{n}", number, 1) == (0, b"")
                assert stages[number].call("fails", f"{number}") == (1, str(number).encode())
            with pytest.raises(Trap):
                stages[number].call("panics")
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [len(stage.rows("person")) for stage in stages] == [50] * 4


def test_a_forgotten_instance_is_freed(accelerate: bool, every_type: Module) -> None:
    instance = every_type.new_instance(StandIn(every_type.definition), accelerate=accelerate)
    store = weakref.ref(instance._store)
    del instance
    gc.collect()
    assert store() is None
