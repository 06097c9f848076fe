"""The thread of a request: Django's views and queries run on it, and it holds the request's database connection.

A connection comes from a pool and goes back when it is closed on the thread that took it. A thread that ends without
that takes its connection along, and the pool is one smaller until the process ends. So a thread has a last piece of
work, which closes, and nothing comes after it: neither what is queued already (it comes before) nor what a task asks
for that the request began and did not wait for (it gets another thread, or none once the request is over).
"""

import asyncio
import contextvars
from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

T = TypeVar("T")


async def give_back_connections() -> None:
    """Close this request's connections and end its thread; the request gets others when it goes on."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is not None:
        await _end_thread(context, close_connections)


async def end_request(context: ThreadSensitiveContext, close: Callable[[], object]) -> bool:
    """Call `close` as the last work on the request's thread; False when it has none. No thread is begun after it.

    What a task that outlived its request asks of the database then raises RuntimeError.
    """
    context._exited = True
    return await _end_thread(context, close)


async def on_another_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns, done beside the request's own thread; its connections go back right after it."""
    return await sync_to_async(giving_back_connections, thread_sensitive=False)(work)


def giving_back_connections(work: Callable[[], T]) -> T:
    """Return what `work` returns; its thread's connections go back right after it."""
    try:
        return work()
    finally:
        close_connections()


async def _end_thread(context: ThreadSensitiveContext, last: Callable[[], object]) -> bool:
    executor = SyncToAsync.context_to_thread_executor.pop(context, None)
    if executor is None:
        return False
    try:
        await asyncio.get_running_loop().run_in_executor(executor, contextvars.copy_context().run, last)
    finally:
        executor.shutdown(wait=False)
    return True


def close_connections() -> None:
    """Give back the connections of this thread; it gets others when it asks again. Not within a transaction."""
    for each in connections.all(initialized_only=True):
        each.close()
