"""The venue process: reads the journal on, takes the market's quotes, and asks accounts to fill or to end orders.

It decides nothing about an account: each fill is a command like anybody's, which the account may refuse. It keeps
nothing either. Killed at any moment it begins again from the journal and asks again under the same command ids, so no
order is filled twice or forgotten. A writer, a market or a broker that is away is waited for; what was asked of one
writer does not keep the orders of others.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import structlog

from accounts.kernels.answers import SAID_ELSEWHERE
from accounts.writer.bus.ports import Bus
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, SystemCode
from accounts.writer.outcomes import CODE_NAMES, BatchResults
from eventstore.errors import StoreUnavailable
from identity.actors import platform_actor
from market.instruments.current import Instruments
from market.quotes import UNKNOWN_MARKET, QuoteSheet, is_stale
from market.replay import Phase
from tradingplatform.venue.journal import OrderJournal
from tradingplatform.venue.matcher import Quote
from tradingplatform.venue.working_orders import Ask, WorkingOrders

VENUE: Final = platform_actor("venue")
"""Whose commands these are: no user can spend their ids."""
POLL_SECONDS: Final = 0.01
STORE_RETRY_SECONDS: Final = 1.0
MARKET_WAIT_SECONDS_MAX: Final = 5.0
"""How long a start waits for the first quotes before it ends immediate orders unfilled."""
ASKS_AT_ONCE_MAX: Final = 2_000
ASKED_MAX: Final = 20_000
"""Orders that may rest for answers at a time; past it nothing new is matched."""
RETRY_SECONDS_MIN: Final = 0.2
RETRY_SECONDS_MAX: Final = 5.0
REPORT_SECONDS: Final = 60.0

_MAY_PASS: Final = frozenset(SystemCode)
"""Codes after which the same command is sent again."""

log = structlog.get_logger(__name__)


class PaperVenue:
    """The working orders and the market in one event loop."""

    def __init__(
        self,
        *,
        journal: OrderJournal,
        bus: Bus,
        sheets: Callable[[], AsyncIterator[QuoteSheet]],
        instruments: Callable[[], Instruments],
        displayed_value: int,
    ) -> None:
        """`displayed_value` is what a quote offers on each side, in ten-thousandths of the currency."""
        self._journal = journal
        self._bus = bus
        self._sheets = sheets
        self._instruments = instruments
        self._displayed_value = displayed_value
        self._orders = WorkingOrders()
        self._sheet = UNKNOWN_MARKET
        self._is_new_sheet = False
        self._answered: list[tuple[Ask, str]] = []
        self._is_store_away = False
        self._done = 0
        self._reported_at = time.monotonic()

    async def run(self) -> None:
        """Serve orders; ends by cancellation only."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_market())
            group.create_task(self._serve(group))

    async def _watch_market(self) -> None:
        async for sheet in self._sheets():
            self._sheet, self._is_new_sheet = sheet, True

    async def _serve(self, group: asyncio.TaskGroup) -> None:
        started_at = time.monotonic()
        self._read_journal()
        log.info("venue ready", working_orders=len(self._orders), seconds=round(time.monotonic() - started_at, 1))
        while not self._is_new_sheet and time.monotonic() < started_at + MARKET_WAIT_SECONDS_MAX:
            await asyncio.sleep(POLL_SECONDS)
        while True:
            if self._read_journal():
                self._look_at_market()
                if self._orders.asked_count < ASKED_MAX:
                    asks = list(self._orders.next_asks())
                    for start in range(0, len(asks), ASKS_AT_ONCE_MAX):
                        group.create_task(self._ask(asks[start : start + ASKS_AT_ONCE_MAX]))
                self._report()
                await asyncio.sleep(POLL_SECONDS)
            else:
                await asyncio.sleep(STORE_RETRY_SECONDS)

    def _read_journal(self) -> bool:
        """Take in what was recorded since, then the refusals that were answered before; False when the store is
        away.
        """
        answered, self._answered = self._answered, []
        try:
            for recorded in self._journal.read():
                self._orders.apply(recorded)
        except StoreUnavailable as error:
            self._answered = answered + self._answered
            if not self._is_store_away:
                log.warning("venue waits for the event store", reason=str(error))
            self._is_store_away = True
            return False
        self._is_store_away = False
        for ask, code in answered:
            self._orders.refused(ask, code)
        return True

    def _look_at_market(self) -> None:
        is_old = is_stale(made_at_us=self._sheet.made_at_us, now_us=time.time_ns() // 1_000)
        if not self._is_new_sheet and not (is_old and self._sheet.quotes):
            return
        self._is_new_sheet = False
        if is_old:
            log.warning("venue without quotes: orders wait", made_at_us=self._sheet.made_at_us)
            self._sheet = UNKNOWN_MARKET
        self._orders.quote(self._quotes() if self._sheet.phase is Phase.OPEN else {})
        self._orders.end_session(closed_at=self._sheet.closed_at_us)

    def _quotes(self) -> dict[str, Quote]:
        """Return what the market offers of the instruments that are traded: one price, without a spread."""
        quotes = {}
        by_symbol = self._instruments().by_symbol
        for quote in self._sheet.quotes:
            instrument = by_symbol.get(quote.symbol)
            if instrument is None or instrument.is_halted or not instrument.is_tradable:
                continue
            size = displayed_size(price=quote.price, displayed_value=self._displayed_value)
            quotes[quote.symbol] = Quote(quote.price, quote.price, size, size, instrument.lot_size)
        return quotes

    async def _ask(self, asks: Sequence[Ask]) -> None:
        """Ask accounts until each has answered; what was refused is looked at when the journal was read again."""
        pause = RETRY_SECONDS_MIN
        while asks:
            codes = await self._codes(asks)
            again = []
            for ask, code in zip(asks, codes, strict=True):
                if code in _MAY_PASS:
                    again.append(ask)
                elif code is not None:
                    self._answered.append((ask, code))
            if again:
                log.warning("venue asks again", orders=len(again), code=codes[asks.index(again[0])], in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, RETRY_SECONDS_MAX)
            asks = again

    async def _codes(self, asks: Sequence[Ask]) -> list[str | None]:
        envelopes = [Envelope(ask.order.account_id, ask.command_id, VENUE, ask.command) for ask in asks]
        try:
            results = await self._bus.asubmit_batch(AccountCommands.of(envelopes))
        except Exception:  # Whatever it is, the orders are asked for again and the venue goes on.
            log.exception("venue could not ask", orders=len(asks))
            return [SystemCode.INTERNAL_ERROR] * len(asks)
        codes = codes_of(results)
        self._done += codes.count(None)
        return codes

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        log.info(
            "venue", working_orders=len(self._orders), waiting_for_answers=self._orders.asked_count, done=self._done
        )


def displayed_size(*, price: int, displayed_value: int) -> int:
    """Return the whole shares that a quote at a price offers, at least one, in millionths of a share."""
    return max(displayed_value // price, 1) * 1_000_000


def codes_of(results: BatchResults) -> list[str | None]:
    """Return the code of each command that was refused or not executed, None for one that was done."""
    numbers = results.rows["code"].tolist()
    return [
        results.others[place].code if number == SAID_ELSEWHERE else CODE_NAMES[number] or None
        for place, number in enumerate(numbers)
    ]
