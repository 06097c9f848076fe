"""Django's ASGI handler without a thread for requests that need none.

Django sends its signals at the beginning and the end of every request on the request's own thread, which it starts for
that alone when the view is asynchronous: 0.5 ms of a command's time, measured. Here the end is signalled only if the
request used its thread, and there, and the beginning not at all: what listens closes old connections, and there are
none without the thread. Whether the client is still there is watched while a long answer is sent, not for every
command: what was sent to the writer happens anyway. The body is there as one message (edge/requests.py), and stays in
memory. Garbage is looked for after an answer (tradingplatform/interpreter.py), not in the middle of the next one.
"""

import asyncio
from contextlib import suppress
from io import BytesIO
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_finished
from django.http import HttpResponseBase
from django.urls import set_script_prefix

from edge.request_thread import end_request
from tradingplatform.interpreter import collect_garbage


class Handler(ASGIHandler):
    """Serves HTTP."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext() as context:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body = BytesIO(message["body"])
            response: HttpResponseBase | None = None
            try:
                set_script_prefix(get_script_prefix(scope))
                request, refused = self.create_request(scope, body)
                response = refused if request is None else await self.run_get_response(request)
                assert response is not None, "a request that cannot be made is refused"
                await self._send(response, receive, send)
            finally:
                had_thread = await end_request(context, response.close if response is not None else _finished)
                if response is not None and not had_thread:
                    _release(response)
                asyncio.get_running_loop().call_soon(collect_garbage)

    async def _send(self, response: HttpResponseBase, receive: Any, send: Any) -> None:
        if not response.streaming:
            await self.send_response(response, send)
            return
        sending = asyncio.create_task(self.send_response(response, send))
        watching = asyncio.create_task(self.listen_for_disconnect(receive))
        await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, sending):
            task.cancel()
        _, sent = await asyncio.gather(watching, sending, return_exceptions=True)
        if isinstance(sent, Exception):
            raise sent


def _release(response: Any) -> None:
    """Close what a response holds, as its own `close` does before it signals the end of its request."""
    for close in response._resource_closers:
        with suppress(Exception):
            close()
    response._resource_closers.clear()
    response.closed = True


def _finished() -> None:
    request_finished.send(sender=Handler)
