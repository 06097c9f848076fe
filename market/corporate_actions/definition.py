"""What a corporate action is: its kind and its terms, and the checks that every way of announcing one goes through.

Terms arrive as text, from a form, a file or GraphQL, and are read here field by field. Prices are integers in
ten-thousandths of the currency, a dividend per share in hundred-millionths, a lot in millionths of a share. Pure: no
Django, no database. Not here: whether the symbol is known and the day is one of trading (`announcing`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from market.instruments.definition import InvalidInstrument, parse_field

AMOUNT_DECIMALS: Final = 8
AMOUNT_MAX: Final = 10_000_000
"""A dividend per share is at most so much of the currency."""
PRICE_DECIMALS: Final = 4
RATIO_MAX: Final = 1_000_000


class Kind(StrEnum):
    """What happens to a share."""

    SPLIT = "SPLIT"
    """`numerator` new shares for every `denominator` old ones: 2 for 1, or 1 for 10 in a reverse split."""
    DIVIDEND = "DIVIDEND"
    """Cash for every share."""
    SYMBOL_CHANGE = "SYMBOL_CHANGE"
    """The same shares under another symbol."""


class State(StrEnum):
    """How far an action is."""

    ANNOUNCED = "ANNOUNCED"
    APPLYING = "APPLYING"
    APPLIED = "APPLIED"
    WITHDRAWN = "WITHDRAWN"
    FAILED = "FAILED"
    """Applied to all holders but some, whose accounts refuse it; those are asked again now and then."""


NEEDED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.SPLIT: ("numerator", "denominator"),
    Kind.DIVIDEND: ("amount_per_share",),
    Kind.SYMBOL_CHANGE: ("new_symbol",),
}
OPTIONAL: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.SPLIT: ("lot_size", "fraction_price"),
    Kind.DIVIDEND: (),
    Kind.SYMBOL_CHANGE: ("new_name",),
}


class InvalidCorporateAction(ValueError):
    """An action that cannot be; `field` is which of its fields is wrong, and the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class CorporateActionTerms:
    """What is announced. Fields that are not of its kind are None."""

    kind: Kind
    symbol: str
    effective_date: date
    """The first session in which the shares trade on the new terms (the ex-date)."""
    numerator: int | None = None
    denominator: int | None = None
    lot_size: int | None = None
    """Less than such a lot of new shares is paid in cash; None for the instrument's own lot."""
    fraction_price: int | None = None
    """What a new share is worth where it is paid in cash; None for the last price before the split, divided."""
    amount_per_share: int | None = None
    new_symbol: str | None = None
    new_name: str | None = None
    """How the instrument of the new symbol is called where there is none yet; None for the old one's name."""


def parse_terms(given: Mapping[str, str | None]) -> CorporateActionTerms:
    """Return the terms of an action of its fields as text; None and empty text are not given.

    Raises InvalidCorporateAction.
    """
    texts = {name: text.strip() for name, text in given.items() if text is not None and text.strip()}
    kind = _kind(_given(texts, "kind"))
    for name in ("symbol", "effective_date", *NEEDED[kind]):
        _given(texts, name, kind)
    allowed = {"kind", "symbol", "effective_date", *NEEDED[kind], *OPTIONAL[kind]}
    for name in texts:
        if name not in allowed:
            raise InvalidCorporateAction(name, f"{name} is none of the terms of a {kind}: leave it out")
    terms = CorporateActionTerms(**{"kind": kind, **{name: _PARSERS[name](texts[name]) for name in texts}})
    if kind is Kind.SPLIT and terms.numerator == terms.denominator:
        raise InvalidCorporateAction("numerator", f"{terms.numerator} for {terms.denominator} changes nothing")
    if kind is Kind.SYMBOL_CHANGE and terms.new_symbol == terms.symbol:
        raise InvalidCorporateAction("new_symbol", f"it is {terms.symbol} already: give another symbol")
    return terms


def format_terms(terms: Any) -> str:
    """Show what an action does, of terms or of its row: "2 for 1", "0.24 per share", "FB becomes META"."""
    if terms.kind == Kind.SPLIT:
        return f"{terms.numerator} for {terms.denominator}"
    if terms.kind == Kind.DIVIDEND:
        return f"{format_dividend(terms.amount_per_share)} per share"
    return f"{terms.symbol} becomes {terms.new_symbol}"


def format_dividend(value: int) -> str:
    """Show hundred-millionths as a decimal string without superfluous zeros."""
    whole, fraction = divmod(value, 10**AMOUNT_DECIMALS)
    return f"{whole}.{fraction:0{AMOUNT_DECIMALS}d}".rstrip("0").rstrip(".")


def _given(texts: Mapping[str, str], name: str, kind: Kind | None = None) -> str:
    if name not in texts:
        what = "an action" if kind is None else f"a {kind}"
        raise InvalidCorporateAction(name, f"{what} needs {name}, which is not given")
    return texts[name]


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise InvalidCorporateAction("kind", f"a kind is one of {', '.join(Kind)}; found {text[:40]!r}") from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidCorporateAction(
            "effective_date", f"a date is YYYY-MM-DD such as 2019-03-04, found {text[:40]!r}"
        ) from None


def _ratio(name: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(RATIO_MAX)) else 0
        if not 1 <= value <= RATIO_MAX:
            raise InvalidCorporateAction(name, f"{name} is a whole number from 1 to {RATIO_MAX:,}, found {text[:40]!r}")
        return value

    return parse


def _decimal(name: str, *, decimals: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        whole, point, fraction = text.partition(".")
        is_decimal = whole.isascii() and whole.isdigit() and len(whole) <= len(str(most))
        if point:
            is_decimal = is_decimal and fraction.isascii() and fraction.isdigit() and len(fraction) <= decimals
        value = int(whole + fraction.ljust(decimals, "0")) if is_decimal else 0
        if not 0 < value <= most * 10**decimals:
            raise InvalidCorporateAction(
                name,
                f"{name} is plain digits with at most {decimals} decimals, above 0 and at most {most:,}, such as 0.24; "
                f"found {text[:40]!r}",
            )
        return value

    return parse


def _of_instrument(name: str, field: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return parse_field(field, text)
        except InvalidInstrument as error:
            raise InvalidCorporateAction(name, str(error)) from error

    return parse


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "kind": _kind,
    "symbol": _of_instrument("symbol", "symbol"),
    "effective_date": _date,
    "numerator": _ratio("numerator"),
    "denominator": _ratio("denominator"),
    "lot_size": _of_instrument("lot_size", "lot_size"),
    "fraction_price": _decimal("fraction_price", decimals=PRICE_DECIMALS, most=AMOUNT_MAX),
    "amount_per_share": _decimal("amount_per_share", decimals=AMOUNT_DECIMALS, most=AMOUNT_MAX),
    "new_symbol": _of_instrument("new_symbol", "symbol"),
    "new_name": _of_instrument("new_name", "name"),
}
FIELDS: Final = tuple(_PARSERS)
"""What can be said of an action, in the order of CorporateActionTerms."""
