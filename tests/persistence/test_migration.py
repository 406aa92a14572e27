"""What can become of the tables of a deployed module, told before anything is deployed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tables import module_def, table_def

from pytest_inner_universe.persistence import ValidationError, check_migration
from pytest_inner_universe.persistence.bundled import bundled_module_path
from pytest_inner_universe.sats import STRING, U32, TableDef
from pytest_inner_universe.testing.universe import Universe

OLD = table_def("note", "id", id=U32, text=STRING)


def test_a_module_and_itself(universe: Universe) -> None:
    path = bundled_module_path()
    for old, new in ((path, str(path)), (path.read_bytes(), universe.schema)):
        plan = check_migration(old, new)
        assert (plan.steps, plan.refusals, plan.breaks_clients) == ((), (), False)


@pytest.mark.parametrize(
    ("new", "steps"),
    [
        ([OLD, table_def("other", id=U32)], ["add table 'other'"]),
        (
            [table_def("note", "id", (), ["text"], id=U32, text=STRING)],
            ["add index 'note_text_idx_btree' of table 'note'"],
        ),
        (
            [table_def("note", "id", (), (), (), None, True, False, {2: bytes(4)}, id=U32, text=STRING, more=U32)],
            ["add column 'more' of table 'note'"],
        ),
        ([], ["remove table 'note'"]),
    ],
)
def test_what_is_allowed(new: list[TableDef], steps: list[str]) -> None:
    plan = check_migration(module_def(OLD), module_def(*new))
    assert plan.refusals == ()
    assert [str(step) for step in plan.steps][: len(steps)] == steps


@pytest.mark.parametrize(
    ("new", "refusal"),
    [
        (table_def("note", "id", id=U32), "table 'note': column 'text' was removed"),
        (table_def("note", "id", text=STRING, id=U32), "table 'note': column 'id' is not in its place any more"),
        (table_def("note", "id", id=U32, text=U32), "table 'note': column 'text' changed its type from String to U32"),
        (
            table_def("note", "id", id=U32, text=STRING, more=U32),
            "table 'note': column 'more' was added without a default value",
        ),
    ],
)
def test_what_is_refused(new: TableDef, refusal: str) -> None:
    plan = check_migration(module_def(OLD), module_def(new))
    assert refusal in plan.refusals


def test_older_releases_allow_less() -> None:
    assert check_migration(module_def(OLD), module_def()).refusals == ()
    assert check_migration(module_def(OLD), module_def(), release="1.2").refusals == ("table 'note' was removed",)
    with pytest.raises(ValidationError) as caught:
        check_migration(module_def(), module_def(), release="0.9")
    assert str(caught.value) == "'0.9' is no release that can be imitated: there are 2.8, 1.2"


def test_what_is_no_module(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as caught:
        check_migration(tmp_path / "none.wasm", module_def())
    assert str(caught.value) == f"the module {tmp_path / 'none.wasm'} cannot be read: No such file or directory"
    with pytest.raises(ValidationError, match=r"^the module module\.wasm is not a WebAssembly file: "):
        check_migration(module_def(), b"text")
