"""What the positions of an account of the past were worth at the market's prices of that instant.

The demo market is a function of time: its clock (market/replay.py) says which day and step of the replay an instant is,
and the path of that day what a symbol cost then. DATA_DIR/market_replay.json holds the clock since the market first ran
here, with its pauses and speeds. So a price is the market's from then on, and before that, or for a symbol that the
replay does not have, it is the one that the account had last traded at. Each price says which.

Nothing is written: a market that never ran has no file, and gets none from here.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import structlog
from django.conf import settings

from accounts.domain.state import Account
from accounts.domain.values import value_of
from eventstore.record import microseconds
from market.calendar import trading_days
from market.corporate_actions.adjustments import Adjustments
from market.instruments.current import current_instruments
from market.intraday import bar_until, day_path
from market.prices import replayed_symbols
from market.replay import ReplayClock, ReplayPosition
from market.replay_file import UnreadableReplayFile, read_replay

PriceSource: TypeAlias = Literal["market", "last trade"]
MARKET: Final = "market"
LAST_TRADE: Final = "last trade"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ValuedPosition:
    """A position at a price in ten-thousandths, and where that price is from."""

    symbol: str
    quantity: int
    cost: int
    price: int
    source: PriceSource

    @property
    def market_value(self) -> int:
        """Quantity times price, rounded half to even."""
        return value_of(self.quantity, self.price)


@dataclass(frozen=True, slots=True)
class Valuation:
    """Every open position of an account at an instant; `session_date` is the day that the market replayed then."""

    at: datetime
    session_date: date | None
    cash: int
    positions: tuple[ValuedPosition, ...]

    @property
    def positions_value(self) -> int:
        """What all positions are worth."""
        return sum(position.market_value for position in self.positions)

    @property
    def positions_cost(self) -> int:
        """What they cost."""
        return sum(position.cost for position in self.positions)


def valuation_of(account: Account, at: datetime) -> Valuation:
    """Return what an account's positions were worth at an instant."""
    clock = known_clock(Path(settings.DATA_DIR))
    at_us = microseconds(at)
    position = clock.position(at_us) if clock is not None and at_us >= clock.began_us else None
    adjustments = current_instruments().adjustments
    valued = []
    for symbol, held in sorted(account.positions.items()):
        if held.quantity:
            price = None if position is None else market_price(symbol, position, adjustments, at_us=at_us)
            source: PriceSource = LAST_TRADE if price is None else MARKET
            valued.append(
                ValuedPosition(symbol, held.quantity, held.cost, held.mark if price is None else price, source)
            )
    session = None if position is None else trading_days()[position.day_index]
    return Valuation(at, session, account.cash, tuple(valued))


def market_price(symbol: str, position: ReplayPosition, adjustments: Adjustments, *, at_us: int) -> int | None:
    """Return what a symbol cost at a position of the replay, which it had at `at_us`, by the splits and changes of
    symbol of until then; None for a symbol that the market did not have.
    """
    replayed = adjustments.replayed(replayed_symbols(), at_us=at_us).get(symbol)
    if replayed is None:
        return None
    return replayed.price(
        bar_until(day_path(symbol=replayed.path, day_index=position.day_index), step=position.step).close
    )


def known_clock(data_dir: Path) -> ReplayClock | None:
    """Return the replay's clock as its file says, None when the market never ran here or the file cannot be read."""
    try:
        return read_replay(data_dir)
    except UnreadableReplayFile as error:
        log.warning("temporal.as_of.valuation.no_market_clock", error=str(error))
        return None
