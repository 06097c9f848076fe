"""A sheet of quotes to test with."""

from datetime import date

from market.calendar import day_index
from market.quotes import QuoteSheet, quotes_at
from market.replay import Phase, ReplayPosition

DAY = date(2019, 3, 4)


def sample_sheet(*, now_us: int, step: int = 1_000, phase: Phase = Phase.OPEN) -> QuoteSheet:
    position = ReplayPosition(day_index=day_index(DAY), phase=phase, step=step)
    return quotes_at(position, now_us=now_us)
