"""Instruments to test with: the demo's twenty, and those that a test makes up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from market.corporate_actions.adjustments import Adjustments
from market.instruments.csv_file import DEMO_FILE, definitions_of, read_file
from market.instruments.current import Instruments, hold_instruments
from market.instruments.definition import InstrumentDefinition

DEMO_INSTRUMENTS = Instruments.of(definitions_of(read_file(DEMO_FILE)), version=1)
DEMO_SYMBOLS = tuple(DEMO_INSTRUMENTS.by_symbol)


def instrument(symbol: str, **fields: Any) -> InstrumentDefinition:
    """Return an instrument like Coca-Cola's share, but for these fields."""
    return replace(DEMO_INSTRUMENTS.by_symbol["KO"], symbol=symbol, **fields)


@contextmanager
def adjusted(adjustments: Adjustments) -> Iterator[None]:
    """Hold the demo's instruments, to which these corporate actions were applied."""
    hold_instruments(replace(DEMO_INSTRUMENTS, adjustments=adjustments))
    try:
        yield
    finally:
        hold_instruments(DEMO_INSTRUMENTS)


@contextmanager
def held(*definitions: InstrumentDefinition) -> Iterator[None]:
    """Hold these instruments beside the demo's, or in the place of those of their symbols."""
    more = {each.symbol: each for each in definitions}
    hold_instruments(Instruments.of({**DEMO_INSTRUMENTS.by_symbol, **more}, version=2))
    try:
        yield
    finally:
        hold_instruments(DEMO_INSTRUMENTS)
