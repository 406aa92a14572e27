"""The route by which functions are called."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from ...engine.calls import NO_SUCH_REDUCER, forbidden
from ...engine.procedures import UNKNOWN
from ...sats.bsatn import codec
from ...sats.errors import JsonError
from ...sats.sats_json import json_codec
from ...sats.server_json_words import complaint_about_json
from ...sats.server_words import Complaint
from ...wire.calls import TextArgs
from .guest import Guest
from .site import JSON, NOT_UTF_8, Refused, credentials_of, entry_of

if TYPE_CHECKING:
    from ...engine.calls import CallOutcome
    from ...engine.database import Database
    from ...engine.procedures import ProcedureOutcome
    from ...engine.release import Release
    from ...sats import ProcedureDef, ReducerDef
    from ..tokens import Credentials

USER_ERROR = 530
"""Status of a reducer that did not commit."""


async def call(request: web.Request) -> web.Response:
    """Call a reducer or a procedure."""
    _check_type(request)
    name, body = request.match_info["function"], await request.read()
    entry, credentials = entry_of(request), credentials_of(request)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refused(400, NOT_UTF_8) from None
    started = time.perf_counter_ns()
    answer = await entry.worker.run(_call, entry.database, credentials, name, text)
    took = (time.perf_counter_ns() - started) // 1000
    headers = {"spacetime-execution-duration-micros": str(took)}
    if answer.is_json:
        return web.Response(body=answer.text.encode(), status=answer.status, headers=headers, content_type=JSON)
    return web.Response(text=answer.text, status=answer.status, headers={"spacetime-energy-used": "0", **headers})


class _Answer(NamedTuple):
    """What a function that ran is answered with."""

    status: int
    text: str
    is_json: bool = False


def _check_type(request: web.Request) -> None:
    found = request.headers.get("Content-Type")
    if found is None:
        raise Refused(400, "Header of type `content-type` was missing")
    if found != JSON:
        raise Refused(415, f"Expected request with `Content-Type: {JSON}`")


def _call(database: Database, credentials: Credentials, name: str, text: str) -> _Answer:
    with database.lock, Guest(database, credentials) as guest:
        definition = database.module.definition
        reducer, procedure = definition.reducers.get(name), definition.procedures.get(name)
        is_owner = credentials.identity == database.owner
        # Only the arguments of a function that may be called are looked at, as servers do.
        if reducer is None and procedure is not None:
            is_hidden = procedure.is_private and not is_owner
            args = b"" if is_hidden else _arguments(procedure, "procedure", text, database.release)
            return _of_procedure(guest.call_procedure(name, args), procedure)
        if reducer is None or forbidden(reducer, is_owner):
            return _of_reducer(guest.call(name, b""), database.release)
        return _of_reducer(guest.call(name, _arguments(reducer, "reducer", text, database.release)), database.release)


def _arguments(function: ReducerDef | ProcedureDef, kind: str, text: str, release: Release) -> bytes:
    try:
        args = function.params_codec.encode(json_codec(function.params).loads(text))
    except JsonError as error:
        complaint = complaint_about_json(
            function.name, function.params, text.encode(), release.complains_as_before_2
        ) or Complaint(str(error), ".")
        raise Refused(400, complaint.full(kind, function.name, release.complains_as_before_2)) from None
    return TextArgs(args, text)


def _of_reducer(outcome: CallOutcome, release: Release) -> _Answer:
    if outcome.status == "refused":
        if outcome.message == NO_SUCH_REDUCER:
            raise Refused(404, release.no_such_function)
        raise Refused(400, outcome.message)
    return _Answer(200 if outcome.committed else USER_ERROR, outcome.message)


def _of_procedure(outcome: ProcedureOutcome, procedure: ProcedureDef) -> _Answer:
    if outcome.status == "refused":
        raise Refused(404 if outcome.message == UNKNOWN else 400, outcome.message)
    if not outcome.returned:
        raise Refused(500, outcome.message)
    kind = procedure.return_type
    # A server has forgotten the names in the type by now, so structs are lists and variants numbers.
    return _Answer(200, json_codec(kind).dumps(codec(kind).decode(outcome.value), dynamic=True), is_json=True)
