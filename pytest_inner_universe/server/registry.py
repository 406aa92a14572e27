"""The databases of one embedded server, by name and identity, with the rules by which they come and go."""

from __future__ import annotations

import re
import threading
import uuid
from typing import TYPE_CHECKING

from ..engine.release import NEWEST, Release
from ..sats import Identity
from .errors import NameTaken, NoSuchDatabase, NotOwner
from .front.entry import Entry
from .names import check_name
from .tokens import ISSUER, TokenAuthority

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..engine.database import Database

_IDENTITY = re.compile(r"(0x)?[0-9a-fA-F]{64}")


class Registry:
    """Databases by name and identity.

    Whoever adds a database goes on owning it; those that were published here end with the registry.

    Args:
        authority: Makes and checks tokens.
        release: The release of the server that is imitated.
    """

    def __init__(self, authority: TokenAuthority | None = None, release: Release = NEWEST) -> None:
        self.authority = authority or TokenAuthority()
        self.release = release
        self._names: dict[str, Entry] = {}
        self._former: dict[str, Identity] = {}
        self._entries: list[Entry] = []
        self._lock = threading.RLock()

    # Finding

    def find(self, asked: str) -> Entry:
        """Return a database by its name or by its identity in 64 hexadecimal digits.

        Raises:
            InvalidName: The text is neither.
            NoSuchDatabase: There is none.
        """
        with self._lock:
            if is_identity(asked):
                identity = Identity.from_hex(asked)
                found = next((one for one in reversed(self._entries) if one.database.identity == identity), None)
            else:
                found = self._names.get(check_name(asked))
            if found is None:
                raise NoSuchDatabase(asked, is_identity(asked) or asked in self._former)
            return found

    def owned(self, asked: str, caller: Identity, action: str) -> Entry:
        """Return a database, as `find` does, to somebody who owns it.

        Args:
            asked: Name or identity.
            caller: Who asks.
            action: For what, in a server's words.

        Raises:
            NotOwner: It belongs to somebody else.
        """
        entry = self.find(asked)
        if entry.database.owner != caller:
            database = entry.database
            raise NotOwner(caller.hex(), database.identity.hex(), action, database.owner.hex())
        return entry

    def owned_by(self, owner: Identity) -> list[Identity]:
        """Return the identities of somebody's databases."""
        with self._lock:
            return [entry.database.identity for entry in self._entries if entry.database.owner == owner]

    # Names

    def names(self, entry: Entry) -> list[str]:
        """Return the names of a database."""
        with self._lock:
            return [name for name, found in self._names.items() if found is entry]

    def add_name(self, entry: Entry, name: str) -> None:
        """Give a database another name.

        Raises:
            InvalidName: It is none.
            NameTaken: A database has it, be it this one.
        """
        check_name(name)
        with self._lock:
            if name in self._names:
                raise NameTaken(name)
            self._names[name] = entry

    def set_names(self, entry: Entry, names: Iterable[str]) -> None:
        """Give a database names in place of those that it has.

        Args:
            entry: The database.
            names: The names.

        Raises:
            InvalidName: One is none.
            NameTaken: A database has one of them, be it this one.
        """
        wanted = [check_name(name) for name in names]
        with self._lock:
            own = self.names(entry)
            for name in wanted:
                if name in self._names:
                    raise NameTaken(name)
            for name in own:
                del self._names[name]
            self._names.update(dict.fromkeys(wanted, entry))

    # Coming and going

    def add(self, database: Database) -> Entry:
        """Serve a database under its name; its schedules stay the business of whoever holds its clock.

        Raises:
            InvalidName: Its name is none.
            NameTaken: Another database has the name.
        """
        return self.enter(database, database.name, is_live=False)

    def enter(self, database: Database, name: str | None, is_live: bool) -> Entry:
        """Serve a database.

        Args:
            database: The database.
            name: Its name, None if it has none.
            is_live: Whether its schedules run by themselves, and it ends with the registry.

        Raises:
            InvalidName: The name is none.
            NameTaken: Another database has it.
        """
        entry = Entry(database, is_live)
        with self._lock:
            if name is not None:
                self.set_names(entry, [name])
                self._former.pop(name, None)
            self._entries.append(entry)
        entry.start()
        return entry

    def identity_for(self, name: str | None) -> Identity:
        """Return the identity of a database that is going to be made: the one that its name was given before, or a new one."""
        former = None if name is None else self._former.get(name)
        return former or Identity.derive(ISSUER, str(uuid.uuid4()))

    def reserve(self, name: str, identity: Identity) -> None:
        """Keep a name that no database has for an identity."""
        with self._lock:
            if name not in self._names:
                self._former[name] = identity

    def remove(self, database: Database) -> None:
        """Serve a database no longer, without ending it; does nothing if it is not served."""
        with self._lock:
            entry = next((entry for entry in self._entries if entry.database is database), None)
            if entry is None:
                return
            self._take_out(entry)
        entry.stop()

    def _take_out(self, entry: Entry) -> list[str]:
        names = self.names(entry)
        for name in names:
            del self._names[name]
        self._entries.remove(entry)
        return names

    def delete(self, asked: str, caller: Identity) -> None:
        """End a database and disconnect its clients; its names keep its identity.

        Does nothing if there is none; only older releases want to know the name.

        Raises:
            InvalidName: The text is neither name nor identity.
            NoSuchDatabase: No database ever had the name, in such a release.
            NotOwner: It belongs to somebody else.
        """
        with self._lock:
            try:
                entry = self.owned(asked, caller, "delete database")
            except NoSuchDatabase as error:
                if error.was_there or self.release.looks_late:
                    return
                raise
            self._former.update(dict.fromkeys(self._take_out(entry), entry.database.identity))
        entry.end()

    def close(self) -> None:
        """End what was published here, and serve nothing any more."""
        with self._lock:
            entries, self._entries = self._entries, []
            self._names.clear()
        for entry in entries:
            if entry.is_live:
                entry.end()
            else:
                entry.stop()


def is_identity(text: str) -> bool:
    """Return whether a text is an identity rather than a name."""
    return _IDENTITY.fullmatch(text) is not None
