"""The handler of HTTP: no thread for who needs none, the end signalled where the connections are, streams that end."""

import asyncio
import threading

import pytest
from django.core import signals
from django.http import HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from tradingplatform.handler import Handler

PARTS_SENT = []
ENDED = []


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


async def failing(request):
    raise RuntimeError("of this view")


urlpatterns = [path(view.__name__, view) for view in (blocking, free, endless, failing)]


def ask(view, *, leave_after=None):
    """Return what was sent for a request; the client leaves after so many messages."""

    async def main():
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

    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        return asyncio.run(main())


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
    assert (started, ends) == ([], [threading.main_thread()])


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
    assert (ENDED, len(ends)) == ([1], 1)


def test_a_view_that_fails_is_answered(ends):
    start, _ = ask(failing)
    assert (start["status"], len(ends)) == (500, 1)
