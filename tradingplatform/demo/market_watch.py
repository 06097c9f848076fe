"""What the demo traders know of the market: one look at GET /api/market a second, shared by all of them.

It waits quietly while the web server does not answer, saying so once, and tells how old its knowledge is
rather than passing on old prices.
"""

import asyncio
import time
from typing import Final

import structlog

from tradingplatform.demo.answers import AccessRefused, MarketAnswer, TryLater, UnexpectedAnswer
from tradingplatform.demo.platform_client import PlatformClient
from tradingplatform.demo.strategies.views import Quotes

LOOK_EVERY_S: Final = 1.0
QUOTES_AGE_S_MAX: Final = 5.0
RETRY_S_MAX: Final = 5.0

log = structlog.get_logger(__name__)


class MarketWatch:
    """Looks at the market again and again; `open_quotes` is what it knows."""

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
