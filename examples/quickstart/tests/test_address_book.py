"""The application against a real module, and its watchers against a subscription."""

import pytest
from address_book import AddressBook

pytestmark = pytest.mark.asyncio


@pytest.fixture
def book(universe_client):
    return AddressBook(universe_client)


async def test_adults_are_found(book):
    await book.add("Ada", 36)
    await book.add("Byron", 8)

    assert await book.adults() == ["Ada"]


async def test_acquaintances_are_mutual(book):
    ada, charles = await book.add("Ada", 36), await book.add("Charles", 43)
    await book.introduce(ada, charles)

    assert await book.acquaintances(ada) == ["Charles"]
    assert await book.acquaintances(charles) == ["Ada"]


async def test_changes_arrive_through_a_subscription(book, universe_client):
    seen = []
    await universe_client.subscribe_entity_changes(lambda change, row: seen.append((change, row["metadata"]["name"])))

    ada = await book.add("Ada", 36)
    await universe_client.delete_entity(ada)

    assert seen == [("INSERTED", "Ada"), ("DELETED", "Ada")]


async def test_another_client_sees_the_same_rows(book, universe_connect):
    async with universe_connect() as other:
        await other.subscribe("SELECT * FROM entity")
        await book.add("Ada", 36)
        await other.wait_for(lambda: other.tables["entity"].count == 1, timeout=5)

        (row,) = other.tables["entity"].rows()
        assert row["metadata"]["name"] == "Ada"


async def test_code_that_only_passes_things_on_needs_no_database(mock_inner_universe):
    book = AddressBook(mock_inner_universe)

    assert await book.add("Ada", 36) == "mock-entity-id"
    mock_inner_universe.create_entity.assert_awaited_once()
