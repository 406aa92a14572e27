"""The HTTP side of a server for code that is not asynchronous."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .http import HttpApi
from .loop_thread import LoopThread, OnLoop

if TYPE_CHECKING:
    import ssl as tls
    from os import PathLike

    from ..sats.definition import ModuleDef
    from .http_models import Credentials, DatabaseInfo, LogLine, MigrationPlan, Published, ServerHealth, SqlRows


class SyncHttp(OnLoop):
    """An `HttpApi` for code that is not asynchronous: the same methods with the same arguments.

    Args:
        base_url: Address of the server, as ``http://127.0.0.1:3000``.
        token: Whose requests these are; without one, every request is by somebody new.
        loop: A loop to share; one of its own unless given.
        timeout: The most seconds that a request may take.
        ssl: For ``https``: a context, or the path of a file with the authorities to trust.

    Example:
        >>> with SyncHttp("http://127.0.0.1:3000") as api:  # doctest: +SKIP
        ...     owner = api.new_identity()
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        loop: LoopThread | None = None,
        timeout: float | None = 30.0,
        ssl: tls.SSLContext | str | PathLike[str] | None = None,
    ) -> None:
        self._api: HttpApi = HttpApi(base_url, token, timeout=timeout, ssl=ssl)
        super().__init__(loop)

    def ping(self) -> None:
        """See `HttpApi.ping`."""
        self._loop.run(self._api.ping())

    def health(self) -> ServerHealth:
        """See `HttpApi.health`."""
        return self._loop.run(self._api.health())

    def new_identity(self) -> Credentials:
        """See `HttpApi.new_identity`."""
        return self._loop.run(self._api.new_identity())

    def websocket_token(self) -> str:
        """See `HttpApi.websocket_token`."""
        return self._loop.run(self._api.websocket_token())

    def publish(
        self, wasm: bytes, name: str | None = None, *, clear: bool = False, plan: MigrationPlan | None = None
    ) -> Published:
        """See `HttpApi.publish`."""
        return self._loop.run(self._api.publish(wasm, name, clear=clear, plan=plan))

    def pre_publish(self, name: str, wasm: bytes) -> MigrationPlan:
        """See `HttpApi.pre_publish`."""
        return self._loop.run(self._api.pre_publish(name, wasm))

    def reset(self, name: str, wasm: bytes | None = None) -> None:
        """See `HttpApi.reset`."""
        self._loop.run(self._api.reset(name, wasm))

    def delete(self, name: str) -> None:
        """See `HttpApi.delete`."""
        self._loop.run(self._api.delete(name))

    def info(self, name: str) -> DatabaseInfo:
        """See `HttpApi.info`."""
        return self._loop.run(self._api.info(name))

    def names(self, name: str) -> list[str]:
        """See `HttpApi.names`."""
        return self._loop.run(self._api.names(name))

    def set_names(self, name: str, names: Sequence[str]) -> None:
        """See `HttpApi.set_names`."""
        self._loop.run(self._api.set_names(name, names))

    def schema(self, name: str) -> ModuleDef:
        """See `HttpApi.schema`."""
        return self._loop.run(self._api.schema(name))

    def logs(self, name: str, count: int | None = None) -> list[LogLine]:
        """See `HttpApi.logs`."""
        return self._loop.run(self._api.logs(name, count))

    def follow_logs(self, name: str, count: int | None = None) -> Iterator[LogLine]:
        """See `HttpApi.follow_logs`."""
        lines = self._api.follow_logs(name, count)
        try:
            while (line := self._loop.run(_next(lines))) is not None:
                yield line
        finally:
            self._loop.run(lines.aclose())

    def call(self, name: str, reducer: str, args: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """See `HttpApi.call`."""
        return self._loop.run(self._api.call(name, reducer, args))

    def sql(self, name: str, text: str) -> SqlRows:
        """See `HttpApi.sql`."""
        return self._loop.run(self._api.sql(name, text))

    async def _end(self) -> None:
        await self._api.close()

    def __repr__(self) -> str:
        return f"<SyncHttp {self._api.url}>"


async def _next(lines: AsyncGenerator[LogLine, None]) -> LogLine | None:
    return await anext(lines, None)
