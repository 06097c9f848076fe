"""The messages between a caller and the writer process: MessagePack, the same on ipc and tcp.

A request has an id of its own; asking again with the same one, or with the same command ids, is always safe.
"""

import msgspec

from accounts.application.envelope import Booked, Envelope, Executed, NotExecuted
from accounts.application.metrics import WriterStatus


class BusRequest(msgspec.Struct, frozen=True, array_like=True):
    """Commands to execute. `is_bulk` puts them into the lane that yields to single commands; `is_brief` asks for
    results in their short form. No commands at all ask for the writer's status.
    """

    request_id: bytes
    is_bulk: bool
    envelopes: list[Envelope]
    is_brief: bool = False


class RequestId(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a request, for a writer that asks whether it has it already; the rest is passed over."""

    request_id: bytes


class UnreadRequest(msgspec.Struct, frozen=True, array_like=True):
    """A request with its commands as they came, for when one of them cannot be read."""

    request_id: bytes
    is_bulk: bool
    envelopes: list[msgspec.Raw]
    is_brief: bool = False


class BusReply(msgspec.Struct, frozen=True, array_like=True):
    """The results of one request, in the order of its envelopes; or the writer's status, when that was asked."""

    request_id: bytes
    results: list[Executed | NotExecuted | Booked]
    status: WriterStatus | None = None


encode = msgspec.msgpack.Encoder().encode
decode_request_id = msgspec.msgpack.Decoder(RequestId).decode
decode_request = msgspec.msgpack.Decoder(BusRequest).decode
decode_unread = msgspec.msgpack.Decoder(UnreadRequest).decode
decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
decode_reply = msgspec.msgpack.Decoder(BusReply).decode
