"""The platform's answers as a trader reads them: JSON of the public APIs to views and outcomes, or to an
error.

Pure. The errors are sorted by what a client has to do: try again later with the same command, ask for access,
or report that the platform answered something that it does not document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from market.money import parse_money
from tradingplatform.demo.strategies.views import Holding, Limits, PortfolioView, QuoteView

RETRY_CODES: Final = frozenset({"OVERLOADED", "OUTCOME_UNKNOWN", "CONFLICT", "STORE_UNAVAILABLE", "INTERNAL_ERROR"})
ACCESS_CODES: Final = frozenset({"UNAUTHENTICATED", "FORBIDDEN"})
RETRY_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
ACCESS_STATUSES: Final = frozenset({401, 403})


class TryLater(Exception):
    """No usable answer now, and none may have been meant to come: the same request can be sent again."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class AccessRefused(Exception):
    """The API key is not accepted, or not for this account."""


class UnexpectedAnswer(Exception):
    """The platform answered in a way that its documentation does not have."""


@dataclass(frozen=True, slots=True)
class MarketAnswer:
    """The market's phase and all quotes."""

    phase: str
    quotes: Mapping[str, QuoteView]


@dataclass(frozen=True, slots=True)
class PortfolioAnswer:
    """An account's portfolio and the version that it was read at."""

    version: int
    status: str
    portfolio: PortfolioView


@dataclass(frozen=True, slots=True)
class Executed:
    """The trade was done."""

    version: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The trade was refused by a rule; code, limit and actual explain it."""

    code: str
    message: str
    limit: str | None
    actual: str | None
    version: int | None


TradeAnswer = Executed | Refused


def parse_market(content: Any) -> MarketAnswer:
    """Read the answer of GET /api/market."""
    try:
        quotes = [
            QuoteView(
                symbol=each["symbol"],
                price=parse_money(each["price"]),
                session_open=parse_money(each["session_open"]),
                day_high=parse_money(each["day_high"]),
                day_low=parse_money(each["day_low"]),
            )
            for each in content["instruments"]
        ]
        return MarketAnswer(phase=content["session"]["phase"], quotes={quote.symbol: quote for quote in quotes})
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(f"GET /api/market: {error!r}") from error


def parse_portfolio(content: Any, *, today: str) -> PortfolioAnswer:
    """Read the answer of GET /api/accounts/{id}/portfolio; `today` is the UTC date as "2026-01-31"."""
    try:
        account = content["account"]
        limits = account["limits"]
        day = account["day"] or {}
        return PortfolioAnswer(
            version=account["version"],
            status=account["status"],
            portfolio=PortfolioView(
                cash=parse_money(account["cash"]),
                portfolio_value=parse_money(account["portfolio_value"]),
                day_volume=parse_money(day["volume"]) if day.get("date") == today else 0,
                limits=Limits(
                    # Percent with two decimals, in ten-thousandths: 10.00 % is 100,000 there and 1,000 basis
                    # points.
                    position_bp_max=parse_money(limits["max_position_percent"]) // 100,
                    daily_value_max=parse_money(limits["max_daily_value"]),
                    trade_value_max=parse_money(limits["max_trade_value"]),
                ),
                holdings={
                    each["symbol"]: Holding(quantity=Decimal(each["quantity"]), cost=parse_money(each["cost"]))
                    for each in content["positions"]
                    if Decimal(each["quantity"]) > 0
                },
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise UnexpectedAnswer(f"GET portfolio: {error!r}") from error


def parse_trade(content: Any) -> TradeAnswer:
    """Read the answer to executeTrade: done, refused by a rule, or one of the three errors of this module."""
    try:
        if content.get("errors"):
            raise _system_error(content["errors"][0])
        result = content["data"]["executeTrade"]
        if result["__typename"] == "TradeExecuted":
            return Executed(version=result["version"])
        return Refused(
            code=result["code"],
            message=result["message"],
            limit=_text(result["limit"]),
            actual=_text(result["actual"]),
            version=result["version"],
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UnexpectedAnswer(f"executeTrade: {error!r}") from error


def check_status(status: int, *, what: str, retry_after: str | None) -> None:
    """Raise the error that an HTTP status stands for; 200 and the statuses that carry GraphQL errors pass."""
    if status in ACCESS_STATUSES:
        raise AccessRefused(f"{what} was answered with status {status}")
    if status in RETRY_STATUSES:
        seconds = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
        raise TryLater(f"{what} was answered with status {status}", retry_after_s=seconds)


def _system_error(error: dict[str, Any]) -> Exception:
    extensions = error.get("extensions") or {}
    code = extensions.get("code")
    message = f"{code}: {error.get('message')}"
    if code in RETRY_CODES:
        milliseconds = extensions.get("retry_after_ms")
        return TryLater(message, retry_after_s=milliseconds / 1_000 if milliseconds else None)
    return AccessRefused(message) if code in ACCESS_CODES else UnexpectedAnswer(f"executeTrade: {message}")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
