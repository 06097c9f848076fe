"""A WebSocket answers what it does not understand, and is closed with a code for what is too much."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.urls import path

from edge import sockets
from edge.sockets import LiveConsumer, NoSuchFeed

pytestmark = pytest.mark.django_db  # Channels closes the connections that other tests of this process left.

USER = SimpleNamespace(is_authenticated=True)


class Echo(LiveConsumer):
    async def begin(self, user):
        await self.send_json({"type": "snapshot"})

    async def message(self, message):
        if self.scope["path"] == "/broken":
            raise RuntimeError("planted")
        await self.send_json({"type": "snapshot"})


@asynccontextmanager
async def connected(application=None, *, at="/echo", user=USER):
    router = application or URLRouter([path("echo", Echo.as_asgi()), path("broken", Echo.as_asgi())])
    socket = ApplicationCommunicator(router, {"type": "websocket", "path": at, "headers": [], "user": user})
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output())["type"] == "websocket.accept"
    yield socket
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait()


async def answered(socket, **frame):
    await socket.send_input({"type": "websocket.receive", **frame})
    answer = await socket.receive_output()
    return json.loads(answer["text"]) if "text" in answer else answer


NONSENSE = {
    "no JSON": "hello",
    "nothing": "",
    "a list": "[]",
    "a number": "1",
    "no type": "{}",
    "a type of another kind": '{"type": 5}',
    "an unknown type": '{"type": "subscribe", "accounts": ["a"]}',
    "a name too many": '{"type": "resync", "all": true}',
    "nested": "[" * 4_000,
    "a huge number": "9" * 4_000,
    "not a number": '{"type": NaN}',
    "a lone surrogate": '{"type": "\\ud800!"}',
    "a byte order mark": '\ufeff{"type": "resync"}',
}


@pytest.mark.parametrize("text", NONSENSE.values(), ids=NONSENSE)
def test_a_frame_that_is_not_understood_is_answered_and_the_socket_stays_open(text):
    async def scenario():
        async with connected() as socket:
            await socket.receive_output()
            answer = await answered(socket, text=text)
            assert (answer["type"], answer["code"]) == ("error", "INVALID_MESSAGE")
            assert '{"type": "resync"}' in answer["message"]
            assert await answered(socket, text='{"type": "resync"}') == {"type": "snapshot"}

    asyncio.run(scenario())


def test_a_binary_frame_is_answered():
    async def scenario():
        async with connected() as socket:
            await socket.receive_output()
            assert (await answered(socket, bytes=b"\xff\x00"))["code"] == "INVALID_MESSAGE"

    asyncio.run(scenario())


def test_a_frame_that_is_too_large_closes_the_socket():
    async def scenario():
        async with connected() as socket:
            await socket.receive_output()
            assert await answered(socket, text="x" * 5_000) == {"type": "websocket.close", "code": 1009}
            await socket.send_input({"type": "websocket.receive", "text": "[]"})
            assert await socket.receive_nothing()

    asyncio.run(scenario())


def test_more_messages_than_a_socket_takes_close_it(monkeypatch):
    monkeypatch.setattr(sockets, "MESSAGES_PER_SECOND_MAX", 0)

    async def scenario():
        async with connected() as socket:
            await socket.receive_output()
            count = sockets.MESSAGES_AT_ONCE_MAX + 20
            for _ in range(count):
                await socket.send_input({"type": "websocket.receive", "text": '{"type": "resync"}'})
            answers = [await socket.receive_output() for _ in range(sockets.MESSAGES_AT_ONCE_MAX + 1)]
            assert answers[-1] == {"type": "websocket.close", "code": 4429}
            assert await socket.receive_nothing()

    asyncio.run(scenario())


def test_what_fails_in_here_closes_the_socket_with_a_code():
    async def scenario():
        async with connected(at="/broken") as socket:
            await socket.receive_output()
            assert await answered(socket, text='{"type": "resync"}') == {"type": "websocket.close", "code": 1011}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("user", "code"), [(USER, 4404), (SimpleNamespace(is_authenticated=False), 4401), (None, 4401)]
)
def test_a_path_without_a_feed_is_closed_with_a_code(user, code):
    async def scenario():
        async with connected(NoSuchFeed.as_asgi(), at="/ws/nothing", user=user) as socket:
            assert await socket.receive_output() == {"type": "websocket.close", "code": code}

    asyncio.run(scenario())
