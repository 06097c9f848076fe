"""The sockets of callers: how one is prepared, and one that many requests of an event loop share.

A ZeroMQ socket has a file descriptor that says "look at me" once, whatever there is to see: so whoever looks receives
until there is nothing left, and looks again after sending, which may have taken the sign away
(https://libzmq.readthedocs.io/en/latest/zmq_getsockopt.html, ZMQ_FD).
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

import zmq

from accounts.writer.bus.keys import secure_caller
from accounts.writer.bus.wire import BusReply, BusRequest, decode_reply, encode_request
from accounts.writer.limits import RESEND_SECONDS

SEND_QUEUE_MESSAGES_MAX: Final = 10_000


class Channel:
    """One socket of the running event loop; replies find their request by its id."""

    def __init__(self, endpoint: str, keys: Path | None) -> None:
        # Of the process's own context, which is never ended: a loop that goes away takes only its socket with it.
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        prepare(self._socket, endpoint, keys)
        self._waiting: dict[bytes, asyncio.Future[BusReply]] = {}
        asyncio.get_running_loop().add_reader(self._socket.getsockopt(zmq.FD), self._receive)

    async def ask(self, request: BusRequest, *, deadline_seconds: float) -> BusReply | None:
        """Return the reply, or None when the deadline passed without an answer."""
        loop = asyncio.get_running_loop()
        frames = encode_request(request)
        deadline = loop.time() + deadline_seconds
        try:
            while (left := deadline - loop.time()) > 0:
                answer = self._waiting[request.request_id] = loop.create_future()
                with suppress(zmq.Again):  # Nobody to send to: a writer that is away, or that does not let us in.
                    self._socket.send_multipart(frames, zmq.NOBLOCK)
                self._receive()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(RESEND_SECONDS, left)):
                        return await answer
            return None
        finally:
            self._waiting.pop(request.request_id, None)

    def _receive(self) -> None:
        """Give every reply that is there to who waits for it."""
        while has_message(self._socket):
            reply = decode_reply(self._socket.recv_multipart(zmq.NOBLOCK))
            answer = self._waiting.get(reply.request_id)
            if answer is not None and not answer.done():
                answer.set_result(reply)


def has_message(socket: "zmq.Socket[bytes]") -> bool:
    """Tell whether a message is there to be received at once."""
    return bool(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)


def prepare(socket: "zmq.Socket[bytes]", endpoint: str, keys: Path | None) -> None:
    """Connect a caller's socket; `keys` is the folder of its CURVE keys, for a writer that demands them."""
    if keys is not None:
        secure_caller(socket, keys)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, SEND_QUEUE_MESSAGES_MAX)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 200)
    socket.connect(endpoint)
