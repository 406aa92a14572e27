"""Encryption of properties and stored states by the client, for what a server must not be able to read.

A database keeps rows as it gets them. With this, properties of entities and relations and the stored states of versions leave
the client sealed, and nobody without the key reads them: not the server, not a subscriber, not a backup. What stays readable:
ids, types, names, descriptions, tags, times, events' data, deltas, and how long what is sealed is.

Sealing is AES-SIV (RFC 5297): the same value in the same row is the same text each time, so that a repeated call still has no
second effect; in another row it is another text, and moved there it does not open.
"""

from __future__ import annotations

import base64
import binascii
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from . import canonical_json
from .errors import ValidationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

SEALED = "$sealed"
"""The only key of properties that are sealed."""
SEALED_ENCODING = "+sealed"
"""What the encoding of a stored state ends with where it is sealed."""
_SIZES = (32, 48, 64)


class Unreadable(Exception):
    """What is sealed cannot be opened: the key is not known, or it was changed, or moved from another row."""


class KeyProvider(Protocol):
    """Where keys come from: a file, an environment, a vault."""

    @abstractmethod
    def current(self) -> str:
        """Return the name of the key to seal with."""

    @abstractmethod
    def key(self, name: str) -> bytes:
        """Return a key of 32, 48 or 64 bytes; a LookupError where it is not known."""


class Keys:
    """Keys by name, the last one being the current one: to change keys, add one at the end, and keep the others for reading.

    Args:
        keys: 32, 48 or 64 bytes for each name.

    Raises:
        ValidationError: There is none, or one has another length.

    Example:
        >>> Keys({"2026": bytes(64)})
        <Keys 2026>
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        problems = [] if self._keys else ["there is no key"]
        problems += [_wrong_size(name, key) for name, key in self._keys.items() if len(key) not in _SIZES]
        if problems:
            raise ValidationError(problems, "keys")

    def __repr__(self) -> str:
        return f"<Keys {', '.join(self._keys)}>"

    def current(self) -> str:
        """Return the name of the last key."""
        return next(reversed(self._keys))

    def key(self, name: str) -> bytes:
        """Return a key.

        Raises:
            KeyError: There is none of this name.
        """
        return self._keys[name]


class Encryption:
    """Seals texts with the current key, and opens them with the key that they name.

    Args:
        keys: Where keys come from.

    Example:
        >>> encryption = Encryption(Keys({"2026": bytes(64)}))
        >>> sealed = encryption.seal_properties('{"iban":"DE02"}', "entity/ada")
        >>> encryption.open_properties({"$sealed": {"data": "x", "key": "2025"}}, "entity/ada")
        Traceback (most recent call last):
        pytest_inner_universe.persistence.encryption.Unreadable: there is no key '2025'
    """

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys
        self._ciphers: dict[str, AESSIV] = {}

    def seal_properties(self, text: str, place: str) -> str:
        """Return the JSON text to store for the canonical JSON of properties.

        Args:
            text: The JSON.
            place: Which row they belong to.
        """
        name, data = self._seal(text, place)
        return canonical_json.dumps({SEALED: {"key": name, "data": data}})

    def open_properties(self, properties: Mapping[str, Any], place: str) -> dict[str, Any]:
        """Return properties as they were given; those that are not sealed as they are.

        Raises:
            Unreadable: They cannot be opened.
        """
        if SEALED not in properties:
            return dict(properties)
        match properties:
            case {"$sealed": {"key": str(name), "data": str(data), **others}} if not others and len(properties) == 1:
                opened: dict[str, Any] = canonical_json.loads(self._open(name, data, place), "properties")
                return opened
        raise Unreadable(f"what is under {SEALED!r} is not what was sealed")

    def seal_state(self, encoding: str, data: str, place: str) -> tuple[str, str]:
        """Return encoding and data to store for a state's."""
        name, sealed = self._seal(data, place)
        return encoding + SEALED_ENCODING, f"{name}:{sealed}"

    def open_state(self, encoding: str, data: str, place: str) -> tuple[str, str]:
        """Return a state's encoding and data; of one that is not sealed as they are.

        Raises:
            Unreadable: It cannot be opened.
        """
        if not encoding.endswith(SEALED_ENCODING):
            return encoding, data
        name, _, sealed = data.rpartition(":")
        return encoding.removesuffix(SEALED_ENCODING), self._open(name, sealed, place)

    def _seal(self, text: str, place: str) -> tuple[str, str]:
        name = self._keys.current()
        try:
            cipher = self._cipher(name)
        except LookupError:
            raise ValidationError(
                f"the current key is {name!r}, and the key provider has no key of this name"
            ) from None
        return name, base64.b64encode(cipher.encrypt(text.encode(), [place.encode()])).decode()

    def _open(self, name: str, data: str, place: str) -> str:
        from cryptography.exceptions import InvalidTag

        try:
            cipher = self._cipher(name)
        except LookupError:
            raise Unreadable(f"there is no key {name!r}") from None
        try:
            return cipher.decrypt(base64.b64decode(data, validate=True), [place.encode()]).decode()
        except InvalidTag:
            raise Unreadable(f"it was not sealed with key {name!r}, or not in this row") from None
        except (binascii.Error, ValueError) as error:
            raise Unreadable(f"it is damaged: {error}") from None

    def _cipher(self, name: str) -> AESSIV:
        if name not in self._ciphers:
            from cryptography.hazmat.primitives.ciphers.aead import AESSIV

            key = self._keys.key(name)
            if len(key) not in _SIZES:
                raise ValidationError(_wrong_size(name, key))
            self._ciphers[name] = AESSIV(key)
        return self._ciphers[name]


def _wrong_size(name: str, key: bytes) -> str:
    return f"key {name!r} has {len(key)} bytes; 32, 48 or 64 are needed, 64 being AES-256"
