"""Restoring memories, with and without the system's help."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from mmap import PAGESIZE

import pytest
import wasmtime

from pytest_inner_universe.engine.wasm import image, runtime
from pytest_inner_universe.engine.wasm.image import MOST_COPIED, MOST_GAINED, Image
from pytest_inner_universe.engine.wasm.memory import GuestMemory

WASM_PAGE = 65536
PAGES = 4
DATA_AT = 2 * WASM_PAGE + 100


class Box:
    """An instance with data in its memory."""

    def __init__(self) -> None:
        self.store = wasmtime.Store(runtime.engine())
        text = f'(module (memory (export "memory") {PAGES} 400) (data (i32.const {DATA_AT}) "as compiled"))'
        module = wasmtime.Module(runtime.engine(), bytes(wasmtime.wat2wasm(text)))
        exported = wasmtime.Instance(self.store, module, []).exports(self.store)["memory"]
        assert isinstance(exported, wasmtime.Memory)
        self.wasm_memory = exported
        self.memory = GuestMemory(exported, self.store)

    def start(self) -> Image:
        """Change what was compiled in, as a module does while it starts."""
        self.memory.write(DATA_AT + 3, b"STARTED")
        self.memory.write(WASM_PAGE - 2, b"across")
        self.memory.write(PAGES * WASM_PAGE - 3, b"end")
        return Image(self.memory.view.tobytes())

    def use(self) -> None:
        """Write all over the place."""
        self.memory.refresh()
        for at in range(50, self.memory.size, PAGESIZE // 2):
            self.memory.write(at, b"used")


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    yield made
    made.memory.close()
    made.store.close()


def no_help() -> None:
    """No system call is known."""


def refused() -> Callable[[int, int], bool]:
    return lambda address, length: False


def without_effect() -> Callable[[int, int], bool]:
    return lambda address, length: True


@pytest.fixture(params=[None, no_help, refused, without_effect], ids=["system", "no help", "refused", "without effect"])
def _help(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param is not None:
        monkeypatch.setattr(image, "_hand_back", request.param)


@pytest.mark.usefixtures("_help")
@pytest.mark.parametrize("gained", [0, 1, 8])
def test_a_memory_is_what_it_was(box: Box, gained: int) -> None:
    first = box.start()
    box.wasm_memory.grow(box.store, gained)
    for _ in range(3):
        box.use()
        assert first.restore(box.memory)
        content = box.memory.view.tobytes()
        assert content[: len(first.content)] == first.content
        assert content[len(first.content) :] == bytes(gained * WASM_PAGE)


@pytest.mark.usefixtures("_help")
def test_a_memory_that_has_grown_too_far_is_given_up(box: Box) -> None:
    first = box.start()
    box.wasm_memory.grow(box.store, MOST_GAINED // WASM_PAGE + 1)
    assert not first.restore(box.memory)


def test_without_help_less_growth_is_accepted(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "_hand_back", no_help)
    first = box.start()
    box.wasm_memory.grow(box.store, MOST_COPIED // WASM_PAGE + 1)
    assert not first.restore(box.memory)


def test_a_smaller_memory_is_another_modules(box: Box) -> None:
    assert not Image(bytes(5 * WASM_PAGE)).restore(box.memory)


@pytest.mark.parametrize("tells", [True, False])
def test_a_few_written_pages_are_put_back(box: Box, monkeypatch: pytest.MonkeyPatch, tells: bool) -> None:
    if not tells:
        monkeypatch.setattr("pytest_inner_universe.engine.wasm.pages._PAGEMAP", "/nowhere")
    box.memory.write(DATA_AT + 3, b"STARTED")
    first = Image.of(box.memory)
    for gained in range(4):
        for at in (5, DATA_AT - PAGESIZE, DATA_AT + 1, PAGES * WASM_PAGE - 2, box.memory.refresh() - 1):
            box.memory.write(at, b"u")
        assert first.restore(box.memory)
        assert box.memory.view.tobytes() == first.content + bytes(gained * WASM_PAGE)
        box.wasm_memory.grow(box.store, 1)


def test_who_tells_something_else_than_what_is_so_is_not_believed(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "written", lambda address, length: bytes(length // PAGESIZE))
    first = Image.of(box.memory)
    for _ in range(3):
        box.use()
        assert first.restore(box.memory)
        assert box.memory.view.tobytes() == first.content


def test_pages_are_handed_back_on_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    image._hand_back.cache_clear()
    monkeypatch.setattr("sys.platform", "darwin")
    assert image._hand_back() is None
    image._hand_back.cache_clear()
