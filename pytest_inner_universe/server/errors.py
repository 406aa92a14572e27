"""Errors of servers.

The tree::

    ServerError
    ├── NotOnThisBackend    something that a backend cannot do
    ├── TokenRefused        a token that a server does not accept
    ├── BinaryMissing       no server program was found
    ├── BinaryUnusable      a file that is no server program for this machine
    ├── DockerMissing       no Docker engine answers
    ├── ImageMissing        an image that cannot be had
    ├── StartFailed         a server did not come up
    ├── ServerGone          a server that is not there any more, or not yet
    ├── ServerRefused       an address that may not be used
    ├── ForeignDatabase     a database that is not this run's own
    ├── InvalidName         a text that is no name of a database
    ├── NoSuchDatabase      a name or identity that the embedded server does not know
    ├── NotOwner            something that only the owner of a database may do
    ├── NameTaken           a name that another database has
    ├── UpdateRefused       a change that breaks clients, and nobody said that this is wanted
    └── CannotListen        the embedded server cannot have the address that it should listen on

A server that does not take a module raises `ModuleRejected`, a `PublishFailed` of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.errors import PublishFailed

MOST_LOG_LINES = 4
"""How many lines of a server's log a message quotes."""
_LONGEST_LINE = 160


class ServerError(Exception):
    """Base of every error of a server."""


class TokenRefused(ServerError):
    """A token was not accepted.

    Args:
        reason: Why not.
        url: Who said so, where it was not this process itself.
        known: What else is known, such as that the token has expired, in words.
    """

    def __init__(self, reason: str, url: str | None = None, known: Sequence[str] = ()) -> None:
        self.reason = reason
        self.url = url
        self.known = tuple(known)
        super().__init__(reason, url, self.known)

    def __str__(self) -> str:
        if self.url is None:
            return f"the token was refused: {self.reason}"
        lines = [f"the server at {self.url} refuses the token: {_shortened(self.reason)}"]
        lines += [f"  {fact}" for fact in self.known]
        lines.append("  give one that this server signed, or none to be somebody new: --universe-token")
        return "\n".join(lines)


class NotOnThisBackend(ServerError):
    """A backend was asked for something that it cannot do.

    Args:
        what: What was asked for.
        backend: Who was asked.
    """

    def __init__(self, what: str, backend: str) -> None:
        self.what = what
        self.backend = backend
        super().__init__(what, backend)

    def __str__(self) -> str:
        return f"{self.backend} does not have {self.what}"


class BinaryMissing(ServerError):
    """No server program was found.

    Args:
        looked_at: Each place that was looked at, and what was there, in words.
        remedies: What to do, in words; three at most.
    """

    def __init__(self, looked_at: Sequence[tuple[str, str]], remedies: Sequence[str]) -> None:
        self.looked_at = tuple(looked_at)
        self.remedies = tuple(remedies)
        super().__init__(self.looked_at, self.remedies)

    def __str__(self) -> str:
        places: dict[str, list[str]] = {}
        for place, found in self.looked_at:
            places.setdefault(found, []).append(place)
        lines = ["no SpacetimeDB server was found"]
        lines += [f"  {found}: {', '.join(names)}" for found, names in list(places.items())[:4]]
        return "\n".join(lines + [f"  - {remedy}" for remedy in self.remedies])


class BinaryUnusable(ServerError):
    """A file is no server program that can run here.

    Args:
        path: The file.
        place: Who named it, in words.
        reason: What is wrong with it.
    """

    def __init__(self, path: str, place: str, reason: str) -> None:
        self.path = path
        self.place = place
        self.reason = reason
        super().__init__(path, place, reason)

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be run as a SpacetimeDB server: {self.reason}\n"
            f"  named by {self.place}\n"
            "  name a spacetimedb-standalone or spacetime program of this machine's kind, or leave the name out to have one "
            "looked for"
        )


class DockerMissing(ServerError):
    """No Docker engine answers.

    Args:
        tried: Each address that was tried, and what came of it, in words.
        hint: What else is known, such as a package that is not installed; empty if nothing.
    """

    def __init__(self, tried: Sequence[tuple[str, str]], hint: str = "") -> None:
        self.tried = tuple(tried)
        self.hint = hint
        super().__init__(self.tried, hint)

    def __str__(self) -> str:
        results: dict[str, list[str]] = {}
        for address, result in self.tried:
            results.setdefault(result, []).append(address)
        lines = [f"no server can be started in Docker: {self.hint or 'no engine answers'}"]
        lines += [f"  {result}: {', '.join(addresses)}" for result, addresses in list(results.items())[:4]]
        if not self.hint:
            lines.append("  - start Docker, Podman's service, or name an engine elsewhere in DOCKER_HOST")
        lines.append("  - or run without it: --universe-backend=embedded needs nothing, process needs a server program")
        lines.append("  - --universe-missing=skip or embedded says what becomes of tests whose backend is missing")
        return "\n".join(lines)


class ImageMissing(ServerError):
    """An image is not there and cannot be pulled.

    Args:
        image: Its name.
        reason: The engine's words.
    """

    def __init__(self, image: str, reason: str) -> None:
        self.image = image
        self.reason = reason
        super().__init__(image, reason)

    def __str__(self) -> str:
        return (
            f"the image {self.image!r} is not here and cannot be pulled: {_shortened(self.reason)}\n"
            "  check its name and tag, pull it by hand, or name another image with --universe-image"
        )


