"""What applied corporate actions make of the replayed prices: a split divides them, a symbol goes on by another's path.

The replayed closes are adjusted: a split of the past is not in them. So a split that is applied here would create value
out of nothing if prices went on as they were. From the instant on at which an action counts for prices (its row's
`repriced_at`, in real time, while trading in the symbol is halted) every replayed price of the symbol is divided, those
of the day before among them, as an exchange does with the previous close. Bars that were recorded before stay what was
traded. A dividend changes no price here, because the adjusted closes have no drop of one. Pure: no Django, no database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from market.money import TICK


class Adjustment(NamedTuple):
    """An action that counts for prices since an instant of real time (UTC microseconds): a split, 2 for 1 say, or,
    where `new_symbol` is one, a change of symbol.
    """

    at_us: int
    symbol: str
    numerator: int
    denominator: int
    new_symbol: str | None


class Replayed(NamedTuple):
    """By which symbol's path of the data a symbol is priced, and by which ratio those prices are divided."""

    path: str
    numerator: int = 1
    denominator: int = 1

    def price(self, value: int) -> int:
        """Return a price of the path as a price of now: rounded half up to a cent, and never zero."""
        if self.numerator == self.denominator:
            return value
        step = TICK * self.numerator
        return max((2 * value * self.denominator + step) // (2 * step) * TICK, TICK)


@dataclass(frozen=True, slots=True)
class Adjustments:
    """All of them, oldest first."""

    applied: tuple[Adjustment, ...] = ()

    def replayed(self, paths: Sequence[str], *, at_us: int) -> Mapping[str, Replayed]:
        """Return how each symbol that has a price at an instant is priced, given the symbols that there are data of."""
        return _replayed(self.applied[: sum(each.at_us <= at_us for each in self.applied)], tuple(paths))


NO_ADJUSTMENTS = Adjustments()


@lru_cache(maxsize=64)
def _replayed(applied: tuple[Adjustment, ...], paths: tuple[str, ...]) -> Mapping[str, Replayed]:
    found = {path: Replayed(path) for path in paths}
    for each in applied:
        old = found.get(each.symbol)
        if old is None:
            continue  # Its prices come from elsewhere.
        if each.new_symbol is None:
            found[each.symbol] = old._replace(
                numerator=old.numerator * each.numerator, denominator=old.denominator * each.denominator
            )
        else:
            del found[each.symbol]
            found.setdefault(each.new_symbol, old)  # One that was priced before keeps its own path.
    return found
