"""The handler of HTTP: no thread for who needs none, the end signalled where the connections are, streams that end."""

import asyncio
import threading
import time

import pytest
from asgiref.sync import sync_to_async
from django.core import signals
from django.http import HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from tradingplatform.web.handler import Handler

PARTS_SENT = []
ENDED = []
WORK, LATE, TASKS = [], [], []


def blocking(request):
    return HttpResponse(threading.current_thread().name)


async def free(request):
    return HttpResponse("free")


async def endless(request):
    async def parts():
        try:
            while True:
                PARTS_SENT.append(1)
                yield b"part"
                await asyncio.sleep(0.001)
        finally:
            ENDED.append(1)

    return StreamingHttpResponse(parts())


async def hasty(request):
    """Answers while tasks of it go on: one whose work is queued on the thread, one that asks for a thread later."""

    async def late():
        await asyncio.sleep(0.05)
        await sync_to_async(LATE.append)("later")

    await sync_to_async(WORK.append)("first")
    TASKS.extend(asyncio.create_task(each) for each in (sync_to_async(slow)(), late()))
    await asyncio.sleep(0)
    return HttpResponse("hasty")


def slow():
    time.sleep(0.02)
    WORK.append("queued")


async def failing(request):
    raise RuntimeError("of this view")


urlpatterns = [path(view.__name__, view) for view in (blocking, free, endless, hasty, failing)]


def ask(view, *, leave_after=None):
    """Return what was sent for a request; the client leaves after so many messages."""
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        return asyncio.run(answered(view, leave_after=leave_after))


async def answered(view, *, leave_after=None):
    sent, gone = [], asyncio.Event()
    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        message = next(requests, None)
        if message is None:
            await gone.wait()
            message = {"type": "http.disconnect"}
        return message

    async def send(message):
        sent.append(message)
        if len(sent) == leave_after:
            gone.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/{view.__name__}",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
    }
    await asyncio.wait_for(Handler()(scope, receive, send), 20)
    return sent


@pytest.fixture
def started(monkeypatch):
    names = []
    start = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: (names.append(thread.name), start(thread))[1])
    return names


@pytest.fixture
def ends():
    found = []

    def note(**_):
        found.append(threading.current_thread())

    signals.request_finished.connect(note)
    yield found
    signals.request_finished.disconnect(note)


def test_a_request_that_blocks_nobody_gets_no_thread(started, ends):
    start, body = ask(free)
    assert (start["status"], body["body"]) == (200, b"free")
    assert (started, ends) == ([], [])


def test_the_end_of_a_request_is_signalled_on_its_own_thread_where_its_connections_are(started, ends):
    start, body = ask(blocking)
    assert start["status"] == 200
    assert [name.partition("-")[0] for name in started if "join" not in name] == ["ThreadPoolExecutor"]
    assert [thread.name.encode() for thread in ends] == [body["body"]]
    assert ends != [threading.main_thread()]


def test_a_stream_ends_when_its_client_leaves(ends):
    PARTS_SENT.clear()
    ENDED.clear()
    sent = ask(endless, leave_after=5)
    assert 5 <= len(sent) <= 50
    assert (ENDED, ends) == ([1], [])


def test_no_work_comes_after_the_end_of_a_request_however_long_its_tasks_go_on(started, ends):
    async def main():
        await answered(hasty)
        order.extend([*WORK, "end"])
        return await asyncio.gather(*TASKS, return_exceptions=True)

    order = []
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        done, refused = asyncio.run(main())
    assert (order, LATE, len(ends)) == (["first", "queued", "end"], [], 1)
    assert (done, type(refused)) == (None, RuntimeError)
    assert len([name for name in started if "ThreadPool" in name]) == 1


def test_a_view_that_fails_is_answered(ends):
    start, _ = ask(failing)
    assert (start["status"], len(ends)) == (500, 1)