class StartFailed(ServerError):
    """A server did not come up.

    Args:
        server: What was started: a command line, or an image.
        reason: What went wrong, in words.
        log: The last lines that it wrote; None where it did not come so far.
        hint: What to do about it; empty if that is not known.
    """

    def __init__(self, server: str, reason: str, log: Sequence[str] | None = (), hint: str = "") -> None:
        self.server = server
        self.reason = reason
        self.log = tuple(log or ())
        self._has_log = log is not None
        self.hint = hint
        super().__init__(server, reason, log, hint)

    def __str__(self) -> str:
        lines = [f"the SpacetimeDB server did not start: {self.reason}", f"  started: {self.server}"]
        lines += [f"  {self.hint}"] * bool(self.hint)
        return "\n".join(lines + (_quoted(self.log) if self._has_log else []))


class ModuleRejected(PublishFailed):
    """A server does not take a module, or the module's ``init`` failed there.

    Args:
        database: Name that the database should have had.
        reason: The server's words.
        module: Which module.
        server: Which server, in words.
        log: The last lines that the server wrote.
    """

    def __init__(self, database: str, reason: str, module: str, server: str, log: Sequence[str] = ()) -> None:
        super().__init__(database, reason)
        self.module = module
        self.server = server
        self.log = tuple(log)
        self.args = (database, reason, module, server, self.log)

    def __str__(self) -> str:
        lines = [
            f"{self.server} did not publish {self.module}: {_shortened(self.reason)}",
            f"  as database {self.database!r}",
        ]
        return "\n".join(lines + (_quoted(self.log) if self.log else []))


class ServerGone(ServerError):
    """A server is not running: it was not started, was stopped, or ended by itself.

    Args:
        server: Which one, in words.
        reason: What is known of its end.
        log: The last lines that it wrote; None where they cannot be seen.
    """

    def __init__(self, server: str, reason: str, log: Sequence[str] | None = ()) -> None:
        self.server = server
        self.reason = reason
        self.log = tuple(log or ())
        self._has_log = log is not None
        super().__init__(server, reason, log)

    def __str__(self) -> str:
        head = f"the server {self.server} is not running: {self.reason}"
        return "\n".join([head, *_quoted(self.log)]) if self._has_log else head


class ServerRefused(ServerError):
    """A server's address may not be used, because nobody said clearly enough that it may.

    Args:
        url: The address.
        reason: Why it needs consent.
        missing: What has to be given, in words.
    """

    def __init__(self, url: str, reason: str, missing: Sequence[str]) -> None:
        self.url = url
        self.reason = reason
        self.missing = tuple(missing)
        super().__init__(url, reason, self.missing)

    def __str__(self) -> str:
        lines = [
            f"tests do not touch {self.url}: {self.reason}",
            "  if that is what you want, both are needed, and missing is",
        ]
        return "\n".join(lines + [f"  - {what}" for what in self.missing])


class ForeignDatabase(ServerError):
    """Something that destroys data was asked of a database that is not this run's own.

    Args:
        action: What was asked for.
        database: The database.
        prefix: What the names of this run's databases start with.
    """

    def __init__(self, action: str, database: str, prefix: str) -> None:
        self.action = action
        self.database = database
        self.prefix = prefix
        super().__init__(action, database, prefix)

    def __str__(self) -> str:
        return (
            f"tests do not {self.action} the database {self.database!r}: only databases of this run, whose names start with "
            f"{self.prefix!r}"
        )


class InvalidName(ServerError, ValueError):
    """A text cannot be the name of a database.

    Args:
        name: The text.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return (
            f"{self.name!r} is no name for a database: servers take groups of lower case letters a-z and digits, "
            "joined by single hyphens"
        )


class NoSuchDatabase(ServerError, LookupError):
    """The embedded server has no such database.

    Args:
        asked: The name or identity.
        was_there: Whether it had one, which was deleted.
    """

    def __init__(self, asked: str, was_there: bool = False) -> None:
        self.asked = asked
        self.was_there = was_there
        super().__init__(asked, was_there)

    def __str__(self) -> str:
        return f"there is no database {self.asked!r}" + (" any more, it was deleted" if self.was_there else "")


class NotOwner(ServerError, PermissionError):
    """Somebody asked for what only the owner of a database may do.

    Args:
        caller: Who asked, 64 hexadecimal digits.
        database: Identity of the database, likewise.
        action: What was asked for, in a server's words.
        owner: Who owns the database, 64 hexadecimal digits.
    """

    def __init__(self, caller: str, database: str, action: str, owner: str) -> None:
        self.caller = caller
        self.database = database
        self.action = action
        self.owner = owner
        super().__init__(caller, database, action, owner)

    def __str__(self) -> str:
        return f"{self.caller} is not authorized to perform action on database {self.database}: {self.action}"


class NameTaken(ServerError):
    """A name belongs to another database, or to this one already.

    Args:
        name: The name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return f"the name {self.name!r} is in use"


class UpdateRefused(ServerError):
    """A new version of a module would break clients, and the request does not prove that this is wanted.

    Args:
        reason: What is missing.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return f"the update disconnects clients and was not made: {self.reason}"


class CannotListen(ServerError):
    """The embedded server cannot listen where it should.

    Args:
        host: The host.
        port: The port.
        reason: What the system says.
    """

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        self.reason = reason
        super().__init__(host, port, reason)

    def __str__(self) -> str:
        return f"cannot listen on {self.host}:{self.port}: {self.reason}\n  port 0 takes any free one"


def _quoted(log: Sequence[str]) -> list[str]:
    if not log:
        return ["  it wrote nothing"]
    return ["  the last that it wrote:", *(f"    {_shortened(line)}" for line in log[-MOST_LOG_LINES:])]


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_LINE else f"{text[: _LONGEST_LINE - 3]}..."
