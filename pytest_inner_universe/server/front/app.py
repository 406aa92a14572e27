"""The routes of the socket front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from . import calls, databases, identity, logs, middleware, publish, sql, websocket
from .site import SITE, Site

if TYPE_CHECKING:
    from ..registry import Registry
    from .thread import Limits

_DATABASE = "/v1/database/{db}"


def make_app(registry: Registry, limits: Limits) -> web.Application:
    """Return the application that serves a registry."""
    app = web.Application(
        middlewares=[middleware.cross_origin, middleware.errors, middleware.authentication],
        client_max_size=limits.body,
    )
    app[SITE] = Site(registry, limits)
    app.on_response_prepare.append(middleware.add_headers)
    app.on_shutdown.append(websocket.end_all)
    app.add_routes(
        [
            web.get("/v1/ping", identity.ping),
            web.get("/v1/health", identity.health),
            web.post("/v1/identity", identity.new_identity),
            web.get("/v1/identity/public-key", identity.public_key),
            web.post("/v1/identity/websocket-token", identity.websocket_token),
            web.get("/v1/identity/{identity}/verify", identity.verify),
            web.get("/v1/identity/{identity}/databases", identity.databases),
            web.post("/v1/database", publish.publish_nameless),
            web.put(_DATABASE, publish.publish),
            web.get(_DATABASE, databases.info),
            web.delete(_DATABASE, databases.delete),
            web.get(f"{_DATABASE}/names", databases.names),
            web.post(f"{_DATABASE}/names", databases.add_name),
            web.put(f"{_DATABASE}/names", databases.set_names),
            web.get(f"{_DATABASE}/identity", databases.identity),
            web.get(f"{_DATABASE}/schema", databases.schema),
            web.get(f"{_DATABASE}/unstable/timestamp", databases.timestamp),
            web.post(f"{_DATABASE}/call/{{function}}", calls.call),
            web.post(f"{_DATABASE}/sql", sql.run),
            web.get(f"{_DATABASE}/logs", logs.logs),
            web.get(f"{_DATABASE}/subscribe", websocket.subscribe),
        ]
    )
    if registry.release.has_plans:
        app.add_routes(
            [web.post(f"{_DATABASE}/pre_publish", publish.plan), web.put(f"{_DATABASE}/reset", publish.reset)]
        )
    return app
