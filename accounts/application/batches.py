"""Entries of a batch: what one item of thousands asks for, checked like the single command that it stands for.

The factories are the rule for what is valid. One entry that is wrong is refused alone: every other one goes on.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from accounts.application import factories
from accounts.application.envelope import Envelope
from accounts.application.limits import REQUEST_COMMANDS_MAX
from accounts.application.plain_trades import TradeItem, plain_trades
from accounts.application.reference_price import reference_price
from accounts.domain.errors import Code, CommandInvalid

TRADE_FIELDS: Final = frozenset({"accountId", "symbol", "side", "quantity", "price", "orderId", "commandId"})
_TOGETHER: Final = 100
"""Trades that are judged together while nothing is wrong with any of them."""
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
        "clientOrderId",
    }
)


_ORDER_OPTIONS: Final = {"timeInForce": "time_in_force", "limitPrice": "limit_price", "stopPrice": "stop_price"}
"""Fields that an order may do without, and what the factory calls them: it knows what is meant then."""

_decode_trade_items: Final = msgspec.json.Decoder(list[TradeItem]).decode


def decode_trades(raw: msgspec.Raw) -> object:
    """Return a batch of trades from its JSON: as TradeItems when all have that form, else as it is, to be judged one by
    one.
    """
    try:
        return _decode_trade_items(raw)
    except msgspec.ValidationError:
        return decode_anything(raw)


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


def trade_envelopes(items: Sequence[object], actor: str) -> list[Envelope | CommandInvalid]:
    """Return the trade that each item asks for, or what is wrong with it."""
    found: list[Envelope | CommandInvalid] = []
    for start in range(0, len(items), _TOGETHER):
        some = items[start : start + _TOGETHER]
        found += plain_trades(some, actor) or _one_by_one(some, actor, trade_envelope)
    return found


def order_envelopes(items: Sequence[object], actor: str) -> list[Envelope | CommandInvalid]:
    """Return the order that each item asks for, or what is wrong with it."""
    return _one_by_one(items, actor, order_envelope)


def _one_by_one(
    items: Sequence[object], actor: str, parse: Callable[[object, str], Envelope]
) -> list[Envelope | CommandInvalid]:
    found: list[Envelope | CommandInvalid] = []
    for item in items:
        try:
            found.append(parse(item, actor))
        except CommandInvalid as error:
            found.append(error)
    return found


def trade_envelope(item: object, actor: str) -> Envelope:
    """Return the trade that an item asks for, {"accountId", "symbol", "side", "quantity", "price", "orderId"?,
    "commandId"?}; raises CommandInvalid.
    """
    fields = _fields(msgspec.to_builtins(item) if type(item) is TradeItem else item, TRADE_FIELDS)
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
        ),
    )


def order_envelope(item: object, actor: str) -> Envelope:
    """Return the order that an item asks for, {"accountId", "symbol", "side", "quantity", "type", "timeInForce"?,
    "limitPrice"?, "stopPrice"?, "clientOrderId"?}; raises CommandInvalid.
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


def checked_batch(items: object) -> list[object]:
    """Return the items of a batch; raises ValueError for anything that is not a list of 1 to 10,000."""
    if not isinstance(items, list) or not 1 <= len(items) <= REQUEST_COMMANDS_MAX:
        found = f"{len(items):,} entries" if isinstance(items, list) else _shown(items)
        what_to_do = ": split it" if isinstance(items, list) and items else ""
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
