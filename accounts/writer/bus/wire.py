"""The messages between a caller and the writer process, the same on ipc and tcp.

A message is two frames: MessagePack that says what it is, then the columns as the buffers that they are, one after the
other. A request has an id of its own; asking again with the same one, or with the same command ids, is always safe.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import structlog

from accounts.domain.commands import AccountCommand, CancelOrder, PlaceOrder
from accounts.domain.values import PRICE_MAX
from accounts.kernels.answers import OUTCOME
from accounts.kernels.orders import NOWHERE, first_unchecked
from accounts.kernels.trades import FIRST_FILL, ORDER, TRADE
from accounts.writer.columns import AccountCommands, is_checked_order, no_orders
from accounts.writer.envelope import BriefResult, Executed, NotExecuted, SystemCode
from accounts.writer.metrics import WriterStatus
from accounts.writer.outcomes import BatchResults
from eventstore.kernels.texts import TEXT_BYTES, are_texts
from eventstore.writer.commands import Origin

log = structlog.get_logger(__name__)

REQUEST_FRAMES: Final = 2
_ORIGIN_BYTES: Final = 8
_COMMAND_BYTES: Final = 2 * TEXT_BYTES + _ORIGIN_BYTES + TRADE.itemsize
"""Of one command in all columns, without those of orders and the ids of orders that are filled."""


class RequestId(msgspec.Struct, frozen=True, array_like=True):
    """The beginning of a request, for a writer that asks whether it has it already; the rest is passed over."""

    request_id: bytes


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """The first frame of a request; the other one is the columns of its commands."""

    request_id: bytes
    is_bulk: bool
    is_brief: bool
    origins: list[Origin]
    symbols: list[str]
    others: list[msgspec.Raw]
    order_count: int
    fill_count: int


class BusRequest(msgspec.Struct, frozen=True):
    """Commands to execute. `is_bulk` puts them into the lane that yields to single commands; `is_brief` asks for
    results in their short form. No commands at all ask for the writer's status.

    `unread` says what is told of commands that could not be read, by place.
    """

    request_id: bytes
    is_bulk: bool
    is_brief: bool
    commands: AccountCommands
    unread: dict[int, NotExecuted] = {}


class _ReplyHead(msgspec.Struct, frozen=True, array_like=True):
    request_id: bytes
    results: list[Executed | NotExecuted] | None
    others: dict[int, BriefResult]
    status: WriterStatus | None = None


class BusReply(msgspec.Struct, frozen=True):
    """The results of one request, in the order of its commands: in full, or in their short form, whichever was asked
    for; or the writer's status.
    """

    request_id: bytes
    results: list[Executed | NotExecuted] | None = None
    batch: BatchResults | None = None
    status: WriterStatus | None = None


encode: Final = msgspec.msgpack.Encoder().encode
decode_request_id: Final = msgspec.msgpack.Decoder(RequestId).decode
_decode_head: Final = msgspec.msgpack.Decoder(_Head).decode
_decode_command: Final = msgspec.msgpack.Decoder(AccountCommand).decode
_decode_reply_head: Final = msgspec.msgpack.Decoder(_ReplyHead).decode

_NO_COMMAND: Final = CancelOrder("", "")
"""Stands in the place of a command that cannot be read, and is never executed."""


def encode_request(request: BusRequest) -> list[bytes]:
    """Return the frames of a request."""
    commands, bodies = request.commands, request.commands.bodies.copy()
    is_other = bodies["other"] >= 0
    others = [msgspec.Raw(encode(commands.others[other])) for other in bodies["other"][is_other].tolist()]
    bodies["other"][is_other] = np.arange(len(others))  # The commands may be a part of those that they were taken from.
    is_order = bodies["order"] >= 0
    orders = commands.orders[bodies["order"][is_order]]
    bodies["order"][is_order] = np.arange(len(orders))
    is_fill = bodies["order"] <= FIRST_FILL
    filled = commands.filled[FIRST_FILL - bodies["order"][is_fill]]
    bodies["order"][is_fill] = FIRST_FILL - np.arange(len(filled))
    head = _Head(
        request_id=request.request_id,
        is_bulk=request.is_bulk,
        is_brief=request.is_brief,
        origins=list(commands.origins),
        symbols=list(commands.symbols),
        others=others,
        order_count=len(orders),
        fill_count=len(filled),
    )
    columns = (commands.aggregate_ids, commands.command_ids, commands.origins_of, bodies, orders, filled)
    return [encode(head), b"".join([column.tobytes() for column in columns])]


def decode_request(frames: Sequence[bytes]) -> BusRequest:
    """Return a request; raises ValueError, msgspec's errors among them, when it is none.

    A command that cannot be read is told so alone. Whatever a caller sends concerns the accounts that it names alone:
    commands of many callers are decided together, as columns, so that each of these has to be what its kind says.
    """
    head, columns = _decode_head(frames[0]), bytearray(frames[1])
    fills_start = len(columns) - TEXT_BYTES * head.fill_count
    orders_start = fills_start - ORDER.itemsize * head.order_count
    count, rest = divmod(orders_start, _COMMAND_BYTES)
    if rest or min(head.order_count, head.fill_count) < 0 or head.order_count + head.fill_count > count:
        raise ValueError("the columns of a request are not of one length")
    ids_end = 2 * TEXT_BYTES * count
    ids = np.frombuffer(columns, np.uint8, ids_end).reshape(2, count, TEXT_BYTES)
    commands = AccountCommands(
        aggregate_ids=ids[0],
        command_ids=ids[1],
        origins=head.origins,
        origins_of=np.frombuffer(columns, np.int64, count, ids_end),
        bodies=np.frombuffer(columns, TRADE, count, ids_end + _ORIGIN_BYTES * count),
        others=[],
        symbols=head.symbols,
        orders=np.frombuffer(columns, ORDER, head.order_count, orders_start) if head.order_count else no_orders(),
        filled=np.frombuffer(columns, np.uint8, TEXT_BYTES * head.fill_count, fills_start).reshape(-1, TEXT_BYTES),
    )
    unread: dict[int, NotExecuted] = {}
    others = [_read(raw, number, unread) for number, raw in enumerate(head.others)]
    commands.others = others
    _check(commands)
    if unread:
        places = np.flatnonzero(commands.bodies["other"] >= 0).tolist()
        unread = {places[number]: told for number, told in unread.items()}
    return BusRequest(head.request_id, head.is_bulk, head.is_brief, commands, unread)


def encode_reply(reply: BusReply) -> list[bytes]:
    """Return the frames of a reply."""
    others = {} if reply.batch is None else reply.batch.others
    rows = b"" if reply.batch is None else reply.batch.rows.tobytes()
    return [encode(_ReplyHead(reply.request_id, reply.results, others, reply.status)), rows]


def decode_reply(frames: Sequence[bytes]) -> BusReply:
    """Return a reply."""
    head = _decode_reply_head(frames[0])
    batch = None
    if head.results is None and head.status is None:
        batch = BatchResults(np.frombuffer(bytearray(frames[1]), OUTCOME), head.others)
    return BusReply(head.request_id, head.results, batch, head.status)


def _read(raw: msgspec.Raw, number: int, unread: dict[int, NotExecuted]) -> AccountCommand:
    try:
        command: AccountCommand = _decode_command(raw)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        log.warning("a command cannot be read", reason=str(error))
        unread[number] = _unreadable(str(error))
        return _NO_COMMAND
    if type(command) is PlaceOrder and not is_checked_order(command):
        unread[number] = _unreadable("an order's ids, figures or terms are not what a checked one has")
        return _NO_COMMAND
    return command


def _unreadable(reason: str) -> NotExecuted:
    message = f"the writer cannot read the command ({reason}); nothing was executed"
    return NotExecuted("", "", SystemCode.INTERNAL_ERROR.value, message)


def _check(commands: AccountCommands) -> None:
    """Refuse columns that do not belong together: compiled code follows their numbers unchecked."""
    bodies: Any = commands.bodies
    is_other = bodies["other"] >= 0
    numbers = bodies["other"][is_other]
    if not np.array_equal(numbers, np.arange(len(commands.others))):
        raise ValueError("the commands of a request are not those that its rows name")
    if not (are_texts(commands.aggregate_ids) and are_texts(commands.command_ids)):
        raise ValueError("the identifiers of a request are not ASCII, or are empty, or have a zero byte")
    if "\0" in "".join(commands.symbols):
        raise ValueError("a symbol of a request has a zero byte")
    _check_rows(bodies[~is_other])
    _check_orders(bodies, is_other, commands.orders)
    _check_fills(bodies, is_other, commands.filled)
    for places, limit in (
        (commands.origins_of, len(commands.origins)),
        (bodies["symbol"][~is_other], len(commands.symbols)),
    ):
        if len(places) and not 0 <= places.min() <= places.max() < limit:
            raise ValueError("the rows of a request name what it does not hold")


def _check_rows(rows: Any) -> None:
    """Refuse trades and new orders whose figures are not what a checked one has; too wide ones are refused later."""
    if not ((rows["quantity"] > 0) & ((rows["price"] > 0) | (rows["order"] >= 0))).all():
        raise ValueError("a trade of a request has a quantity and a price above 0")
    if not ((rows["market_price"] >= 0) & (rows["market_price"] <= PRICE_MAX)).all():
        raise ValueError(f"the market's price in a trade of a request is 0 to {PRICE_MAX}")
    if (np.ascontiguousarray(rows["is_buy"]).view(np.uint8) > 1).any():
        raise ValueError("a trade of a request buys (1) or sells (0)")


def _check_orders(bodies: Any, is_other: Any, orders: Any) -> None:
    """Refuse new orders that are not those of the rows, or not what a checked one is."""
    is_order = bodies["order"] >= 0
    if not np.array_equal(bodies["order"][is_order], np.arange(len(orders))) or (is_other & is_order).any():
        raise ValueError("the orders of a request are not those that its rows name")
    if not (are_texts(orders["order_id"]) and are_texts(orders["client_order_id"])):
        raise ValueError("the order ids of a request are not ASCII, or are empty, or have a zero byte")
    rows = bodies[is_order]
    columns = (rows["quantity"], rows["price"], orders["order_type"], orders["time_in_force"])
    figures = [column.astype(np.int64) for column in (*columns, orders["limit_price"], orders["stop_price"])]
    unchecked = first_unchecked(rows["is_buy"].astype(np.bool_), *figures)
    if unchecked != NOWHERE:
        raise ValueError(f"order {unchecked} of a request is not what a checked one is: its figures, terms or price")


def _check_fills(bodies: Any, is_other: Any, filled: Any) -> None:
    """Refuse ids of orders to be filled that are not those of the rows, or are none."""
    is_fill = bodies["order"] <= FIRST_FILL
    if not np.array_equal(FIRST_FILL - bodies["order"][is_fill].astype(np.int64), np.arange(len(filled))):
        raise ValueError("the fills of a request are not those that its rows name")
    if (is_other & is_fill).any() or not are_texts(filled):
        raise ValueError("the ids of the orders that a request fills are not ASCII, or are empty, or have a zero byte")
