"""Who holds shares of a symbol, by the read models: page by page to be served, and added up for a preview.

The tables are a little behind the journal: whoever must miss nobody waits until they have what it had, and looks again.
Accounts with dead letters are told as well, because the tables do not know what they hold; the account knows.
"""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from eventstore.store import EventStore
from market.corporate_actions.definition import CorporateActionTerms, Kind
from market.models import CorporateAction
from readmodels.models import DeadLetter, Order
from readmodels.queries.queries import projected_seqs

_DONE: Final = """
    SELECT 1 FROM tradingplatform_corporateactionholder AS done
    WHERE done.action_id = %(action)s AND done.code = 'DONE' AND done.account_id = held.account_id
"""
_PAGE: Final = f"""
    SELECT account_id, quantity FROM portfolio_positions AS held
    WHERE symbol = %(symbol)s AND quantity > 0 AND account_id > %(after)s
        AND NOT EXISTS ({_DONE})
    ORDER BY account_id LIMIT %(limit)s
"""  # noqa: S608 - of our own text.
_TOTALS: Final = """
    SELECT count(*), coalesce(sum(quantity), 0), coalesce(sum(mod(quantity::numeric * %(new)s, %(old_lot)s)), 0)
    FROM portfolio_positions WHERE symbol = %(symbol)s AND quantity > 0
"""
POLL_SECONDS: Final = 0.1
_FIRST: Final = UUID(int=0)
_SHARE: Final = 1_000_000
_MONEY_OF_DIVIDEND: Final = _SHARE * 10**4
"""Millionths of a share times hundred-millionths of the currency, divided by it, is money in ten-thousandths."""


class Holder(NamedTuple):
    """An account and how many millionths of a share it holds."""

    account_id: UUID
    quantity: int


class Preview(NamedTuple):
    """What an action would find and pay now, by tables that are a little behind; cash in ten-thousandths, None where
    the price that it depends on is not known.
    """

    holders: int
    working_orders: int
    cash: int | None


def unserved_holders(action: CorporateAction, *, after: UUID | None, limit: int) -> list[Holder]:
    """Return the accounts that hold the action's symbol and were not served, past `after`, by their ids."""
    values: dict[str, Any] = {"symbol": action.symbol, "action": action.pk, "after": after or _FIRST, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, values)
        return [Holder(*row) for row in cursor.fetchall()]


def wait_for_tables(store: EventStore, *, seconds: float, is_stopped: Callable[[], bool]) -> bool:
    """Return True once the read models have all that is in the journal now, False when that takes too long."""
    heads = store.heads()
    until = time.monotonic() + seconds
    while True:
        seqs = projected_seqs()
        if all(seqs.get(partition, 0) >= head for partition, head in heads.items()):
            return True
        if time.monotonic() >= until or is_stopped():
            return False
        time.sleep(POLL_SECONDS)


def accounts_with_dead_letters() -> set[UUID]:
    """Return the accounts of which the tables do not know everything."""
    return set(DeadLetter.objects.values_list("account_id", flat=True).distinct())


def preview(terms: CorporateActionTerms | CorporateAction, *, price: int | None, lot_size: int) -> Preview:
    """Return what an action would come to; `price` is that of a share today, `lot_size` the instrument's."""
    numerator, denominator = terms.numerator or 1, terms.denominator or 1
    old_lot = denominator * (terms.lot_size or lot_size)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"symbol": terms.symbol, "new": numerator, "old_lot": old_lot})
        holders, quantity, fractions = cursor.fetchone()
    cash: int | None = 0
    if terms.kind == Kind.DIVIDEND:
        cash = int(quantity) * (terms.amount_per_share or 0) // _MONEY_OF_DIVIDEND
    elif terms.kind == Kind.SPLIT:
        new_price = terms.fraction_price or (None if price is None else new_share_price(price, numerator, denominator))
        cash = None if new_price is None else int(fractions) * new_price // (denominator * _SHARE)
    return Preview(holders, Order.objects.filter(symbol=terms.symbol, ended_at__isnull=True).count(), cash)


def new_share_price(price: int, numerator: int, denominator: int) -> int:
    """Return what a new share of a split is worth by the price of an old one: rounded half up, and never zero."""
    return max((2 * price * denominator + numerator) // (2 * numerator), 1)
