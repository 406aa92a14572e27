"""What the operations of a delta do to a state, and how they are undone.

========  ==================================================================================================
Set       Puts a value at the path. Mappings that are missing on the way are made; list elements are not.
Delete    Takes away the key or list element at the path, which must be there.
Insert    Puts a value into the list at the path, before the index, or at the end without one.
Remove    Takes the element at the index out of the list at the path.
Patch     Puts each key of the patch into the mapping at the path; what is nested is replaced, not merged.
========  ==================================================================================================

The empty path names the whole state. An operation that does not fit the state is an error, and then none of the
operations has had an effect.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import DeltaError
from .mapping import check_operation
from .paths import MISSING, Path, Step, as_index, format_path, lookup, parse_path
from .types import DeltaOperation

Operations = Iterable["DeltaOperation | Mapping[str, Any]"]


def apply(state: Any, operations: Operations) -> Any:
    """Return the state after a delta; the one given is not changed.

    Args:
        state: A JSON value.
        operations: In the forms that `SpacetimeTemporalStore.record_delta` takes and that rows of ``delta_record`` have.

    Raises:
        ValidationError: An operation makes no sense by itself.
        DeltaError: An operation does not fit the state.

    Example:
        >>> apply({"items": [1, 2]}, [{"type": "insert", "path": "items", "value": 3}])
        {'items': [1, 2, 3]}
    """
    return _run(state, operations)[0]


def invert(state: Any, operations: Operations) -> list[DeltaOperation]:
    """Return the operations that lead from the state after a delta back to the state before it.

    Args:
        state: The state before.
        operations: The delta.

    Raises:
        ValidationError: An operation makes no sense by itself.
        DeltaError: An operation does not fit the state.

    Example:
        >>> [(step.operation_type, step.path) for step in invert({}, [{"type": "set", "path": "a.b", "value": 1}])]
        [('Delete', 'a')]
    """
    return _run(state, operations)[1]


def _run(state: Any, operations: Operations) -> tuple[Any, list[DeltaOperation]]:
    # The whole state stands under a key of its own, so that replacing it is like replacing any other value.
    box = {"": copy.deepcopy(state)}
    undo: list[DeltaOperation] = []
    for position, given in enumerate(operations):
        operation = check_operation(given, f"operations[{position}]")
        try:
            steps = _EFFECTS[operation.operation_type](box, operation, parse_path(operation.path, root=True))
        except _Misfit as misfit:
            raise DeltaError(position, operation.operation_type, operation.path, str(misfit)) from None
        undo = [*steps, *undo]
    return box[""], undo


class _Misfit(Exception):
    """Why an operation does not fit; becomes a `DeltaError`."""


def _set(box: dict[str, Any], operation: DeltaOperation, path: Path) -> list[DeltaOperation]:
    value = copy.deepcopy(operation.value)
    if not path:
        old, box[""] = box[""], value
        return [DeltaOperation("Set", "", old)]
    parent, created = box[""], None
    for depth, step in enumerate(path[:-1]):
        following = lookup(parent, (step,))
        if following is MISSING:
            key = _new_key(parent, step)
            following = parent[key] = {}
            created = created or path[: depth + 1]
        parent = following
    step = path[-1]
    old = lookup(parent, (step,))
    if old is MISSING:
        parent[_new_key(parent, step)] = value
        return [DeltaOperation("Delete", format_path(created or path))]
    parent[_place(parent, step)] = value
    return [DeltaOperation("Set", operation.path, old)]


def _delete(box: dict[str, Any], operation: DeltaOperation, path: Path) -> list[DeltaOperation]:
    parent, step = lookup(box[""], path[:-1]), path[-1]
    old = lookup(parent, (step,))
    if old is MISSING:
        raise _Misfit("there is nothing")
    place = _place(parent, step)
    del parent[place]
    if isinstance(parent, list):
        return [DeltaOperation("Insert", format_path(path[:-1]), old, int(place))]
    return [DeltaOperation("Set", operation.path, old)]


def _insert(box: dict[str, Any], operation: DeltaOperation, path: Path) -> list[DeltaOperation]:
    items = _at(box, path, list, "list")
    index = len(items) if operation.index is None else operation.index
    if index > len(items):
        raise _Misfit(f"index {index} is beyond the end of a list of {len(items)}")
    items.insert(index, copy.deepcopy(operation.value))
    return [DeltaOperation("Remove", operation.path, index=index)]


def _remove(box: dict[str, Any], operation: DeltaOperation, path: Path) -> list[DeltaOperation]:
    items, index = _at(box, path, list, "list"), operation.index
    assert index is not None
    if index >= len(items):
        raise _Misfit(f"index {index} is beyond the end of a list of {len(items)}")
    return [DeltaOperation("Insert", operation.path, items.pop(index), index)]


def _patch(box: dict[str, Any], operation: DeltaOperation, path: Path) -> list[DeltaOperation]:
    target, patch = _at(box, path, dict, "mapping"), copy.deepcopy(operation.patch or {})
    old = {key: target[key] for key in patch if key in target}
    new = [key for key in patch if key not in target]
    target.update(patch)
    undo = [DeltaOperation("Patch", operation.path, patch=old)] if old else []
    return undo + [DeltaOperation("Delete", format_path((*path, key))) for key in new]


_EFFECTS = {"Set": _set, "Delete": _delete, "Insert": _insert, "Remove": _remove, "Patch": _patch}


def _at(box: dict[str, Any], path: Path, kind: type[Any], title: str) -> Any:
    found = lookup(box[""], path)
    if not isinstance(found, kind):
        there = "nothing" if found is MISSING else f"one of type {type(found).__name__}"
        raise _Misfit(f"needs a {title}, there is {there}")
    return found


def _new_key(parent: Any, step: Step) -> str:
    if isinstance(parent, dict) and isinstance(step, str):
        return step
    if isinstance(parent, list):
        raise _Misfit(f"a list of {len(parent)} has no element {step}")
    raise _Misfit(f"no place for {step!r} in a value of type {type(parent).__name__}")


def _place(parent: Any, step: Step) -> Any:
    return as_index(step) if isinstance(parent, list) else step
