"""`Universe`: one isolated database as a test sees it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from .actor import Actor as Actor
from .actor import Rows as Rows
from .actor import run_sql
from .calling import MOST_CALLS, Call, Caller
from .errors import UniverseClosed, UnknownSnapshot
from .modules import load_module
from .options import checked

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from ..client.connection import Connection
    from ..client.link import Transport
    from ..engine.clock import Clock
    from ..engine.logs import LogRecord
    from ..engine.module import Module
    from ..engine.outbound import Answering
    from ..sats import Identity, ModuleDef
    from ..server.handle import DatabaseHandle
    from .clock import UniverseClock
    from .parity.witness import Witness


class Universe:
    """A database of its own: call reducers, read rows, connect clients, go back to a clean state.

    Inside pytest ask for the fixture ``universe``; elsewhere use `Universe.embedded` in a ``with`` statement. The handle is
    synchronous and may be used inside async tests as well.

    Args:
        handle: The database, on whatever backend.
        seed: Where generated data starts.
        most_calls: How many calls it remembers; None for all.

    Example:
        >>> with Universe.embedded() as universe:
        ...     universe.call("publish_event", "e1", "GREETING", None, "{}")
        ...     [row["event_type"] for row in universe.rows("event_log") if row["event_id"] == "e1"]
        ['GREETING']
    """

    def __init__(self, handle: DatabaseHandle, seed: int = 0, most_calls: int | None = MOST_CALLS) -> None:
        self.handle = handle
        self.seed = seed
        self.calls: deque[Call] = deque(maxlen=most_calls)
        self.witness: Witness | None = None
        """Who takes note of what a test sees of it, for a comparison with another backend."""

        self._owner = Caller(handle, None, self.calls)
        self._actors: dict[str, Actor] = {}
        self._snapshots: dict[str, object] = {}
        self._answers_http = False
        self._at_end: Callable[[], None] | None = None

    @classmethod
    def embedded(
        cls,
        module: str | os.PathLike[str] | bytes | Module | None = None,
        *,
        name: str = "universe",
        seed: int = 0,
        clock: Clock | None = None,
        call_limit: float = 10.0,
        release: str = "2.8",
    ) -> Universe:
        """Start a universe inside this process.

        Args:
            module: Path, bytes or a loaded module; the Inner Universe module unless given.
            name: Start of the database's name.
            seed: Where generated data starts.
            clock: What time it is; the machine's time unless given.
            call_limit: Seconds that one reducer call may take.
            release: The release of the server that is imitated, ``2.8`` or ``1.2``.

        Raises:
            InvalidSetting: Seed, limit or release are none.
            ModuleError: The file is no module that can run; the text says why.
            AbiNotOffered: The module was built for newer releases than the one that is imitated.
            PublishFailed: The module's ``init`` did not succeed.
        """
        from ..engine.release import release_named
        from ..server.embedded import EmbeddedServer

        checked("seed", seed, f"seed={seed!r} of Universe.embedded")
        checked("call_limit", call_limit, f"call_limit={call_limit!r} of Universe.embedded")
        checked("release", release, f"release={release!r} of Universe.embedded")
        server = EmbeddedServer(load_module(module), call_limit, release=release_named(release))
        universe = cls(server.handle(name, clock), seed)
        universe._at_end = server.close
        return universe

    # Calling and reading

    def call(self, reducer: str, *args: Any, **kwargs: Any) -> None:
        """Call a reducer as the owner of the database and wait for its commit.

        Args:
            reducer: Name of the reducer.
            *args: Arguments by position.
            **kwargs: Arguments by name.

        Raises:
            UnknownReducer: The module has none of this name.
            ArgumentError: The arguments do not fit; the text shows the reducer's signature.
            ReducerFailed: The reducer returned an error; nothing was changed.
            ReducerPanicked: It panicked or ran into a limit; nothing was changed.
        """
        self.check_open()
        self._owner.call(reducer, args, kwargs)

    def call_procedure(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """Call a procedure of a 2.x module as the owner of the database, and return its value.

        A procedure is no transaction: what it committed before an error stays. Time that it sleeps passes on `clock`, and its
        HTTP requests are answered by the function that `answer_http` was given.

        Args:
            procedure: Name of the procedure.
            *args: Arguments by position.
            **kwargs: Arguments by name.

        Returns:
            The value of its return type; ``()`` where it returns nothing.

        Raises:
            UnknownProcedure: The module has none of this name.
            ArgumentError: The arguments do not fit; the text shows the procedure's signature.
            ProcedurePanicked: It panicked or ran into a limit.

        Example:
            >>> universe.call_procedure("add", 2, right=3)  # doctest: +SKIP
            5
        """
        self.check_open()
        return self._owner.call_procedure(procedure, args, kwargs)

    def answer_http(self, answer: Answering | None) -> None:
        """Say what the world answers when a procedure makes an HTTP request; until then each request fails.

        Args:
            answer: Takes an `HttpRequest` and returns an `HttpResponse`; an `OSError` that it raises is a request without a
                response. None lets requests fail again.

        Raises:
            NotOnThisBackend: A real server sends requests itself.

        Example:
            >>> universe.answer_http(lambda request: HttpResponse(200, "sunny"))  # doctest: +SKIP
        """
        self.check_open()
        self.handle.answer_http(answer)
        self._answers_http = answer is not None

    def forget_answers(self) -> None:
        """Let HTTP requests of procedures fail again, if something was said to answer them."""
        if self._answers_http:
            self.answer_http(None)

    def sql(self, text: str) -> Rows:
        """Run one SQL statement as the owner.

        Args:
            text: A statement of SpacetimeDB's SQL; see its reference for what there is.

        Raises:
            SqlError: A server would refuse it; the text points at the place.
        """
        self.check_open()
        return run_sql(self, None, text)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, private ones too, each a dict by column name; the order means nothing.

        Raises:
            UnknownTable: The module has none of this name.
        """
        self.check_open()
        return self.handle.rows(table)

    def count(self, table: str) -> int:
        """Return how many rows a table has.

        Raises:
            UnknownTable: The module has none of this name.
        """
        self.check_open()
        return self.handle.count(table)

    # People

    def actor(self, name: str) -> Actor:
        """Return a user with a stable identity of its own; the same name is the same user in every universe."""
        self.check_open()
        found = self._actors.get(name)
        if found is None:
            found = self._actors[name] = Actor(self, name)
        return found

    @property
    def actors(self) -> tuple[Actor, ...]:
        """The users that were asked for so far."""
        return tuple(self._actors.values())

    def disconnect_actors(self) -> None:
        """Close the connections that calls of actors have opened."""
        for actor in self._actors.values():
            actor.disconnect()

    def connect(self, identity: Identity | Actor | None = None) -> AbstractAsyncContextManager[Connection]:
        """Open a client's connection, which is closed at the end of the ``async with``.

        Args:
            identity: Who connects; somebody new unless given.

        Raises:
            ConnectionRejected: The module did not let the client in.

        Example:
            >>> async with universe.connect() as connection:  # doctest: +SKIP
            ...     await connection.subscribe("SELECT * FROM entity")
        """
        from .connecting import Connecting

        return Connecting(self, identity)

    def transport(self, identity: Identity | Actor | None = None) -> Transport:
        """Return what a `Connection` is opened over, for clients that open their own.

        Args:
            identity: Who connects; somebody new unless given.
        """
        from .recording import RecordingTransport

        self.check_open()
        actor, who = (identity.name, identity.name) if isinstance(identity, Actor) else (None, identity)
        listen = None if self.witness is None else self.witness.client
        return RecordingTransport(self.handle.transport(who), self.schema, self.calls, actor, listen)

    # States

    def snapshot(self, name: str = "default") -> None:
        """Remember the present state under a name; the cost does not depend on the amount of data."""
        self.check_open()
        self._snapshots[name] = self.handle.snapshot()

    def restore(self, name: str = "default") -> None:
        """Go back to a remembered state; connected clients are disconnected, as by a restart of a server.

        Raises:
            UnknownSnapshot: Nothing was remembered under this name.
        """
        self.check_open()
        snapshot = self._snapshots.get(name)
        if snapshot is None:
            raise UnknownSnapshot(name, list(self._snapshots))
        self.handle.restore(snapshot)

    def reset(self) -> None:
        """Go back to the state right after publishing; connected clients are disconnected."""
        self.check_open()
        if self.witness is not None:
            self.witness.is_reset = True
        self.handle.reset()

    def publish(self, module: str | os.PathLike[str] | bytes | Module) -> None:
        """Publish another version of the module over the data, under the rules of automatic migration.

        Args:
            module: Path, bytes or a loaded module.

        Raises:
            MigrationRefused: The change needs a migration that is not automatic; everything is as it was.
            ModuleError: The file is no module that can run.
        """
        self.check_open()
        self.handle.publish(load_module(module))

    # Facts

    @property
    def name(self) -> str:
        """Name of the database."""
        return self.handle.name

    @property
    def identity(self) -> Identity:
        """Identity of the owner, as whom `call` and `sql` act."""
        return self.handle.identity_of(None)

    @property
    def database_identity(self) -> Identity:
        """Identity of the database itself, the caller of scheduled reducers."""
        return self.handle.identity

    @property
    def backend(self) -> str:
        """What it runs on, ``embedded`` or another backend."""
        return self.handle.backend

    @property
    def url(self) -> str:
        """Address of the server, for clients of other kinds."""
        self.check_open()
        return self.handle.url

    @property
    def token(self) -> str:
        """A token of the owner, for clients of other kinds."""
        return self.handle.token_of(None)

    @property
    def schema(self) -> ModuleDef:
        """What the module declares."""
        return self.handle.definition

    @property
    def logs(self) -> list[LogRecord]:
        """The module's log, oldest first."""
        return self.handle.log()

    @property
    def clock(self) -> UniverseClock:
        """The universe's clock."""
        from .clock import UniverseClock

        return UniverseClock(self)

    # End

    @property
    def closed(self) -> bool:
        """Whether the universe has been closed."""
        return self.handle.closed

    def close(self) -> None:
        """Close the database and everything connected to it; does nothing the second time."""
        self.handle.close()
        if self._at_end is not None:
            self._at_end()

    def check_open(self) -> None:
        """Check that the universe can be used.

        Raises:
            UniverseClosed: It has been closed.
        """
        if self.handle.closed:
            raise UniverseClosed(self.handle.name)

    def __enter__(self) -> Universe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<Universe {self.name!r} {state}, {len(self.schema.tables)} tables>"
