"""The bus to a writer process over ZeroMQ.

A caller sends its request and waits; while the writer is silent it asks again with the same ids, and at the deadline it
answers OUTCOME_UNKNOWN. That is safe because the store remembers command ids for far longer.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import zmq

from accounts.writer.bus.keys import secure_caller
from accounts.writer.bus.wire import BusReply, BusRequest, decode_reply, encode_request
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, NotExecuted, Result, SystemCode
from accounts.writer.limits import COMMAND_DEADLINE_SECONDS, REQUEST_COMMANDS_MAX, RESEND_SECONDS
from accounts.writer.metrics import WriterStatus
from accounts.writer.outcomes import BatchResults, said_elsewhere

SEND_QUEUE_MESSAGES_MAX: Final = 10_000


class Channel:
    """One socket of the running event loop, shared by many requests; replies find theirs by its id.

    A ZeroMQ socket has a file descriptor that says "look at me" once, whatever there is to see: so whoever looks
    receives until there is nothing left, and looks again after sending, which may have taken the sign away
    (https://libzmq.readthedocs.io/en/latest/zmq_getsockopt.html, ZMQ_FD).
    """

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


class _Channels(NamedTuple):
    """The two ways to a writer: what is sent on one arrives in its order, so a single command has one without bulk."""

    single: Channel
    bulk: Channel


class ZeroMQBus:
    """Sends commands to the writer that listens at `endpoint` ("ipc:///path" or "tcp://host:port")."""

    def __init__(
        self, endpoint: str, *, keys: Path | None = None, deadline_seconds: float = COMMAND_DEADLINE_SECONDS
    ) -> None:
        """`keys` is the folder of the caller's CURVE keys, for a writer that demands them."""
        self._endpoint = endpoint
        self._keys = keys
        self._deadline_seconds = deadline_seconds
        self._channels: WeakKeyDictionary[asyncio.AbstractEventLoop, _Channels] = WeakKeyDictionary()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return self._results(envelopes, self._ask_now(_request(AccountCommands.of(envelopes))))

    def status(self) -> WriterStatus | None:
        """Return the writer's figures, None when it does not answer in time."""
        reply = self._ask_now(BusRequest(uuid.uuid4().bytes, False, False, AccountCommands.of([])))
        return None if reply is None else reply.status

    def _ask_now(self, request: BusRequest) -> BusReply | None:
        frames = encode_request(request)
        deadline = time.monotonic() + self._deadline_seconds
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        try:
            prepare(socket, self._endpoint, self._keys)
            while (left := deadline - time.monotonic()) > 0:
                with suppress(zmq.Again):  # Nobody to send to: a writer that is away, or that does not let us in.
                    socket.send_multipart(frames, zmq.NOBLOCK)
                until = time.monotonic() + min(RESEND_SECONDS, left)
                while (wait := until - time.monotonic()) > 0:
                    if socket.poll(max(1, int(wait * 1_000))):
                        reply = decode_reply(socket.recv_multipart())
                        if reply.request_id == request.request_id:
                            return reply
        finally:
            socket.close()
        return None

    async def asubmit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return self._results(envelopes, await self._ask(_request(AccountCommands.of(envelopes))))

    async def asubmit_batch(self, commands: AccountCommands) -> BatchResults:
        reply = await self._ask(_request(commands, is_brief=True))
        if reply is None or reply.batch is None:
            identities = [(commands.aggregate_id(place), commands.command_id(place)) for place in range(len(commands))]
            return said_elsewhere(_unknown(identities, self._deadline_seconds))
        return reply.batch

    def _results(self, envelopes: Sequence[Envelope], reply: BusReply | None) -> list[Result]:
        if reply is None or reply.results is None:
            return [*_unknown([(of.account_id, of.command_id) for of in envelopes], self._deadline_seconds)]
        return reply.results

    async def _ask(self, request: BusRequest) -> BusReply | None:
        loop = asyncio.get_running_loop()
        channels = self._channels.get(loop)
        if channels is None:
            channels = self._channels[loop] = _Channels(*(Channel(self._endpoint, self._keys) for _ in range(2)))
        channel = channels.bulk if request.is_bulk else channels.single
        return await channel.ask(request, deadline_seconds=self._deadline_seconds)


def _request(commands: AccountCommands, *, is_brief: bool = False) -> BusRequest:
    count = len(commands)
    if not 1 <= count <= REQUEST_COMMANDS_MAX:
        raise ValueError(f"a request carries 1 to {REQUEST_COMMANDS_MAX:,} commands, found {count:,}: split it")
    return BusRequest(uuid.uuid4().bytes, count > 1, is_brief, commands)


def _unknown(identities: Sequence[tuple[str, str]], waited_seconds: float) -> list[NotExecuted]:
    message = (
        f"the writer did not answer for {waited_seconds:g} s; the command may or may not have been executed: "
        "ask again with the same command id"
    )
    return [NotExecuted(*identity, SystemCode.OUTCOME_UNKNOWN.value, message) for identity in identities]


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
