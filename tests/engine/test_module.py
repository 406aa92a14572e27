"""Loading modules: what they tell about themselves, what is refused and with which words, and the pool."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime

from pytest_inner_universe.engine.module import POOL_SIZE, Module
from pytest_inner_universe.engine.wasm.errors import (
    DefinitionUnreadable,
    InstanceSpent,
    InvalidWasm,
    ModuleEmpty,
    ModuleError,
    ModuleFileMissing,
    NotSpacetimeModule,
    NotWasm,
    UnknownImports,
)
from pytest_inner_universe.engine.wasm.host import NoHost
from pytest_inner_universe.engine.wasm.instance import Instance

MODULES = Path(__file__).parents[2] / "fixtures" / "modules"
OLD = MODULES / "every_type_1_4.wasm"
NEW = MODULES / "every_type_2_8.wasm"

CALL = "(param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32)"
EXPORTS = f"""(memory (export "memory") 1)
  (func (export "__describe_module__") (param i32))
  (func (export "__call_reducer__") {CALL} (i32.const 0))"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNER_UNIVERSE_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "modules"))


@pytest.fixture
def module() -> Iterator[Module]:
    loaded = Module.load_file(OLD)
    yield loaded
    loaded.close()


def wasm(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def refusal(data: bytes, kind: type[ModuleError]) -> str:
    with pytest.raises(kind) as caught:
        Module.load(data, "my.wasm")
    assert caught.value.name == "my.wasm"
    assert len(str(caught.value).splitlines()) <= 10
    return str(caught.value)


def test_a_module_tells_what_it_is(module: Module) -> None:
    assert module.name == str(OLD)
    assert module.data == OLD.read_bytes()
    assert module.size == OLD.stat().st_size
    assert module.abi == "10.0"
    assert module.definition.version == 9
    assert len(module.hash) == 64
    assert repr(module) == f"<Module {OLD} ({module.size} bytes, ABI 10.0)>"


def test_modules_of_newer_bindings_are_read(module: Module) -> None:
    newer = Module.load(NEW.read_bytes(), "newer")
    assert (newer.abi, newer.definition.version) == ("10.4", 10)
    assert newer.hash != module.hash
    assert Module.load(NEW.read_bytes(), "other name").hash == newer.hash


# Files


def test_a_missing_file_is_told() -> None:
    with pytest.raises(ModuleFileMissing) as caught:
        Module.load_file("no/such.wasm")
    assert str(caught.value) == (
        "cannot read the module no/such.wasm: No such file or directory\n"
        "  give the path of a compiled module (.wasm), as `spacetime build` or\n"
        "  `cargo build --release --target wasm32-unknown-unknown` writes it"
    )


def test_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModuleFileMissing) as caught:
        Module.load_file(tmp_path)
    assert str(caught.value).splitlines()[0] == f"cannot read the module {tmp_path}: it is a directory"


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "empty.wasm"
    path.touch()
    with pytest.raises(ModuleEmpty) as caught:
        Module.load_file(path)
    assert str(caught.value) == (
        f"the module {path} is empty (0 bytes)\n  build it again; a failed or interrupted build can leave an empty file"
    )
    assert refusal(b"", ModuleEmpty).startswith("the module my.wasm is empty")


BUILD = "give the compiled file; `spacetime build` makes it"
UNPACK = "unpack it and give the .wasm file inside"
NATIVE = "build it with `--target wasm32-unknown-unknown`"


@pytest.mark.parametrize(
    ("data", "looks_like", "advice"),
    [
        (b"(module)", "WebAssembly text (WAT)", "assemble it first, with `wat2wasm` or wasmtime.wat2wasm"),
        (b"\n  (MODULE $x)", "WebAssembly text (WAT)", "assemble it first, with `wat2wasm` or wasmtime.wat2wasm"),
        (b"//! mine\nuse spacetimedb::{reducer};", "Rust source", BUILD),
        (b"using SpacetimeDB.Module; using System;", "C# source", BUILD),
        (gzip.compress(b"x", mtime=0), "a gzip file", UNPACK),
        (b"PK\3\4rest", "a zip file", UNPACK),
        (b"\x28\xb5\x2f\xfdrest", "a zstd file", UNPACK),
        (b"\x7fELF\2\1", "a native program or library (ELF)", NATIVE),
        (b"MZ\x90", "a Windows program or library", NATIVE),
        (b"\xcf\xfa\xed\xfe", "a macOS program or library", NATIVE),
        (b"<!DOCTYPE html><html>", "an HTML page", "the download went wrong: fetch the file again"),
        (b"\xef\xbb\xbf<html>", "an HTML page", "the download went wrong: fetch the file again"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer",
            "run `git lfs pull` to get the file itself",
        ),
        (b'{"a": 1}', "JSON text", "give the path of a compiled module (.wasm)"),
        (
            b"\1\2\3",
            "something else, it begins with the bytes 01 02 03",
            "give the path of a compiled module (.wasm)",
        ),
        (
            b"\0asm\x0d\0\1\0",
            "a WebAssembly component",
            "build it for wasm32-unknown-unknown; SpacetimeDB runs core modules",
        ),
        (b"\0asm\2\0\0\0", "WebAssembly of another version", "build it with a released toolchain"),
    ],
)
def test_what_is_not_wasm_is_named(data: bytes, looks_like: str, advice: str) -> None:
    text = refusal(data, NotWasm)
    assert text == f"the module my.wasm is not a WebAssembly file: it looks like {looks_like}\n  {advice}"


