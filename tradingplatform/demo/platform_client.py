"""A client of the platform's public HTTP APIs, as an integrator would write one: REST to look, GraphQL to trade.

Each call sends one request and gives one answer or raises an error, which says what to do: try again later with the
same command, ask for access, or report that the platform answered something that it does not document. Nothing is
retried here: a caller that sends a trade again must know that it does, and keep its command id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import httpx

from market.money import parse_money
from tradingplatform.demo.decisions import Holding, Limits, PortfolioView, QuoteView, Trade

READ_TIMEOUT_S: Final = 5.0
TRADE_TIMEOUT_S: Final = 15.0
CONNECTIONS_MAX: Final = 8

PLACE_ORDER: Final = """
mutation PlaceOrder($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on OrderPlaced { version }
    ... on CommandRefused { code message limit actual version }
  }
}
"""
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
    open_orders: int
    portfolio: PortfolioView


@dataclass(frozen=True, slots=True)
class Placed:
    """The order works; it is filled, or ends, by itself."""

    version: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The order was refused by a rule; code, limit and actual explain it."""

    code: str
    message: str
    limit: str | None
    actual: str | None
    version: int | None


OrderAnswer = Placed | Refused


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
            open_orders=account["open_orders"],
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


def parse_order(content: Any) -> OrderAnswer:
    """Read the answer to placeOrder: it works, it was refused by a rule, or one of the three errors."""
    try:
        if content.get("errors"):
            raise _system_error(content["errors"][0])
        result = content["data"]["placeOrder"]
        if result["__typename"] == "OrderPlaced":
            return Placed(version=result["version"])
        return Refused(
            code=result["code"],
            message=result["message"],
            limit=_text(result["limit"]),
            actual=_text(result["actual"]),
            version=result["version"],
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UnexpectedAnswer(f"placeOrder: {error!r}") from error


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
    return AccessRefused(message) if code in ACCESS_CODES else UnexpectedAnswer(f"placeOrder: {message}")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class PlatformClient:
    """The public APIs at one address; used by all demo accounts, each with its own key."""

    def __init__(self, *, web_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.web_url = web_url
        self._http = httpx.AsyncClient(
            base_url=web_url,
            transport=transport,
            timeout=READ_TIMEOUT_S,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            trust_env=False,  # The server is on this machine: no proxy is to come between.
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def market(self, *, api_key: str) -> MarketAnswer:
        return parse_market(await self._send("GET", "/api/market", api_key=api_key))

    async def portfolio(self, *, account_id: str, api_key: str, min_version: int, today: str) -> PortfolioAnswer:
        """Return an account's portfolio at `min_version` or later; `TryLater` when it is not there yet."""
        path = f"/api/accounts/{account_id}/portfolio"
        content = await self._send("GET", path, api_key=api_key, params={"min_version": min_version})
        return parse_portfolio(content, today=today)

    async def place_order(self, *, account_id: str, api_key: str, trade: Trade, client_order_id: str) -> OrderAnswer:
        """Place a market order; sent again with the same id it is placed once."""
        variables = {
            "input": {
                "accountId": account_id,
                "symbol": trade.symbol,
                "side": trade.side,
                "quantity": trade.quantity,
                "type": "MARKET",
                "clientOrderId": client_order_id,
            }
        }
        body = {"query": PLACE_ORDER, "variables": variables, "operationName": "PlaceOrder"}
        return parse_order(await self._send("POST", "/graphql", api_key=api_key, json=body, timeout=TRADE_TIMEOUT_S))

    async def _send(self, method: str, path: str, *, api_key: str, **options: Any) -> Any:
        try:
            answer = await self._http.request(method, path, headers={"Authorization": f"Bearer {api_key}"}, **options)
        except httpx.TransportError as error:
            raise TryLater(f"{method} {path}: no answer ({type(error).__name__})") from error
        check_status(answer.status_code, what=f"{method} {path}", retry_after=answer.headers.get("Retry-After"))
        try:
            return answer.json()
        except ValueError as error:
            raise UnexpectedAnswer(f"{method} {path}: status {answer.status_code}, not JSON") from error
