"""A state, what changes in it, and the state after that."""

from __future__ import annotations

import asyncio

from application import persistence


async def main() -> None:
    async with persistence() as manager:
        store = manager.temporal_store
        first = await store.commit_version({"data": {"items": [1, 2, 3], "count": 3}}, "Initial state", snapshot=True)
        await store.record_delta(
            version_id=first,
            operations=[
                {"type": "insert", "path": "data.items", "index": 3, "value": 4},
                {"type": "set", "path": "data.count", "value": 4},
            ],
            description="One more item",
        )
        await manager.commit_version({"data": {"items": [1, 2, 3, 4], "count": 4}}, "Updated state")

        current = await store.get_current_version()
        print("current", current["description"], current["parent_version_id"] == first)
        # The second state was never stored: the first one and the delta lead to it, as its hash proves.
        print("state", await store.get_state())


if __name__ == "__main__":
    asyncio.run(main())
