"""An event that goes through the database to whoever listens."""

from __future__ import annotations

import asyncio

from application import persistence


async def main() -> None:
    async with persistence() as manager:
        heard = asyncio.Event()

        async def on_user_action(message) -> None:
            print("heard", message.type, message.data, "from", message.source)
            heard.set()

        manager.event_bus.register_handler("USER_ACTION", on_user_action)
        data = {"user_id": "ada", "action": "login"}
        event = await manager.publish_event("USER_ACTION", data, source="web_client")
        await asyncio.wait_for(heard.wait(), 5)
        print("stored", (await manager.client.get_event(event))["data"] == data)


if __name__ == "__main__":
    asyncio.run(main())
