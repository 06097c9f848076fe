"""The strategies by the name that demo.json gives each account."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tradingplatform.venue.strategies.accumulator import accumulator
from tradingplatform.venue.strategies.mean_reversion import mean_reversion
from tradingplatform.venue.strategies.momentum import momentum
from tradingplatform.venue.strategies.rebalancer import rebalancer
from tradingplatform.venue.strategies.views import Strategy

STRATEGIES: Final[Mapping[str, Strategy]] = MappingProxyType(
    {
        "momentum": momentum,
        "mean_reversion": mean_reversion,
        "rebalancer": rebalancer,
        "accumulator": accumulator,
    }
)
