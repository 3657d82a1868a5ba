"""An echoing WebSocket server and a client that talks to it, with the websockets library: `serve`, `talk PORT`."""

import asyncio
import os
import sys

import websockets


async def echo(connection, *_):
    async for message in connection:
        await connection.send(message)


async def serve() -> None:
    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.sleep(120)


async def talk(port: int) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{port}/chat") as connection:
        for i in range(100):
            message = os.urandom(i * 1000) if i % 2 else f"message {i}"
            await connection.send(message)
            assert await connection.recv() == message
    print("echoed 100")


asyncio.run(serve() if sys.argv[1] == "serve" else talk(int(sys.argv[2])))
