"""The demo traders: one for each account of demo.json, beside one market watch that all of them share.

A trader looks at the market and at its own portfolio (no older than its last order), asks its strategy, places a market
order with an id of its own, rests, and begins again. While an order works it places no other. While the outcome of
placing is not known it sends the same command again, never a new one. A refusal by a rule is a normal answer. It slows
down as the account uses up its volume of the day, so that it trades at any hour.
"""

import asyncio
import random
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from tradingplatform.demo.decisions import Hold, Quotes, Trade, day_room_share
from tradingplatform.demo.demo_accounts import DemoAccount, DemoFile, read_demo_file
from tradingplatform.demo.platform_client import (
    AccessRefused,
    MarketAnswer,
    OrderAnswer,
    Placed,
    PlatformClient,
    TryLater,
    UnexpectedAnswer,
)
from tradingplatform.demo.strategies import STRATEGIES

LOOK_EVERY_S: Final = 1.0
QUOTES_AGE_S_MAX: Final = 5.0
PAUSE_S_MIN: Final = 1.0
PAUSE_S_MAX: Final = 3.0
SLOWDOWN_MAX: Final = 20.0
RETRY_S_MIN: Final = 0.25
RETRY_S_MAX: Final = 5.0
COMMAND_RETRY_S_MAX: Final = 120.0  # After this long without an outcome a command is given up, and said to be.
TROUBLE_PAUSE_S: Final = 30.0  # Before looking again after an error that does not pass by itself.
FILE_CHECK_S: Final = 1.0

log = structlog.get_logger(__name__)


class MarketWatch:
    """Looks at GET /api/market once a second; `open_quotes` is what it knows.

    It waits quietly while the web server does not answer, saying so once, and tells nothing rather than
    old prices.
    """

    def __init__(self, *, client: PlatformClient, api_key: str) -> None:
        self._client = client
        self._api_key = api_key
        self._answer: MarketAnswer | None = None
        self._answered_at = 0.0
        self._failures = 0

    def open_quotes(self) -> Quotes | None:
        """Return the quotes, or None when the market is not open or its prices are not known well enough."""
        if self._answer is None or self._answer.phase != "OPEN":
            return None
        is_old = time.monotonic() - self._answered_at > QUOTES_AGE_S_MAX
        return None if is_old else self._answer.quotes

    async def run(self) -> None:
        """Look every second, less often while there is no answer; ends by cancellation only."""
        while True:
            try:
                self._answer = await self._client.market(api_key=self._api_key)
                self._note_success()
            except (TryLater, AccessRefused, UnexpectedAnswer) as error:
                self._note_failure(error)
            await asyncio.sleep(min(LOOK_EVERY_S + self._failures / 2, RETRY_S_MAX))

    def _note_success(self) -> None:
        if self._failures or not self._answered_at:
            log.info("demo_traders.market_answers", web_url=self._client.web_url)
        self._failures = 0
        self._answered_at = time.monotonic()

    def _note_failure(self, error: Exception) -> None:
        self._failures += 1
        if self._failures > 1:
            return
        write = log.info if isinstance(error, TryLater) else log.error
        write("demo_traders.waiting_for_market", web_url=self._client.web_url, reason=str(error))


