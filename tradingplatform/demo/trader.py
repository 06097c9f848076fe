"""One demo account: look, decide, trade, rest, for ever.

It looks at the market and at its own portfolio (no older than its last trade), asks its strategy, and sends
the trade with a command id of its own. While the outcome is not known it sends the same command again, never
a new one. A refusal by a rule is a normal answer. It slows down as the account uses up its volume of the day,
so that it trades at any hour.
"""

import asyncio
import random
import time
import uuid
from datetime import UTC, datetime
from typing import Final

import structlog

from tradingplatform.demo.answers import AccessRefused, Executed, TradeAnswer, TryLater, UnexpectedAnswer
from tradingplatform.demo.demo_accounts import DemoAccount
from tradingplatform.demo.market_watch import MarketWatch
from tradingplatform.demo.platform_client import PlatformClient
from tradingplatform.demo.strategies.catalogue import STRATEGIES
from tradingplatform.demo.strategies.sizing import day_room_share
from tradingplatform.demo.strategies.views import Hold, Trade

PAUSE_S_MIN: Final = 1.0
PAUSE_S_MAX: Final = 3.0
SLOWDOWN_MAX: Final = 20.0
RETRY_S_MIN: Final = 0.25
RETRY_S_MAX: Final = 5.0
COMMAND_RETRY_S_MAX: Final = 120.0  # After this long without an outcome a command is given up, and said to be.
TROUBLE_PAUSE_S: Final = 30.0  # Before looking again after an error that does not pass by itself.

log = structlog.get_logger(__name__)


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
            return  # Every refused trade is recorded: a frozen account's trader does not add to its history.
        self._slowdown = min(1 / max(day_room_share(answer.portfolio), 1 / SLOWDOWN_MAX), SLOWDOWN_MAX)
        decision = self._strategy(quotes, answer.portfolio, self._random.random())
        if isinstance(decision, Hold):
            self._log.debug("demo_trader.holds", reason=decision.reason)
            return
        await self._execute(decision)

    async def _execute(self, trade: Trade) -> None:
        command_id = f"demo-{uuid.uuid4()}"
        give_up_at = time.monotonic() + COMMAND_RETRY_S_MAX
        failures = 0
        while time.monotonic() < give_up_at:
            try:
                answer = await self._client.execute_trade(
                    account_id=self._account.account_id,
                    api_key=self._account.api_key,
                    trade=trade,
                    command_id=command_id,
                )
            except TryLater as error:
                failures += 1
                self._log.info("demo_trader.repeats", command_id=command_id, reason=str(error))
                await asyncio.sleep(retry_pause_s(failures, error))
            else:
                self._note(trade, answer)
                return
        self._log.error("demo_trader.outcome_unknown", command_id=command_id, tries=failures)

    def _note(self, trade: Trade, answer: TradeAnswer) -> None:
        self._version = max(self._version, answer.version or 0)
        told = {"symbol": trade.symbol, "side": trade.side, "quantity": trade.quantity}
        if isinstance(answer, Executed):
            self._log.info("demo_trader.traded", **told, reason=trade.reason, version=answer.version)
        else:
            self._log.info("demo_trader.refused", **told, code=answer.code, limit=answer.limit, actual=answer.actual)


def retry_pause_s(failures: int, error: TryLater) -> float:
    """Return how long to wait after this many failures: doubling within limits, and what the server asked
    for.
    """
    doubled = min(RETRY_S_MIN * 2.0 ** min(failures - 1, 10), RETRY_S_MAX)
    return max(doubled, min(error.retry_after_s or 0.0, RETRY_S_MAX))
