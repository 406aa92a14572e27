"""The route of SQL."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ...engine.sql import SqlError
from ...sats.json_write import json_writer
from ...sats.meta_json import product_json
from ...sats.types import product_of
from .guest import Guest
from .site import Refused, credentials_of, entry_of, json_response, text_of

if TYPE_CHECKING:
    from aiohttp import web

    from ...engine.database import Database
    from ...engine.sql import SqlResult
    from ..tokens import Credentials


async def run(request: web.Request) -> web.Response:
    """Run one statement."""
    text = await text_of(request)
    entry, credentials = entry_of(request), credentials_of(request)
    started = time.perf_counter_ns()
    result = await entry.worker.run(_run, entry.database, credentials, text)
    took = (time.perf_counter_ns() - started) // 1000
    headers = {"spacetime-execution-duration-micros": str(took)}
    return json_response([_answer(result, took)], headers=headers)


def _run(database: Database, credentials: Credentials, text: str) -> SqlResult:
    is_visit = database.release.sql_is_a_visit
    with database.lock, Guest(database, credentials) if is_visit else nullcontext():
        try:
            return database.sql(text, credentials.identity)
        except SqlError as error:
            raise Refused(400, error.reason) from None


def _answer(result: SqlResult, took: int) -> dict[str, object]:
    writers = [json_writer(type_, True) for _, type_ in result.columns]
    counts = {
        "rows_inserted": result.inserted,
        "rows_deleted": result.deleted,
        "rows_updated": result.updated,
    }
    return {
        "schema": product_json(product_of(result.columns)),
        "rows": [[write(value) for write, value in zip(writers, row)] for row in result.rows],
        "total_duration_micros": took,
        "stats": counts,
    }
