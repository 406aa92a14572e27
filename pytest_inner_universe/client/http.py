"""The HTTP side of a server: identities, publishing, calls, SQL, schema and logs."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from ..sats.definition_json import definition_from_json
from ..sats.errors import JsonError, SatsError
from ..sats.meta_json import Json
from ..sats.sats_json import parse
from ..wire.v1_outcomes import is_crash, is_crash_of_procedure
from . import http_read as read
from .errors import (
    AnswerLost,
    BadAnswer,
    CallRefused,
    HttpError,
    NoSuchDatabase,
    NoSuchRoute,
    NotAuthorized,
    OutcomeUnknown,
    ProcedureCrashed,
    PublishRejected,
    QueryFailed,
    ReducerCrashed,
    ReducerFailed,
)
from .http_models import (
    Credentials,
    DatabaseInfo,
    LogLine,
    MigrationPlan,
    Published,
    ServerHealth,
    SqlRows,
)
from .http_requests import Answer, Requester, database_path

if TYPE_CHECKING:
    import ssl as tls
    from os import PathLike

    from ..sats.definition import ModuleDef

Read = TypeVar("Read")

REDUCER_FAILED = 530
"""The status of a call whose reducer returned an error or crashed."""

_NOT_OWNER = ("does not own database", "is not authorized to")
"""Words of the answers to those who may not do something; before 2.0 their status was 400 or 500."""


class HttpApi:
    """A server's HTTP interface, as somebody.

    It may be made anywhere; the event loop that uses it first is the one that it belongs to.

    Args:
        base_url: Address of the server, as ``http://127.0.0.1:3000``.
        token: Whose requests these are; without one, every request is by somebody new.
        timeout: The most seconds that a request may take; None for as long as it takes.
        ssl: For ``https``: a context, or the path of a file with the authorities to trust; None for the system's own.

    All requests raise `ServerUnreachable` where no server answers, `RequestTimeout` where it takes too long, `BadAnswer` where
    the answer makes no sense, and a subclass of `HttpError` where the server refuses.

    Example:
        >>> async with HttpApi("http://127.0.0.1:3000", token) as api:  # doctest: +SKIP
        ...     await api.publish(wasm, "my-game")
        ...     await api.call("my-game", "add_person", ["Ada", 1, 36])
        ...     rows = (await api.sql("my-game", "SELECT * FROM person")).rows
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        timeout: float | None = 30.0,
        ssl: tls.SSLContext | str | PathLike[str] | None = None,
    ) -> None:
        self._requester = Requester(base_url, token, timeout, ssl)

    @property
    def url(self) -> str:
        """Address of the server."""
        return self._requester.url

    async def close(self) -> None:
        """Close the connections that are kept open; using it again opens new ones."""
        await self._requester.close()

    async def __aenter__(self) -> HttpApi:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<HttpApi {self.url}>"

    # The server

    async def ping(self) -> None:
        """Return if the server answers."""
        await self._ask("GET", "/v1/ping")

    async def health(self) -> ServerHealth:
        """Return what the server says of itself, its release among it."""
        return await self._read(read.health, "GET", "/v1/health")

    async def new_identity(self) -> Credentials:
        """Make somebody new."""
        return await self._read(read.credentials, "POST", "/v1/identity")

    async def websocket_token(self) -> str:
        """Return a token of the same identity that is valid for a minute."""
        return await self._read(lambda at: at.field("token").text(), "POST", "/v1/identity/websocket-token")

    # Databases

    async def publish(
        self, wasm: bytes, name: str | None = None, *, clear: bool = False, plan: MigrationPlan | None = None
    ) -> Published:
        """Publish a module, as a new database or over one that is there.

        Args:
            wasm: The module.
            name: Name or identity of the database; None for a new one without a name.
            clear: Whether to lose the data that is there.
            plan: What `pre_publish` said; needed where clients break.

        Raises:
            PublishRejected: The module is none, its ``init`` failed, or the change is not automatic.
            NotAuthorized: The database belongs to somebody else.
        """
        parameters = {"clear": "true"} if clear else {}
        if plan is not None and plan.breaks_clients:
            parameters |= {"policy": "BreakClients", "token": plan.token or ""}
        method, path = ("POST", "/v1/database") if name is None else ("PUT", database_path(name))
        return await self._read(read.published, method, path, wasm, parameters, PublishRejected)

    async def pre_publish(self, name: str, wasm: bytes) -> MigrationPlan:
        """Return what publishing a module over a database would do. Servers before 1.4 cannot tell."""
        path, parameters = f"{database_path(name)}/pre_publish", {"style": "NoColor"}
        return await self._read(read.plan, "POST", path, wasm, parameters, PublishRejected)

    async def reset(self, name: str, wasm: bytes | None = None) -> None:
        """Bring a database back to the state right after publishing.

        Args:
            name: Name or identity.
            wasm: The module; servers before 1.9 cannot do without it, and 2.8 neither.
        """
        try:
            await self._ask("PUT", f"{database_path(name)}/reset", wasm, refusal=PublishRejected)
        except NoSuchRoute:
            if wasm is None:
                raise
            await self.publish(wasm, name, clear=True)

    async def delete(self, name: str) -> None:
        """Delete a database. One that does not exist is deleted as well."""
        with suppress(NoSuchDatabase):
            await self._ask("DELETE", database_path(name))

    async def info(self, name: str) -> DatabaseInfo:
        """Return what is known of a database."""
        return await self._read(read.info, "GET", database_path(name))

    async def names(self, name: str) -> list[str]:
        """Return the names of a database."""
        return await self._read(read.names, "GET", f"{database_path(name)}/names")

    async def set_names(self, name: str, names: Sequence[str]) -> None:
        """Give a database other names in place of those that it has."""
        body = json.dumps(list(names)).encode()
        await self._ask("PUT", f"{database_path(name)}/names", body, content_type="application/json")

    async def schema(self, name: str) -> ModuleDef:
        """Return what the module of a database declares, in the form that every release can tell."""
        return await self._read(
            lambda at: definition_from_json(at.value), "GET", f"{database_path(name)}/schema", None, {"version": "9"}
        )

    async def logs(self, name: str, count: int | None = None) -> list[LogLine]:
        """Return the log of a database, oldest line first.

        Args:
            name: Name or identity.
            count: How many of the latest lines; None for all that the server has at hand.
        """
        parameters = {} if count is None else {"num_lines": str(count)}
        answer = await self._ask("GET", f"{database_path(name)}/logs", None, parameters)
        return _log(answer.request, answer.text)

    async def follow_logs(self, name: str, count: int | None = None) -> AsyncGenerator[LogLine, None]:
        """Yield the lines of a database's log, those that are there and those that come, until the server ends it.

        Args:
            name: Name or identity.
            count: How many of the latest lines to begin with; None for all that the server has at hand.
        """
        path, parameters = f"{database_path(name)}/logs", {"follow": "true"}
        if count is not None:
            parameters["num_lines"] = str(count)
        async with aclosing(self._requester.lines(path, parameters)) as lines:
            async for line in lines:
                if not isinstance(line, str):
                    _check(line)
                    continue
                for read_line in _log(f"GET {path}", line):
                    yield read_line

    # Calls and SQL

    async def call(self, name: str, reducer: str, args: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """Call a reducer, or a procedure of a 2.x module, over a connection of its own.

        Args:
            name: Name or identity of the database.
            reducer: Name of the reducer or procedure.
            args: Arguments as they are in JSON, by position or by name.

        Returns:
            What a procedure returned, as it is in JSON; None for a reducer.

        Raises:
            ReducerFailed: The reducer returned an error.
            ReducerCrashed: The reducer panicked.
            ProcedureCrashed: The procedure panicked.
            CallRefused: There is no such function, the arguments do not fit, or the caller is not let in.
            OutcomeUnknown: The connection was lost before the answer came.
        """
        body = json.dumps(args if isinstance(args, Mapping) else list(args), allow_nan=False).encode()
        path = f"{database_path(name)}/call/{quote(reducer, safe='')}"
        try:
            answer = await self._requester.send("POST", path, body, {}, "application/json")
        except AnswerLost as error:
            raise OutcomeUnknown(reducer, error.reason) from error
        if answer.status == REDUCER_FAILED:
            kind = ReducerCrashed if is_crash(answer.text) else ReducerFailed
            raise kind(reducer, answer.text)
        if answer.status == 500 and is_crash_of_procedure(answer.text):
            raise ProcedureCrashed(reducer, answer.text)
        if answer.status in {400, 403, 404} and answer.text and not _is_about_database(answer, name):
            raise CallRefused(answer.request, answer.status, answer.text)
        _check(answer)
        return _parsed(answer) if answer.text else None

    async def sql(self, name: str, text: str) -> SqlRows:
        """Run one SQL statement.

        Args:
            name: Name or identity of the database.
            text: The statement.

        Raises:
            QueryFailed: The server refused it.
        """
        answer = await self._requester.send("POST", f"{database_path(name)}/sql", text.encode(), {})
        if answer.status in {400, 401, 403} and not answer.is_about_token:
            raise QueryFailed(text, answer.text, answer.status)
        _check(answer)
        return _used(answer, read.sql)

    # Parts

    async def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        parameters: Mapping[str, str] | None = None,
        refusal: type[HttpError] = HttpError,
        content_type: str | None = None,
    ) -> Answer:
        answer = await self._requester.send(method, path, body, parameters or {}, content_type)
        _check(answer, refusal)
        return answer

    async def _read(self, reader: Callable[[Json], Read], *args: Any) -> Read:
        return _used(await self._ask(*args), reader)


def _is_about_database(answer: Answer, name: str) -> bool:
    return answer.status == 404 and answer.text.strip() in {f"`{name}` not found", "No such database."}


def _check(answer: Answer, refusal: type[HttpError] = HttpError) -> None:
    """Raise what a status stands for."""
    status, text = answer.status, answer.text
    if status < 400:
        return
    kind = refusal
    if status in {401, 403} or any(words in text for words in _NOT_OWNER):
        kind = NotAuthorized
    elif status == 404:
        # A route that does not exist has no text, but neither has a missing database before 2.0.
        is_database = answer.is_from_database_route or bool(text)
        kind = NoSuchDatabase if is_database else NoSuchRoute
    raise kind(answer.request, status, text)


def _used(answer: Answer, reader: Callable[[Json], Read]) -> Read:
    try:
        return reader(Json(_parsed(answer)))
    except SatsError as error:
        raise BadAnswer(answer.request, str(error)) from None


def _log(request: str, text: str) -> list[LogLine]:
    try:
        return read.log(text)
    except JsonError as error:
        raise BadAnswer(request, str(error)) from None


def _parsed(answer: Answer) -> Any:
    try:
        return parse(answer.text)
    except JsonError as error:
        raise BadAnswer(answer.request, str(error)) from None
