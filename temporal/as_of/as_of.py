"""An account as of any moment: its state, and the event that it stands on.

The cost does not grow with the length of the history: one page and at most 100 events, whatever the moment. What can
never change any more may come from the cache (temporal/as_of/cache.py), where that is worth it. A moment is an instant
or a version; what outside texts say of one is checked here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from accounts.domain.state import Account
from accounts.writer.machine import AccountDecider
from edge.instants import InvalidInstant, parse_instant
from eventstore.errors import FeedGap, IntegrityError, InvalidRange, StoreUnavailable, UnknownAggregate
from eventstore.record import RecordedEvent, event_type_name, instant_of, microseconds
from eventstore.store import get_store
from temporal.as_of.cache import Cache, Kept, configured_cache
from temporal.errors import (
    BeforeOpening,
    FutureInstant,
    HistoryDamaged,
    HistoryUnavailable,
    InvalidMoment,
    UnknownAccount,
)

EVOLVER = AccountDecider()


class Moment(NamedTuple):
    """An instant (what was recorded at it counts), or a version; neither means now."""

    at: datetime | None = None
    version: int | None = None


NOW = Moment()


@dataclass(frozen=True, slots=True)
class AccountAsOf:
    """An account's state at `version`, recorded at `recorded_at` by the command that is named here.

    `event_type` and `event_id` are those of the event of that version.
    """

    account_id: str
    state: Account
    version: int
    recorded_at: datetime
    actor: str
    command_id: str
    event_type: str
    event_id: str


def account_as_of(account_id: str, moment: Moment = NOW) -> AccountAsOf:
    """Return an account as it was at a moment.

    Raises UnknownAccount, BeforeOpening, InvalidMoment for a version that it has not reached, HistoryDamaged.
    """
    cache = None if moment == NOW else configured_cache()
    with translated(account_id):
        if cache is None:
            return _look_up(account_id, moment)
        kept = cache.find(account_id, at=moment.at, version=moment.version)
        if kept is not None:
            return _kept_account(account_id, kept)
        found = _look_up(account_id, moment)
        _keep(cache, found)
        return found


def _look_up(account_id: str, moment: Moment) -> AccountAsOf:
    try:
        found = get_store().state(EVOLVER, account_id, at=moment.at, version=moment.version)
    except UnknownAggregate:
        if moment.at is None:
            raise
        opened = get_store().state(EVOLVER, account_id, version=1)
        raise BeforeOpening(
            f"account {account_id} was opened at {instant_of(opened.timestamp):%Y-%m-%dT%H:%M:%S.%fZ}: "
            f"{moment.at:%Y-%m-%dT%H:%M:%S.%fZ} is before that"
        ) from None
    commit = found.commit
    assert commit is not None, "a state at version 1 or later stands on a commit"
    place = found.version - commit.first_version
    return AccountAsOf(
        account_id=account_id,
        state=found.state,
        version=found.version,
        recorded_at=instant_of(found.timestamp),
        actor=commit.actor,
        command_id=commit.command_id,
        event_type=event_type_name(type(commit.events[place])),
        event_id=commit.event_ids[place],
    )


def _following(found: AccountAsOf) -> RecordedEvent | None:
    """Return the event after the one that a state stands on, if there is one by now."""
    version = found.version + 1
    return next(get_store().events(found.account_id, from_version=version, through_version=version), None)


def _keep(cache: Cache, found: AccountAsOf) -> None:
    """Keep a state for every instant of which it is certain that it will always be the account's state then."""
    following = _following(found)
    until = None if following is None else following.timestamp
    if until is None:
        until = _settled_until(found.account_id)
        # Read again after that: an event that was recorded meanwhile would be before that instant.
        if until is None or _following(found) is not None:
            return
    kept = Kept(
        version=found.version,
        timestamp=microseconds(found.recorded_at),
        actor=found.actor,
        command_id=found.command_id,
        event_type=found.event_type,
        event_id=found.event_id,
        state=EVOLVER.dump(found.state),
    )
    cache.keep(found.account_id, kept, until=until)


def _settled_until(account_id: str) -> int | None:
    """Return an instant (UTC microseconds) before which nothing can be recorded any more in an account's partition.

    Timestamps never decrease within a partition, so the last batch that is in pages already gives one.
    """
    store = get_store()
    partition = store.partition_of(account_id)
    position = store.engine.page_position(partition=partition)
    if position == 0:
        return None
    batches = store.read_batches(partition=partition, after_seq=position - 1, limit=1, with_event_ids=False)
    return batches[0].last_timestamp if batches else None


def _kept_account(account_id: str, kept: Kept) -> AccountAsOf:
    return AccountAsOf(
        account_id=account_id,
        state=EVOLVER.load(kept.state),
        version=kept.version,
        recorded_at=instant_of(kept.timestamp),
        actor=kept.actor,
        command_id=kept.command_id,
        event_type=kept.event_type,
        event_id=kept.event_id,
    )


def moment_of(*, at: str | None, version: str | int | None, now: datetime) -> Moment:
    """Return the moment that was asked for; raises InvalidMoment or FutureInstant.

    `at` is RFC 3339 with a time zone, such as 2026-11-23T14:30:00Z; `now` is what the clock says.
    """
    if at is not None and version is not None:
        raise InvalidMoment("give an instant or a version, not both")
    if version is not None:
        return Moment(version=_version(version))
    return NOW if at is None else Moment(at=instant(at, now=now))


def instant(text: str, *, now: datetime) -> datetime:
    """Return the instant that a text names, in UTC; raises InvalidMoment or FutureInstant."""
    try:
        parsed = parse_instant(text)
    except InvalidInstant as error:
        raise InvalidMoment(str(error)) from None
    if parsed > now:
        raise FutureInstant(f"{text[:40]!r} has not come yet: it is {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return parsed


def _version(given: str | int) -> int:
    text = str(given)
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) < 1:
        raise InvalidMoment(f"a version is a whole number from 1, found {text[:40]!r}")
    return int(text)


@contextmanager
def translated(account_id: str) -> Iterator[None]:
    """Turn the event store's errors into those of this app."""
    try:
        yield
    except UnknownAggregate:
        raise UnknownAccount(f"there are no events of an account {account_id}: check the id") from None
    except InvalidRange as error:
        raise InvalidMoment(str(error)) from error
    except (IntegrityError, FeedGap) as error:
        raise HistoryDamaged(
            f"the history is not what was written, so it is not shown: {error}. Run `manage.py verify_events`"
        ) from error
    except StoreUnavailable as error:
        raise HistoryUnavailable(str(error)) from error
