"""An account as of any moment: its state, and the event that it stands on.

The cost does not grow with the length of the history: one page and at most 100 events, whatever the moment.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from accounts.application.decider import AccountDecider
from accounts.domain.state import Account
from eventstore.errors import FeedGap, IntegrityError, InvalidRange, UnknownAggregate
from eventstore.instants import instant_of
from eventstore.provider import get_store
from temporal.errors import BeforeOpening, HistoryDamaged, InvalidMoment, UnknownAccount
from temporal.moments import NOW, Moment

EVOLVER = AccountDecider()


@dataclass(frozen=True, slots=True)
class AccountAsOf:
    """An account's state at `version`, recorded at `recorded_at` by the command that is named here."""

    account_id: str
    state: Account
    version: int
    recorded_at: datetime
    actor: str
    command_id: str


def account_as_of(account_id: str, moment: Moment = NOW) -> AccountAsOf:
    """Return an account as it was at a moment.

    Raises UnknownAccount, BeforeOpening, InvalidMoment for a version that it has not reached, HistoryDamaged.
    """
    with translated(account_id):
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
    return AccountAsOf(
        account_id=account_id,
        state=found.state,
        version=found.version,
        recorded_at=instant_of(found.timestamp),
        actor=commit.actor,
        command_id=commit.command_id,
    )


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
