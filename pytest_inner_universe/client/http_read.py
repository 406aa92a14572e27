"""Reading the bodies of answers. Whatever has another form than it should raises `JsonError`."""

from __future__ import annotations

from typing import Any

from ..sats.errors import JsonError
from ..sats.identity import Identity
from ..sats.meta_json import Json
from ..sats.sats_json import json_codec, parse
from .http_models import Credentials, DatabaseInfo, LogLine, MigrationPlan, Published, ServerHealth, SqlRows


def identity(at: Json) -> Identity:
    """Read an identity, of the form ``{"__identity__": "0x.."}`` or just the digits."""
    value = at.value
    digits = at.field("__identity__").text() if isinstance(value, dict) else at.text()
    try:
        found: Identity = Identity.from_hex(digits.removeprefix("0x").rjust(2 * Identity.WIDTH, "0"))
    except ValueError:
        raise JsonError(f"expected an identity, got {value!r:.80}", at.path) from None
    return found


def credentials(at: Json) -> Credentials:
    """Read a new identity."""
    return Credentials(identity(at.field("identity")), at.field("token").text())


def health(at: Json) -> ServerHealth:
    """Read what a server says of itself."""
    return ServerHealth(at.field("version").text(), bool(at.value.get("schedulable", True)))


def published(at: Json) -> Published:
    """Read the outcome of publishing."""
    _, success = at.one_of(("Success",))
    domain = success.field("domain")
    name = None if domain.value is None else _domain(domain)
    return Published(identity(success.field("database_identity")), name, success.field("op").text() == "created")


def _domain(at: Json) -> str:
    return at.text() if isinstance(at.value, str) else at.field("tld").text()


def plan(at: Json) -> MigrationPlan:
    """Read what publishing would do."""
    tag, content = at.one_of(("AutoMigrate", "ManualMigrate"))
    is_major = bool(content.value.get("major_version_upgrade", False)) if isinstance(content.value, dict) else False
    if tag == 1:
        return MigrationPlan(False, content.field("reason").text(), is_major_upgrade=is_major)
    token = content.field("token")
    return MigrationPlan(
        True,
        content.field("migrate_plan").text(),
        content.field("break_clients").truth(),
        token.text() if isinstance(token.value, str) else str(token.value),
        is_major,
    )


def info(at: Json) -> DatabaseInfo:
    """Read what is known of a database."""
    host_type, _ = at.field("host_type").variant()
    program = at.field("initial_program")
    return DatabaseInfo(
        identity(at.field("database_identity")), identity(at.field("owner_identity")), host_type, program.text()
    )


def names(at: Json) -> list[str]:
    """Read the names of a database."""
    return at.field("names").items(_domain)


def sql(at: Json) -> SqlRows:
    """Read the outcome of one statement."""
    results = at.items(lambda one: one)
    if len(results) != 1:
        raise JsonError(f"expected the result of one statement, got {len(results)}")
    (result,) = results
    product = result.field("schema").product()
    columns = tuple((element.name or str(i), element.type) for i, element in enumerate(product.elements))
    for name, type_ in columns:
        if type_.has_refs:
            raise JsonError(f"the type of column {name!r} refers to other types")
    codecs = [(name, json_codec(type_)) for name, type_ in columns]

    def row(one: Json) -> dict[str, Any]:
        values = one.items(lambda value: value)
        if len(values) != len(codecs):
            raise JsonError(f"a row of {len(values)} values, there are {len(codecs)} columns", one.path)
        found = {}
        for (name, codec), value in zip(codecs, values):
            try:
                found[name] = codec.decode(value.value)
            except JsonError as error:
                raise JsonError(error.reason, f"{value.path}.{error.path}" if error.path else value.path) from None
        return found

    rows = tuple(result.field("rows").items(row))
    stats = Json(result.value.get("stats") or {}, "stats")
    inserted, deleted, updated = (
        stats.field(name).position() if name in stats.value else 0
        for name in ("rows_inserted", "rows_deleted", "rows_updated")
    )
    return SqlRows(columns, rows, inserted, deleted, updated)


def log(text: str) -> list[LogLine]:
    """Read a log, one JSON object a line."""
    return [_log_line(Json(parse(line))) for line in text.splitlines() if line.strip()]


def _log_line(at: Json) -> LogLine:
    def optional(name: str, read: Any) -> Any:
        return read(at.field(name)) if isinstance(at.value, dict) and at.value.get(name) is not None else None

    frames = optional("trace", lambda trace: trace.items(_frame)) or ()
    return LogLine(
        at.field("level").text().lower(),
        at.field("message").text(),
        at.field("ts").number(),
        optional("function", Json.text),
        optional("target", Json.text),
        optional("filename", Json.text),
        optional("line_number", Json.position),
        tuple(frames),
    )


def _frame(at: Json) -> str:
    parts = [at.value.get(name) for name in ("module_name", "func_name")] if isinstance(at.value, dict) else []
    return "::".join(str(part) for part in parts if part)
