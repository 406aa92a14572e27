"""Entities and relations seen through named perspectives, as NERV's PerspectiveAware shows data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import ValidationError
from .paths import MISSING, lookup, parse_path
from .types import Row

Perspective = Callable[[Any], Any]


class PerspectiveAware:
    """Shows data through functions that have names.

    A name that is not known shows what the default perspective shows, and without a default the data itself. What a perspective
    gets is a copy: it may change it.

    Args:
        client: A connected `InnerUniverseClient`, for reading rows; None where only `view` is used.

    Example:
        >>> views = PerspectiveAware()
        >>> views.add_perspective("public", lambda row: {"name": row["metadata"]["name"]})
        >>> views.view({"metadata": {"name": "Ada", "tags": ["secret"]}}, "public")
        {'name': 'Ada'}
    """

    def __init__(self, client: Any = None) -> None:
        self.client = client
        self._perspectives: dict[str, Perspective] = {}
        self._default: str | None = None

    def add_perspective(self, name: str, perspective: Perspective) -> None:
        """Add a perspective, or replace the one of this name.

        Raises:
            ValidationError: It cannot be called, or the name is empty.
        """
        if not isinstance(name, str) or not name.strip() or not callable(perspective):
            raise ValidationError(f"a perspective is a name and a function, got {name!r} and {perspective!r}")
        self._perspectives[name] = perspective

    def remove_perspective(self, name: str) -> bool:
        """Remove a perspective; return whether there was one. If it was the default, there is none afterwards."""
        if self._default == name:
            self._default = None
        return self._perspectives.pop(name, None) is not None

    def set_default_perspective(self, name: str | None) -> None:
        """Choose what is shown where no perspective is named; None for the data itself.

        Raises:
            ValueError: There is no such perspective.
        """
        if name is not None and name not in self._perspectives:
            known = ", ".join(self._perspectives) or "none"
            raise ValidationError(f"there is no perspective {name!r}; known: {known}")
        self._default = name

    def get_available_perspectives(self) -> list[str]:
        """Return the names of the perspectives, in the order in which they came."""
        return list(self._perspectives)

    def view(self, data: Any, perspective: str | None = None) -> Any:
        """Show data through a perspective."""
        import copy

        chosen = self._perspectives.get(perspective or "") or self._perspectives.get(self._default or "")
        return data if chosen is None else chosen(copy.deepcopy(data))

    async def get_entity(self, entity_id: str, perspective: str | None = None) -> Any:
        """Read an entity and show it; see `InnerUniverseClient.get_entity`."""
        return self.view(await self.client.get_entity(entity_id), perspective)

    async def get_relation(self, relation_id: str, perspective: str | None = None) -> Any:
        """Read a relation and show it; see `InnerUniverseClient.get_relation`."""
        return self.view(await self.client.get_relation(relation_id), perspective)

    async def query_entities(self, *arguments: Any, perspective: str | None = None, **options: Any) -> list[Any]:
        """Find entities and show each; arguments as for `InnerUniverseClient.query_entities`."""
        return self._all(await self.client.query_entities(*arguments, **options), perspective)

    async def query_relations(self, *arguments: Any, perspective: str | None = None, **options: Any) -> list[Any]:
        """Find relations and show each; arguments as for `InnerUniverseClient.query_relations`."""
        return self._all(await self.client.query_relations(*arguments, **options), perspective)

    def _all(self, rows: list[Row], perspective: str | None) -> list[Any]:
        return [self.view(row, perspective) for row in rows]


def fields(*names: str) -> Perspective:
    """Return a perspective that shows some fields of a row, by their paths as filters have them; those that are absent are left out.

    Raises:
        ValidationError: A path is none.

    Example:
        >>> fields("id", "metadata.name")({"id": "e-1", "metadata": {"name": "Ada", "tags": []}})
        {'id': 'e-1', 'metadata.name': 'Ada'}
    """
    paths = {name: parse_path(name) for name in names}

    def show(row: Any) -> dict[str, Any]:
        found = ((name, lookup(row, path)) for name, path in paths.items())
        return {name: value for name, value in found if value is not MISSING}

    return show
