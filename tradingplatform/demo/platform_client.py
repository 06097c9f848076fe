"""A client of the platform's public HTTP APIs, as an integrator would write one: REST to look, GraphQL to
trade.

Each call sends one request and gives one answer or raises one of the errors of `answers`. Nothing is retried
here: a caller that sends a trade again must know that it does, and keep its command id.
"""

from typing import Any, Final

import httpx

from market.money import format_money
from tradingplatform.demo.answers import (
    MarketAnswer,
    PortfolioAnswer,
    TradeAnswer,
    TryLater,
    UnexpectedAnswer,
    check_status,
    parse_market,
    parse_portfolio,
    parse_trade,
)
from tradingplatform.demo.strategies.views import Trade

READ_TIMEOUT_S: Final = 5.0
TRADE_TIMEOUT_S: Final = 15.0
CONNECTIONS_MAX: Final = 8

EXECUTE_TRADE: Final = """
mutation ExecuteTrade($input: ExecuteTradeInput!) {
  executeTrade(input: $input) {
    __typename
    ... on TradeExecuted { accountId version commandId }
    ... on CommandRefused { code message limit actual accountId version commandId }
  }
}
"""


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
        """Close all connections."""
        await self._http.aclose()

    async def market(self, *, api_key: str) -> MarketAnswer:
        """Return the market now."""
        return parse_market(await self._send("GET", "/api/market", api_key=api_key))

    async def portfolio(self, *, account_id: str, api_key: str, min_version: int, today: str) -> PortfolioAnswer:
        """Return an account's portfolio at `min_version` or later; `TryLater` when it is not there yet."""
        path = f"/api/accounts/{account_id}/portfolio"
        content = await self._send("GET", path, api_key=api_key, params={"min_version": min_version})
        return parse_portfolio(content, today=today)

    async def execute_trade(self, *, account_id: str, api_key: str, trade: Trade, command_id: str) -> TradeAnswer:
        """Send a trade; sent again with the same command id it is done once and answered alike."""
        variables = {
            "input": {
                "accountId": account_id,
                "symbol": trade.symbol,
                "side": trade.side,
                "quantity": trade.quantity,
                "price": format_money(trade.price),
                "commandId": command_id,
            }
        }
        body = {"query": EXECUTE_TRADE, "variables": variables, "operationName": "ExecuteTrade"}
        return parse_trade(await self._send("POST", "/graphql", api_key=api_key, json=body, timeout=TRADE_TIMEOUT_S))

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
