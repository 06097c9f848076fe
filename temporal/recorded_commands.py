"""The commits of an account's past, in order: each is the result of one command (accounts/domain/recorded.py)."""

from collections.abc import Iterator
from typing import NamedTuple

from accounts.domain import events as e
from eventstore.store import EventStore


class RecordedCommand(NamedTuple):
    """A commit: its events, the first of them at `version`, recorded at `timestamp` (UTC microseconds)."""

    version: int
    timestamp: int
    command_id: str
    events: tuple[e.AccountEvent, ...]


def recorded_commands(store: EventStore, account_id: str, *, after_version: int = 0) -> Iterator[RecordedCommand]:
    """Yield an account's commits past a version, in order; none when it has no events."""
    for columns in store.columns(account_id, after_version=after_version):
        for commit in store.commits(columns):
            if commit.first_version > after_version:
                yield RecordedCommand(commit.first_version, commit.timestamp, commit.command_id, commit.events)