@pytest.mark.parametrize("size", [4, 7, 8, 9, 50, 5000, 60_000, -1])
def test_a_truncated_module_is_invalid(size: int) -> None:
    data = OLD.read_bytes()[:size]
    if size == 8:  # a wasm file of no sections is valid, and no module of ours
        refusal(data, NotSpacetimeModule)
        return
    lines = refusal(data, InvalidWasm).splitlines()
    assert lines[0].startswith(f"the module my.wasm is not valid WebAssembly ({len(data)} bytes): ")
    assert lines[1:] == ["  it may have been cut off while it was copied or downloaded; build or fetch it again"]


def test_garbage_after_a_good_start_is_invalid() -> None:
    refusal(b"\0asm\1\0\0\0" + bytes(range(256)), InvalidWasm)


# What is no SpacetimeDB module

ADVICE = "\n  build a crate with crate-type `cdylib` that depends on `spacetimedb`"
FIRST = "the module my.wasm is WebAssembly, but not a SpacetimeDB module:"


def test_missing_exports_are_listed() -> None:
    assert refusal(wasm("(module)"), NotSpacetimeModule) == (
        f"{FIRST}\n"
        "  it does not export `memory`\n"
        "  it does not export `__describe_module__`\n"
        "  it does not export `__call_reducer__`" + ADVICE
    )


def test_exports_of_a_wrong_shape_are_listed() -> None:
    text = wasm("""(module (global (export "memory") i32 (i32.const 0))
      (func (export "__describe_module__") (param i64))
      (memory (export "__call_reducer__") 1)
      (func (export "__preinit__x") (param i32))
      (func (export "__setup__") (result i32) (i32.const 0)))""")
    assert refusal(text, NotSpacetimeModule) == (
        f"{FIRST}\n"
        "  its export `memory` is not a memory\n"
        "  its export `__describe_module__` is (i64) -> () instead of (i32) -> ()\n"
        "  its export `__call_reducer__` is no function instead of "
        "(i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) -> (i32)\n"
        "  its export `__preinit__x` is (i32) -> () instead of () -> ()\n"
        "  its export `__setup__` is () -> (i32) instead of (i32) -> (i32)" + ADVICE
    )


def test_imports_of_a_wrong_shape_are_listed() -> None:
    data = wasm("""(module (import "spacetime_10.0" "identity" (func (param i64)))
      (import "spacetime_10.0" "console_log" (memory 1)))""")
    assert refusal(data, NotSpacetimeModule) == (
        f"{FIRST}\n"
        "  its import spacetime_10.0::identity is (i64) -> () instead of (i32) -> ()\n"
        "  its import spacetime_10.0::console_log is no function instead of (i32 i32 i32 i32 i32 i32 i32 i32) -> ()"
        + ADVICE
    )


@pytest.mark.parametrize(
    ("imports", "first", "shown", "advice"),
    [
        (
            [("spacetime_10.7", "new_thing"), ("spacetime_10.9", "newer"), ("spacetime_10.0", "identity")],
            "needs the module ABI 10.9",
            "spacetime_10.7::new_thing, spacetime_10.9::newer",
            "use older bindings, or a newer version of this package",
        ),
        (
            [("spacetime_7.0", "_delete"), ("spacetime_10.0", "identity")],
            "was built for the module ABI 7.0",
            "spacetime_7.0::_delete",
            "build it with bindings of the versions 1 or 2",
        ),
        (
            [("spacetime_10.0", "datastore_clear"), ("spacetime_10.3", "thing")],
            "needs host functions that do not exist",
            "spacetime_10.0::datastore_clear, spacetime_10.3::thing",
            "was it built with released bindings?",
        ),
        (
            [("wasi_snapshot_preview1", "fd_write"), ("spacetime_10.9", "new")],
            "needs functions that are not SpacetimeDB's",
            "wasi_snapshot_preview1::fd_write",
            "it was built for WASI; build it for wasm32-unknown-unknown, which has no system calls",
        ),
        (
            [("__wbindgen_placeholder__", "__wbindgen_throw")],
            "needs functions that are not SpacetimeDB's",
            "__wbindgen_placeholder__::__wbindgen_throw",
            "a dependency uses wasm-bindgen; switch off its JavaScript feature (often of chrono, getrandom or uuid)",
        ),
        (
            [("env", f"f{n}") for n in range(6)],
            "needs functions that are not SpacetimeDB's",
            "env::f0, env::f1, env::f2, env::f3 and 2 more",
            "something in it is not linked; a SpacetimeDB module imports nothing but the host functions",
        ),
        (
            [("spacetime_10", "x")],
            "needs functions that are not SpacetimeDB's",
            "spacetime_10::x",
            "something in it is not linked; a SpacetimeDB module imports nothing but the host functions",
        ),
    ],
)
def test_unknown_imports_are_named_with_the_supported_abi(
    imports: list[tuple[str, str]], first: str, shown: str, advice: str
) -> None:
    lines = "".join(f'(import "{namespace}" "{name}" (func (param i32)))' for namespace, name in imports)
    assert refusal(wasm(f"(module {lines} {EXPORTS})"), UnknownImports) == (
        f"the module my.wasm {first}\n"
        f"  imports: {shown}\n"
        "  this engine supports the module ABI 10.0 to 10.6\n"
        f"  {advice}"
    )


