"""The venue process: reads the journal on, takes the market's quotes, and asks accounts to fill or to end orders.

It decides nothing about an account: each fill is a command like anybody's, which the account may refuse. It keeps
nothing either. Killed at any moment it begins again from the journal and asks again under the same command ids, so no
order is filled twice or forgotten. What is not known to have been done is matched again, at the quote of then. A store,
a market or a writer that is away is waited for; orders of partitions that have none too many under way go on meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

import structlog

from accounts.kernels.answers import SAID_ELSEWHERE
from accounts.writer.bus.ports import Bus
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, SystemCode
from accounts.writer.outcomes import CODE_NAMES, BatchResults
from eventstore.errors import StoreUnavailable
from identity.actors import platform_actor
from market.instruments.current import Instruments
from market.quotes import UNKNOWN_MARKET, QuoteSheet, is_stale, tradable_quotes
from tradingplatform.venue.journal import OrderJournal
from tradingplatform.venue.matcher import Quote
from tradingplatform.venue.working_orders import Ask, WorkingOrders

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

    ask: Ask
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
    ) -> None:
        """`displayed_value` is what a quote offers on each side, in ten-thousandths of the currency."""
        self._journal = journal
        self._bus = bus
        self._sheets = sheets
        self._instruments = instruments
        self._displayed_value = displayed_value
        self._poll_seconds = poll_seconds
        self._orders = WorkingOrders(partition_of=journal.partition_of)
        self._sheet = UNKNOWN_MARKET
        self._is_new_sheet = False
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
                self._look_at_market()
                asks = list(self._orders.next_asks())
                for start in range(0, len(asks), ASKS_AT_ONCE_MAX):
                    group.create_task(self._ask(asks[start : start + ASKS_AT_ONCE_MAX]))
                self._report()
                await asyncio.sleep(self._poll_seconds)
            else:
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _read_journal(self) -> bool:
        """Take in what was recorded since, then the answers that came before; False when the store is away."""
        answers, self._answers = self._answers, []
        try:
            for partition, head in (await self._on_thread(self._journal.behind)).items():
                while (found := await self._on_thread(lambda: self._journal.read(partition, to_seq=head))) is not None:  # noqa: B023
                    for recorded in found:
                        self._orders.apply(recorded)
        except StoreUnavailable as error:
            self._answers = answers + self._answers
            if not self._is_store_away:
                log.warning("venue waits for the event store", reason=str(error))
            self._is_store_away = True
            return False
        self._is_store_away = False
        self._orders.hold_partitions(self._journal.unreadable)
        for ask, code in answers:
            if code not in _NOT_DONE:
                self._orders.refused(ask, code)
            elif not self._orders.not_done(ask, is_fault=code == SystemCode.INTERNAL_ERROR):
                log.error("an order rests: what is asked for it fails", order_id=ask.order.order_id, asked=ask.command)
        return True

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reading, work)

    def _look_at_market(self) -> None:
        now_us = time.time_ns() // 1_000
        is_old = is_stale(made_at_us=self._sheet.made_at_us, now_us=now_us)
        if not self._is_new_sheet and not (is_old and self._sheet.quotes):
            return
        self._is_new_sheet = False
        if is_old:
            log.warning("venue without quotes: orders wait", made_at_us=self._sheet.made_at_us)
            self._sheet = UNKNOWN_MARKET
        self._orders.quote(self._quotes(now_us))
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

    async def _ask(self, asks: Sequence[Ask]) -> None:
        """Ask accounts; what they answer is taken in when the journal was read after that."""
        codes = await self._codes(asks)
        self._done += codes.count(None)
        answers = [Answer(ask, code) for ask, code in zip(asks, codes, strict=True) if code is not None]
        self._answers += [answer for answer in answers if answer.code not in _NOT_DONE]
        not_done = [answer for answer in answers if answer.code in _NOT_DONE]
        if not_done:
            log.warning("venue asks again", orders=len(not_done), code=not_done[0].code, in_seconds=NOT_DONE_SECONDS)
            await asyncio.sleep(NOT_DONE_SECONDS)
            self._answers += not_done

    async def _codes(self, asks: Sequence[Ask]) -> list[str | None]:
        """Return for each what keeps it from being done, None where it was done."""
        envelopes = [Envelope(ask.order.account_id, ask.command_id, VENUE, ask.command) for ask in asks]
        try:
            return codes_of(await self._bus.asubmit_batch(AccountCommands.of(envelopes)))
        except Exception:  # Whatever it is, it is narrowed down to the order that it comes from.
            if len(asks) == 1:
                log.exception("venue could not ask", order_id=asks[0].order.order_id)
                return [SystemCode.INTERNAL_ERROR]
            half = len(asks) // 2
            return await self._codes(asks[:half]) + await self._codes(asks[half:])

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


def codes_of(results: BatchResults) -> list[str | None]:
    """Return the code of each command that was refused or not executed, None for one that was done."""
    numbers = results.rows["code"].tolist()
    return [
        results.others[place].code if number == SAID_ELSEWHERE else CODE_NAMES[number] or None
        for place, number in enumerate(numbers)
    ]
