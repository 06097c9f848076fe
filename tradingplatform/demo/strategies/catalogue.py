"""The strategies by the name that demo.json gives each account."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tradingplatform.demo.strategies.accumulator import accumulator
from tradingplatform.demo.strategies.mean_reversion import mean_reversion
from tradingplatform.demo.strategies.momentum import momentum
from tradingplatform.demo.strategies.rebalancer import rebalancer
from tradingplatform.demo.strategies.views import Strategy

STRATEGIES: Final[Mapping[str, Strategy]] = MappingProxyType(
    {
        "momentum": momentum,
        "mean_reversion": mean_reversion,
        "rebalancer": rebalancer,
        "accumulator": accumulator,
    }
)