def describing(definition: bytes) -> bytes:
    text = "".join(f"\\{byte:02x}" for byte in definition)
    length = "".join(f"\\{byte:02x}" for byte in len(definition).to_bytes(4, "little"))
    return wasm(f"""(module
      (import "spacetime_10.0" "bytes_sink_write" (func $write (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "{length}") (data (i32.const 64) "{text}")
      (func (export "__describe_module__") (param i32)
        (drop (call $write (local.get 0) (i32.const 64) (i32.const 16))))
      (func (export "__call_reducer__") {CALL} (i32.const 0)))""")


@pytest.mark.parametrize(
    "definition", [b"", b"\0", b"\0" * 100, b"\1", b"\1\xff\xff\xff\xff", b"\2\1\0\0\0\x63", b"\x09"]
)
def test_a_definition_that_does_not_decode_is_told(definition: bytes) -> None:
    lines = refusal(describing(definition), DefinitionUnreadable).splitlines()
    assert lines[0].startswith("the module my.wasm describes itself in a way that this engine cannot read: ")
    assert lines[1:] == ["  it reads definitions of the versions 9 and 10, as written by the bindings 1.0 and newer"]


def test_the_smallest_module_is_a_module() -> None:
    module = Module.load(describing(b"\1" + bytes(24)), "smallest")
    assert (module.abi, dict(module.definition.tables), dict(module.definition.reducers)) == ("10.0", {}, {})
    module.close()


# The pool


def call(instance: Instance, module: Module, name: str) -> int:
    reducer = module.definition.reducers[name]
    code, _ = instance.call_reducer(reducer.id, bytes(32), bytes(16), 1, b"")
    return code


def test_an_instance_that_came_back_is_given_out_again(module: Module) -> None:
    host = NoHost()
    first = module.take_instance(host)
    module.give_back(first)
    assert first.host is not host
    second = module.take_instance(host, call_limit=3.0)
    assert second is first
    assert (second.host, second.call_limit) == (host, 3.0)
    assert call(second, module, "nothing") == 0


def test_the_pool_is_bounded(module: Module) -> None:
    taken = [module.take_instance(NoHost()) for _ in range(POOL_SIZE + 2)]
    for instance in taken:
        module.give_back(instance)
    assert sum(not instance.is_spent for instance in taken) == POOL_SIZE


def test_a_spent_instance_is_not_kept(module: Module) -> None:
    instance = module.take_instance(NoHost())
    with pytest.raises(Exception, match="on purpose"):
        call(instance, module, "panics")
    module.give_back(instance)
    other = module.take_instance(NoHost())
    assert other is not instance
    assert call(other, module, "nothing") == 0
    module.give_back(other)


def test_a_closed_module_is_usable_and_its_instances_are_not(module: Module) -> None:
    instance = module.take_instance(NoHost())
    module.give_back(instance)
    module.close()
    with pytest.raises(InstanceSpent):
        call(instance, module, "nothing")
    instance.close()
    other = module.take_instance(NoHost())
    assert call(other, module, "nothing") == 0
    module.give_back(other)


def test_threads_share_a_module(module: Module) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                instance = module.take_instance(NoHost())
                assert call(instance, module, "nothing") == 0
                module.give_back(instance)
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    import os

    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)


def test_loading_the_engine_does_not_load_wasmtime() -> None:
    done = run("import sys, pytest_inner_universe.engine.module; print('wasmtime' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("disabled", ["", "1"])
def test_a_process_ends_quietly_with_everything_still_alive(disabled: str) -> None:
    code = f"""if True:
        from pytest_inner_universe.engine.module import Module
        from pytest_inner_universe.engine.wasm.host import NoHost
        module = Module.load_file({str(OLD)!r})
        kept = [module.take_instance(NoHost()) for _ in range(3)]
        print(type(kept[0]._linked).__name__, kept[0].call_reducer(
            module.definition.reducers["nothing"].id, bytes(32), bytes(16), 1, b""))
    """
    done = run(code, INNER_UNIVERSE_NO_ACCELERATOR=disabled)
    linked = "ShimLinked" if disabled else "UncheckedLinked"
    assert (done.stdout, done.stderr, done.returncode) == (f"{linked} (0, b'')\n", "", 0)
