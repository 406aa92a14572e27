"""The module ABI: which functions the host offers, under which names and signatures, and the error numbers.

A module imports functions from namespaces ``spacetime_<major>.<minor>``; minors only ever add functions.
"""

from __future__ import annotations

from typing import NamedTuple

MAJOR = 10
MINORS = range(7)
SUPPORTED = f"{MAJOR}.{MINORS[0]} to {MAJOR}.{MINORS[-1]}"

# Errors that host functions answer. Errors of the datastore carry theirs as `errno`.
NOT_IN_TRANSACTION = 2
BSATN_DECODE_ERROR = 3
NO_SUCH_ITER = 6
NO_SUCH_CONSOLE_TIMER = 7
NO_SUCH_BYTES = 8
BUFFER_TOO_SMALL = 11
WOULD_BLOCK_TRANSACTION = 17
TRANSACTION_NOT_ANONYMOUS = 18
HTTP_ERROR = 21

EXHAUSTED = 0xFFFF_FFFF
"""-1 as the unsigned number that all values are handled as: the last bytes came with this answer."""
NO_LINE = 0xFFFF_FFFF

LEVEL_INFO = 2
LEVEL_PANIC = 101


class Signature(NamedTuple):
    """Parameters and results of a wasm function, as names of wasm types."""

    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        return f"({' '.join(self.params)}) -> ({' '.join(self.results)})"


def _i32(count: int) -> Signature:
    return Signature(("i32",) * count, ("i32",))


def _no_result(count: int) -> Signature:
    return Signature(("i32",) * count, ())


_FUNCTIONS: dict[int, dict[str, Signature]] = {
    0: {
        "table_id_from_name": _i32(3),
        "index_id_from_name": _i32(3),
        "datastore_table_row_count": _i32(2),
        "datastore_table_scan_bsatn": _i32(2),
        "datastore_index_scan_range_bsatn": _i32(9),
        "datastore_btree_scan_bsatn": _i32(9),
        "datastore_delete_by_index_scan_range_bsatn": _i32(9),
        "datastore_delete_by_btree_scan_bsatn": _i32(9),
        "datastore_delete_all_by_eq_bsatn": _i32(4),
        "row_iter_bsatn_advance": _i32(3),
        "row_iter_bsatn_close": _i32(1),
        "datastore_insert_bsatn": _i32(3),
        "datastore_update_bsatn": _i32(4),
        "bytes_sink_write": _i32(3),
        "bytes_source_read": _i32(3),
        "console_log": _no_result(8),
        "console_timer_start": _i32(2),
        "console_timer_end": _i32(1),
        "identity": _no_result(1),
        "volatile_nonatomic_schedule_immediate": _no_result(4),
    },
    1: {"bytes_source_remaining_length": _i32(2)},
    2: {"get_jwt": _i32(2)},
    3: {
        "procedure_sleep_until": Signature(("i64",), ("i64",)),
        "procedure_start_mut_tx": _i32(1),
        "procedure_commit_mut_tx": _i32(0),
        "procedure_abort_mut_tx": _i32(0),
        "procedure_http_request": _i32(5),
    },
    4: {
        "datastore_index_scan_point_bsatn": _i32(4),
        "datastore_delete_by_index_scan_point_bsatn": _i32(4),
    },
    5: {"datastore_clear": _i32(2)},
    6: {"env_get": _i32(3)},
}

IMPORTS: dict[tuple[str, str], Signature] = {
    (f"spacetime_{MAJOR}.{minor}", name): signature
    for minor, functions in _FUNCTIONS.items()
    for name, signature in functions.items()
}
"""Every function that a module can import, by namespace and name."""

_CALL = Signature(("i32", *["i64"] * 7, "i32", "i32"), ("i32",))

EXPORTS: dict[str, Signature] = {
    "__describe_module__": Signature(("i32",), ()),
    "__call_reducer__": _CALL,
    "__setup__": Signature(("i32",), ("i32",)),
    "__call_procedure__": _CALL,
    "__call_view__": Signature(("i32", *["i64"] * 4, "i32", "i32"), ("i32",)),
    "__call_view_anon__": Signature(("i32", "i32", "i32"), ("i32",)),
}
"""Exports that the host calls with arguments."""

REQUIRED_EXPORTS = ("memory", "__describe_module__", "__call_reducer__")
INITIALIZER = "_initialize"
PREINIT_PREFIX = "__preinit__"
NO_ARGUMENTS = Signature((), ())
