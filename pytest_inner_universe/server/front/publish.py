"""The routes by which modules come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from ...engine.wasm.binary import MAGIC
from ...engine.wasm.errors import ModuleEmpty, NotWasm
from .publishing import Published, Terms
from .site import Refused, bad_parameter, credentials_of, flag_of, json_response, site_of

T = TypeVar("T")

_RULE = "━" * 60


async def publish_nameless(request: web.Request) -> web.Response:
    """Publish a database without a name."""
    return await _publish(request, None)


async def publish(request: web.Request) -> web.Response:
    """Publish a database, or a new version of its module."""
    return await _publish(request, request.match_info["db"])


async def _publish(request: web.Request, asked: str | None) -> web.Response:
    clear = flag_of(request, "clear")
    terms = _terms(request) if site_of(request).registry.release.has_plans else Terms()
    caller = credentials_of(request).identity
    done = await _with_program(request, site_of(request).publisher.publish, caller, asked, clear, terms)
    return json_response({"Success": _success(done)})


def _terms(request: web.Request) -> Terms:
    policy = request.query.get("policy", "Compatible")
    if policy not in {"Compatible", "BreakClients"}:
        reason = f"unknown variant `{policy}`, expected `Compatible` or `BreakClients`"
        raise bad_parameter(request, "policy", reason)
    if request.query.get("host_type", "Wasm") != "Wasm":
        raise Refused(400, "the embedded server runs WebAssembly modules only")
    return Terms(policy == "BreakClients", request.query.get("token", ""))


def _success(done: Published) -> dict[str, object]:
    operation = "created" if done.created else "updated"
    return {"domain": done.name, "database_identity": done.identity.hex(), "op": operation}


async def plan(request: web.Request) -> web.Response:
    """Tell what publishing a module would do."""
    caller = credentials_of(request).identity
    found = await _with_program(request, site_of(request).publisher.plan, caller, request.match_info["db"])
    changes = found.changes
    is_major = {"major_version_upgrade": False}
    if changes.refusals:
        return json_response({"ManualMigrate": {"reason": "\n".join(changes.refusals), **is_major}})
    steps = "".join(f"▸ {step}\n" for step in changes.steps)
    text = f"{_RULE}\nDatabase Migration Plan\n{_RULE}\n\n{steps}"
    about = {"migrate_plan": text, "break_clients": changes.breaks_clients, "token": found.token}
    return json_response({"AutoMigrate": {**about, **is_major}})


async def reset(request: web.Request) -> web.Response:
    """Set a database back to its beginning."""
    caller = credentials_of(request).identity
    await _with_program(request, site_of(request).publisher.reset, caller, request.match_info["db"])
    return web.Response()


async def _with_program(request: web.Request, action: Callable[..., T], *args: object) -> T:
    """Do something with the body, however large it is, on a thread, because compiling takes its time."""
    program = await request.content.read()
    try:
        return await asyncio.to_thread(action, program, *args)
    except (ModuleEmpty, NotWasm):
        raise Refused(500, f"failed to parse WebAssembly module: {_what_is_wrong(program[:4])}") from None


def _what_is_wrong(start: bytes) -> str:
    if len(start) < len(MAGIC):
        return "unexpected end-of-file (at offset 0x0)"
    expected, actual = ("[\n" + "".join(f"    {byte:#x},\n" for byte in some) + "]" for some in (MAGIC, start))
    return f"magic header not detected: bad magic number - expected={expected} actual={actual} (at offset 0x0)"
