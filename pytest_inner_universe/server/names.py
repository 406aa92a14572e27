"""Names of databases that tell to which run they belong."""

from __future__ import annotations

import itertools
import re
import secrets

from .errors import ForeignDatabase, InvalidName

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_IDENTITY = re.compile(r"[0-9a-f]{64}")


class DatabaseNames:
    """Makes names that no other database has: of no other run, process, or server object.

    Args:
        run_id: Id of the run.
        prefix: Start of all names, before the run's id.
    """

    def __init__(self, run_id: str, prefix: str = "iu") -> None:
        self.run_prefix = f"{check_name(prefix)}-{run_id}-"
        self._maker = secrets.token_hex(3)
        self._numbers = itertools.count(1)

    def new(self, name: str) -> str:
        """Return a new name.

        Args:
            name: What it should tell a reader.

        Raises:
            InvalidName: Names cannot hold that text.
        """
        return f"{self.run_prefix}{check_name(name)}-{self._maker}-{next(self._numbers)}"

    def check_ours(self, action: str, name: str) -> None:
        """Raise `ForeignDatabase` if a database is not of this run; `action` is what was going to be done to it."""
        if not name.startswith(self.run_prefix):
            raise ForeignDatabase(action, name, self.run_prefix)


def check_name(name: str) -> str:
    """Return a text that is, or can be part of, a database's name.

    Raises:
        InvalidName: It cannot.
    """
    if not _NAME.fullmatch(name) or _IDENTITY.fullmatch(name):
        raise InvalidName(name)
    return name
