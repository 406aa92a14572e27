"""The route of the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from aiohttp import web

from .site import bad_parameter, credentials_of, flag_of, site_of

if TYPE_CHECKING:
    from ...engine.logs import LogRecord, ModuleLog
    from ...engine.release import Release

_LOOK_SECONDS = 0.05


async def logs(request: web.Request) -> web.StreamResponse:
    """Print the newest lines of a module's log, and go on with what comes if that is wanted."""
    count, follow = _count(request), flag_of(request, "follow")
    caller = credentials_of(request).identity
    entry = site_of(request).registry.owned(request.match_info["db"], caller, "view module logs")
    log = entry.database.log
    seen = log.dropped + len(log)
    release = entry.database.release
    records = list(log) if count is None else log.tail(max(count, release.fewest_log_lines))
    headers = {"Content-Type": "application/x-ndjson"}
    if not follow:
        return web.Response(body=_lines(records, release), headers=headers)
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(_lines(records, release))
    while not (entry.database.closed or site_of(request).is_ending or request.transport is None):
        await asyncio.sleep(_LOOK_SECONDS)
        records, seen = _since(log, seen)
        if records:
            await response.write(_lines(records, release))
    return response


def _count(request: web.Request) -> int | None:
    text = request.query.get("num_lines")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise bad_parameter(request, "num_lines", "invalid digit found in string")
    return int(text)


def _since(log: ModuleLog, seen: int) -> tuple[list[LogRecord], int]:
    now = log.dropped + len(log)
    return log.tail(now - seen), now


def _lines(records: Iterable[LogRecord], release: Release) -> bytes:
    return b"".join(_line(record, release) for record in records)


def _line(record: LogRecord, release: Release) -> bytes:
    target = record.target
    if not release.names_functions and record.filename is None:
        target = target or record.function  # the error of a reducer
    parts = {
        "level": record.level.capitalize(),
        "ts": record.timestamp,
        "target": target,
        "filename": record.filename,
        "line_number": record.line,
        "function": record.function if release.names_functions else None,
        "message": record.message,
    }
    content: dict[str, object] = {name: value for name, value in parts.items() if value is not None}
    if record.level == "panic":
        content["trace"] = []
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
