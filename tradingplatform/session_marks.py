"""Marks the positions of every account at the close of each session, so that its value at the close is recorded.

The prices of a close are written down once. Accounts that hold something are asked page by page, over the bus's lane
for bulk, so that a trader's command goes first; each is told the prices of what it holds. A command's id is made of the
close and the account, and how far it came is written down after each page: whoever goes on after a crash asks a page
again, and is given the first answers. A close that nobody saw is not made up for: the next one counts. So does it for
an account that could not be asked.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection
from django.db.models import Max

from accounts.domain.commands import MarkPositions
from accounts.domain.errors import Code
from accounts.writer.bus.ports import Bus
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope
from eventstore.store import EventStore
from identity.actors import platform_actor
from market.models import CorporateAction
from market.quotes import QuoteSheet, is_quote_stale
from market.replay import Phase
from tradingplatform.corporate_actions.holders import wait_for_tables
from tradingplatform.kill_switch.cancelling import PASSING_CODES
from tradingplatform.models import SessionMark
from tradingplatform.venue.venue import codes_of

log = structlog.get_logger(__name__)

MARKS: Final = platform_actor("session marks")
"""Whose commands these are: no user can spend their ids."""
ACCOUNTS_AT_ONCE_MAX: Final = 500
PAGE_PAUSE_SECONDS: Final = 0.05
"""Between two pages, so that the writer and the projections have time for what is traded."""
BEHIND_SECONDS_MAX: Final = 5.0
REAL_CLOSE_SECONDS_MAX: Final = 60
"""For how long after the close of a market that is not replayed its prices are those of the close."""
TRIES_MAX: Final = 3
"""How often a page is asked whose answers are of the kind that passes."""
_PAGE: Final = """
    SELECT account_id, symbol FROM portfolio_positions WHERE quantity > 0 AND account_id IN (
        SELECT account_id FROM account_summary WHERE account_id > %s ORDER BY account_id LIMIT %s
    ) ORDER BY account_id
"""
_LAST: Final = """
    SELECT max(account_id::text)::uuid FROM (
        SELECT account_id FROM account_summary WHERE account_id > %s ORDER BY account_id LIMIT %s
    ) AS page
