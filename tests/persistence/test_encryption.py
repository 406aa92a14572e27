"""Properties and stored states that only who has the key can read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from pytest_inner_universe.persistence import (
    CorruptDataError,
    Encryption,
    InnerUniverseClient,
    Keys,
    SpacetimeTemporalStore,
    ValidationError,
)
from pytest_inner_universe.persistence.canonical_json import dumps
from pytest_inner_universe.persistence.encryption import Unreadable
from pytest_inner_universe.testing.universe import Universe

OLD, NEW = Keys({"2025": bytes(32)}), Keys({"2025": bytes(32), "2026": bytes(range(64))})
SECRET = {"iban": "DE02"}


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-9, 9) | st.text()), st.text(), st.text())
def test_what_is_sealed_opens_in_its_place_alone(properties: dict[str, Any], place: str, other: str) -> None:
    encryption, text = Encryption(NEW), dumps(properties)
    sealed = encryption.seal_properties(text, place)
    assert encryption.seal_properties(text, place) == sealed
    stored = Encryption(NEW).open_properties({"$sealed": _sealed_of(sealed)}, place)
    assert stored == properties
    if other != place:
        assert encryption.seal_properties(text, other) != sealed
        with pytest.raises(Unreadable, match=r"^it was not sealed with key '2026', or not in this row$"):
            encryption.open_properties({"$sealed": _sealed_of(sealed)}, other)


def _sealed_of(text: str) -> Any:
    return json.loads(text)["$sealed"]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"$sealed": {"key": "2025"}}, "what is under '$sealed' is not what was sealed"),
        ({"$sealed": {"key": "2025", "data": "", "x": 1}}, "what is under '$sealed' is not what was sealed"),
        ({"$sealed": {"key": "2025", "data": ""}, "x": 1}, "what is under '$sealed' is not what was sealed"),
        ({"$sealed": {"key": "2025", "data": "AAAA"}}, "it was not sealed with key '2025', or not in this row"),
        ({"$sealed": {"key": "1999", "data": "AAAA"}}, "there is no key '1999'"),
    ],
)
def test_what_does_not_open(properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        Encryption(NEW).open_properties(properties, "entity/a")
    assert str(caught.value) == reason


def test_what_is_no_base64_does_not_open() -> None:
    with pytest.raises(Unreadable, match=r"^it is damaged: "):
        Encryption(NEW).open_properties({"$sealed": {"key": "2025", "data": "!"}}, "entity/a")


def test_keys_are_checked() -> None:
    with pytest.raises(ValidationError, match=r"^there is no key$"):
        Keys({})
    with pytest.raises(ValidationError) as caught:
        Keys({"a": b"short"})
    assert str(caught.value) == "key 'a' has 5 bytes; 32, 48 or 64 are needed, 64 being AES-256"
    assert repr(NEW) == "<Keys 2025, 2026>"


class Vault:
    """A provider with one key, whatever it says that its current one is."""

    def __init__(self, key: bytes, current: str) -> None:
        self._key, self._current = key, current

    def current(self) -> str:
        return self._current

    def key(self, name: str) -> bytes:
        return {"a": self._key}[name]


def test_a_provider_without_its_current_key_is_told_of() -> None:
    with pytest.raises(ValidationError) as caught:
        Encryption(Vault(bytes(32), "b")).seal_properties("{}", "entity/a")
    assert str(caught.value) == "the current key is 'b', and the key provider has no key of this name"


def test_a_key_of_the_wrong_size_is_not_taken_for_damage() -> None:
    encryption = Encryption(Vault(b"short", "a"))
    for act in (
        lambda: encryption.seal_properties("{}", "entity/a"),
        lambda: encryption.open_properties({"$sealed": {"key": "a", "data": "AAAA"}}, "entity/a"),
    ):
        with pytest.raises(ValidationError) as caught:
            act()
        assert str(caught.value) == "key 'a' has 5 bytes; 32, 48 or 64 are needed, 64 being AES-256"


def client_with(universe: Universe, keys: Keys | None) -> InnerUniverseClient:
    encryption = None if keys is None else Encryption(keys)
    return InnerUniverseClient(transport=universe.transport(None), definition=universe.schema, encryption=encryption)


@pytest_asyncio.fixture
async def sealing(universe: Universe) -> AsyncIterator[InnerUniverseClient]:
    async with client_with(universe, NEW) as client:
        yield client


@pytest.mark.asyncio
async def test_who_has_the_key_reads_what_was_given(sealing: InnerUniverseClient, universe: Universe) -> None:
    told: list[Any] = []
    await sealing.subscribe_entity_changes(lambda kind, row: told.append((kind, row["metadata"]["properties"])))
    await sealing.create_entity("Person", {"name": "Ada", "properties": SECRET}, entity_id="ada")
    await sealing.create_entities([{"entity_type": "Person", "metadata": {"properties": SECRET}, "id": "bo"}])
    await sealing.create_relation("ada", "bo", "KNOWS", {"properties": SECRET}, relation_id="r")
    await sealing.create_relations(
        [{"from_entity": "ada", "to_entity": "bo", "relation_type": "KNOWS", "metadata": {"properties": SECRET}}]
    )
    await sealing.update_entity("bo", {"properties": {"iban": "AT61"}})
    await sealing.update_relation("r", {"properties": {"iban": "AT61"}})
    assert (await sealing.get_entity("ada"))["metadata"] == {
        "name": "Ada",
        "description": None,
        "tags": [],
        "properties": SECRET,
    }
    assert (await sealing.get_entity_with_cache("bo"))["metadata"]["properties"] == {"iban": "AT61"}
    assert (await sealing.get_relation("r"))["metadata"]["properties"] == {"iban": "AT61"}
    assert told == [("INSERTED", SECRET), ("INSERTED", SECRET), ("UPDATED", {"iban": "AT61"})]
    own = [{"field": "metadata.properties.iban", "operator": "EQUALS", "value": "DE02"}]
    assert [row["id"] for row in await sealing.query_entities(filters=own)] == ["ada"]
    stored = [row["metadata"]["properties"] for row in (*universe.rows("entity"), *universe.rows("relation"))]
    assert all(text.startswith('{"$sealed":{"data":"') for text in stored)
    events = "".join(row["data"] for row in universe.rows("event_log"))
    assert "DE02" not in events
    assert "AT61" not in events


@pytest.mark.asyncio
async def test_the_same_call_again_has_no_second_effect(sealing: InnerUniverseClient) -> None:
    for _ in range(2):
        await sealing.create_entity("Person", {"properties": SECRET}, entity_id="ada")
    assert len(await sealing.query_entities()) == 1


@pytest.mark.asyncio
async def test_who_has_no_key_sees_what_is_stored(sealing: InnerUniverseClient, universe: Universe) -> None:
    await sealing.create_entity("Person", {"properties": SECRET}, entity_id="ada")
    async with client_with(universe, None) as other:
        properties = (await other.get_entity("ada"))["metadata"]["properties"]
        assert list(properties) == ["$sealed"]
        assert properties["$sealed"]["key"] == "2026"


@pytest.mark.asyncio
async def test_keys_change_and_rows_stay_readable(universe: Universe) -> None:
    async with client_with(universe, OLD) as before:
        await before.create_entity("Person", {"properties": SECRET}, entity_id="old")
    async with client_with(universe, None) as plain:
        await plain.create_entity("Person", {"properties": SECRET}, entity_id="plain")
    async with client_with(universe, NEW) as after:
        await after.create_entity("Person", {"properties": SECRET}, entity_id="new")
        found = await after.query_entities()
        assert {row["id"]: row["metadata"]["properties"] for row in found} == dict.fromkeys(
            ("old", "plain", "new"), SECRET
        )
    async with client_with(universe, OLD) as late:
        for read in (late.get_entity, late.get_entity_with_cache):
            with pytest.raises(CorruptDataError) as caught:
                await read("new")
            assert str(caught.value) == "row new of entity cannot be read: sealed, and there is no key '2026'"


@pytest.mark.asyncio
async def test_a_row_that_was_moved_does_not_open(sealing: InnerUniverseClient, universe: Universe) -> None:
    await sealing.create_entity("Person", {"properties": SECRET}, entity_id="ada")
    async with client_with(universe, None) as other:
        stolen = (await other.get_entity("ada"))["metadata"]
        await other.create_entity("Person", stolen, entity_id="eve")
    with pytest.raises(CorruptDataError) as caught:
        await sealing.get_entity("eve")
    assert (
        str(caught.value)
        == "row eve of entity cannot be read: sealed, and it was not sealed with key '2026', or not in this row"
    )


@pytest.mark.asyncio
async def test_stored_states(sealing: InnerUniverseClient, universe: Universe) -> None:
    store = SpacetimeTemporalStore(sealing)
    state = {"accounts": ["DE02"] * 300}
    version = await store.commit_version(state, "first", snapshot=True)
    assert await SpacetimeTemporalStore(sealing).get_state(version) == state
    (stored,) = universe.rows("state_snapshot")
    assert stored["encoding"] == "json+zlib+base64+sealed"
    assert stored["data"].startswith("2026:")
