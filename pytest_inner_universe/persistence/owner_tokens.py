"""The tokens by which a controller owns the databases that it publishes, kept from one run to the next.

They lie in the folder of the server's data, which holds the server's own signing keys as well: whoever can read the one can
make the other.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from .errors import ControllerError

FILE = "owner-tokens.json"
OWN = "own"
"""Stands for the server whose data is in the folder."""


class OwnerTokens:
    """Tokens by server, in one file that only its user may read.

    Args:
        folder: Where the file is, made when it is first written.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.file = Path(folder) / FILE

    def get(self, server: str) -> str | None:
        """Return the token for a server, None if there is none.

        Raises:
            ControllerError: The file is no such file.
        """
        found = self._read().get(server)
        return found if isinstance(found, str) else None

    def keep(self, server: str, token: str) -> None:
        """Write a token down in place of an older one.

        Raises:
            ControllerError: The file cannot be written.
        """
        self._write({**self._read(), server: token})

    def forget(self, server: str) -> None:
        """Strike the token for a server out; the file goes with the last one.

        Raises:
            ControllerError: The file cannot be written.
        """
        found = self._read()
        if found.pop(server, None) is None:
            return
        if found:
            self._write(found)
        else:
            self.file.unlink(missing_ok=True)

    def _write(self, tokens: dict[str, object]) -> None:
        new = self.file.with_suffix(".new")
        text = json.dumps(tokens, indent=2)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
                stream.write(text)
            new.replace(self.file)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            raise ControllerError(f"the owner's token cannot be kept in {self.file}: {error.strerror}") from error

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ControllerError(f"the owners' tokens in {self.file} cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise ControllerError(f"the owners' tokens in {self.file} cannot be read: it holds no JSON object")
        return found
