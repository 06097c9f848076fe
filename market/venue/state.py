"""What is known of the venue: whether it was stopped by hand, since when, by whom and why. Pure: no Django.

A stopped venue fills nothing and ends nothing; orders can still be placed and cancelled. Processes know the state by
`current_venue` (market/instruments/current.py); it is changed by market/venue/changes.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

LATEST_CHANGE_SQL: Final = "SELECT is_stopped, at, actor, reason, id FROM market_venuechange ORDER BY id DESC LIMIT 1"
"""The fields of a VenueState; no row: it was never stopped."""


@dataclass(frozen=True, slots=True)
class VenueState:
    """The venue as of one change; `version` is the number of that change, 0 before the first."""

    is_stopped: bool
    at: datetime | None = None
    """Since when; None before the first change."""
    actor: str = ""
    reason: str = ""
    version: int = 0
    is_loaded: bool = True
    """False as long as PostgreSQL was never heard."""

    @property
    def may_fill(self) -> bool:
        """Whether orders may be filled and ended: not as long as a stop may have been missed."""
        return self.is_loaded and not self.is_stopped


RUNNING: Final = VenueState(is_stopped=False)
NOT_LOADED: Final = VenueState(is_stopped=False, is_loaded=False)
