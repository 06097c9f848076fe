"""A request's thread gives its connections back, and nothing comes after that on it."""

import asyncio
import threading

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections

from edge.request_thread import end_request, give_back_connections, on_another_thread


class Connection:
    """Notes on which thread it was opened and closed."""

    def __init__(self):
        self.open_on = set()

    def use(self):
        self.open_on.add(threading.get_ident())

    def close(self):
        self.open_on.discard(threading.get_ident())


@pytest.fixture
def connection(monkeypatch):
    made = Connection()
    monkeypatch.setattr(connections, "all", lambda **_: [made])
    return made


def run(work):
    async def main():
        async with ThreadSensitiveContext() as context:
            await work(context)

    asyncio.run(main())


def test_what_is_queued_beside_a_wait_leaves_no_connection_behind(connection):
    async def work(context):
        beside = [asyncio.create_task(sync_to_async(connection.use)()) for _ in range(3)]
        await sync_to_async(connection.use)()
        await give_back_connections()
        await asyncio.gather(*beside)
        assert connection.open_on == set()
        await sync_to_async(connection.use)()
        assert len(connection.open_on) == 1
        await end_request(context, connection.close)

    run(work)
    assert connection.open_on == set()


def test_after_the_end_no_thread_is_begun(connection):
    async def work(context):
        await end_request(context, connection.close)
        with pytest.raises(RuntimeError):
            await sync_to_async(connection.use)()
        await give_back_connections()

    run(work)
    assert connection.open_on == set()


def test_work_on_another_thread_leaves_no_connection_there_whatever_comes_of_it(connection):
    def fail():
        connection.use()
        raise ValueError("of this work")

    async def work(context):
        assert await on_another_thread(connection.use) is None
        with pytest.raises(ValueError, match="of this work"):
            await on_another_thread(fail)

    run(work)
    assert connection.open_on == set()
