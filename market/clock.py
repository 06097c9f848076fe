"""What the market's clock says: its own time and phase at a real instant, now or in the past."""

from typing import Any, NamedTuple

from market.payloads import format_instant
from market.quotes import real_session, replayed_session
from market.replay import Phase, ReplayClock


class ClockReading(NamedTuple):
    """The market at a real instant (UTC microseconds). The phase is STALE, and nothing else is known, before it ran."""

    at_us: int
    market_time_us: int | None
    session_date: str | None
    phase: Phase
    is_paused: bool
    seconds_per_day: int | None
    """Real seconds of a trading day; None where the market is in real time."""

    def shown(self) -> dict[str, Any]:
        """Return it as the APIs show it."""
        return {
            "at": format_instant(self.at_us),
            "market_time": None if self.market_time_us is None else format_instant(self.market_time_us),
            "date": self.session_date,
            "phase": self.phase.value,
            "is_paused": self.is_paused,
            "seconds_per_day": self.seconds_per_day,
        }


def read_clock(clock: ReplayClock | None, *, at_us: int, is_replayed: bool) -> ClockReading:
    """Return what the market's clock says at an instant."""
    if clock is None or at_us < clock.began_us:
        return ClockReading(at_us, None, None, Phase.STALE, is_paused=False, seconds_per_day=None)
    segment = clock.segment_at(at_us)
    if is_replayed:
        session = replayed_session(clock.position(at_us), now_us=at_us)
    else:
        session = real_session(now_us=at_us, is_paused=segment.is_paused)
    return ClockReading(
        at_us=at_us,
        market_time_us=session.market_time_us,
        session_date=None if session.session_date is None else session.session_date.isoformat(),
        phase=session.phase,
        is_paused=segment.is_paused,
        seconds_per_day=segment.seconds_per_day if is_replayed else None,
    )
