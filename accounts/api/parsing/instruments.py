"""What may be traded, and in which steps: the instruments as they are known now, asked about each trade and order.

One rule for single commands and for batches: what the scanner takes is what passes here, because its table has those
instruments alone that may be traded, with their steps (accounts/kernels/scan.py); every other entry comes here.

A symbol that is unknown has always been: it is refused at once. Everything else may have been otherwise when a command
was sent first, so the account declines it, after it has looked whether it executed that command before.
"""

from functools import lru_cache
from typing import TypeVar

import numpy as np

from accounts.domain.commands import Decline, ExecuteTrade, PlaceOrder
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.values import CURRENCIES, format_amount, format_quantity
from accounts.kernels.symbols import SymbolTable
from market.instruments.current import Instruments, current_instruments
from market.instruments.definition import InstrumentDefinition

T = TypeVar("T", ExecuteTrade, PlaceOrder)


def judged(command: T, **prices: int | None) -> T | Decline:
    """Return a trade or an order, or its declining when its instrument does not allow it now; raises UNKNOWN_SYMBOL.

    `prices` are those of the command, by what they are called in a message.
    """
    instruments = current_instruments()
    instrument = instruments.by_symbol.get(command.symbol)
    if not instruments.is_loaded:
        message = "the instruments are not known yet, because the database does not answer: try again"
        return Decline(command, Code.MARKET_UNAVAILABLE.value, message)
    if instrument is None:
        raise CommandInvalid(
            Code.UNKNOWN_SYMBOL,
            f"{command.symbol[:20]!r} is not an instrument of this market: GET /api/market lists them",
        )
    return (
        _declined_for_instrument(command, instrument)
        or _declined_for_lot(command, instrument)
        or _declined_for_price(command, instrument, prices)
        or command
    )


def _declined_for_instrument(command: T, instrument: InstrumentDefinition) -> Decline | None:
    symbol = instrument.symbol
    if not instrument.is_tradable:
        message = f"{symbol} is not traded any more: choose an instrument of GET /api/market"
        return Decline(command, Code.INSTRUMENT_NOT_TRADABLE.value, message)
    if instrument.is_halted:
        message = f"trading in {symbol} is halted: try again when it is resumed; its orders can be cancelled"
        return Decline(command, Code.INSTRUMENT_HALTED.value, message)
    if instrument.currency not in CURRENCIES:
        message = (
            f"{symbol} is traded in {instrument.currency} and accounts are in {', '.join(CURRENCIES)}: choose an "
            "instrument in the account's currency"
        )
        return Decline(command, Code.CURRENCY_MISMATCH.value, message)
    return None


def _declined_for_lot(command: T, instrument: InstrumentDefinition) -> Decline | None:
    if command.quantity % instrument.lot_size == 0:
        return None
    message = (
        f"a quantity of {instrument.symbol} is a multiple of {format_quantity(instrument.lot_size)}, found "
        f"{format_quantity(command.quantity)}: round it"
    )
    return Decline(command, Code.INVALID_LOT.value, message)


def _declined_for_price(command: T, instrument: InstrumentDefinition, prices: dict[str, int | None]) -> Decline | None:
    for name, price in prices.items():
        if price is not None and price % instrument.price_increment:
            message = (
                f"a {name.replace('_', ' ')} of {instrument.symbol} is a multiple of "
                f"{format_amount(instrument.price_increment)}, found {format_amount(price)}: round it"
            )
            return Decline(command, Code.INVALID_PRICE_INCREMENT.value, message)
    return None


def symbols_to_trade() -> SymbolTable:
    """Return what the scanner knows: the instruments that may be traded now."""
    return _table_of(current_instruments())


@lru_cache(maxsize=1)
def _table_of(instruments: Instruments) -> SymbolTable:
    traded = [
        each
        for each in instruments.by_symbol.values()
        if each.is_tradable and not each.is_halted and each.currency in CURRENCIES
    ]
    steps = np.array([(each.lot_size, each.price_increment) for each in traded], np.int64).reshape(len(traded), 2)
    return SymbolTable([each.symbol for each in traded], steps)
