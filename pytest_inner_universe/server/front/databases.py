"""The routes that tell about a database, name it, or end it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from aiohttp import web

from ...sats.definition_json import definition_to_json
from ...sats.json_write import hex_number
from ..errors import InvalidName, NameTaken, NoSuchDatabase, NotOwner
from .site import JSON, Refused, credentials_of, entry_of, json_response, site_of, text_of, text_response


async def info(request: web.Request) -> web.Response:
    """Tell whose database it is and which program it runs."""
    database = entry_of(request).database
    return json_response(
        {
            "database_identity": {"__identity__": hex_number(int(database.identity))},
            "owner_identity": {"__identity__": hex_number(int(database.owner))},
            "host_type": {"Wasm": []},
            # A number whose first byte is its last digits, as in `st_module`.
            "initial_program": f"0x{bytes.fromhex(database.module.hash)[::-1].hex().lstrip('0')}",
        }
    )


async def identity(request: web.Request) -> web.Response:
    """Tell the identity of a database."""
    return text_response(entry_of(request).database.identity.hex())


async def schema(request: web.Request) -> web.Response:
    """Print the definition of the module."""
    version = request.query.get("version")
    if version is None:
        raise Refused(400, "Failed to deserialize query string: missing field `version`")
    known = [str(number) for number in range(9, site_of(request).registry.release.newest_definition + 1)]
    if version not in known:
        expected = " or ".join(f"`{one}`" for one in known)
        raise Refused(400, f"Failed to deserialize query string: unknown variant `{version}`, expected {expected}")
    return json_response(definition_to_json(entry_of(request).database.module.raw_definition, int(version)))


async def timestamp(request: web.Request) -> web.Response:
    """Tell what time it is in a database; where there is none, the machine's time if the release does so."""
    try:
        now = entry_of(request).database.clock.now()
    except NoSuchDatabase:
        if not site_of(request).registry.release.looks_late:
            raise
        now = time.time_ns() // 1000
    return json_response({"__timestamp_micros_since_unix_epoch__": now})


async def delete(request: web.Request) -> web.Response:
    """End a database."""
    registry, caller = site_of(request).registry, credentials_of(request).identity
    await asyncio.to_thread(registry.delete, request.match_info["db"], caller)
    return web.Response()


async def names(request: web.Request) -> web.Response:
    """List the names of a database."""
    return json_response({"names": site_of(request).registry.names(entry_of(request))})


async def add_name(request: web.Request) -> web.Response:
    """Give a database one more name."""
    registry = site_of(request).registry
    name = (await text_of(request)).strip()
    try:
        entry = entry_of(request)
        if registry.release.guards_names:
            registry.owned(request.match_info["db"], credentials_of(request).identity, "rename database")
    except NotOwner:
        raise _json_refusal(401, {"PermissionDenied": {"domain": name}}) from None
    try:
        registry.add_name(entry, name)
    except InvalidName:
        raise Refused(400, "invalid characters in database name") from None
    except NameTaken:
        raise Refused(500, f"record with the name {name} already exists") from None
    return json_response({"Success": {"domain": name, "database_identity": entry.database.identity.hex()}})


async def set_names(request: web.Request) -> web.Response:
    """Give a database other names."""
    registry = site_of(request).registry
    if request.content_type != JSON or "Content-Type" not in request.headers:
        raise Refused(415, f"Expected request with `Content-Type: {JSON}`")
    wanted = _names(await text_of(request))
    entry = entry_of(request)
    try:
        registry.owned(request.match_info["db"], credentials_of(request).identity, "rename database")
        registry.set_names(entry, wanted)
    except NotOwner as error:
        raise _json_refusal(401, {"NotYourDatabase": {"database": error.database}}) from None
    except InvalidName as error:
        raise Refused(400, f"Error parsing `{error.name}`: invalid characters in database name") from None
    except NameTaken as error:
        raise _json_refusal(400, {"OtherError": f"the name `{error.name}` is in use"}) from None
    return json_response("Success")


def _names(text: str) -> list[str]:
    try:
        wanted: list[str] = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(400, "Failed to parse the request body as JSON: expected an array of names") from None
    try:
        if isinstance(wanted, list):
            "".join(wanted).encode()  # all are texts, and none has half of a character
            return wanted
    except (ValueError, TypeError):
        pass
    raise Refused(422, "Failed to deserialize the JSON body into the target type: expected an array of names")


def _json_refusal(status: int, content: Any) -> Refused:
    return Refused(status, json.dumps(content, separators=(",", ":")), JSON)
