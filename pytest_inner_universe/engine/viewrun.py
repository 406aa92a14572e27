"""Runs a view and reads what it returns: rows, or a query whose rows they are."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, cast

from ..sats import DecodeError, Identity
from ..sats.bsatn import codec
from ..sats.types import STRING, Array
from .errors import ViewFailed
from .reads import ReadSet, RecordingTransaction
from .store.backing import BackingTable, ViewCall
from .store.projector import skipper

if TYPE_CHECKING:
    from .executor import Executor
    from .store import Datastore, Transaction

ROWS, RAW_SQL = 0, 1
"""What follows the header of a view's result."""
WITH_HEADER, WITHOUT_HEADER = 2, 0
"""Codes with which a module says that a view succeeded."""
_COUNT = Struct("<I")


def run_view(
    executor: Executor, datastore: Datastore, call: ViewCall, tx: Transaction, reads: ReadSet, now: int
) -> list[bytes]:
    """Compute the rows of a view.

    Args:
        executor: Runs it.
        datastore: Where it reads.
        call: Which view, and for whom.
        tx: What it sees.
        reads: Takes what it reads, also when it fails.
        now: The time, for the log.

    Raises:
        ViewFailed: It panicked, returned an error, or nothing that could be rows of it.
    """
    view = datastore.definition.views[call.view]
    definition = datastore.table(call.view).definition
    assert isinstance(definition, BackingTable)
    recording = cast("Transaction", RecordingTransaction(tx, reads))
    code, data = executor.run_view(view, call.sender, recording, now)
    if code not in (WITH_HEADER, WITHOUT_HEADER):
        text = data.decode("utf-8", "replace") if code == 1 else f"the module returned the unknown code {code}"
        raise ViewFailed(call.view, datastore.release.crashed, detail=text)
    if code == WITH_HEADER:
        header = data[0] if data else -1
        data = data[1:]
        if header == RAW_SQL:
            return _query(datastore, call, definition, data, tx, reads, Identity(executor.host.identity))
        if header != ROWS:
            raise failure(call, "Error parsing view result", f"its result begins with {header}")
    return _split(call, definition, data)


def _query(
    datastore: Datastore,
    call: ViewCall,
    definition: BackingTable,
    data: bytes,
    tx: Transaction,
    reads: ReadSet,
    database: Identity,
) -> list[bytes]:
    from .sql.errors import SqlError
    from .subscriptions.rawquery import RawQuery

    try:
        text, _ = codec(STRING).read(data, 0)
    except DecodeError as error:
        raise failure(call, "Error parsing view result", str(error)) from None
    if not text.strip():
        return []
    try:
        query = RawQuery(text, datastore, database, definition.visible_type)
    except SqlError as error:
        raise failure(call, "Error executing raw SQL returned by view", f"{error.reason}: {text}") from None
    reads.tables.update(query.tables)
    return list(query.rows(cast("Any", tx)))


def _split(call: ViewCall, definition: BackingTable, data: bytes) -> list[bytes]:
    """Cut the BSATN of an array of rows into the rows."""
    try:
        codec(Array(definition.visible_type)).read(data, 0)  # bytes after the rows are ignored, as servers do
    except DecodeError as error:
        raise failure(call, "Error deserializing rows returned by view", str(error)) from None
    skip, size, start = skipper(definition.visible_type), len(data), _COUNT.size
    rows = []
    for _ in range(_COUNT.unpack_from(data)[0]):
        end = skip(data, start, size)
        rows.append(data[start:end])
        start = end
    return rows


def failure(call: ViewCall, text: str, detail: str) -> ViewFailed:
    """Return the error for a view that ran to its end, but whose result cannot be used; servers say no more than the text."""
    return ViewFailed(call.view, f"Error materializing view `{call.view}`: {text}", detail=detail)
