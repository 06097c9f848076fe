"""The venue process: reads the journal on, takes the market's quotes, and asks accounts to fill or to end orders.

It decides nothing about an account: each fill is a command like anybody's, which the account may refuse. It keeps
nothing either. Killed at any moment it begins again from the journal and asks again under the same command ids, so no
order is filled twice or forgotten. What is not known to have been done is matched again, at the quote of then. A store,
a market or a writer that is away is waited for; orders of partitions that have none too many under way go on meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

import numpy as np
import structlog

from accounts.kernels.answers import DONE, SAID_ELSEWHERE
from accounts.kernels.trades import FIRST_FILL, NOT_ORDER, NOT_OTHER, TRADE
from accounts.writer.bus.ports import Bus
from accounts.writer.columns import AccountCommands, no_orders
from accounts.writer.envelope import SystemCode
from accounts.writer.outcomes import CODE_NAMES, BatchResults
from eventstore.errors import StoreUnavailable
from eventstore.writer.commands import Origin
from identity.actors import platform_actor
from market.instruments.current import Instruments
from market.quotes import UNKNOWN_MARKET, QuoteSheet, is_stale, tradable_quotes
from tradingplatform.venue.asks import FILL, Asks
from tradingplatform.venue.journal import OrderJournal
from tradingplatform.venue.matcher import Quote
from tradingplatform.venue.shares import ALL, Share
from tradingplatform.venue.working_orders import WorkingOrders

T = TypeVar("T")

VENUE: Final = platform_actor("venue")
"""Whose commands these are: no user can spend their ids."""
STORE_RETRY_SECONDS: Final = 1.0
MARKET_WAIT_SECONDS_MAX: Final = 5.0
"""How long a start waits for the first quotes before it ends immediate orders unfilled."""
ASKS_AT_ONCE_MAX: Final = 2_000
NOT_DONE_SECONDS: Final = 0.5
"""How long an order rests whose command was not executed, or of which that is not known."""
REPORT_SECONDS: Final = 60.0

_NOT_DONE: Final = frozenset(SystemCode)

log = structlog.get_logger(__name__)


class Answer(NamedTuple):
    """What a command was answered that was not done: the code says why."""

    asks: Asks
    place: int
    code: str


class PaperVenue:
    """The working orders and the market in one event loop; the journal is read on a thread of its own."""

    def __init__(
        self,
        *,
        journal: OrderJournal,
        bus: Bus,
        sheets: Callable[[], AsyncIterator[QuoteSheet]],
        instruments: Callable[[], Instruments],
        displayed_value: int,
        poll_seconds: float,
        may_fill: Callable[[], bool],
        share: Share = ALL,
    ) -> None:
        """As long as `may_fill` says no, nothing is filled or ended. `displayed_value` is what a quote offers on each
        side, in ten-thousandths of the currency.
        """
        self._journal = journal
        self._bus = bus
        self._sheets = sheets
        self._instruments = instruments
        self._displayed_value = displayed_value
        self._poll_seconds = poll_seconds
        self._orders = WorkingOrders(partitions_of=journal.partitions_of, is_own=share.has)
        self._may_fill = may_fill
        self._sheet = UNKNOWN_MARKET
        self._is_new_sheet = False
        self._looked_at: Instruments | None = None
        self._answers: list[Answer] = []
        self._is_store_away = False
        self._done = 0
        self._reported_at = time.monotonic()
        self._reading = ThreadPoolExecutor(1, "journal")

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
        while not await self._read_journal():
            await asyncio.sleep(STORE_RETRY_SECONDS)
        log.info("venue ready", working_orders=len(self._orders), seconds=round(time.monotonic() - started_at, 1))
        while not self._is_new_sheet and time.monotonic() < started_at + MARKET_WAIT_SECONDS_MAX:
            await asyncio.sleep(self._poll_seconds)
        while True:
            if await self._read_journal():
                if not self._may_fill():
                    await asyncio.sleep(self._poll_seconds)
                    continue
                self._look_at_market()
                asks = self._orders.next_asks()
                for start in range(0, len(asks), ASKS_AT_ONCE_MAX):
                    group.create_task(self._ask(asks.take(slice(start, start + ASKS_AT_ONCE_MAX))))
                self._report()
                await asyncio.sleep(self._poll_seconds)
            else:
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _read_journal(self) -> bool:
        """Take in what was recorded since, then the answers that came before; False when the store is away."""
        answers, self._answers = self._answers, []
        try:
            for partition, head in (await self._on_thread(self._journal.behind)).items():
                while (found := await self._on_thread(lambda: self._journal.read(partition, head=head))) is not None:  # noqa: B023
                    self._orders.apply(found)
        except StoreUnavailable as error:
            self._answers = answers + self._answers
            if not self._is_store_away:
                log.warning("venue waits for the event store", reason=str(error))
            self._is_store_away = True
            return False
        self._is_store_away = False
        self._orders.hold_partitions(self._journal.unreadable)
        for asks, place, code in answers:
            if code not in _NOT_DONE:
                self._orders.refused(asks, place, code)
            elif not self._orders.not_done(asks, place, is_fault=code == SystemCode.INTERNAL_ERROR):
                log.error("an order rests: what is asked for it fails", asked=asks.command(place))
        return True

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reading, work)

    def _look_at_market(self) -> None:
        now_us = time.time_ns() // 1_000
        is_old = is_stale(made_at_us=self._sheet.made_at_us, now_us=now_us)
        instruments = self._instruments()
        is_changed = instruments is not self._looked_at  # What is halted counts now, not with the next quotes.
        if not self._is_new_sheet and not is_changed and not (is_old and self._sheet.quotes):
            return
        self._is_new_sheet, self._looked_at = False, instruments
        if is_old and self._sheet.quotes:
            log.warning("venue without quotes: orders wait", made_at_us=self._sheet.made_at_us)
            self._sheet = UNKNOWN_MARKET
        self._orders.quote(self._quotes(now_us), now=now_us)
        self._orders.end_session(closed_at=self._sheet.closed_at_us)

    def _quotes(self, now_us: int) -> dict[str, Quote]:
        """Return what the market offers of the instruments that are traded: bid, ask and sizes as they were said, else
        one price without a spread, and a size of its value. Sizes that were said are offered once.
        """
        quotes = {}
        by_symbol = self._instruments().by_symbol
        for quote in tradable_quotes(self._sheet, now_us=now_us):
            instrument = by_symbol.get(quote.symbol)
            if instrument is None or instrument.is_halted or not instrument.is_tradable:
                continue
            lot_size = instrument.lot_size
            size = displayed_size(price=quote.price, lot_size=lot_size, displayed_value=self._displayed_value)
            quotes[quote.symbol] = Quote(
                bid=quote.price if quote.bid is None else quote.bid,
                ask=quote.price if quote.ask is None else quote.ask,
                bid_size=size if quote.bid_size is None else quote.bid_size,
                ask_size=size if quote.ask_size is None else quote.ask_size,
                lot_size=lot_size,
                said_at_us=quote.at_us if quote.bid_size is not None or quote.ask_size is not None else None,
            )
        return quotes

    async def _ask(self, asks: Asks) -> None:
        """Ask accounts; what they answer is taken in when the journal was read after that."""
        codes = await self._codes(asks)
        self._done += len(asks) - len(codes)
        answers = [Answer(asks, place, code) for place, code in codes.items()]
        self._answers += [answer for answer in answers if answer.code not in _NOT_DONE]
        not_done = [answer for answer in answers if answer.code in _NOT_DONE]
        if not_done:
            log.warning("venue asks again", orders=len(not_done), code=not_done[0].code, in_seconds=NOT_DONE_SECONDS)
            await asyncio.sleep(NOT_DONE_SECONDS)
            self._answers += not_done

    async def _codes(self, asks: Asks) -> dict[int, str]:
        """Return what keeps those from being done that are not, by their places."""
        try:
            return codes_of(await self._bus.asubmit_batch(commands_of(asks)))
        except Exception:  # Whatever it is, it is narrowed down to the order that it comes from.
            if len(asks) == 1:
                log.exception("venue could not ask", asked=asks.command(0))
                return {0: SystemCode.INTERNAL_ERROR}
            half = len(asks) // 2
            first, second = await self._codes(asks.take(slice(half))), await self._codes(asks.take(slice(half, None)))
            return first | {half + place: code for place, code in second.items()}

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        log.info("venue", working_orders=len(self._orders), asked=self._orders.asked_count, done=self._done)


def displayed_size(*, price: int, lot_size: int, displayed_value: int) -> int:
    """Return how many millionths of a share a quote at a price offers: whole shares, in whole lots, one at least."""
    offered = max(displayed_value // price, 1) * 1_000_000
    return max(offered - offered % lot_size, lot_size)


def commands_of(asks: Asks) -> AccountCommands:
    """Return what is asked for as it is sent: fills as rows, the ends of orders as objects beside them."""
    bodies = np.zeros(len(asks), TRADE)
    is_fill = asks.kinds == FILL
    bodies["quantity"], bodies["price"] = asks.quantities, asks.prices
    bodies["symbol"], bodies["is_buy"] = asks.symbol_of, asks.are_buys
    bodies["other"], bodies["order"] = NOT_OTHER, NOT_ORDER
    bodies["order"][is_fill] = FIRST_FILL - np.arange(np.count_nonzero(is_fill))
    ends = np.flatnonzero(~is_fill)
    bodies["other"][ends] = np.arange(len(ends))
    return AccountCommands(
        aggregate_ids=asks.account_ids,
        command_ids=asks.command_ids,
        origins=[Origin(VENUE)],
        origins_of=np.zeros(len(asks), np.int64),
        bodies=bodies,
        others=[asks.command(place) for place in ends.tolist()],
        symbols=asks.symbols,
        orders=no_orders(),
        filled=asks.order_ids[is_fill],
    )


def codes_of(results: BatchResults) -> dict[int, str]:
    """Return the code of each command that was refused or not executed, by its place."""
    numbers = results.rows["code"]
    codes: dict[int, str] = {}
    for place in np.flatnonzero(numbers != DONE).tolist():
        if numbers[place] != SAID_ELSEWHERE:
            codes[place] = CODE_NAMES[numbers[place]]
        else:
            code = results.others[place].code
            if code is not None:
                codes[place] = code
    return codes
