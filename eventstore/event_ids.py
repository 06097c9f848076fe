"""The ids of events: derived from their hashes, so they are not stored but made again when somebody asks."""

from collections.abc import Sequence
from typing import Any

from eventstore.integrity.hashing import event_id, leaf_hash
from eventstore.record import Commit
from eventstore.serialization.columns import raw_commits


def fill_event_ids(plain: bytes, commits: Sequence[Commit[Any]]) -> None:
    """Give the commits that a plain payload was decoded to the ids of their events."""
    for commit, (header, events) in zip(commits, raw_commits(plain), strict=True):
        commit.event_ids = tuple([event_id(leaf_hash(header, index, event)) for index, event in enumerate(events)])