class Trader:
    """Trades on one account by one strategy; the pauses and choices are drawn from a seed, the account's id."""

    def __init__(self, *, account: DemoAccount, client: PlatformClient, market: MarketWatch) -> None:
        self._account = account
        self._client = client
        self._market = market
        self._strategy = STRATEGIES[account.strategy]
        self._random = random.Random(account.account_id)  # noqa: S311 - a demonstration, not a secret.
        self._version = 1  # An account that a projection has not reached yet is waited for.
        self._slowdown = 1.0
        self._failures = 0
        self._log = log.bind(account=account.name, strategy=account.strategy)

    async def run(self) -> None:
        """Act again and again; ends by cancellation only."""
        while True:
            await asyncio.sleep(self._random.uniform(PAUSE_S_MIN, PAUSE_S_MAX) * self._slowdown)
            try:
                await self._act()
                self._failures = 0
            except TryLater as error:
                self._failures += 1
                await asyncio.sleep(retry_pause_s(self._failures, error))
            except (AccessRefused, UnexpectedAnswer) as error:
                self._log.error("demo_trader.trouble", reason=str(error), retry_in_s=TROUBLE_PAUSE_S)
                await asyncio.sleep(TROUBLE_PAUSE_S)

    async def _act(self) -> None:
        quotes = self._market.open_quotes()
        if quotes is None:
            return
        answer = await self._client.portfolio(
            account_id=self._account.account_id,
            api_key=self._account.api_key,
            min_version=self._version,
            today=datetime.now(UTC).date().isoformat(),
        )
        self._version = max(self._version, answer.version)
        if answer.status != "ACTIVE":
            return  # Every refusal is recorded: a frozen account's trader does not add to its history.
        if answer.open_orders:
            return  # Nobody has filled it yet.
        self._slowdown = min(1 / max(day_room_share(answer.portfolio), 1 / SLOWDOWN_MAX), SLOWDOWN_MAX)
        decision = self._strategy(quotes, answer.portfolio, self._random.random())
        if isinstance(decision, Hold):
            self._log.debug("demo_trader.holds", reason=decision.reason)
            return
        await self._place(decision)

    async def _place(self, trade: Trade) -> None:
        client_order_id = f"demo-{uuid.uuid4()}"
        give_up_at = time.monotonic() + COMMAND_RETRY_S_MAX
        failures = 0
        while time.monotonic() < give_up_at:
            try:
                answer = await self._client.place_order(
                    account_id=self._account.account_id,
                    api_key=self._account.api_key,
                    trade=trade,
                    client_order_id=client_order_id,
                )
            except TryLater as error:
                failures += 1
                self._log.info("demo_trader.repeats", client_order_id=client_order_id, reason=str(error))
                await asyncio.sleep(retry_pause_s(failures, error))
            else:
                self._note(trade, answer)
                return
        self._log.error("demo_trader.outcome_unknown", client_order_id=client_order_id, tries=failures)

    def _note(self, trade: Trade, answer: OrderAnswer) -> None:
        self._version = max(self._version, answer.version or 0)
        told = {"symbol": trade.symbol, "side": trade.side, "quantity": trade.quantity}
        if isinstance(answer, Placed):
            self._log.info("demo_trader.ordered", **told, reason=trade.reason, version=answer.version)
        else:
            self._log.info("demo_trader.refused", **told, code=answer.code, limit=answer.limit, actual=answer.actual)


def retry_pause_s(failures: int, error: TryLater) -> float:
    """Return how long to wait after this many failures: doubling within limits, and what the server asked
    for.
    """
    doubled = min(RETRY_S_MIN * 2.0 ** min(failures - 1, 10), RETRY_S_MAX)
    return max(doubled, min(error.retry_after_s or 0.0, RETRY_S_MAX))


async def run_demo_traders(*, demo_path: Path, web_url: str | None) -> None:
    """Trade on every account of the file at `demo_path`, at `web_url` or else at the address in the file."""
    demo = await _wait_for_file(demo_path)
    if not demo.accounts:
        log.warning("demo_traders.no_accounts", path=str(demo_path))
        return
    client = PlatformClient(web_url=web_url or demo.web_url)
    market = MarketWatch(client=client, api_key=demo.accounts[0].api_key)
    traders = [Trader(account=account, client=client, market=market) for account in demo.accounts]
    log.info("demo_traders.started", accounts=len(traders), web_url=client.web_url)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(market.run())
            for trader in traders:
                group.create_task(trader.run())
    finally:
        await client.close()
        log.info("demo_traders.stopped")


async def _wait_for_file(path: Path) -> DemoFile:
    is_announced = False
    while not path.exists():
        if not is_announced:
            log.info("demo_traders.waiting_for_file", path=str(path), written_by="manage.py load_demo")
            is_announced = True
        await asyncio.sleep(FILE_CHECK_S)
    return read_demo_file(path)
