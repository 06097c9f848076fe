"""The ids of events: derived from their hashes, so they are not stored but made again when somebody asks."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from eventstore.columns.cells import leaf_hashes
from eventstore.columns.packed import CommitColumns
from eventstore.integrity.hashing import event_id
from eventstore.record import Commit


def fill_event_ids(columns: CommitColumns, commits: Sequence[Commit[Any]]) -> None:
    """Give the commits that a payload was decoded to the ids of their events."""
    ids = iter([event_id(leaf.tobytes()) for leaf in leaf_hashes(*columns)])
    for commit in commits:
        commit.event_ids = tuple(islice(ids, len(commit.events)))
