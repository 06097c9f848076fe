"""What a program pushes: one tick of one symbol, checked. Pure.

A tick says a price, or bid and ask, or all of them. It replaces what was said before: what it does not say is not
known any more. Without a price the middle of bid and ask is the price, rounded down to the price increment.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from edge.instants import InvalidInstant, parse_instant
from market.instruments.definition import InstrumentDefinition, InvalidInstrument, parse_field
from market.money import PRICE_MAX, SCALE, format_money, parse_money

FIELDS: Final = ("symbol", "price", "bid", "ask", "bidSize", "askSize", "previousClose", "at")
FUTURE_US_MAX: Final = 1_000_000
"""How far a tick may be ahead of this machine's clock: clocks differ."""
AGE_MAX: Final = timedelta(days=1)
"""How old a tick may be."""
OLDER_THAN_HELD: Final = "OLDER_THAN_HELD"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class InvalidTick(ValueError):
    """An entry that is no tick; `code` is stable, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Tick(NamedTuple):
    """One tick: prices in ten-thousandths, sizes in millionths of a share, the instant in UTC microseconds."""

    symbol: str
    at_us: int
    price: int
    bid: int | None
    ask: int | None
    bid_size: int | None
    ask_size: int | None
    previous_close: int | None


def parse_tick(entry: Any, instruments: Mapping[str, InstrumentDefinition], *, now_us: int) -> Tick:
    """Return the tick that an entry says, at `now_us` where it names no instant; raises InvalidTick."""
    if not isinstance(entry, Mapping):
        raise _invalid(f"an entry is an object with {', '.join(FIELDS)}; found {type(entry).__name__}")
    unknown = [str(name)[:40] for name in entry if name not in FIELDS]
    if unknown:
        raise _invalid(f"there is no field {unknown[0]!r}: there are {', '.join(FIELDS)}")
    given = {name: value for name, value in entry.items() if value is not None}
    for name, value in given.items():
        if not isinstance(value, str):
            raise _invalid(f"{name} is a text, found {str(value)[:40]}")
    instrument = instruments.get(given.get("symbol", ""))
    if instrument is None:
        raise InvalidTick("UNKNOWN_SYMBOL", f"there is no instrument {given.get('symbol', '')[:40]!r}: add it first")
    prices = {name: _price(given, name, instrument) for name in ("price", "bid", "ask", "previousClose")}
    return Tick(
        symbol=instrument.symbol,
        at_us=_instant(given["at"], now_us=now_us) if "at" in given else now_us,
        price=_price_of(prices, instrument),
        bid=prices["bid"],
        ask=prices["ask"],
        bid_size=_size(given, "bidSize", beside=prices["bid"]),
        ask_size=_size(given, "askSize", beside=prices["ask"]),
        previous_close=prices["previousClose"],
    )


def _price_of(prices: Mapping[str, int | None], instrument: InstrumentDefinition) -> int:
    price, bid, ask = (prices[name] for name in ("price", "bid", "ask"))
    if bid is not None and ask is not None and bid > ask:
        raise _invalid(f"the bid is at most the ask, found {format_money(bid)} and {format_money(ask)}")
    if price is not None:
        if ask is None and bid is not None and bid > price:
            shown = f"found {format_money(bid)} and the price {format_money(price)}"
            raise _invalid(f"a bid without an ask is at most the price, {shown}")
        if bid is None and ask is not None and ask < price:
            shown = f"found {format_money(ask)} and the price {format_money(price)}"
            raise _invalid(f"an ask without a bid is at least the price, {shown}")
        return price
    if bid is None or ask is None:
        raise _invalid("a tick has a price, or a bid and an ask, or all of them")
    middle = (bid + ask) // 2
    return middle - middle % instrument.price_increment


def _price(given: Mapping[str, str], name: str, instrument: InstrumentDefinition) -> int | None:
    if name not in given:
        return None
    try:
        value = parse_money(given[name])
    except ValueError as error:
        raise _invalid(f"{name}: {error}") from None
    if not 0 < value <= PRICE_MAX:
        raise _invalid(f"{name} is above 0 and at most {PRICE_MAX // SCALE:,}, found {given[name][:40]!r}")
    if name != "previousClose" and value % instrument.price_increment:
        raise InvalidTick(
            "INVALID_PRICE_INCREMENT",
            f"prices of {instrument.symbol} are multiples of {format_money(instrument.price_increment)}, found {name} "
            f"{given[name]}",
        )
    return value


def _size(given: Mapping[str, str], name: str, *, beside: int | None) -> int | None:
    if name not in given:
        return None
    if beside is None:
        raise _invalid(f"{name} needs the price that it is offered at: give {name.removesuffix('Size')} too")
    if given[name] == "0":
        return 0
    try:
        size: int = parse_field("lot_size", given[name])
    except InvalidInstrument:
        raise _invalid(
            f"{name} is shares in plain digits with at most 6 decimals, up to 1,000,000, found {given[name][:40]!r}"
        ) from None
    return size


def _instant(text: str, *, now_us: int) -> int:
    try:
        at_us = (parse_instant(text) - _EPOCH) // _MICROSECOND
    except InvalidInstant as error:
        raise InvalidTick("INVALID_INSTANT", f"at: {error}") from None
    if at_us > now_us + FUTURE_US_MAX:
        raise InvalidTick("INSTANT_IN_FUTURE", f"at is at most a second ahead of the platform's clock, found {text}")
    if at_us < now_us - AGE_MAX // _MICROSECOND:
        raise InvalidTick("INSTANT_TOO_OLD", f"at is at most a day before the platform's clock, found {text}")
    return at_us


def _invalid(message: str) -> InvalidTick:
    return InvalidTick("INVALID_QUOTE", message)
