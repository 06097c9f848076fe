"""Entries of a batch: what one item of thousands asks for, checked like the single command that it stands for.

The factories are the rule for what is valid. Scanners take batches of trades and of orders apart without an object for
each entry (accounts/kernels/scan.py, scan_orders.py), and pass over every entry that is not plainly right: those are
judged here, one by one. An entry that is wrong is refused alone: every other one goes on.
"""

import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts.api.parsing import factories
from accounts.api.parsing.reference_price import reference_price
from accounts.domain.errors import Code, CommandInvalid
from accounts.kernels.scan import ScannedTrades, scan_trades
from accounts.kernels.scan_orders import LIMIT_PRICE, ORDER_TYPE, STOP_PRICE, TIME_IN_FORCE, ScannedOrders, scan_orders
from accounts.kernels.trades import ORDER
from accounts.writer.columns import AccountCommands, no_fills, no_orders
from accounts.writer.envelope import Envelope
from accounts.writer.limits import REQUEST_COMMANDS_MAX
from eventstore.kernels.texts import Texts, uuid_texts
from eventstore.writer.commands import Origin

TRADE_FIELDS: Final = frozenset({"accountId", "symbol", "side", "quantity", "price", "orderId", "commandId"})
ORDER_FIELDS: Final = frozenset(
    {
        "accountId",
        "symbol",
        "side",
        "quantity",
        "type",
        "timeInForce",
        "limitPrice",
        "stopPrice",
        "expiresAt",
        "trailAmount",
        "trailPercent",
        "clientOrderId",
    }
)


REPLACEMENT_FIELDS: Final = frozenset(
    {"accountId", "orderId", "quantity", "timeInForce", "limitPrice", "stopPrice", "expiresAt", "clientOrderId"}
)
CANCEL_FIELDS: Final = frozenset({"accountId", "orderId", "reason", "commandId"})

_ORDER_OPTIONS: Final = {
    "timeInForce": "time_in_force",
    "limitPrice": "limit_price",
    "stopPrice": "stop_price",
    "expiresAt": "expires_at",
    "trailAmount": "trail_amount",
    "trailPercent": "trail_percent",
}
"""Fields that an order or its replacement may do without, and what the factories call them: they know what is meant
then.
"""


class ScannedBatch(NamedTuple):
    """A batch that was taken apart, and the entries that are to be judged one by one, by place."""

    scanned: ScannedTrades | ScannedOrders
    others: dict[int, object]

    def __len__(self) -> int:
        return len(self.scanned.trades)


class Refusal(NamedTuple):
    """Why an entry is not sent."""

    code: str
    message: str


class ParsedBatch(NamedTuple):
    """The commands that the entries of a batch ask for, with the place of each; and why the others are not sent."""

    commands: AccountCommands
    places: NDArray[np.int64]
    refused: dict[int, Refusal]


def decode_trades(raw: msgspec.Raw) -> object:
    """Return a batch of trades from its JSON, taken apart if it can be; else what it says, whatever that is."""
    text = bytes(raw)
    return _decoded(text, scan_trades(text, factories.symbols_to_trade(), REQUEST_COMMANDS_MAX))


def decode_orders(raw: msgspec.Raw) -> object:
    """Return a batch of new orders from its JSON in the same way."""
    text = bytes(raw)
    return _decoded(text, scan_orders(text, factories.symbols_to_trade(), REQUEST_COMMANDS_MAX))


def _decoded(text: bytes, scanned: ScannedTrades | ScannedOrders | None) -> object:
    if scanned is None or not len(scanned.trades):
        return decode_anything(msgspec.Raw(text))
    odd = np.flatnonzero(~scanned.is_plain).tolist()
    spans = scanned.spans
    return ScannedBatch(scanned, {n: decode_anything(msgspec.Raw(text[spans[n, 0] : spans[n, 1]])) for n in odd})


