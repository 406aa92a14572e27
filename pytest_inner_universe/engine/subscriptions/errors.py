"""Refusals that concern query sets and not what their queries say."""

from __future__ import annotations

from collections.abc import Hashable

from ..errors import EngineError
from ..release import NEWEST


class QuerySetRefused(EngineError):
    """A request about a query set that cannot be met.

    Args:
        client: Who asked.
        query_set_id: The set.
        title: What the imitated release of the server calls a query set.
    """

    def __init__(self, client: Hashable, query_set_id: int, title: str = NEWEST.query_set) -> None:
        super().__init__(client, query_set_id, title)
        self.client = client
        self.query_set_id = query_set_id
        self.title = title

    def _number_text(self) -> str:
        return f"{self.title} {{ id: {self.query_set_id} }}"

    def _client_text(self) -> str:
        identity = getattr(self.client, "identity", None)
        connection = getattr(self.client, "connection_id", None)
        if identity is None or connection is None:
            return str(self.client)
        return f"(Identity({identity.hex()}), ConnectionId({connection.hex()}))"


class QuerySetExists(QuerySetRefused):
    """The client has a live query set with this id."""

    @property
    def server_text(self) -> str:
        """The text that a real server sends."""
        return f"Subscription with id {self._number_text()} already exists for client: {self._client_text()}"

    def __str__(self) -> str:
        return f"query set {self.query_set_id} of this client is still alive: end it first, or take another id"


class NoSuchQuerySet(QuerySetRefused):
    """The client has no live query set with this id.

    Args:
        client: Who asked.
        query_set_id: The set.
        title: What the imitated release of the server calls a query set.
        is_known: Whether the client has ever had a query set.
    """

    def __init__(
        self, client: Hashable, query_set_id: int, title: str = NEWEST.query_set, is_known: bool = True
    ) -> None:
        super().__init__(client, query_set_id, title)
        self.is_known = is_known

    @property
    def server_text(self) -> str:
        """The text that a real server sends; it knows clients from their first query set on."""
        if not self.is_known:
            return f"Client not found: {self._client_text()}"
        return f"Subscription not found: ({self._client_text()}, {self._number_text()})"

    def __str__(self) -> str:
        return f"this client has no query set {self.query_set_id}"
