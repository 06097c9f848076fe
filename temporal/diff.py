"""What changed in an account between two moments, and the events that did it, each with who asked for it and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from accounts.domain.events import CommandRefused
from eventstore.provider import get_store
from eventstore.record import RecordedEvent
from temporal.as_of import AccountAsOf, account_as_of, translated
from temporal.errors import InvalidMoment
from temporal.moments import Moment
from temporal.shapes import account_shape

_OF_THE_MOMENT: Final = frozenset({"at", "recorded_at", "actor", "command_id", "version"})
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


def difference(account_id: str, start: Moment, end: Moment) -> Difference:
    """Return what changed from one moment to a later one.

    Raises InvalidMoment when the second is before the first, and what account_as_of raises.
    """
    before, after = account_as_of(account_id, start), account_as_of(account_id, end)
    if after.version < before.version or (start.at and end.at and end.at < start.at):
        raise InvalidMoment(
            f"a difference goes from a moment to a later one: found version {before.version} to {after.version}"
        )
    flat_before, flat_after = (_flat(account_shape(found, at=None)) for found in (before, after))
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


def reason_of(event: Any) -> str | None:
    """Return why something happened: the code of a refusal, or the words of whoever asked for it."""
    if isinstance(event, CommandRefused):
        return event.code
    reason: str = getattr(event, "reason", "") or getattr(event, "reference", "")
    return reason or None


def _flat(shape: dict[str, Any]) -> dict[str, Any]:
    """Return figures by path, such as "cash", "day.volume", "positions.KO.quantity"."""
    flat: dict[str, Any] = {}
    for name, value in shape.items():
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
    return flat