"""
_FIRST: Final = UUID(int=0)
_EPOCH: Final = date(1970, 1, 1)
_MARKED_BEFORE: Final = frozenset({Code.COMMAND_ID_REUSED.value, Code.SESSION_ALREADY_MARKED.value})
"""What an account says that was marked before a crash, and has traded since."""


class SessionMarks:
    """Marks accounts at the latest close; to be used by one process at a time."""

    def __init__(self, *, bus: Bus, store: EventStore, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._bus = bus
        self._store = store
        self._is_stopped = is_stopped
        self._done_at_us: int | None = None
        """The close that all is done of: what the table says need not be asked every second."""

    def is_due(self, sheet: QuoteSheet) -> bool:
        """Tell whether there is a close that accounts are not marked at."""
        if sheet.phase is Phase.STALE or sheet.session_date is None:
            return False
        newest = SessionMark.objects.first() if sheet.closed_at_us != self._done_at_us else None
        if newest is not None and newest.ended_at is not None and newest.closed_at_us == sheet.closed_at_us:
            self._done_at_us = newest.closed_at_us
        if sheet.closed_at_us == self._done_at_us:
            return False
        is_begun = newest is not None and newest.closed_at_us == sheet.closed_at_us
        return is_begun or _has_closed(sheet)

    def mark(self, sheet: QuoteSheet) -> SessionMark | None:
        """Mark all accounts at the close of a sheet, or go on with it; return its row, None when there is none."""
        if not self.is_due(sheet) or sheet.session_date is None:
            return None
        close, is_new = SessionMark.objects.get_or_create(
            closed_at_us=sheet.closed_at_us,
            defaults={
                "session_date": sheet.session_date,
                "session": _next_session(sheet.session_date),
                "prices": closing_prices(sheet),
            },
        )
        if close.after_account is None:  # Who traded last is found too; tables that stay behind are not waited for.
            wait_for_tables(self._store, seconds=BEHIND_SECONDS_MAX, is_stopped=self._is_stopped)
        began = time.monotonic()
        while close.ended_at is None and not self._is_stopped():
            self._mark_page(close)
            time.sleep(PAGE_PAUSE_SECONDS)
        if close.ended_at is not None:
            log.info(
                "accounts are marked",
                session=str(close.session_date),
                marked=close.marked,
                left_out=close.left_out,
                seconds=round(time.monotonic() - began, 1),
                went_on=not is_new,
            )
        return close

    def _mark_page(self, close: SessionMark) -> None:
        """Ask the next accounts, then write down how far it is."""
        after = close.after_account or _FIRST
        with connection.cursor() as cursor:
            cursor.execute(_LAST, [after, ACCOUNTS_AT_ONCE_MAX])
            ((last,),) = cursor.fetchall()
            cursor.execute(_PAGE, [after, ACCOUNTS_AT_ONCE_MAX])
            held = cursor.fetchall()
        if last is None:
            close.ended_at = datetime.now(UTC)
        else:
            envelopes = list(_envelopes(close, held))
            left_out = self._ask(envelopes)
            close.after_account = last
            close.marked += len(envelopes) - left_out
            close.left_out += left_out
        close.save()

    def _ask(self, envelopes: list[Envelope]) -> int:
        """Ask these accounts; return how many were not marked."""
        refused = 0
        for _try in range(TRIES_MAX):
            if not envelopes:
                break
            codes = codes_of(asyncio.run(self._bus.asubmit_batch(AccountCommands.of(envelopes))))
            passing = [envelopes[place] for place, code in codes.items() if code in PASSING_CODES]
            refused += sum(code not in _MARKED_BEFORE for code in codes.values()) - len(passing)
            envelopes = passing
        return refused + len(envelopes)


def _next_session(day: date) -> int:
    """Return the number of a session, which no account was marked at yet: a replay that begins again goes back."""
    latest = SessionMark.objects.aggregate(latest=Max("session"))["latest"]
    number = (day - _EPOCH).days
    return number if latest is None else max(number, latest + 1)


def _has_closed(sheet: QuoteSheet) -> bool:
    """Tell whether a sheet has the prices of its close; a market of pushed prices says no more than the time."""
    if sheet.market_time_us != sheet.made_at_us:
        return sheet.phase is Phase.CLOSED
    return sheet.made_at_us - sheet.closed_at_us <= REAL_CLOSE_SECONDS_MAX * 1_000_000


def closing_prices(sheet: QuoteSheet) -> dict[str, int]:
    """Return the prices that a session closed at, without those that were old by then."""
    return {
        quote.symbol: quote.price for quote in sheet.quotes if not is_quote_stale(quote, sheet, now_us=sheet.made_at_us)
    }


def _envelopes(close: SessionMark, held: list[tuple[UUID, str]]) -> Iterator[Envelope]:
    """Yield what each account that holds something is asked; a symbol whose shares are others since has no price."""
    began_later = CorporateAction.objects.filter(began_at__gte=datetime.fromtimestamp(close.closed_at_us / 1e6, UTC))
    others = set(began_later.exclude(repriced_at=None).values_list("symbol", flat=True))
    known: dict[str, int] = {symbol: price for symbol, price in close.prices.items() if symbol not in others}
    for account_id, rows in groupby(held, key=_account_of):
        prices = {symbol: known[symbol] for _, symbol in rows if symbol in known}
        if prices:
            command = MarkPositions(close.session, close.closed_at_us, prices)
            yield Envelope(str(account_id), f"mark-{close.closed_at_us}", MARKS, command)


def _account_of(row: Any) -> UUID:
    account_id: UUID = row[0]
    return account_id
