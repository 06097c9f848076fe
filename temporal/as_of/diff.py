"""What changed in an account between two moments, and the events that did it, each with who asked for it and why.

Only what an account is counts: figures of the day are those of the last day with a trade, so that the mere passing of
midnight is no change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from accounts.domain.values import format_amount
from accounts.shapes import instant_text
from eventstore.record import RecordedEvent
from eventstore.store import get_store
from temporal.as_of.as_of import NOW, AccountAsOf, Moment, account_as_of, translated
from temporal.as_of.shapes import AccountDiff, account_shape
from temporal.errors import InvalidMoment

FIRST: Final = Moment(version=1)
_OF_THE_MOMENT: Final = frozenset({"at", "recorded_at", "actor", "command_id", "event_id", "event_type", "version"})
"""What differs between any two moments, and says nothing of what the account is."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure that is not what it was; `before` or `after` is None for what did not, or does not, exist."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """Two moments of an account and everything that is different between them."""

    before: AccountAsOf
    after: AccountAsOf
    changes: tuple[Change, ...]


class EventPage(NamedTuple):
    """Some of the events between two moments; `next` is the version to go on after, None at the end."""

    events: list[RecordedEvent]
    next: int | None


def difference(account_id: str, start: Moment, end: Moment) -> Difference:
    """Return what changed from one moment to a later one; from the first event, when no start is given.

    Raises InvalidMoment when the second is before the first, and what account_as_of raises.
    """
    if start.at is not None and end.at is not None and end.at < start.at:
        raise InvalidMoment(
            f"a difference goes from a moment to a later one: found {instant_text(start.at)} to {instant_text(end.at)}"
        )
    before, after = account_as_of(account_id, FIRST if start == NOW else start), account_as_of(account_id, end)
    if after.version < before.version:
        raise InvalidMoment(
            f"a difference goes from a moment to a later one: found version {before.version} to {after.version}"
        )
    flat_before, flat_after = figures(before), figures(after)
    fields = [*flat_before, *(field for field in flat_after if field not in flat_before)]
    changes = tuple(
        Change(field, flat_before.get(field), flat_after.get(field))
        for field in fields
        if flat_before.get(field) != flat_after.get(field)
    )
    return Difference(before, after, changes)


def events_of(found: Difference, *, after_version: int = 0) -> Iterator[RecordedEvent]:
    """Yield the events between the two moments, in order, past a version."""
    first = max(found.before.version, after_version) + 1
    if first > found.after.version:
        return
    with translated(found.before.account_id):
        yield from get_store().events(found.before.account_id, from_version=first, through_version=found.after.version)


def event_page(found: Difference, *, after_version: int, limit: int) -> EventPage:
    """Return at most so many of the events between the two moments, past a version."""
    events = list(islice(events_of(found, after_version=after_version), limit + 1))
    return EventPage(events[:limit], events[limit - 1].version if len(events) > limit else None)


def figures(found: AccountAsOf) -> dict[str, Any]:
    """Return everything that an account is, by path, such as "cash", "day.volume", "positions.KO.quantity"."""
    flat: dict[str, Any] = {}
    for name, value in account_shape(found, at=None).items():
        if name in _OF_THE_MOMENT:
            continue
        if isinstance(value, list):
            key = "symbol" if name == "positions" else "order_id"
            for item in value:
                flat |= {f"{name}.{item[key]}.{field}": of for field, of in item.items() if field != key}
        elif isinstance(value, dict):
            flat |= {f"{name}.{field}": of for field, of in value.items()}
        else:
            flat[name] = value
    return flat | _last_day_with_a_trade(found)


class DiffPage(NamedTuple):
    """A difference and a page of its events."""

    difference: Difference
    page: EventPage


def diff_shape(found: Difference, page: EventPage) -> dict[str, Any]:
    """Return a difference and a page of its events as JSON shows them."""
    return AccountDiff.show(DiffPage(found, page))


def _last_day_with_a_trade(found: AccountAsOf) -> dict[str, Any]:
    state = found.state
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=state.day)).date().isoformat()
    return {
        "day.date": day if state.trade_count else None,
        "day.volume": format_amount(state.day_volume),
        "day.trades": state.day_trades,
        "day.realized_pnl": format_amount(state.day_realized_pnl),
    }
