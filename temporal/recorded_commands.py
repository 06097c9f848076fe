"""The commits of an account's past, in order: each is the result of one command (accounts/domain/recorded.py)."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

from accounts.domain import events as e
from eventstore.store import EventStore

PAGES_AT_ONCE: Final = 16


class RecordedCommand(NamedTuple):
    """A commit: its events, the first of them at `version`, recorded at `timestamp` (UTC microseconds)."""

    version: int
    timestamp: int
    command_id: str
    events: tuple[e.AccountEvent, ...]


def recorded_commands(store: EventStore, account_id: str, *, after_version: int = 0) -> Iterator[RecordedCommand]:
    """Yield an account's commits past a version, in order; raises UnknownAggregate when it has no events."""
    while pages := store.pages.after(account_id, after_version=after_version, limit=PAGES_AT_ONCE):
        for page in pages:
            for commit in page.commits():
                if commit.first_version > after_version:
                    yield RecordedCommand(commit.first_version, commit.timestamp, commit.command_id, commit.events)
            after_version = page.last_version
    tail = store.events(account_id, from_version=after_version + 1)
    commits = groupby(tail, key=lambda event: (event.actor, event.command_id, event.timestamp))
    for (_, command_id, timestamp), events in commits:
        of_command = list(events)
        yield RecordedCommand(of_command[0].version, timestamp, command_id, tuple(event.data for event in of_command))
