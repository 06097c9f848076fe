"""Sockets while a server is away: closed with the code that says to come again, accepted first where that is needed."""

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from edge.sockets import TryAgainLater


def socket(*, steps, error):
    """A socket whose application receives, accepts and closes as the steps say, and then fails."""

    async def application(scope, receive, send):
        for step in steps:
            if step == "receive":
                await receive()
            else:
                await send({"type": step})
        raise error

    communicator = ApplicationCommunicator(TryAgainLater(application), {"type": "websocket"})
    return communicator


@pytest.mark.parametrize(
    "error", [OperationalError("gone"), RedisConnectionError("gone"), ConnectionResetError("gone")]
)
@pytest.mark.parametrize("steps", [[], ["receive"], ["receive", "websocket.accept"]])
def test_it_is_closed_with_try_again_later(steps, error):
    async def scenario():
        connection = socket(steps=steps, error=error)
        await connection.send_input({"type": "websocket.connect"})
        assert await connection.receive_output() == {"type": "websocket.accept"}
        assert await connection.receive_output() == {"type": "websocket.close", "code": 1013}
        await connection.wait()

    async_to_sync(scenario)()


def test_one_that_is_closed_already_is_not_closed_again():
    async def scenario():
        connection = socket(steps=["receive", "websocket.accept", "websocket.close"], error=OperationalError("gone"))
        await connection.send_input({"type": "websocket.connect"})
        for expected in ("websocket.accept", "websocket.close"):
            assert (await connection.receive_output())["type"] == expected
        assert await connection.receive_nothing()
        await connection.wait()

    async_to_sync(scenario)()


def test_a_fault_of_our_own_is_not_hidden():
    async def scenario():
        connection = socket(steps=[], error=ValueError("a fault"))
        with pytest.raises(ValueError, match="a fault"):
            await connection.wait()

    async_to_sync(scenario)()
