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
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import zmq

from accounts.application.bus.channel import Channel, prepare
from accounts.application.bus.wire import BusReply, BusRequest, decode_reply, encode
from accounts.application.envelope import BriefResult, Envelope, NotExecuted, Result
from accounts.application.errors import SystemCode
from accounts.application.limits import COMMAND_DEADLINE_SECONDS, REQUEST_COMMANDS_MAX, RESEND_SECONDS
from accounts.application.metrics import WriterStatus


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
        reply = self._ask_now(_request(envelopes))
        if reply is None:
            return [*_unknown(envelopes, self._deadline_seconds)]
        results: list[Any] = reply.results
        return results

    def status(self) -> WriterStatus | None:
        """Return the writer's figures, None when it does not answer in time."""
        reply = self._ask_now(BusRequest(uuid.uuid4().bytes, is_bulk=False, envelopes=[]))
        return None if reply is None else reply.status

    def _ask_now(self, request: BusRequest) -> BusReply | None:
        message = encode(request)
        deadline = time.monotonic() + self._deadline_seconds
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        try:
            prepare(socket, self._endpoint, self._keys)
            while (left := deadline - time.monotonic()) > 0:
                with suppress(zmq.Again):  # Nobody to send to: a writer that is away, or that does not let us in.
                    socket.send(message, zmq.NOBLOCK)
                until = time.monotonic() + min(RESEND_SECONDS, left)
                while (wait := until - time.monotonic()) > 0:
                    if socket.poll(max(1, int(wait * 1_000))):
                        reply = decode_reply(socket.recv())
                        if reply.request_id == request.request_id:
                            return reply
        finally:
            socket.close()
        return None

    async def asubmit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        results: list[Any] | None = await self._ask(_request(envelopes))
        return [*_unknown(envelopes, self._deadline_seconds)] if results is None else results

    async def asubmit_briefly(self, envelopes: Sequence[Envelope]) -> list[BriefResult]:
        results: list[Any] | None = await self._ask(_request(envelopes, is_brief=True))
        return [*_unknown(envelopes, self._deadline_seconds)] if results is None else results

    async def _ask(self, request: BusRequest) -> list[Any] | None:
        loop = asyncio.get_running_loop()
        channels = self._channels.get(loop)
        if channels is None:
            channels = self._channels[loop] = _Channels(*(Channel(self._endpoint, self._keys) for _ in range(2)))
        channel = channels.bulk if request.is_bulk else channels.single
        return await channel.ask(request, deadline_seconds=self._deadline_seconds)


def _request(envelopes: Sequence[Envelope], *, is_brief: bool = False) -> BusRequest:
    if not 1 <= len(envelopes) <= REQUEST_COMMANDS_MAX:
        raise ValueError(
            f"a request carries 1 to {REQUEST_COMMANDS_MAX:,} commands, found {len(envelopes):,}: split it"
        )
    return BusRequest(
        request_id=uuid.uuid4().bytes,
        is_bulk=is_brief or len(envelopes) > 1,
        envelopes=list(envelopes),
        is_brief=is_brief,
    )


def _unknown(envelopes: Sequence[Envelope], waited_seconds: float) -> list[NotExecuted]:
    message = (
        f"the writer did not answer for {waited_seconds:g} s; the command may or may not have been executed: "
        "ask again with the same command id"
    )
    return [
        NotExecuted(envelope.account_id, envelope.command_id, SystemCode.OUTCOME_UNKNOWN.value, message)
        for envelope in envelopes
    ]
