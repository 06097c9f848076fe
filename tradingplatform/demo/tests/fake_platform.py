"""The platform's public APIs in memory, with the faults of a real one: to test clients of it.

Served through httpx's own transport, so that requests are built, encoded and parsed as in real life. It
executes each command id once and answers a repeated one alike, as the real platform does; `faults` are
answered first, one per request.
"""

import json

import httpx

from market.money import format_money, parse_money

ACCOUNT_ID = "11111111-1111-4111-8111-111111111111"
API_KEY = "key-of-the-test"
MARKET = {
    "session": {"date": "2019-03-04", "phase": "OPEN", "simulated": True, "note": "..."},
    "instruments": [
        {
            "symbol": symbol,
            "name": symbol,
            "sector": "Energy",
            "price": price,
            "previous_close": "50.0000",
            "session_open": "50.0000",
            "day_high": "52.0000",
            "day_low": "48.0000",
            "at": "2026-01-31T12:00:00.000000Z",
        }
        for symbol, price in [("KO", "51.0000"), ("PG", "49.0000"), ("XOM", "50.0000")]
    ],
}


class LostAnswer(Exception):
    """A fault: the request is served and the answer never arrives."""


class FakePlatform:
    """One account with 100,000 in cash. Orders are filled at once, and only change the cash: that is all that a client
    can see of them here.
    """

    def __init__(self, *, faults=()):
        self.faults = list(faults)
        self.requests = []
        self.results = {}
        self.cash = 100_000 * 10_000
        self.version = 2
        self.status = "ACTIVE"
        self.open_orders = 0
        self.market = MARKET

    @property
    def transport(self):
        return httpx.MockTransport(self._serve)

    def sent_command_ids(self):
        return [
            json.loads(each.content)["variables"]["input"]["clientOrderId"]
            for each in self.requests
            if each.url.path == "/graphql"
        ]

    def _serve(self, request):
        self.requests.append(request)
        is_trade = request.url.path == "/graphql"
        fault = self.faults.pop(0) if is_trade and self.faults else None
        if isinstance(fault, httpx.Response):
            return fault
        if isinstance(fault, httpx.TransportError):
            raise fault
        answer = self._answer(request)
        if isinstance(fault, LostAnswer):
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer

    def _answer(self, request):
        if request.headers.get("Authorization") != f"Bearer {API_KEY}":
            return httpx.Response(401, json={"code": "UNAUTHENTICATED"})
        if request.url.path == "/api/market":
            return httpx.Response(200, json=self.market)
        if request.url.path == f"/api/accounts/{ACCOUNT_ID}/portfolio":
            if int(request.url.params["min_version"]) > self.version:
                return httpx.Response(503, json={"code": "VERSION_NOT_AVAILABLE"}, headers={"Retry-After": "1"})
            return httpx.Response(200, json=self._portfolio())
        if request.url.path == "/graphql":
            return httpx.Response(200, json={"data": {"placeOrder": self._place(request)}})
        return httpx.Response(404)

    def _place(self, request):
        order = json.loads(request.content)["variables"]["input"]
        command_id = order["clientOrderId"]
        if command_id not in self.results:
            prices = {each["symbol"]: each["price"] for each in self.market["instruments"]}
            self.cash -= order["quantity"] * parse_money(prices[order["symbol"]])
            self.version += 1
            self.results[command_id] = {"__typename": "OrderPlaced", "version": self.version}
        return self.results[command_id]

    def _portfolio(self):
        return {
            "account": {
                "account_id": ACCOUNT_ID,
                "status": self.status,
                "open_orders": self.open_orders,
                "cash": format_money(self.cash),
                "portfolio_value": "100000.0000",
                "day": {"date": "2026-01-31", "volume": "1000.0000", "trades": 3, "realized_pnl": "0.0000"},
                "limits": {
                    "max_position_percent": "10.00",
                    "max_daily_value": "1000000.0000",
                    "max_trade_value": "100000.0000",
                },
                "version": self.version,
            },
            "positions": [
                {"symbol": "KO", "quantity": "10", "cost": "500.0000"},
                {"symbol": "GE", "quantity": "0", "cost": "0.0000"},
            ],
        }


def graphql_error(code, **extensions):
    return httpx.Response(
        200, json={"data": None, "errors": [{"message": "...", "extensions": {"code": code, **extensions}}]}
    )