def decode_anything(raw: msgspec.Raw) -> object:
    """Return what JSON says; raises msgspec.DecodeError for what is none.

    A number that is JSON and beyond msgspec (1e999, a thousand digits) is decoded like the rest: whoever judges the
    value says what is wrong with it, and an entry of a batch is refused alone.
    """
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        try:
            return json.loads(bytes(raw), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise error from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def parsed_scanned(batch: ScannedBatch, actor: str, parse: Callable[[object, str], Envelope]) -> ParsedBatch:
    """Return the commands that a batch asks for, in order; `parse` judges the entries that are not plain."""
    scanned = batch.scanned
    plain = np.flatnonzero(scanned.is_plain)
    if isinstance(scanned, ScannedOrders):
        commands = _orders_of(scanned, plain, actor)
    else:
        commands = _trades_of(scanned, plain, actor)
    if not batch.others:
        return ParsedBatch(commands, plain, {})
    others = parsed(list(batch.others.values()), actor, parse, places=list(batch.others))
    together, places = AccountCommands.joined([commands, others.commands]), np.concatenate([plain, others.places])
    order = np.argsort(places)
    return ParsedBatch(together.take(order), places[order], others.refused)


def _trades_of(scanned: ScannedTrades, plain: NDArray[np.int64], actor: str) -> AccountCommands:
    trades = scanned.trades[plain]
    trades["market_price"] = _market_prices(scanned.symbols)[trades["symbol"]]
    return AccountCommands(
        aggregate_ids=scanned.account_ids[plain],
        command_ids=_with_ids(scanned.command_ids[plain]),
        origins=[Origin(actor)],
        origins_of=np.zeros(len(plain), np.int64),
        bodies=trades,
        others=[],
        symbols=scanned.symbols,
        orders=no_orders(),
        filled=no_fills(),
    )


def _orders_of(scanned: ScannedOrders, plain: NDArray[np.int64], actor: str) -> AccountCommands:
    trades, terms = scanned.trades[plain], scanned.terms[plain]
    client_order_ids = _with_ids(scanned.client_order_ids[plain])
    without_price = np.flatnonzero(trades["price"] == 0)
    if len(without_price):
        trades["price"][without_price] = _market_prices(scanned.symbols)[trades["symbol"][without_price]]
    trades["order"] = np.arange(len(plain))
    orders = np.zeros(len(plain), ORDER)
    orders["order_id"], orders["client_order_id"] = _new_ids(len(plain)), client_order_ids
    orders["limit_price"], orders["stop_price"] = terms[:, LIMIT_PRICE], terms[:, STOP_PRICE]
    orders["order_type"], orders["time_in_force"] = terms[:, ORDER_TYPE], terms[:, TIME_IN_FORCE]
    return AccountCommands(
        aggregate_ids=scanned.account_ids[plain],
        command_ids=client_order_ids,
        origins=[Origin(actor)],
        origins_of=np.zeros(len(plain), np.int64),
        bodies=trades,
        others=[],
        symbols=scanned.symbols,
        orders=orders,
        filled=no_fills(),
    )


def _market_prices(symbols: Sequence[str]) -> NDArray[np.int64]:
    """Return what the market says of each symbol, 0 where it says nothing."""
    prices = reference_price.latest()
    return np.array([prices.get(symbol, 0) for symbol in symbols], np.int64)


def _with_ids(given: Texts) -> Texts:
    """Return command ids, a new one where none was given."""
    without_id = np.flatnonzero(given[:, 0] == 0)
    if len(without_id):
        given[without_id] = _new_ids(len(without_id))
    return given


def _new_ids(count: int) -> Texts:
    return uuid_texts(os.urandom(16 * count))


def parsed(
    items: Sequence[object], actor: str, parse: Callable[[object, str], Envelope], *, places: Sequence[int]
) -> ParsedBatch:
    """Return the commands that items ask for, each judged by `parse`; they stand at these places of their batch."""
    envelopes: list[Envelope] = []
    found: list[int] = []
    refused: dict[int, Refusal] = {}
    for place, item in zip(places, items, strict=True):
        try:
            envelopes.append(parse(item, actor))
            found.append(place)
        except CommandInvalid as error:
            refused[place] = Refusal(error.code.value, error.message)
    return ParsedBatch(AccountCommands.of(envelopes), np.array(found, np.int64), refused)


def joined(parts: Sequence[ParsedBatch]) -> ParsedBatch:
    """Return the parts of a batch as one."""
    return ParsedBatch(
        AccountCommands.joined([part.commands for part in parts]),
        np.concatenate([part.places for part in parts]),
        {place: refusal for part in parts for place, refusal in part.refused.items()},
    )


def trade_envelope(item: object, actor: str) -> Envelope:
    """Return the trade that an item asks for, {"accountId", "symbol", "side", "quantity", "price", "orderId"?,
    "commandId"?}; raises CommandInvalid.
    """
    fields = _fields(item, TRADE_FIELDS)
    return Envelope(
        factories.account_id(_text(fields, "accountId")),
        factories.command_id(_optional_text(fields, "commandId")),
        actor,
        factories.execute_trade(
            symbol=_text(fields, "symbol"),
            side=_text(fields, "side"),
            quantity=_any(fields, "quantity"),
            price=_any(fields, "price"),
            order_id=_optional_text(fields, "orderId"),
            market_price=reference_price,
        ),
    )


def order_envelope(item: object, actor: str) -> Envelope:
    """Return the order that an item asks for, {"accountId", "symbol", "side", "quantity", "type", "timeInForce"?,
    "limitPrice"?, "stopPrice"?, "expiresAt"?, "trailAmount"?, "trailPercent"?, "clientOrderId"?}; raises
    CommandInvalid. Groups of orders are placed one by one: their fields are refused by name.
    """
    fields = _fields(item, ORDER_FIELDS)
    client_order_id = factories.command_id(_optional_text(fields, "clientOrderId"))
    return Envelope(
        factories.account_id(_text(fields, "accountId")),
        client_order_id,
        actor,
        factories.place_order(
            order_id=str(uuid.uuid4()),
            client_order_id=client_order_id,
            symbol=_text(fields, "symbol"),
            side=_text(fields, "side"),
            quantity=_any(fields, "quantity"),
            order_type=_text(fields, "type"),
            reference_price=reference_price,
            **{name: _text(fields, given) for given, name in _ORDER_OPTIONS.items() if given in fields},
        ),
    )


def replacement_envelope(item: object, actor: str) -> Envelope:
    """Return the order in the place of a working one that an item asks for, {"accountId", "orderId", "quantity"?,
    "timeInForce"?, "limitPrice"?, "stopPrice"?, "expiresAt"?, "clientOrderId"?}; raises CommandInvalid.
    """
    fields = _fields(item, REPLACEMENT_FIELDS)
    client_order_id = factories.command_id(_optional_text(fields, "clientOrderId"))
    return Envelope(
        factories.account_id(_text(fields, "accountId")),
        client_order_id,
        actor,
        factories.replace_order(
            order_id=_text(fields, "orderId"),
            new_order_id=str(uuid.uuid4()),
            client_order_id=client_order_id,
            quantity=_any(fields, "quantity"),
            **{name: _text(fields, given) for given, name in _ORDER_OPTIONS.items() if given in fields},
        ),
    )


def cancel_envelope(item: object, actor: str) -> Envelope:
    """Return the cancelling of an order that an item asks for, {"accountId", "orderId", "reason"?, "commandId"?};
    raises CommandInvalid.
    """
    fields = _fields(item, CANCEL_FIELDS)
    return Envelope(
        factories.account_id(_text(fields, "accountId")),
        factories.command_id(_optional_text(fields, "commandId")),
        actor,
        factories.cancel_order(order_id=_text(fields, "orderId"), reason=_optional_text(fields, "reason") or ""),
    )


def checked_batch(items: object) -> list[object] | ScannedBatch:
    """Return the items of a batch; raises ValueError for anything that is not a list of 1 to 10,000."""
    if not isinstance(items, list | ScannedBatch) or not 1 <= len(items) <= REQUEST_COMMANDS_MAX:
        is_list = isinstance(items, list | ScannedBatch)
        found = f"{len(items):,} entries" if isinstance(items, list | ScannedBatch) else _shown(items)
        what_to_do = ": split it" if is_list and items else ""
        raise ValueError(f"a batch is a list of 1 to {REQUEST_COMMANDS_MAX:,} entries, found {found}{what_to_do}")
    return items


def _fields(item: object, known: frozenset[str]) -> dict[str, Any]:
    """Return the fields that an entry has; one that is null is as if it were left out."""
    if not isinstance(item, dict):
        raise CommandInvalid(Code.INVALID_ENTRY, f"an entry is an object, found {_shown(item)}")
    if not item.keys() <= known:
        unknown = ", ".join(sorted(str(name)[:40] for name in item.keys() - known))
        raise CommandInvalid(Code.INVALID_ENTRY, f"an entry has no field {unknown}: it has {', '.join(sorted(known))}")
    return {name: value for name, value in item.items() if value is not None}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if type(value) is not str:
        raise CommandInvalid(Code.INVALID_ENTRY, f"{name} is a text, found {_shown(value)}")
    return value


def _optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    return _text(fields, name) if name in fields else None


def _any(fields: Mapping[str, Any], name: str) -> Any:
    """Return a value whose type the factory judges."""
    return fields.get(name)


def _shown(value: object) -> str:
    return _WORDS.get(type(value), "something else")


_WORDS: Final = {
    type(None): "nothing",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}
"""What JSON calls its values."""
