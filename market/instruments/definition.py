"""The definition of one instrument: exact values inside, texts outside, and what is wrong with a text.

Prices are integers in ten-thousandths of the currency, lots integers in millionths of a share. Pure: no Django, no
database. Not here: which instruments there are (`current`), and how they change (`changes`).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

KINDS: Final = ("STOCK", "ETF", "FUND", "BOND", "CRYPTO")
SYMBOL_LENGTH_MAX: Final = 12
NAME_LENGTH_MAX: Final = 80
SECTOR_LENGTH_MAX: Final = 40
EXCHANGE_LENGTH_MAX: Final = 20
INCREMENT_DECIMALS: Final = 4
LOT_DECIMALS: Final = 6
STEP_MAX: Final = 1_000_000
"""A price increment is at most so much of the currency, a lot at most so many shares."""
SYMBOL_PATTERN: Final = rf"[A-Z0-9.\-]{{1,{SYMBOL_LENGTH_MAX}}}"
CURRENCY_PATTERN: Final = "[A-Z]{3}"

_SYMBOL: Final = re.compile(SYMBOL_PATTERN, re.ASCII)
_CURRENCY: Final = re.compile(CURRENCY_PATTERN, re.ASCII)
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class InstrumentDefinition:
    """One instrument, as it is now."""

    symbol: str
    name: str
    kind: str
    sector: str
    """GICS sector of a stock; empty where there is none."""
    exchange: str
    currency: str
    """ISO 4217."""
    price_increment: int
    """Prices are multiples of it; in ten-thousandths of the currency."""
    lot_size: int
    """Quantities are multiples of it; in millionths of a share."""
    is_tradable: bool
    """False is for good, or until somebody decides otherwise: what there was of it is still shown."""
    is_halted: bool
    """Trading is suspended for a time."""


class InvalidInstrument(ValueError):
    """A value that no instrument can have; `field` is which one it is, and the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def parse_field(field: str, text: str) -> Any:
    """Return the value of a field, given as text; raises InvalidInstrument."""
    return _PARSERS[field](text)


def shown_fields(definition: InstrumentDefinition) -> dict[str, Any]:
    """Return an instrument as the APIs show it: increment and lot are decimal strings."""
    return {
        "symbol": definition.symbol,
        "name": definition.name,
        "kind": definition.kind,
        "sector": definition.sector,
        "exchange": definition.exchange,
        "currency": definition.currency,
        "price_increment": format_increment(definition.price_increment),
        "lot_size": format_lot(definition.lot_size),
        "is_tradable": definition.is_tradable,
        "is_halted": definition.is_halted,
    }


def format_increment(value: int) -> str:
    """Show ten-thousandths as a decimal string with four decimals: 100 becomes "0.0100"."""
    whole, fraction = divmod(value, 10**INCREMENT_DECIMALS)
    return f"{whole}.{fraction:0{INCREMENT_DECIMALS}d}"


def format_lot(value: int) -> str:
    """Show millionths as a decimal string without superfluous zeros: 1000000 becomes "1", 1 becomes "0.000001"."""
    whole, fraction = divmod(value, 10**LOT_DECIMALS)
    return f"{whole}.{fraction:0{LOT_DECIMALS}d}".rstrip("0").rstrip(".")


def _symbol(text: str) -> str:
    if _SYMBOL.fullmatch(text) is None:
        raise InvalidInstrument(
            "symbol",
            f"a symbol is 1 to {SYMBOL_LENGTH_MAX} capital letters, digits, dots and hyphens, found {text[:40]!r}",
        )
    return text


def _currency(text: str) -> str:
    if _CURRENCY.fullmatch(text) is None:
        raise InvalidInstrument("currency", f"a currency is three letters of ISO 4217 such as USD, found {text[:40]!r}")
    return text


def _kind(text: str) -> str:
    if text not in KINDS:
        raise InvalidInstrument("kind", f"a kind is one of {', '.join(KINDS)}; found {text[:40]!r}")
    return text


def _printable(text: str, *, field: str, what: str, length_max: int, length_min: int = 1) -> str:
    found = unicodedata.normalize("NFC", text).strip()
    if not length_min <= len(found) <= length_max or not (found.isprintable()):
        raise InvalidInstrument(
            field, f"{what} is {length_min} to {length_max} printable characters, found {text[:40]!r}"
        )
    return found


def _step(text: str, *, field: str, what: str, decimals: int, example: str) -> int:
    whole, point, fraction = text.partition(".")
    is_decimal = whole.isascii() and whole.isdigit() and len(whole) <= len(str(STEP_MAX))
    if point:
        is_decimal = is_decimal and fraction.isascii() and fraction.isdigit() and len(fraction) <= decimals
    value = int(whole + fraction.ljust(decimals, "0")) if is_decimal else 0
    if not 0 < value <= STEP_MAX * 10**decimals:
        raise InvalidInstrument(
            field,
            f"{what} is plain digits with at most {decimals} decimals, above 0 and at most {STEP_MAX:,}, such as "
            f"{example}; found {text[:40]!r}",
        )
    return value


def _flag(text: str, *, field: str) -> bool:
    if text not in _FLAGS:
        raise InvalidInstrument(field, f"it is true or false, found {text[:40]!r}")
    return _FLAGS[text]


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "symbol": _symbol,
    "name": partial(_printable, field="name", what="a name", length_max=NAME_LENGTH_MAX),
    "kind": _kind,
    "sector": partial(_printable, field="sector", what="a sector", length_max=SECTOR_LENGTH_MAX, length_min=0),
    "exchange": partial(_printable, field="exchange", what="an exchange", length_max=EXCHANGE_LENGTH_MAX),
    "currency": _currency,
    "price_increment": partial(
        _step, field="price_increment", what="a price increment", decimals=INCREMENT_DECIMALS, example="0.01"
    ),
    "lot_size": partial(_step, field="lot_size", what="a lot size", decimals=LOT_DECIMALS, example="1 or 0.000001"),
    "is_tradable": partial(_flag, field="is_tradable"),
    "is_halted": partial(_flag, field="is_halted"),
}
"""How each field is read, in the order of InstrumentDefinition."""

FIELDS: Final = tuple(_PARSERS)
OPTIONAL_FIELDS: Final[Mapping[str, Any]] = {"is_tradable": True, "is_halted": False}
"""What a new instrument is where nothing is said of it."""
